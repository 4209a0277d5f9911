//! One incoming RTP stream in, one 20 ms frame of PCM out for each tick; knows no sockets, ports or mixers.
//!
//! Packets are put on one line of media time (`jitter_timeline`), played after a delay that nearly all of them meet
//! (`jitter_delay`), and speech is stretched or shortened by single pitch periods to reach it (`jitter_stretch`).

use std::collections::VecDeque;
use std::time::Duration;

use crate::codec::{CodecError, CodecKind, Decoder, MAX_PACKET_SAMPLES};
use crate::jitter_delay::DelayEstimator;
use crate::jitter_noise::{Noise, QUIET_DBOV};
pub use crate::jitter_packet::{Arrival, JitterCounters, Origin, Payload};
use crate::jitter_packet::{Body, body_of};
use crate::jitter_stretch::{Need, accelerate, expand};
use crate::jitter_timeline::{Place, Present, TICKS_PER_MS, Timeline, Verdict, to_ticks};

/// Ticks of one frame.
const FRAME: u64 = 20 * TICKS_PER_MS;
const MIN_DELAY: i64 = 20 * TICKS_PER_MS as i64;
const MAX_DELAY: i64 = 120 * TICKS_PER_MS as i64;
/// What packets are given on top of their usual spread.
const MARGIN: i64 = 5 * TICKS_PER_MS as i64;
/// Stretching leaves up to a frame in hand, for whose rest the next packet must be there.
const LOOKAHEAD: i64 = FRAME as i64;
/// While packets get lost, the next one must be there in time for its FEC.
const FEC_MARGIN: i64 = FRAME as i64;
const LOSS_MEMORY: Duration = Duration::from_secs(5);
/// Delay short of its target by the first or over it by the second is corrected when it cannot be heard, over it by the
/// third at once, and by the fourth by leaving audio out.
const SHORT: i64 = 2 * TICKS_PER_MS as i64;
const SLACK: i64 = 12 * TICKS_PER_MS as i64;
const URGENT: i64 = 60 * TICKS_PER_MS as i64;
const HOPELESS: i64 = 250 * TICKS_PER_MS as i64;
/// Frames between two inaudible corrections.
const CORRECT_EVERY: u32 = 5;
/// Invented audio in a row; silence after it is less unpleasant than more of the same.
const MAX_CONCEALED: u64 = 5 * FRAME;
/// A stream silent for so long without saying so has ended, and starts anew with its next packet.
const GONE_AFTER: u64 = 50 * FRAME;
/// Most packets waiting; beyond, the oldest is thrown away.
const MAX_PACKETS: usize = 400;
/// Opus packets of at most this many bytes announce that nothing will be sent (RFC 7587 section 3.1.3).
const DTX_BYTES: usize = 2;

/// A packet that waits for its time.
struct Stored {
    place: Place,
    body: Body,
    bytes: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nothing was received, or the stream has ended.
    Idle,
    /// The first packets wait for the delay to build up.
    Filling,
    /// The newest audio was speech: what is missing is a loss.
    Talking,
    /// The far end said that it is silent.
    Quiet,
}

/// See the module. `push` every packet as it comes; `pull` a frame every 20 ms.
pub struct JitterBuffer {
    decoder: Decoder,
    timeline: Timeline,
    delay: DelayEstimator,
    stage: Stage,
    stored: VecDeque<Stored>,
    spare: Vec<Vec<u8>>,
    next_seq: u64,
    /// Media time at the end of `pcm`.
    position: u64,
    /// Made and not yet pulled.
    pcm: Vec<i16>,
    /// Ticks concealed while waiting, during which `position` stood still.
    held: u64,
    /// Ticks since the last decoded audio.
    missing: u64,
    since_correction: u32,
    last_loss: Option<Duration>,
    noise: Noise,
    counters: JitterCounters,
}

impl JitterBuffer {
    /// `kind` is what is expected first; packets of another codec switch to it. Fails only where libopus cannot allocate.
    pub fn new(kind: CodecKind) -> Result<Self, CodecError> {
        Ok(Self {
            decoder: Decoder::new(kind)?,
            timeline: Timeline::default(),
            delay: DelayEstimator::new(),
            stage: Stage::Idle,
            stored: VecDeque::new(),
            spare: Vec::new(),
            next_seq: 0,
            position: 0,
            pcm: Vec::with_capacity(2 * MAX_PACKET_SAMPLES),
            held: 0,
            missing: 0,
            since_correction: 0,
            last_loss: None,
            noise: Noise::new(),
            counters: JitterCounters::default(),
        })
    }

