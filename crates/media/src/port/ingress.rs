//! What one far end sends: counters, key presses, and decoded audio where somebody needs it. Knows no sockets.

use std::time::Duration;

use super::tap::{Frame, Track};
use crate::codec::{CodecKind, FRAME_MS};
use crate::denoise::Denoiser;
use crate::dtmf::{DtmfReceiver, Press};
use crate::jitter::{Arrival, JitterBuffer, JitterCounters, Payload};
use crate::quality::JitterEstimator;
use crate::rtp::Packet;

/// A frame whose loudest sample is no louder is silence: -66 dBov is heard by nobody, and A-law has no zero.
const SILENT_PEAK: u16 = 16;

/// What a tick's frame is to a mix.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    Silent,
    Heard,
    /// It is there at the other rate, too.
    Converted(u32),
}

/// What the far end sends.
pub struct Ingress {
    pub packets: u64,
    pub bytes: u64,
    pub(super) estimator: JitterEstimator,
    sequence: Sequence,
    pub codec: Option<CodecKind>,
    pub last_packet: Option<Duration>,
    /// Only while somebody needs decoded audio.
    jitter: Option<JitterBuffer>,
    pub denoiser: Option<Denoiser>,
    counters: JitterCounters,
    pub(super) events_48k: DtmfReceiver,
    pub(super) events_8k: DtmfReceiver,
    /// This tick's decoded frame, at `rate`.
    pub pcm: Vec<i16>,
    pub rate: u32,
    voice: Voice,
    other_rate: Track,
}

/// Counts what should have come (RFC 3550 appendix A.3).
#[derive(Default)]
struct Sequence {
    ssrc: u32,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// Of streams before this one.
    lost_before: u64,
}

impl Sequence {
    fn note(&mut self, ssrc: u32, extended: u64) {
        if self.first.is_none() || self.ssrc != ssrc {
            self.lost_before = self.lost();
            (self.ssrc, self.first, self.highest, self.received) = (ssrc, Some(extended), extended, 0);
        }
        self.highest = self.highest.max(extended);
        self.received += 1;
    }

    fn lost(&self) -> u64 {
        let expected = self.first.map_or(0, |first| self.highest.saturating_sub(first) + 1);
        self.lost_before + expected.saturating_sub(self.received)
    }
}

impl Ingress {
    pub(super) fn new() -> Self {
        Self {
            packets: 0,
            bytes: 0,
            estimator: JitterEstimator::new(48_000),
            sequence: Sequence::default(),
            codec: None,
            last_packet: None,
            jitter: None,
            denoiser: None,
            counters: JitterCounters::default(),
            events_48k: DtmfReceiver::new(48_000),
            events_8k: DtmfReceiver::new(8_000),
            pcm: Vec::new(),
            rate: 48_000,
            voice: Voice::Silent,
            other_rate: Track::default(),
        }
    }

    pub(super) fn count(&mut self, packet: &Packet, at: Duration) {
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        self.last_packet = Some(at);
        self.sequence.note(packet.ssrc, packet.extended_seq);
    }

    /// Packets that should have come and have not.
    pub(super) fn lost(&self) -> u64 {
        self.sequence.lost()
    }

    pub(super) fn estimator_of(&mut self, codec: Option<CodecKind>) -> &mut JitterEstimator {
        let rate = codec.map_or(48_000, CodecKind::clock_rate);
        if self.estimator.clock_rate() != rate {
            self.estimator = JitterEstimator::new(rate);
        }
        &mut self.estimator
    }

    pub(super) fn push(&mut self, arrival: Arrival, payload: Payload<'_>) {
        if self.jitter.is_none() {
            self.jitter = JitterBuffer::new(self.codec.unwrap_or(CodecKind::Opus)).ok();
        }
        if let Some(jitter) = &mut self.jitter {
            jitter.push(arrival, payload);
        }
    }

    /// This tick's 20 ms of the far end's audio into `pcm`, without its noise where that is wanted; silence while nothing
    /// has come.
    pub fn pull(&mut self, at: Duration) {
        self.decode(at);
        if let Some(denoiser) = &mut self.denoiser {
            denoiser.clean(&mut self.pcm, self.rate);
        }
        self.voice = Voice::Heard;
        if self.pcm.iter().all(|sample| sample.unsigned_abs() <= SILENT_PEAK) {
            self.voice = Voice::Silent;
            self.other_rate.forget();
        }
    }

    /// There is no audio in this tick.
    pub fn rest(&mut self) {
        self.pcm.clear();
        self.voice = Voice::Silent;
    }

    /// This tick's frame at a rate of ours; empty where it is silence, which adds nothing to a mix.
    pub fn at(&mut self, rate: u32) -> &[i16] {
        match self.voice {
            Voice::Silent => &[],
            _ if rate == self.rate => &self.pcm,
            Voice::Converted(to) if to == rate => &self.other_rate.pcm,
            Voice::Heard | Voice::Converted(_) => {
                self.other_rate.take(Frame { pcm: &self.pcm, rate: self.rate }, rate);
                self.voice = Voice::Converted(rate);
                &self.other_rate.pcm
            }
        }
    }

    fn decode(&mut self, at: Duration) {
        match &mut self.jitter {
            Some(jitter) => {
                jitter.pull(at, &mut self.pcm);
                self.rate = jitter.codec().clock_rate();
            }
            None => {
                self.pcm.clear();
                self.pcm.resize((self.rate / 1_000 * FRAME_MS) as usize, 0);
            }
        }
    }

    /// Nobody needs decoded audio any more: let the buffer go, keep its counters.
    pub fn stop_decoding(&mut self) {
        if let Some(jitter) = self.jitter.take() {
            let last = jitter.counters();
            self.counters.concealed_ms += last.concealed_ms;
            self.counters.discarded += last.discarded;
        }
        self.rest();
    }

    pub(super) fn counters(&self) -> JitterCounters {
        let now = self.jitter.as_ref().map(JitterBuffer::counters).unwrap_or_default();
        JitterCounters {
            concealed_ms: self.counters.concealed_ms + now.concealed_ms,
            discarded: self.counters.discarded + now.discarded,
            ..now
        }
    }

    /// Presses whose end packets were all lost.
    pub fn overdue_press(&mut self, at: Duration) -> Option<Press> {
        self.events_48k.tick(at).or_else(|| self.events_8k.tick(at))
    }
}
