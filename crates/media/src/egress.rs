//! One outgoing RTP stream that stays continuous while its sources change; knows headers, not payloads or sockets.
//!
//! The far end sees one SSRC whose sequence grows by one for each packet sent (gaps of a forwarded source are kept) and
//! whose timestamps follow media time, whether a packet was forwarded, encoded here or is a telephone-event.

use std::time::Duration;

/// Sequence steps beyond this are a new stream of the source rather than loss (RFC 3550 appendix A.1, MAX_DROPOUT).
const MAX_DROPOUT: i64 = 3_000;
/// Packets later than this are a new stream too; those in between are stragglers and dropped.
const MAX_MISORDER: i64 = 1_000;
/// Width of the record of forwarded sequence numbers; older stragglers are dropped.
const WINDOW: u64 = 64;
/// A source whose timestamps run this far ahead of media time has begun a new timeline.
const MAX_AHEAD_SECONDS: f64 = 2.0;
/// The same behind it; more is allowed, because a stalled network hands over what it held.
const MAX_BEHIND_SECONDS: f64 = 10.0;
/// Share of its distance by which the clock follows a forwarded source: slow against jitter, fast against drift.
const FOLLOW: f64 = 1.0 / 64.0;

/// The header of the packet to send; payload type and payload are the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub ssrc: u32,
    pub seq: u16,
    /// `seq` with its roll-overs above bit 16.
    pub extended_seq: u64,
    pub timestamp: u32,
    pub marker: bool,
}

/// The header of a packet to forward. `source` numbers the stream within the core (a port, say).
#[derive(Clone, Copy, Debug)]
pub struct Incoming {
    pub source: u64,
    pub ssrc: u32,
    pub seq: u16,
    pub timestamp: u32,
    pub marker: bool,
}

/// The line from media time to timestamps of this stream.
#[derive(Clone, Copy)]
struct MediaClock {
    rate: u32,
    at: Duration,
    /// Extended timestamp at `at`; a fraction, because slow corrections are smaller than a tick.
    ticks: f64,
}

impl MediaClock {
    fn ticks_at(&self, now: Duration) -> u64 {
        (self.ticks + now.saturating_sub(self.at).as_secs_f64() * f64::from(self.rate)).round() as u64
    }

    /// Lean towards a source that says that `now` is `ticks`.
    fn follow(&mut self, ticks: u64, now: Duration) {
        let here = self.ticks_at(now) as f64;
        self.ticks = here + (ticks as f64 - here) * FOLLOW;
        self.at = now;
    }
}

/// How a forwarded source's numbers become ours, from its first packet to the next change of source.
#[derive(Clone, Copy)]
struct Segment {
    source: u64,
    ssrc: u32,
    rate: u32,
    /// Of the newest packet forwarded.
    seq: u16,
    timestamp: u32,
    extended_seq: u64,
    extended_ticks: u64,
    /// Nothing older than these belongs to the segment.
    first_seq: u64,
    first_ticks: u64,
    /// Bit n: the packet n before the newest was forwarded.
    seen: u64,
}

impl Segment {
    fn starting(packet: &Incoming, rate: u32, extended_seq: u64, ticks: u64) -> Self {
        Self {
            source: packet.source,
            ssrc: packet.ssrc,
            rate,
            seq: packet.seq,
            timestamp: packet.timestamp,
            extended_seq,
            extended_ticks: ticks,
            first_seq: extended_seq,
            first_ticks: ticks,
            seen: 1,
        }
    }

    /// How many packets after the newest this one is; negative if it comes late.
    fn steps(&self, packet: &Incoming) -> i64 {
        i64::from(packet.seq.wrapping_sub(self.seq) as i16)
    }

    fn ticks(&self, packet: &Incoming) -> i64 {
        self.extended_ticks as i64 + i64::from(packet.timestamp.wrapping_sub(self.timestamp) as i32)
    }

