//! What goes into the jitter buffer and what it says of itself; decides nothing.

use std::time::Duration;

use crate::codec::{CodecKind, packet_samples};

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
    /// Nothing is received, or not enough yet to begin: digital silence.
    Silence,
    Decoded,
    /// At least a part was recovered from FEC or invented.
    Concealed,
    /// The far end is silent on purpose (DTX, RFC 3389, telephone-events), or gone for more than 100 ms.
    Comfort,
}

/// Since the port opened.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct JitterCounters {
    pub received: u64,
    /// Never came; a packet that comes after its time is counted as discarded instead.
    pub lost: u64,
    /// Runs of lost packets, for the burst ratio.
    pub loss_runs: u64,
    /// Came too late, malformed, or from a strange place.
    pub discarded: u64,
    pub duplicates: u64,
    /// Audio recovered from FEC or invented in place of lost packets.
    pub concealed_ms: u64,
    /// How long after the fastest possible moment audio is played now.
    pub depth_ms: f32,
}

/// What is kept of a payload beside its bytes. `ticks` are of 48 kHz.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    Audio { kind: CodecKind, ticks: u64 },
    Noise,
    Other,
}

/// What to keep of a payload; `None` if it is malformed.
pub(crate) fn body_of(payload: Payload<'_>) -> Option<(Body, &[u8])> {
    match payload {
        Payload::Audio(kind, bytes) => {
            let samples = packet_samples(kind, bytes)? as u64;
            let ticks = samples * u64::from(48_000 / kind.clock_rate());
            Some((Body::Audio { kind, ticks }, bytes))
        }
        Payload::ComfortNoise(bytes) => Some((Body::Noise, bytes)),
        Payload::Other => Some((Body::Other, &[])),
    }
}
