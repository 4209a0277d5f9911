//! Unit, simulation and property tests of the jitter buffer: every trouble of case RTP-12, with explicit time.

use super::*;
use crate::codec::Encoder;
use crate::codec_opus::OpusEncoder;
use crate::tone::{Meter, Sound, sine};
use proptest::prelude::*;

#[derive(Clone)]
struct Packet {
    arrival: Arrival,
    payload: Content,
}

/// An owned payload.
#[derive(Clone, Debug)]
enum Content {
    Audio(CodecKind, Vec<u8>),
    Noise(u8),
    Other,
}

/// A 440 Hz tone in packets of `ptime` ms on a perfect network.
fn talk(kind: CodecKind, ptime: u64, packets: usize) -> Vec<Packet> {
    let samples = kind.clock_rate() as usize / 1_000 * ptime as usize;
    let pcm = sine(kind.clock_rate(), 440.0, -15.0, samples * packets);
    let mut encoder = OpusEncoder::new().unwrap();
    let mut law = Encoder::new(if kind == CodecKind::Opus { CodecKind::Pcmu } else { kind }).unwrap();
    let encode = |chunk: &[i16]| {
        let mut bytes = vec![0; 1_500];
        let len = match (&mut law, kind) {
            (_, CodecKind::Opus) => encoder.encode(chunk, &mut bytes).unwrap(),
            (Encoder::G711(law), _) => law.encode(chunk, &mut bytes).unwrap(),
            _ => unreachable!("the other encoder is G.711"),
        };
        bytes.truncate(len);
        bytes
    };
    let payloads = pcm.chunks(samples).map(encode);
    payloads
        .enumerate()
        .map(|(n, bytes)| Packet {
            arrival: Arrival {
                ssrc: 1,
                seq: 65_500_u16.wrapping_add(n as u16),
                timestamp: (u32::MAX - 5_000).wrapping_add((n * samples) as u32),
                marker: n == 0,
                at: Duration::from_millis(50 + n as u64 * ptime),
            },
            payload: Content::Audio(kind, bytes),
        })
        .collect()
}

struct Heard {
    pcm: Vec<i16>,
    origins: Vec<Origin>,
    depths: Vec<f32>,
    counters: JitterCounters,
    codec: CodecKind,
}

impl Heard {
    fn count(&self, origin: Origin) -> usize {
        self.origins.iter().filter(|&&o| o == origin).count()
    }

    /// The tone of what was heard after the first `skip` ms.
    fn sound(&self, skip: usize) -> Sound {
        let rate = self.codec.clock_rate();
        let mut meter = Meter::new(rate);
        meter.push(&self.pcm[rate as usize / 1_000 * skip..]);
        meter.take()
    }
}

/// Delivers packets in the order of arrival and pulls every 20 ms until they and `tail` frames are over.
fn listen(kind: CodecKind, mut packets: Vec<Packet>, tail: u64) -> Heard {
    packets.sort_by_key(|packet| packet.arrival.at);
    let last = packets.last().map_or(0, |packet| packet.arrival.at.as_millis() as u64);
    let mut buffer = JitterBuffer::new(kind).unwrap();
    let mut packets = packets.into_iter().peekable();
    let (mut pcm, mut origins, mut depths, mut frame) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for tick in 0..=last / 20 + tail {
        let now = Duration::from_millis(tick * 20 + 7);
        while let Some(packet) = packets.next_if(|packet| packet.arrival.at <= now) {
            push(&mut buffer, &packet);
        }
        origins.push(buffer.pull(now, &mut frame));
        assert_eq!(frame.len(), buffer.codec().frame_samples());
        pcm.extend_from_slice(&frame);
        depths.push(buffer.counters().depth_ms);
    }
    Heard { pcm, origins, depths, counters: buffer.counters(), codec: buffer.codec() }
}

fn push(buffer: &mut JitterBuffer, packet: &Packet) {
    let payload = match &packet.payload {
        Content::Audio(kind, bytes) => Payload::Audio(*kind, bytes),
        Content::Noise(level) => Payload::ComfortNoise(std::slice::from_ref(level)),
        Content::Other => Payload::Other,
    };
    buffer.push(packet.arrival, payload);
}

fn random(seed: u32) -> impl FnMut(u32) -> u32 {
    let mut state = seed;
    move |below| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % below
    }
}

fn delay(packets: &mut [Packet], mut by_ms: impl FnMut(usize) -> u64) {
    for (index, packet) in packets.iter_mut().enumerate() {
        packet.arrival.at += Duration::from_millis(by_ms(index));
    }
}

