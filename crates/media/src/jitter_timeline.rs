//! Sequence numbers and timestamps as they come, made into one line that neither wraps nor jumps. Knows no audio.

use std::time::Duration;

use crate::jitter::Arrival;

/// All media time inside the jitter buffer is counted in ticks of 48 kHz, which every clock rate divides.
pub(crate) const TICKS_PER_MS: u64 = 48;
const TICK_RATE: u32 = 48_000;
/// The line starts here, so that packets before the first one have a place too.
const START: u64 = 1 << 32;
/// RFC 3550 appendix A.1: beyond these a packet is a stranger, and two in sequence are a restart.
const MAX_DROPOUT: i64 = 3_000;
const MAX_MISORDER: i64 = 1_000;
/// Timestamps that run ahead of time by more than this, or behind by more than the other, are a new line. Much more is
/// allowed behind, because a stalled network hands over what it held.
const MAX_AHEAD: i64 = 48_000;
const MAX_BEHIND: i64 = 480_000;
/// Packets that are late for so long on end are not late: their source has stopped its clock for a while.
const LATE_RUN: Duration = Duration::from_millis(300);
/// Packets of the former SSRC are stragglers for so long.
const STRAGGLING: Duration = Duration::from_millis(500);

pub(crate) fn to_ticks(time: Duration) -> i64 {
    (time.as_micros() * u128::from(TICK_RATE) / 1_000_000) as i64
}

/// Where a packet is on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) seq: u64,
    pub(crate) ticks: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    At(Place),
    Duplicate,
    /// A stranger or a straggler.
    Rejected,
}

/// What the buffer knows that bears on a packet's place.
#[derive(Clone, Copy)]
pub(crate) struct Present {
    /// Arrival minus media time of the fastest packet of late, in ticks; `None` before the first.
    pub(crate) base: Option<i64>,
    /// Everything before this has been played.
    pub(crate) position: u64,
}

/// The stream as its newest packet left it.
#[derive(Clone, Copy)]
struct Epoch {
    ssrc: u32,
    rate: u32,
    seq: u16,
    timestamp: u32,
    place: Place,
    at: Duration,
    /// Bit n: the packet n before the newest was seen.
    seen: u64,
}

#[derive(Default)]
pub(crate) struct Timeline {
    epoch: Option<Epoch>,
    /// The sequence number after the last stranger's.
    expected_stranger: Option<u16>,
    late_since: Option<Duration>,
    /// The SSRC before this one, and when it was left.
    former: Option<(u32, Duration)>,
}

impl Timeline {
    /// Place an audio packet; `rate` is its clock rate, or `None` for the one of the stream (comfort noise).
    pub(crate) fn place(&mut self, packet: &Arrival, rate: Option<u32>, present: Present) -> Verdict {
        let Some(epoch) = self.epoch else {
            return self.begin(packet, rate.unwrap_or(8_000), present);
        };
        let rate = rate.unwrap_or(epoch.rate);
        if packet.ssrc != epoch.ssrc {
            return self.change_ssrc(packet, rate, present, epoch.ssrc);
        }
        let steps = epoch.steps(packet);
        if !(-MAX_MISORDER..=MAX_DROPOUT).contains(&steps) {
            return self.meet_stranger(packet, rate, present);
        }
        self.expected_stranger = None;
        if steps <= 0 {
            return self.place_late(packet, rate);
        }
        let ticks = epoch.ticks(packet);
        let relative = present.base.map_or(0, |base| to_ticks(packet.at) - ticks - base);
        let is_on_line = ticks > 0 && (-MAX_AHEAD..=MAX_BEHIND).contains(&relative);
        if rate != epoch.rate || !is_on_line || self.is_late_too_long(packet, ticks, present) {
            return self.begin(packet, rate, present);
        }
        self.advance(packet, Place { seq: epoch.place.seq + steps.unsigned_abs(), ticks: ticks as u64 })
    }

