//! Fuzz: streams of RTP packets with any headers and payloads go through jitter buffer, decoders, DTMF and egress.

mod fuzzing;

use std::time::Duration;

use offhook_media::codec::{CodecKind, Decoder};
use offhook_media::dtmf::DtmfReceiver;
use offhook_media::egress::{Egress, Incoming};
use offhook_media::jitter::{Arrival, JitterBuffer, Payload};

struct Packet<'a> {
    pt: u8,
    arrival: Arrival,
    payload: &'a [u8],
}

/// Reads packets, each behind its length as 16 bits; the gap between them is made of their length too.
fn packets(mut input: &[u8]) -> Vec<Packet<'_>> {
    let (mut read, mut at) = (Vec::new(), Duration::ZERO);
    while let [high, low, rest @ ..] = input {
        let len = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (bytes, next) = rest.split_at(len);
        input = next;
        at += Duration::from_millis(u64::from(*high) * 7 + 20);
        let &[_, pt, s1, s0, t3, t2, t1, t0, i3, i2, i1, i0, ref payload @ ..] = bytes else { continue };
        let arrival = Arrival {
            ssrc: u32::from_be_bytes([i3, i2, i1, i0]),
            seq: u16::from_be_bytes([s1, s0]),
            timestamp: u32::from_be_bytes([t3, t2, t1, t0]),
            marker: pt & 0x80 != 0,
            at,
        };
        read.push(Packet { pt: pt & 0x7f, arrival, payload });
    }
    read
}

fn kind_of(pt: u8) -> Option<CodecKind> {
    let kinds = [CodecKind::Opus, CodecKind::Pcmu, CodecKind::Pcma];
    kinds.into_iter().find(|kind| kind.default_pt() == pt)
}

#[test]
fn any_stream_is_played_in_whole_frames() {
    fuzzing::fuzz("rtp", |input| {
        let (mut buffer, mut frame) = (JitterBuffer::new(CodecKind::Opus).expect("memory"), Vec::new());
        for Packet { pt, arrival, payload } in packets(input) {
            let payload = match (pt, kind_of(pt)) {
                (_, Some(kind)) => Payload::Audio(kind, payload),
                (13, _) => Payload::ComfortNoise(payload),
                _ => Payload::Other,
            };
            buffer.push(arrival, payload);
            buffer.pull(arrival.at, &mut frame);
            assert_eq!(frame.len(), buffer.codec().frame_samples());
        }
        let counters = buffer.counters();
        assert!(counters.duplicates + counters.discarded <= counters.received);
    });
}

#[test]
fn any_payload_is_decoded_or_refused() {
    fuzzing::fuzz("rtp", |input| {
        for kind in [CodecKind::Opus, CodecKind::Pcmu] {
            let (mut decoder, mut pcm) = (Decoder::new(kind).expect("memory"), Vec::new());
            for packet in packets(input) {
                let before = pcm.len();
                match decoder.decode(packet.payload, &mut pcm) {
                    Ok(samples) => assert_eq!(pcm.len(), before + samples),
                    Err(_) => assert_eq!(pcm.len(), before),
                }
                // Errors are as good as audio here: only the length and the absence of a panic matter.
                let recovered = decoder.decode_fec(packet.payload, 960, &mut pcm);
                assert!(recovered.is_err() || pcm.len() >= before + 960);
            }
        }
    });
}

#[test]
fn any_stream_is_forwarded_without_using_a_number_twice() {
    fuzzing::fuzz("rtp", |input| {
        let mut egress = Egress::new(1, 65_000, u32::MAX - 100);
        let mut used = Vec::new();
        for Packet { pt, arrival, .. } in packets(input) {
            let clock_rate = kind_of(pt).map_or(8_000, CodecKind::clock_rate);
            let Arrival { ssrc, seq, timestamp, marker, at } = arrival;
            let packet = Incoming { source: 1, ssrc, seq, timestamp, marker };
            used.extend(egress.forward(packet, clock_rate, at).map(|header| header.extended_seq));
        }
        let sent = used.len();
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), sent);
    });
}

#[test]
fn any_telephone_events_are_told_at_most_once_each() {
    fuzzing::fuzz("rtp", |input| {
        let mut receiver = DtmfReceiver::new(8_000);
        let packets = packets(input);
        let mut told = 0;
        for packet in &packets {
            let press = receiver.push(packet.arrival.timestamp, packet.payload, packet.arrival.at);
            told += press.iter().filter(|press| "0123456789*#ABCD".contains(press.digit)).count();
        }
        assert!(told <= packets.len());
    });
}