#[test]
fn a_perfect_network_needs_no_invention_at_any_packet_time() {
    for (kind, ptimes) in [(CodecKind::Opus, &[10, 20, 40, 60, 120][..]), (CodecKind::Pcmu, &[10, 20, 30, 60, 120])] {
        for &ptime in ptimes {
            let heard = listen(kind, talk(kind, ptime, 6_000 / ptime as usize), 0);
            assert_eq!(heard.counters.lost + heard.counters.discarded, 0, "{kind:?} {ptime}");
            assert_eq!(heard.counters.concealed_ms, 0, "{kind:?} {ptime}: {:?}", heard.counters);
            assert!(heard.counters.depth_ms < 40.0, "{kind:?} {ptime}: {:?}", heard.counters);
            let sound = heard.sound(1_000);
            assert!(
                (sound.tone_hz - 440.0).abs() < 3.0 && (sound.level + 15.0).abs() < 1.5,
                "{kind:?} {ptime} {sound:?}"
            );
        }
    }
}

#[test]
fn random_loss_is_counted_and_covered() {
    for kind in [CodecKind::Opus, CodecKind::Pcma] {
        let mut chance = random(3);
        let (mut packets, sent) = (talk(kind, 20, 1_000), 1_000);
        packets.retain(|packet| packet.arrival.marker || chance(10) > 0);
        let lost = sent - packets.len() as u64;
        let heard = listen(kind, packets, 0);
        assert!(heard.counters.lost.abs_diff(lost) <= 1, "{:?} of {lost}", heard.counters);
        assert!(heard.counters.concealed_ms.abs_diff(lost * 20) <= 60, "{:?} of {lost}", heard.counters);
        let sound = heard.sound(500);
        assert!((sound.tone_hz - 440.0).abs() < 3.0 && sound.level > -17.5, "{sound:?}");
    }
}

#[test]
fn duplicates_and_packets_half_a_second_late_do_no_harm() {
    let mut packets = talk(CodecKind::Pcmu, 20, 500);
    let late = [100, 200, 300];
    let copies: Vec<_> = packets.iter().step_by(10).cloned().collect();
    delay(&mut packets, |index| if late.contains(&index) { 500 } else { 0 });
    packets.extend(copies);
    let heard = listen(CodecKind::Pcmu, packets, 0);
    assert_eq!(heard.counters.discarded + heard.counters.duplicates, 50, "{:?}", heard.counters);
    assert!(heard.counters.duplicates >= 44, "{:?}", heard.counters);
    assert!(heard.depths.iter().all(|&depth| depth < 100.0));
    assert!((heard.sound(200).tone_hz - 440.0).abs() < 3.0);
}

#[test]
fn jitter_is_absorbed_and_the_delay_returns_when_it_ends() {
    for kind in [CodecKind::Opus, CodecKind::Pcmu] {
        let mut packets = talk(kind, 20, 1_500);
        let mut chance = random(9);
        delay(&mut packets, |index| if index < 750 { 30 + u64::from(chance(40)) } else { 30 });
        let heard = listen(kind, packets, 0);
        let after = &heard.origins[100..];
        let invented = after.iter().filter(|&&origin| origin != Origin::Decoded).count();
        assert!(invented <= 12, "{kind:?}: {invented} frames, {:?}", heard.counters);
        assert!(heard.depths[100..750].iter().any(|&depth| depth > 35.0));
        assert!(heard.counters.depth_ms < 40.0, "{:?}", heard.counters);
        assert!((heard.sound(2_000).tone_hz - 440.0).abs() < 4.0);
    }
}

#[test]
fn a_new_ssrc_a_jump_of_time_and_a_new_sequence_go_on_without_a_gap() {
    type Change = fn(&mut Arrival);
    let changes: [Change; 4] = [
        |arrival| arrival.ssrc = 2,
        |arrival| arrival.timestamp = arrival.timestamp.wrapping_add(1 << 31),
        |arrival| arrival.seq = arrival.seq.wrapping_add(20_000),
        |arrival| (arrival.ssrc, arrival.seq, arrival.timestamp) = (9, arrival.seq ^ 0x5555, !arrival.timestamp),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut packets = talk(CodecKind::Opus, 20, 400);
        let first = packets[0].arrival;
        for (n, packet) in packets[200..].iter_mut().enumerate() {
            change(&mut packet.arrival);
            if index == 3 {
                packet.arrival.seq = (first.seq ^ 0x5555).wrapping_add(n as u16);
                packet.arrival.timestamp = (!first.timestamp).wrapping_add(n as u32 * 960);
            }
        }
        let heard = listen(CodecKind::Opus, packets, 0);
        assert!(heard.counters.concealed_ms <= 40, "change {index}: {:?}", heard.counters);
        assert!(
            heard.counters.discarded <= 1 && heard.counters.depth_ms < 60.0,
            "change {index}: {:?}",
            heard.counters
        );
        assert!((heard.sound(500).tone_hz - 440.0).abs() < 3.0);
    }
}

