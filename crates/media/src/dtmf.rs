//! DTMF: RFC 4733 telephone-events in and out, and dual tones for far ends without them.

use std::time::Duration;

/// One key press of the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    pub digit: char,
    pub duration_ms: u32,
}

pub struct DtmfReceiver {}

impl DtmfReceiver {
    pub fn new(_clock_rate: u32) -> Self {
        todo!()
    }

    /// Take a telephone-event payload; the press that this packet completes, if any.
    pub fn push(&mut self, _timestamp: u32, _payload: &[u8], _now: Duration) -> Option<Press> {
        todo!()
    }

    /// Call on each tick: a press whose end packets were all lost ends after 120 ms without packets.
    pub fn tick(&mut self, _now: Duration) -> Option<Press> {
        todo!()
    }
}

/// What the sender wants done on this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfStep {
    /// Nothing is queued: audio goes on as usual.
    Idle,
    /// A pause before or after a digit: audio goes on as usual.
    Pause,
    /// `Egress::begin_event`, then this payload.
    Begin([u8; 4]),
    /// `Egress::continue_event`, then this payload.
    Continue([u8; 4]),
    /// As `Continue`, three packets in a row with this payload, then `Egress::end_event`.
    End([u8; 4]),
}

/// Sends digits as telephone-events, one step for each 20 ms tick.
pub struct DtmfSender {}

impl DtmfSender {
    pub fn new(_clock_rate: u32) -> Self {
        todo!()
    }

    /// Queue digits; `w` pauses 0.5 s and `W` 1 s; other characters are ignored.
    pub fn send(&mut self, _digits: &str, _duration_ms: u32, _gap_ms: u32) {
        todo!()
    }

    pub fn is_idle(&self) -> bool {
        todo!()
    }

    pub fn tick(&mut self) -> DtmfStep {
        todo!()
    }
}

/// Sends digits as dual tones in band.
pub struct DtmfTones {}

impl DtmfTones {
    pub fn new(_rate: u32) -> Self {
        todo!()
    }

    /// As [`DtmfSender::send`].
    pub fn send(&mut self, _digits: &str, _duration_ms: u32, _gap_ms: u32) {
        todo!()
    }

    pub fn is_idle(&self) -> bool {
        todo!()
    }

    /// Replace `frame` by tones (or silence in gaps); false, and `frame` untouched, when idle.
    pub fn render(&mut self, _frame: &mut [i16]) -> bool {
        todo!()
    }
}
