//! Call quality from counters.
use std::time::Duration;

use crate::codec::CodecKind;

/// MOS (1.0 to 4.5) of one direction. `burst_ratio` 1 is random loss.
pub fn mos(_codec: CodecKind, _one_way_delay_ms: f32, _loss_percent: f32, _burst_ratio: f32) -> f32 {
    todo!()
}

/// The interarrival jitter of RFC 3550 section 6.4.1.
#[derive(Clone, Debug)]
pub struct JitterEstimator {}

impl JitterEstimator {
    pub fn new(_clock_rate: u32) -> Self {
        todo!()
    }

    pub fn arrived(&mut self, _timestamp: u32, _at: Duration) {
        todo!()
    }

    pub fn jitter_ms(&self) -> f32 {
        todo!()
    }
}