#[test]
fn the_codec_may_change_back_and_forth() {
    let mut packets = talk(CodecKind::Pcmu, 20, 300);
    let opus = talk(CodecKind::Opus, 20, 300);
    for (packet, other) in packets[100..200].iter_mut().zip(&opus[100..]) {
        packet.payload = other.payload.clone();
        packet.arrival.timestamp = other.arrival.timestamp;
    }
    let heard = listen(CodecKind::Opus, packets, 0);
    assert_eq!(heard.codec, CodecKind::Pcmu);
    assert!(heard.counters.concealed_ms <= 80 && heard.counters.lost == 0, "{:?}", heard.counters);
    assert!(heard.count(Origin::Decoded) >= 290);
}

#[test]
fn an_hour_of_drift_never_accumulates() {
    for ppm in [-500_i64, 500] {
        let kind = CodecKind::Pcma;
        let one = talk(kind, 20, 50);
        let mut buffer = JitterBuffer::new(kind).unwrap();
        let (mut frame, mut sent, mut deepest) = (Vec::new(), 0_u64, 0.0_f32);
        for tick in 0..180_000_u64 {
            let now = Duration::from_millis(tick * 20 + 7);
            let due =
                |n: u64| Duration::from_micros((n as i64 * (20_000 * 1_000_000 + 20_000 * ppm) / 1_000_000) as u64);
            while due(sent) <= now {
                let arrival =
                    Arrival { ssrc: 1, seq: sent as u16, timestamp: (sent * 160) as u32, marker: false, at: due(sent) };
                push(&mut buffer, &Packet { arrival, payload: one[sent as usize % 50].payload.clone() });
                sent += 1;
            }
            buffer.pull(now, &mut frame);
            if tick > 50 {
                deepest = deepest.max(buffer.counters().depth_ms);
            }
        }
        let counters = buffer.counters();
        assert!(deepest < 60.0, "{ppm}: {deepest} ms");
        assert!(counters.concealed_ms <= 200 && counters.lost + counters.discarded == 0, "{ppm}: {counters:?}");
    }
}

#[test]
fn silence_on_purpose_is_not_loss() {
    // Two seconds of speech, comfort noise each 200 ms, speech again; then a pause that nobody announces.
    let mut packets = talk(CodecKind::Pcmu, 20, 500);
    packets.retain(|packet| {
        let n = (packet.arrival.at.as_millis() as usize - 50) / 20;
        !(100..200).contains(&n) || n.is_multiple_of(10)
    });
    packets[100..110].iter_mut().for_each(|packet| packet.payload = Content::Noise(50));
    for (n, packet) in packets.iter_mut().enumerate() {
        packet.arrival.seq = n as u16;
    }
    packets.drain(200..240);
    for (n, packet) in packets.iter_mut().enumerate() {
        packet.arrival.seq = n as u16;
    }
    let heard = listen(CodecKind::Pcmu, packets, 0);
    assert_eq!(heard.counters.lost, 0);
    assert!(heard.counters.concealed_ms <= 100, "{:?}", heard.counters);
    assert!(heard.count(Origin::Comfort) >= 130, "{}", heard.count(Origin::Comfort));
    let noise = crate::tone::level(&heard.pcm[8 * 2_500..8 * 3_500]);
    assert!((noise + 50.0).abs() < 1.5, "{noise}");
}

#[test]
fn telephone_events_take_sequence_numbers_but_are_not_lost_audio() {
    let mut packets = talk(CodecKind::Pcmu, 20, 300);
    packets[100..110].iter_mut().for_each(|packet| packet.payload = Content::Other);
    let heard = listen(CodecKind::Pcmu, packets, 0);
    assert_eq!((heard.counters.lost, heard.counters.concealed_ms), (0, 0), "{:?}", heard.counters);
    assert!((9..=12).contains(&heard.count(Origin::Comfort)));
}