    /// The codec of the frame pulled last, whose rate the frame has.
    pub fn codec(&self) -> CodecKind {
        self.decoder.kind()
    }

    pub fn counters(&self) -> JitterCounters {
        self.counters
    }

    // ---- packets in ------------------------------------------------------------------------------------

    /// Take a packet. Whatever it holds, the buffer stays bounded and goes on.
    pub fn push(&mut self, arrival: Arrival, payload: Payload<'_>) {
        self.counters.received += 1;
        let Some((body, bytes)) = body_of(payload) else {
            self.counters.discarded += 1;
            return;
        };
        let present = Present { base: self.delay.base(), position: self.position };
        let verdict = match body {
            Body::Other => self.timeline.place_other(&arrival),
            Body::Noise => self.timeline.place(&arrival, None, present),
            Body::Audio { kind, .. } => self.timeline.place(&arrival, Some(kind.clock_rate()), present),
        };
        match verdict {
            Verdict::At(place) => self.accept(place, body, bytes, arrival.at),
            Verdict::Duplicate => self.counters.duplicates += 1,
            Verdict::Rejected => self.counters.discarded += 1,
        }
    }

    fn accept(&mut self, place: Place, body: Body, bytes: &[u8], at: Duration) {
        if self.stage == Stage::Idle {
            if matches!(body, Body::Other) {
                return;
            }
            self.start(place, at);
        }
        if matches!(body, Body::Audio { .. }) {
            self.delay.observe(to_ticks(at), place.ticks);
        }
        if self.stage == Stage::Filling && place.seq < self.next_seq {
            (self.next_seq, self.position) = (place.seq, place.ticks);
        }
        if place.seq < self.next_seq || self.is_over(place, body) {
            self.discard_late();
            return;
        }
        self.store(place, body, bytes);
        self.bound();
    }

    fn start(&mut self, place: Place, at: Duration) {
        self.stage = Stage::Filling;
        if self.delay.base().is_some_and(|base| to_ticks(at) - place.ticks as i64 - base > MAX_DELAY) {
            self.delay = DelayEstimator::new();
        }
        (self.next_seq, self.position) = (place.seq, place.ticks);
        (self.held, self.missing) = (0, 0);
        self.pcm.clear();
    }

    /// Whether all of the packet's time has been played.
    fn is_over(&self, place: Place, body: Body) -> bool {
        matches!(body, Body::Audio { ticks, .. } if place.ticks + ticks <= self.position)
    }

    fn discard_late(&mut self) {
        self.counters.discarded += 1;
        self.counters.lost = self.counters.lost.saturating_sub(1);
    }

    fn store(&mut self, place: Place, body: Body, bytes: &[u8]) {
        let index = self.stored.partition_point(|stored| stored.place.seq < place.seq);
        let mut kept = self.spare.pop().unwrap_or_default();
        kept.clear();
        kept.extend_from_slice(bytes);
        self.stored.insert(index, Stored { place, body, bytes: kept });
    }

    fn bound(&mut self) {
        if self.stored.len() > MAX_PACKETS {
            self.drop_first();
        }
    }

    fn drop_first(&mut self) {
        let Some(oldest) = self.stored.pop_front() else {
            return;
        };
        self.next_seq = oldest.place.seq + 1;
        self.counters.discarded += 1;
        self.spare.push(oldest.bytes);
    }

    // ---- frames out ------------------------------------------------------------------------------------

    /// Replace `out` by 20 ms of PCM at the rate of [`JitterBuffer::codec`].
    pub fn pull(&mut self, now: Duration, out: &mut Vec<i16>) -> Origin {
        out.clear();
        self.catch_up(now);
        let origin = self.fill(now);
        self.correct(now);
        self.counters.depth_ms = self.excess(now, 0) as f32 / TICKS_PER_MS as f32;
        let frame = self.decoder.kind().frame_samples();
        if self.pcm.len() < frame && origin != Origin::Silence {
            self.fill(now);
        }
        out.extend(self.pcm.drain(..frame.min(self.pcm.len())));
        out.resize(frame, 0);
        origin
    }

    /// Make audio until there is a frame of it; says the worst that was needed.
    fn fill(&mut self, now: Duration) -> Origin {
        if self.stage == Stage::Filling && self.excess(now, self.target(now)) >= -SLACK {
            self.stage = Stage::Talking;
        }
        if matches!(self.stage, Stage::Idle | Stage::Filling) {
            return Origin::Silence;
        }
        let mut worst = Origin::Decoded;
        while self.pcm.len() < self.decoder.kind().frame_samples() {
            match self.make_some(now) {
                Origin::Decoded => {}
                origin if worst == Origin::Decoded => worst = origin,
                _ => {}
            }
            if self.stage == Stage::Idle {
                self.pcm.resize(self.decoder.kind().frame_samples(), 0);
            }
        }
        worst
    }