    /// Whether the packet belongs to the same stream on the same timeline.
    fn continues(&self, packet: &Incoming, rate: u32, clock: &MediaClock, now: Duration) -> bool {
        if (self.source, self.ssrc, self.rate) != (packet.source, packet.ssrc, rate) {
            return false;
        }
        let ahead = (self.ticks(packet) - clock.ticks_at(now) as i64) as f64 / f64::from(rate);
        let is_on_time = (-MAX_BEHIND_SECONDS..MAX_AHEAD_SECONDS).contains(&ahead);
        let steps = self.steps(packet);
        let is_back = self.ticks(packet) + i64::from(rate) < self.extended_ticks as i64;
        match steps {
            ..=0 => steps > -MAX_MISORDER,
            _ => steps < MAX_DROPOUT && is_on_time && !is_back,
        }
    }

    /// Our sequence number and ticks for the packet; `None` for duplicates, stragglers and steps back in time.
    fn place(&mut self, packet: &Incoming) -> Option<(u64, u64)> {
        let (steps, ticks) = (self.steps(packet), self.ticks(packet));
        if steps <= 0 {
            return self.place_late(steps.unsigned_abs(), ticks);
        }
        // A source that sends audio between the packets of a telephone-event steps back by less than a second.
        let ticks = u64::try_from(ticks).ok().filter(|&ticks| ticks >= self.extended_ticks)?;
        self.seen = self.seen.checked_shl(steps as u32).unwrap_or(0) | 1;
        self.extended_seq += steps.unsigned_abs();
        (self.seq, self.timestamp, self.extended_ticks) = (packet.seq, packet.timestamp, ticks);
        Some((self.extended_seq, ticks))
    }

    fn place_late(&mut self, age: u64, ticks: i64) -> Option<(u64, u64)> {
        let ticks = u64::try_from(ticks).ok()?;
        let seq = self.extended_seq.checked_sub(age).filter(|&seq| seq >= self.first_seq)?;
        let is_between = (self.first_ticks..=self.extended_ticks).contains(&ticks);
        if age >= WINDOW || self.seen >> age & 1 == 1 || !is_between {
            return None;
        }
        self.seen |= 1 << age;
        Some((seq, ticks))
    }
}

/// Where the next packet would come from if nothing changed.
enum Feed {
    Nothing,
    Forwarded(Segment),
    Encoded,
    /// A telephone-event began at these ticks; audio waits until it ends.
    Event(u64),
}

/// See the module. `now` is time since the port opened and never goes back.
pub struct Egress {
    ssrc: u32,
    clock: MediaClock,
    next_seq: u64,
    /// The first timestamp that no packet has used or passed.
    free_ticks: u64,
    /// Where the media sent so far ends; no later packet starts before.
    end_ticks: u64,
    feed: Feed,
}

impl Egress {
    /// `seq` and `timestamp` are where the stream starts (chosen at random, RFC 3550 section 5.1).
    pub fn new(ssrc: u32, seq: u16, timestamp: u32) -> Self {
        let ticks = u64::from(timestamp);
        let clock = MediaClock { rate: 8_000, at: Duration::ZERO, ticks: ticks as f64 };
        Self { ssrc, clock, next_seq: u64::from(seq), free_ticks: ticks, end_ticks: ticks, feed: Feed::Nothing }
    }

    pub fn ssrc(&self) -> u32 {
        self.ssrc
    }

    /// Header for a forwarded packet; `None` if it must not be sent (duplicate, too old, an event is being sent).
    pub fn forward(&mut self, packet: Incoming, clock_rate: u32, now: Duration) -> Option<Header> {
        match self.feed {
            Feed::Event(_) => None,
            Feed::Forwarded(segment) if segment.continues(&packet, clock_rate, &self.clock, now) => {
                self.forward_on(segment, &packet, now)
            }
            _ => Some(self.forward_anew(&packet, clock_rate, now)),
        }
    }

    /// Header for a locally encoded frame of `samples`; `None` while an event is being sent.
    pub fn frame(&mut self, clock_rate: u32, samples: u32, now: Duration) -> Option<Header> {
        let marker = match self.feed {
            Feed::Event(_) => return None,
            Feed::Encoded => self.silent_for(clock_rate, samples, now),
            Feed::Nothing | Feed::Forwarded(_) => true,
        };
        self.tune(clock_rate, now);
        let ticks = self.encoded_ticks(samples, now);
        self.end_ticks = ticks + u64::from(samples);
        self.feed = Feed::Encoded;
        Some(self.next_header(ticks, marker))
    }