#[test]
fn a_stream_that_stops_is_concealed_for_five_frames_and_starts_again() {
    let mut packets = talk(CodecKind::Opus, 20, 400);
    packets.drain(100..300);
    let heard = listen(CodecKind::Opus, packets, 0);
    let stop = heard.origins[10..].iter().position(|&origin| origin != Origin::Decoded).unwrap() + 10;
    assert!(heard.origins[stop..stop + 5].iter().all(|&origin| origin == Origin::Concealed));
    assert_eq!(heard.origins[stop + 5], Origin::Comfort);
    assert!(heard.count(Origin::Silence) > 50);
    assert!(heard.count(Origin::Decoded) >= 190);
}

#[test]
fn a_stalled_network_is_survived() {
    let mut packets = talk(CodecKind::Opus, 20, 600);
    delay(&mut packets, |index| if (200..350).contains(&index) { (350 - index as u64) * 20 } else { 0 });
    let heard = listen(CodecKind::Opus, packets, 0);
    assert!(heard.counters.depth_ms < 100.0, "{:?}", heard.counters);
    assert!(heard.origins[380..].iter().filter(|&&origin| origin != Origin::Decoded).count() < 5);
}

#[test]
fn a_source_that_stopped_its_clock_is_heard_again() {
    let mut packets = talk(CodecKind::Pcmu, 20, 400);
    packets[200..].iter_mut().for_each(|packet| packet.arrival.at += Duration::from_secs(5));
    let heard = listen(CodecKind::Pcmu, packets, 0);
    assert!(heard.count(Origin::Decoded) > 360, "{} {:?}", heard.count(Origin::Decoded), heard.counters);
}

#[test]
fn a_path_that_becomes_slower_for_good_is_followed() {
    let mut packets = talk(CodecKind::Pcmu, 20, 800);
    delay(&mut packets, |index| if index >= 300 { 250 } else { 0 });
    let heard = listen(CodecKind::Pcmu, packets, 0);
    assert!(heard.count(Origin::Decoded) > 740, "{} {:?}", heard.count(Origin::Decoded), heard.counters);
    assert!(heard.counters.depth_ms < 60.0, "{:?}", heard.counters);
}

fn payloads() -> impl Strategy<Value = Content> {
    let kinds = prop::sample::select(&[CodecKind::Opus, CodecKind::Pcmu, CodecKind::Pcma][..]);
    prop_oneof![
        6 => (kinds, prop::collection::vec(any::<u8>(), 0..200)).prop_map(|(kind, bytes)| Content::Audio(kind, bytes)),
        1 => any::<u8>().prop_map(Content::Noise),
        1 => Just(Content::Other),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn anything_may_arrive(
        packets in prop::collection::vec((0_u32..3, any::<u16>(), any::<u32>(), any::<bool>(), payloads(), 0_u64..60), 0..120),
    ) {
        let mut buffer = JitterBuffer::new(CodecKind::Opus).unwrap();
        let (mut now, mut frame) = (0, Vec::new());
        let (mut seq, mut timestamp) = (0_u16, 0_u32);
        for (ssrc, next_seq, next_timestamp, is_wild, payload, wait) in packets {
            // Half of the packets follow the one before by a little, so that deep paths are reached too.
            seq = if is_wild { next_seq } else { seq.wrapping_add(next_seq % 4) };
            timestamp = if is_wild { next_timestamp } else { timestamp.wrapping_add(next_timestamp % 3_000) };
            now += wait;
            let at = Duration::from_millis(now);
            push(&mut buffer, &Packet { arrival: Arrival { ssrc, seq, timestamp, marker: false, at }, payload });
            if wait > 20 {
                buffer.pull(at, &mut frame);
                prop_assert_eq!(frame.len(), buffer.codec().frame_samples());
            }
        }
        prop_assert!(buffer.stored.len() <= MAX_PACKETS);
    }

    #[test]
    fn loss_and_jitter_never_lengthen_or_shorten_the_call(seed: u32, loss in 0_u32..30, jitter in 1_u32..80) {
        let mut chance = random(seed);
        let mut packets = talk(CodecKind::Pcmu, 20, 150);
        delay(&mut packets, |_| u64::from(chance(jitter)));
        packets.retain(|packet| packet.arrival.marker || chance(100) >= loss);
        let arrived = packets.len() as u64;
        let heard = listen(CodecKind::Pcmu, packets, 10);
        let counters = heard.counters;
        prop_assert_eq!(counters.received, arrived);
        prop_assert!(heard.depths.iter().all(|&depth| depth < 260.0), "{:?}", heard.depths);
        prop_assert!(counters.lost + counters.discarded <= 150);
    }
}