    /// Do the next thing on the line of media time: play a packet, or bridge the gap before it.
    fn make_some(&mut self, now: Duration) -> Origin {
        let Some(first) = self.stored.front() else {
            return self.starve(now);
        };
        let (place, body) = (first.place, first.body);
        match body {
            Body::Other => self.pass_other(place, now),
            Body::Audio { kind, .. } if kind != self.decoder.kind() => self.change_codec(kind),
            Body::Audio { .. } | Body::Noise if place.ticks > self.position => self.bridge(place, now),
            Body::Audio { .. } => self.play_first(now),
            Body::Noise => self.hear_noise(now),
        }
    }

    fn play_first(&mut self, now: Duration) -> Origin {
        let Some(first) = self.stored.pop_front() else {
            return Origin::Decoded;
        };
        let Body::Audio { ticks, .. } = first.body else {
            return Origin::Decoded;
        };
        self.pass(first.place.seq, now);
        let start = self.pcm.len();
        let decoded = self.decoder.decode(&first.bytes, &mut self.pcm);
        let origin = if decoded.is_ok() { Origin::Decoded } else { self.conceal(ticks) };
        let overlap = (self.position - first.place.ticks).min(ticks);
        let gone = self.samples(overlap);
        self.pcm.drain(start..start + gone);
        self.position = first.place.ticks + ticks;
        let is_dtx = self.decoder.kind() == CodecKind::Opus && first.bytes.len() <= DTX_BYTES;
        self.stage = if is_dtx { Stage::Quiet } else { Stage::Talking };
        (self.missing, self.held) = (0, 0);
        self.spare.push(first.bytes);
        origin
    }

    fn hear_noise(&mut self, now: Duration) -> Origin {
        if let Some(first) = self.stored.pop_front() {
            self.pass(first.place.seq, now);
            self.noise.set_level(first.bytes.first().map_or(QUIET_DBOV, |&level| -f32::from(level & 0x7f)));
            self.spare.push(first.bytes);
        }
        (self.stage, self.missing, self.held) = (Stage::Quiet, 0, 0);
        Origin::Comfort
    }

    fn pass_other(&mut self, place: Place, now: Duration) -> Origin {
        self.pass(place.seq, now);
        self.spare.extend(self.stored.pop_front().map(|first| first.bytes));
        self.stage = Stage::Quiet;
        Origin::Comfort
    }

    /// The packet with `seq` is played next; those before it that never came are lost.
    fn pass(&mut self, seq: u64, now: Duration) {
        let lost = seq.saturating_sub(self.next_seq);
        if lost > 0 {
            self.counters.lost += lost;
            self.counters.loss_runs += 1;
            self.last_loss = Some(now);
        }
        self.next_seq = seq + 1;
    }

    /// Fill a part of the time before the first stored packet.
    fn bridge(&mut self, place: Place, now: Duration) -> Origin {
        let is_loss = place.seq > self.next_seq;
        let charged = self.held.min(place.ticks - self.position);
        if charged > 0 {
            self.held -= charged;
            self.position += charged;
            if !is_loss {
                self.counters.concealed_ms = self.counters.concealed_ms.saturating_sub(charged / TICKS_PER_MS);
            }
            return Origin::Decoded;
        }
        let gap = place.ticks - self.position;
        if is_loss && self.stage == Stage::Talking {
            return self.bridge_loss(gap);
        }
        let excess = self.excess(now, self.target(now)).clamp(0, gap as i64) as u64;
        self.position += excess;
        let chunk = (gap - excess).min(FRAME);
        self.position += chunk;
        self.comfort(chunk)
    }

    fn bridge_loss(&mut self, gap: u64) -> Origin {
        let first = self.stored.front().filter(|_| self.decoder.kind() == CodecKind::Opus);
        if let Some(Stored { body: Body::Audio { ticks, .. }, bytes, .. }) = first
            && gap <= *ticks
            && self.decoder.decode_fec(bytes, gap as usize, &mut self.pcm).is_ok()
        {
            self.position += gap;
            self.counters.concealed_ms += gap / TICKS_PER_MS;
            return Origin::Concealed;
        }
        let chunk = gap.min(FRAME);
        self.position += chunk;
        self.conceal(chunk)
    }

