//! Both directions of a port's audio for those who asked: every 20 ms what its far end said and what it was given to
//! hear, aligned in time, silence where there was nothing. Knows no files.

use crate::codec::FRAME_MS;
use crate::encoding::{Encode, Encoding};
use crate::messages::{Event, Tracks};
use crate::resample::Resampler;

/// One tick's audio of one direction, at its own rate; empty is silence.
#[derive(Clone, Copy, Default)]
pub struct Frame<'a> {
    pub pcm: &'a [i16],
    pub rate: u32,
}

/// One direction at the rate that was asked for.
#[derive(Default)]
pub(super) struct Track {
    resampler: Option<(u32, Resampler)>,
    pub(super) pcm: Vec<i16>,
}

impl Track {
    /// What was before is silence now.
    pub(super) fn forget(&mut self) {
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.forget();
        }
    }

    pub(super) fn take(&mut self, frame: Frame<'_>, rate: u32) {
        self.pcm.clear();
        if frame.rate == rate {
            self.pcm.extend_from_slice(frame.pcm);
        } else if !frame.pcm.is_empty() {
            if self.resampler.as_ref().is_none_or(|(from, _)| *from != frame.rate) {
                self.resampler = Resampler::new(frame.rate, rate).map(|made| (frame.rate, made));
            }
            if let Some((_, resampler)) = &mut self.resampler {
                resampler.push(frame.pcm, &mut self.pcm);
            }
        }
        self.pcm.resize((rate * FRAME_MS / 1_000) as usize, 0);
    }
}

/// See the module.
pub struct Tap {
    pub rate: u32,
    pub tracks: Tracks,
    inbound: Track,
    outbound: Track,
}

impl Tap {
    /// `rate` in Hz, a multiple of 50.
    pub fn new(rate: u32, tracks: Tracks) -> Self {
        Self { rate, tracks, inbound: Track::default(), outbound: Track::default() }
    }

    /// Take a tick's audio.
    pub fn take(&mut self, inbound: Frame<'_>, outbound: Frame<'_>) {
        if self.tracks.has_inbound() {
            self.inbound.take(inbound, self.rate);
        }
        if self.tracks.has_outbound() {
            self.outbound.take(outbound, self.rate);
        }
    }

    /// What the far end said in the last tick; empty where it was not asked for.
    pub fn inbound(&self) -> &[i16] {
        &self.inbound.pcm
    }

    /// What the far end was given to hear in the last tick; empty where it was not asked for.
    pub fn outbound(&self) -> &[i16] {
        &self.outbound.pcm
    }
}

/// A tap whose audio is told by messages.
pub struct Report {
    pub number: u64,
    pub tap: Tap,
    inbound: Option<Encode>,
    outbound: Option<Encode>,
}

impl Report {
    /// `rate` is that of PCM; any other encoding has its own.
    pub fn new(number: u64, rate: u32, tracks: Tracks, encoding: Encoding) -> Self {
        let tap = Tap::new(encoding.rate(rate), tracks);
        Self { number, tap, inbound: Encode::new(encoding), outbound: Encode::new(encoding) }
    }

    pub fn event(&mut self, port: u32, at_ms: u64) -> Event {
        Event::Tapped {
            port,
            tap: self.number,
            at_ms,
            rate: self.tap.rate,
            inbound: bytes(&mut self.inbound, self.tap.inbound()),
            outbound: bytes(&mut self.outbound, self.tap.outbound()),
        }
    }
}

/// A direction that was not asked for stays empty, and so does what cannot be encoded.
fn bytes(encode: &mut Option<Encode>, pcm: &[i16]) -> Vec<u8> {
    match encode {
        Some(encode) if !pcm.is_empty() => encode.bytes(pcm),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_tracks_are_equally_long_whatever_comes() {
        let mut tap = Tap::new(16_000, Tracks::Both);
        let wide = vec![1_000; 960];
        let narrow = vec![-1_000; 160];
        for (inbound, outbound) in [
            (Frame { pcm: &wide, rate: 48_000 }, Frame { pcm: &narrow, rate: 8_000 }),
            (Frame::default(), Frame { pcm: &wide, rate: 48_000 }),
            (Frame { pcm: &narrow, rate: 8_000 }, Frame::default()),
        ] {
            tap.take(inbound, outbound);
            assert_eq!((tap.inbound().len(), tap.outbound().len()), (320, 320));
        }
        assert!(tap.outbound().iter().all(|sample| *sample == 0));
    }

    #[test]
    fn what_was_not_asked_for_is_empty() {
        let mut tap = Tap::new(8_000, Tracks::Inbound);
        let frame = [7; 160];
        tap.take(Frame { pcm: &frame, rate: 8_000 }, Frame { pcm: &frame, rate: 8_000 });
        assert_eq!((tap.inbound(), tap.outbound()), (&frame[..], &[][..]));
    }
}