    /// Header for the first packet of a telephone-event (marker set); nothing else is sent until `end_event`.
    pub fn begin_event(&mut self, clock_rate: u32, now: Duration) -> Header {
        self.tune(clock_rate, now);
        let ticks = self.clock.ticks_at(now).max(self.end_ticks);
        self.end_ticks = ticks;
        self.feed = Feed::Event(ticks);
        self.next_header(ticks, true)
    }

    /// Header for each further packet of the event: the same timestamp (RFC 4733 section 2.5.1.2). `None` without one.
    pub fn continue_event(&mut self) -> Option<Header> {
        let Feed::Event(ticks) = self.feed else {
            return None;
        };
        Some(self.next_header(ticks, false))
    }

    /// The event's last packet was sent; audio goes on after it.
    pub fn end_event(&mut self) {
        if let Feed::Event(ticks) = self.feed {
            self.end_ticks = ticks + 1;
            self.feed = Feed::Nothing;
        }
    }

    /// The RTP timestamp of the instant `now`, for sender reports (RFC 3550 section 6.4.1).
    pub fn timestamp_at(&self, now: Duration) -> u32 {
        self.clock.ticks_at(now) as u32
    }

    fn forward_anew(&mut self, packet: &Incoming, clock_rate: u32, now: Duration) -> Header {
        self.tune(clock_rate, now);
        let ticks = self.clock.ticks_at(now).max(self.end_ticks);
        let header = self.next_header(ticks, true);
        self.feed = Feed::Forwarded(Segment::starting(packet, clock_rate, header.extended_seq, ticks));
        self.end_ticks = ticks + u64::from(clock_rate / 50);
        header
    }

    fn forward_on(&mut self, mut segment: Segment, packet: &Incoming, now: Duration) -> Option<Header> {
        let (seq, ticks) = segment.place(packet)?;
        if seq == segment.extended_seq {
            self.clock.follow(ticks, now);
            self.next_seq = seq + 1;
            self.end_ticks = ticks + u64::from(segment.rate / 50);
        }
        self.feed = Feed::Forwarded(segment);
        Some(self.header(seq, ticks, packet.marker))
    }

    /// Go over to another clock rate. Media sent ahead of the present keeps its duration where that takes fewer ticks, and
    /// never takes more of them: codecs that change in quick succession would else push each other ahead without end.
    fn tune(&mut self, clock_rate: u32, now: Duration) {
        if clock_rate == self.clock.rate {
            return;
        }
        let present = self.clock.ticks_at(now);
        let ahead = self.end_ticks.saturating_sub(present);
        let converted = ahead * u64::from(clock_rate) / u64::from(self.clock.rate);
        self.clock = MediaClock { rate: clock_rate, at: now, ticks: present as f64 };
        self.end_ticks = (present + converted.min(ahead)).max(self.free_ticks);
    }

    /// Frames follow one another without a seam unless time has run away by more than a frame (a tick was skipped).
    fn encoded_ticks(&self, samples: u32, now: Duration) -> u64 {
        let present = self.clock.ticks_at(now);
        if present > self.end_ticks + u64::from(samples) { present } else { self.end_ticks }
    }

    fn silent_for(&self, clock_rate: u32, samples: u32, now: Duration) -> bool {
        clock_rate != self.clock.rate || self.clock.ticks_at(now) > self.end_ticks + u64::from(samples)
    }

    fn next_header(&mut self, ticks: u64, marker: bool) -> Header {
        self.next_seq += 1;
        self.header(self.next_seq - 1, ticks, marker)
    }

    fn header(&mut self, extended_seq: u64, ticks: u64, marker: bool) -> Header {
        self.free_ticks = self.free_ticks.max(ticks + 1);
        Header { ssrc: self.ssrc, seq: extended_seq as u16, extended_seq, timestamp: ticks as u32, marker }
    }
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
