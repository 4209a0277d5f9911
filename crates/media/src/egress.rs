//! One outgoing RTP stream whose sequence and timestamps stay continuous while its sources change.

use std::time::Duration;

/// The header of the packet to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub ssrc: u32,
    pub seq: u16,
    /// The extended sequence number, counted from the first packet's roll-over; for str0m's `write_rtp`.
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

pub struct Egress {}

impl Egress {
    /// `seq` and `timestamp` are where the stream starts (chosen at random, RFC 3550 section 5.1).
    pub fn new(_ssrc: u32, _seq: u16, _timestamp: u32) -> Self {
        todo!()
    }

    pub fn ssrc(&self) -> u32 {
        todo!()
    }

    /// Header for a forwarded packet; `None` if it must not be sent (duplicate, too old, an event is being sent).
    pub fn forward(&mut self, _packet: Incoming, _clock_rate: u32, _now: Duration) -> Option<Header> {
        todo!()
    }

    /// Header for a locally encoded frame of `samples`; `None` while an event is being sent.
    pub fn frame(&mut self, _clock_rate: u32, _samples: u32, _now: Duration) -> Option<Header> {
        todo!()
    }

    /// Header for the first packet of a telephone-event (marker set); nothing else is sent until `end_event`.
    pub fn begin_event(&mut self, _clock_rate: u32, _now: Duration) -> Header {
        todo!()
    }

    /// Header for each further packet of the event: the same timestamp (RFC 4733 section 2.5.1.2).
    pub fn continue_event(&mut self) -> Option<Header> {
        todo!()
    }

    /// The event's last packet was sent.
    pub fn end_event(&mut self) {
        todo!()
    }

    /// The RTP timestamp of the instant `now`, for sender reports (RFC 3550 section 6.4.1).
    pub fn timestamp_at(&self, _now: Duration) -> u32 {
        todo!()
    }
}