    /// Place a packet that is not audio: only its sequence number counts.
    pub(crate) fn place_other(&mut self, packet: &Arrival) -> Verdict {
        let Some(epoch) = self.epoch.filter(|epoch| epoch.ssrc == packet.ssrc) else {
            return Verdict::Rejected;
        };
        let steps = epoch.steps(packet);
        match steps {
            1..=MAX_DROPOUT => {
                let seq = epoch.place.seq + steps.unsigned_abs();
                let seen = epoch.seen.checked_shl(steps as u32).unwrap_or(0) | 1;
                let place = Place { seq, ..epoch.place };
                self.epoch = Some(Epoch { seq: packet.seq, place, seen, ..epoch });
                Verdict::At(place)
            }
            _ => Verdict::Rejected,
        }
    }

    fn change_ssrc(&mut self, packet: &Arrival, rate: u32, present: Present, left: u32) -> Verdict {
        let is_straggler = |&(ssrc, at): &(u32, Duration)| ssrc == packet.ssrc && packet.at < at + STRAGGLING;
        if self.former.as_ref().is_some_and(is_straggler) {
            return Verdict::Rejected;
        }
        self.former = Some((left, packet.at));
        self.begin(packet, rate, present)
    }

    fn meet_stranger(&mut self, packet: &Arrival, rate: u32, present: Present) -> Verdict {
        if self.expected_stranger.replace(packet.seq.wrapping_add(1)) == Some(packet.seq) {
            return self.begin(packet, rate, present);
        }
        Verdict::Rejected
    }

    fn place_late(&mut self, packet: &Arrival, rate: u32) -> Verdict {
        let Some(epoch) = self.epoch.as_mut().filter(|epoch| epoch.rate == rate) else {
            return Verdict::Rejected;
        };
        let age = epoch.steps(packet).unsigned_abs();
        if age >= u64::from(u64::BITS) {
            return Verdict::Rejected;
        }
        if epoch.seen >> age & 1 == 1 {
            return Verdict::Duplicate;
        }
        epoch.seen |= 1 << age;
        match u64::try_from(epoch.ticks(packet)) {
            Ok(ticks) if ticks <= epoch.place.ticks => Verdict::At(Place { seq: epoch.place.seq - age, ticks }),
            _ => Verdict::Rejected,
        }
    }

    fn is_late_too_long(&mut self, packet: &Arrival, ticks: i64, present: Present) -> bool {
        if ticks >= present.position as i64 {
            self.late_since = None;
            return false;
        }
        packet.at.saturating_sub(*self.late_since.get_or_insert(packet.at)) > LATE_RUN
    }

    fn advance(&mut self, packet: &Arrival, place: Place) -> Verdict {
        if let Some(epoch) = &mut self.epoch {
            let steps = place.seq - epoch.place.seq;
            epoch.seen = epoch.seen.checked_shl(steps as u32).unwrap_or(0) | 1;
            (epoch.seq, epoch.timestamp, epoch.place, epoch.at) = (packet.seq, packet.timestamp, place, packet.at);
        }
        Verdict::At(place)
    }

    /// Start a line, or a new stretch of it: the next sequence number, and the time that has passed since the last.
    fn begin(&mut self, packet: &Arrival, rate: u32, present: Present) -> Verdict {
        let place = match self.epoch {
            None => Place { seq: START, ticks: START },
            Some(epoch) => {
                let elapsed = to_ticks(packet.at.saturating_sub(epoch.at)) as u64;
                let ticks = epoch.place.ticks + elapsed.max(20 * TICKS_PER_MS);
                Place { seq: epoch.place.seq + 1, ticks: ticks.max(present.position) }
            }
        };
        let (ssrc, seq, timestamp) = (packet.ssrc, packet.seq, packet.timestamp);
        self.epoch = Some(Epoch { ssrc, rate, seq, timestamp, place, at: packet.at, seen: 1 });
        (self.expected_stranger, self.late_since) = (None, None);
        Verdict::At(place)
    }
}

impl Epoch {
    /// How many packets after the newest this one is.
    fn steps(&self, packet: &Arrival) -> i64 {
        i64::from(packet.seq.wrapping_sub(self.seq) as i16)
    }

    fn ticks(&self, packet: &Arrival) -> i64 {
        let difference = i64::from(packet.timestamp.wrapping_sub(self.timestamp) as i32);
        self.place.ticks as i64 + difference * i64::from(TICK_RATE / self.rate)
    }
}