    /// Nothing is stored: wait for what is only late, and go on without it when it takes too long.
    fn starve(&mut self, now: Duration) -> Origin {
        if self.stage == Stage::Quiet {
            self.position += FRAME;
            return self.comfort(FRAME);
        }
        if self.missing >= GONE_AFTER {
            self.stage = Stage::Idle;
            return Origin::Silence;
        }
        if self.excess(now, MAX_DELAY) < -(FRAME as i64) {
            self.held += FRAME;
        } else {
            self.position += FRAME;
        }
        self.conceal(FRAME)
    }

    /// Append invented audio, or comfort noise once there was too much of it.
    fn conceal(&mut self, ticks: u64) -> Origin {
        self.missing += ticks;
        if self.missing > MAX_CONCEALED {
            return self.hush(ticks);
        }
        self.counters.concealed_ms += ticks / TICKS_PER_MS;
        let samples = self.samples(ticks);
        match self.decoder.conceal(samples, &mut self.pcm) {
            Ok(()) => Origin::Concealed,
            Err(_) => self.hush(ticks),
        }
    }

    /// Append the background of a far end that is silent on purpose; libopus makes its own.
    fn comfort(&mut self, ticks: u64) -> Origin {
        let samples = self.samples(ticks);
        match self.decoder.kind() {
            CodecKind::Opus if self.decoder.conceal(samples, &mut self.pcm).is_ok() => Origin::Comfort,
            _ => self.hush(ticks),
        }
    }

    fn hush(&mut self, ticks: u64) -> Origin {
        let samples = self.samples(ticks);
        self.noise.append(samples, &mut self.pcm);
        Origin::Comfort
    }

    /// Go over to the codec of the first stored packet, at a frame's boundary.
    fn change_codec(&mut self, kind: CodecKind) -> Origin {
        if !self.pcm.is_empty() {
            let rest = self.decoder.kind().frame_samples() - self.pcm.len();
            return self.conceal((rest * self.ticks_per_sample()) as u64);
        }
        match Decoder::new(kind) {
            Ok(decoder) => self.decoder = decoder,
            Err(_) => self.spare.extend(self.stored.pop_front().map(|first| first.bytes)),
        }
        Origin::Decoded
    }

    // ---- delay -----------------------------------------------------------------------------------------

    fn target(&self, now: Duration) -> i64 {
        let is_lossy = self.last_loss.is_some_and(|at| now.saturating_sub(at) < LOSS_MEMORY);
        let fec = if is_lossy && self.decoder.kind() == CodecKind::Opus { FEC_MARGIN } else { 0 };
        (self.delay.spread() + MARGIN + LOOKAHEAD + fec).clamp(MIN_DELAY, MAX_DELAY)
    }

    /// Ticks by which what is pulled next is later than `wanted` after its fastest possible moment.
    fn excess(&self, now: Duration, wanted: i64) -> i64 {
        let Some(base) = self.delay.base() else {
            return 0;
        };
        let next = self.position as i64 - (self.pcm.len() * self.ticks_per_sample()) as i64;
        to_ticks(now) - base - next - wanted
    }

    /// Leave out audio that is later than any stretching could make up for (a stalled network has come back).
    fn catch_up(&mut self, now: Duration) {
        let excess = self.excess(now, self.target(now));
        if self.stage == Stage::Idle || excess < HOPELESS {
            return;
        }
        self.pcm.clear();
        self.position += excess.unsigned_abs();
        while self.stored.front().is_some_and(|first| self.is_over(first.place, first.body)) {
            self.drop_first();
        }
    }

    /// Shorten or lengthen speech by a pitch period where the delay is off its target.
    fn correct(&mut self, now: Duration) {
        self.since_correction += 1;
        if self.stage != Stage::Talking || self.missing > 0 {
            return;
        }
        let excess = self.excess(now, self.target(now));
        let need = if excess.abs() > URGENT { Need::Urgent } else { Need::WhenInaudible };
        if (-SHORT..SLACK).contains(&excess) || (need == Need::WhenInaudible && self.since_correction < CORRECT_EVERY) {
            return;
        }
        let rate = self.decoder.kind().clock_rate();
        let change = if excess > 0 { accelerate } else { expand };
        if change(&mut self.pcm, rate, need) > 0 {
            self.since_correction = 0;
        }
    }

    fn ticks_per_sample(&self) -> usize {
        (48_000 / self.decoder.kind().clock_rate()) as usize
    }

    fn samples(&self, ticks: u64) -> usize {
        ticks as usize / self.ticks_per_sample()
    }
}

#[cfg(test)]
#[path = "jitter_tests.rs"]
mod tests;
