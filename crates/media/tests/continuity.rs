//! What a far end sees on the wire while its source changes: one SSRC, no seam in sequence or time (RFC 3550 section 5.1).

mod abroad;
mod far_end;
mod house;

use std::time::Duration;

use abroad::Abroad;
use house::{SECOND, assert_tone, hear, meter, play, sing};
use offhook_media::messages::{Command, Event, Request};

/// One SSRC; every sequence number follows the last; timestamps never go back and keep up with time.
fn assert_continuous(watched: &Abroad, seconds: u32) {
    let packets = &watched.far.packets;
    let first = &packets[0];
    for pair in packets.windows(2) {
        let (before, after) = (&pair[0].header, &pair[1].header);
        assert_eq!(before.ssrc, after.ssrc);
        assert_eq!(after.sequence_number, before.sequence_number.wrapping_add(1));
        let step = after.timestamp.wrapping_sub(before.timestamp) as i32;
        assert!((0..48_000).contains(&step), "{before:?} then {after:?}");
    }
    let last = &packets[packets.len() - 1];
    let ticks = last.header.timestamp.wrapping_sub(first.header.timestamp);
    let expected = (seconds * 48_000) as f32;
    assert!((ticks as f32 - expected).abs() < 0.15 * expected, "{ticks} ticks in {seconds} s");
    let rate = packets.len() as f32 / seconds as f32;
    assert!((47.0..53.0).contains(&rate), "{rate} packets a second");
}

#[test]
fn going_between_forwarding_and_composing_shows_no_seam() {
    let mut watched = Abroad::connected();
    watched.house.leg(2, 12, &["opus"]);
    watched.house.send([sing(12, 900.0)]);
    watched.forget();
    for _ in 0..5 {
        watched.house.send([hear(1, &[2])]);
        watched.pass(SECOND);
        watched.house.send([play(1, 1, 440.0, 500, false)]);
        watched.pass(SECOND);
        watched.house.send([hear(1, &[])]);
        watched.pass(SECOND);
        watched.house.send([hear(1, &[2]), meter(1)]);
        watched.pass(SECOND);
    }
    assert_continuous(&watched, 20);
    let payloads: std::collections::HashSet<&[u8]> =
        watched.far.packets.iter().map(|packet| &packet.payload[..]).collect();
    assert!(payloads.len() > 200, "the tone was never heard");
}

#[test]
fn another_speaker_with_numbers_of_its_own_shows_no_seam() {
    let mut watched = Abroad::connected();
    for port in [2, 3, 4] {
        watched.house.leg(port, 10 + port, &["opus"]);
    }
    watched.forget();
    for round in 0..12 {
        watched.house.send([hear(1, &[2 + round % 3])]);
        watched.pass(SECOND);
    }
    assert_continuous(&watched, 12);
}

#[test]
fn a_new_certificate_keeps_the_stream_and_begins_its_roll_over_counter_anew() {
    let mut watched = Abroad::connected();
    // Past a roll-over, so that the counter of the old association is not 0.
    watched.pass(Duration::from_secs(1_400));
    let before = watched.far.packets.pop().expect("a packet");
    watched.far.packets.clear();
    let offer = watched.far.reborn(watched.house.core.now());
    let answer = watched.house.described(Request::AnswerReoffer { port: 1, offer });
    watched.far.accept(&answer);
    watched.pass(3 * SECOND);
    assert_eq!(watched.house.connections(1), 2);
    let after = watched.far.packets.first().expect("a packet of the new association");
    assert_eq!(after.header.ssrc, before.header.ssrc);
    let (steps, ticks) = (
        after.header.sequence_number.wrapping_sub(before.header.sequence_number),
        after.header.timestamp.wrapping_sub(before.header.timestamp),
    );
    assert!(steps < 150 && ticks < 3 * 48_000, "{steps} packets and {ticks} ticks on");
}

#[test]
fn a_far_end_that_says_goodbye_on_the_media_path_is_sent_no_more() {
    let mut watched = Abroad::connected();
    watched.far.rtc.close().expect("it closes");
    watched.pass(SECOND);
    let sent = watched.house.stats(1).outbound.packets;
    watched.pass(5 * SECOND);
    assert!(watched.house.stats(1).outbound.packets - sent < 2);
    watched.house.send([Command::ClosePort { port: 1 }]);
    watched.pass(SECOND);
    assert_eq!(watched.house.count(|event| matches!(event, Event::PortClosed { .. })), 1);
}

/// Case RTP-06.
#[test]
fn rtp_06_forged_rtp_of_a_known_address_pushes_out_nobody() {
    let mut watched = Abroad::connected();
    for turn in 0..200_u32 {
        let now = watched.house.core.now();
        watched.far.say(u64::from(turn) + 1, turn * 960, now);
        for ssrc in 1..=20_u32 {
            let mut data = vec![0x80, far_end::OPUS_PT, 0, 1, 0, 0, 0, 0];
            data.extend_from_slice(&(turn * 100 + ssrc).to_be_bytes());
            data.extend_from_slice(&[0x55; 40]);
            watched.deliver(watched.far.address, &data);
        }
        watched.pass(Duration::from_millis(20));
    }
    let stats = watched.house.stats(1);
    assert!(stats.inbound.packets >= 195 && stats.inbound.lost == 0, "{stats:?}");
    let counters = watched.counters();
    assert_eq!((counters.streams, counters.unauthenticated), (1, 4_000));
    watched.house.leg(2, 12, &["opus"]);
    watched.house.send([hear(2, &[1]), hear(1, &[2]), sing(12, 900.0), meter(2)]);
    watched.pass(SECOND);
    assert_tone(&watched.house.inbound(2), 900.0);
}
