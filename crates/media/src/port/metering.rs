//! What a port reports of its audio to those who asked: levels at intervals, and the audio itself.

use super::Port;
use crate::resample::Resampler;
use crate::tone::Meter;

/// One measurement of both directions, repeated.
pub struct Metering {
    pub every_ms: u32,
    pub elapsed_ms: u32,
    pub inbound: Meter,
    pub outbound: Meter,
    pub in_packets: u64,
    pub out_packets: u64,
}

/// Decoded audio for whoever asked for it.
pub struct Listening {
    pub rate: u32,
    resampler: Option<(u32, Resampler)>,
}

impl Metering {
    pub fn new(every_ms: u32, port: &Port) -> Self {
        Self {
            every_ms,
            elapsed_ms: 0,
            inbound: Meter::new(port.ingress.rate),
            outbound: Meter::new(port.out.codec.clock_rate()),
            in_packets: port.ingress.packets,
            out_packets: port.out.packets,
        }
    }
}

/// Measure a frame, with another meter if its rate is another.
pub fn measure(meter: &mut Meter, rate: u32, pcm: &[i16]) {
    if meter.rate() != rate {
        *meter = Meter::new(rate);
    }
    meter.push(pcm);
}

impl Listening {
    pub fn new(rate: u32) -> Self {
        Self { rate, resampler: None }
    }

    /// A frame at the rate that was asked for, as little-endian bytes.
    pub fn convert(&mut self, pcm: &[i16], rate: u32) -> Vec<u8> {
        let mut converted = Vec::new();
        let source = if rate == self.rate {
            pcm
        } else {
            if self.resampler.as_ref().is_none_or(|(from, _)| *from != rate) {
                self.resampler = Resampler::new(rate, self.rate).map(|made| (rate, made));
            }
            if let Some((_, resampler)) = &mut self.resampler {
                resampler.push(pcm, &mut converted);
            }
            &converted
        };
        source.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }
}
