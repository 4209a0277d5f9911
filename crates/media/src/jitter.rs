//! One incoming RTP stream in, one 20 ms frame of PCM out for each tick.

use std::time::Duration;

use crate::codec::{CodecError, CodecKind};

/// What a packet carries, as its payload type says.
#[derive(Clone, Copy, Debug)]
pub enum Payload<'a> {
    Audio(CodecKind, &'a [u8]),
    /// RFC 3389: the first byte is the noise level in -dBov.
    ComfortNoise(&'a [u8]),
    /// Telephone-events and other payloads that share the sequence but are not audio.
    Other,
}

/// The header fields that ordering needs.
#[derive(Clone, Copy, Debug)]
pub struct Arrival {
    pub ssrc: u32,
    pub seq: u16,
    pub timestamp: u32,
    pub marker: bool,
    /// When it came, since the port opened.
    pub at: Duration,
}

/// Where a pulled frame came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nothing was ever received, or the stream has ended: silence.
    Silence,
    Decoded,
    Concealed,
    /// The far end is silent on purpose (DTX, RFC 3389), or gone for more than 100 ms.
    Comfort,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JitterCounters {
    pub received: u64,
    /// Never came, or not in time.
    pub lost: u64,
    /// Came too late.
    pub discarded: u64,
    pub duplicates: u64,
    pub concealed_ms: u64,
    /// Time that audio spends in the buffer now.
    pub depth_ms: f32,
}

pub struct JitterBuffer {}

impl JitterBuffer {
    pub fn new(_kind: CodecKind) -> Result<Self, CodecError> {
        todo!()
    }

    pub fn push(&mut self, _arrival: Arrival, _payload: Payload<'_>) {
        todo!()
    }

    /// Replace `out` by 20 ms of PCM at the rate of [`JitterBuffer::codec`]; call every 20 ms.
    pub fn pull(&mut self, _now: Duration, _out: &mut Vec<i16>) -> Origin {
        todo!()
    }

    /// The codec of the frame pulled last.
    pub fn codec(&self) -> CodecKind {
        todo!()
    }

    pub fn counters(&self) -> JitterCounters {
        todo!()
    }
}
