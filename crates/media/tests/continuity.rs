//! What a far end sees on the wire while its source changes: one SSRC, no seam in sequence or time (RFC 3550 section 5.1).

mod far_end;
mod house;

use std::net::SocketAddr;
use std::time::Duration;

use far_end::FarEnd;
use house::{House, SECOND, assert_tone, hear, meter, play, sing};
use offhook_media::core::Datagram;
use offhook_media::messages::{Command, Event, Ice, Request};
use str0m::net::Protocol;

const STEP: Duration = Duration::from_millis(5);
const CODECS: &[&str] = &["opus", "pcmu"];

/// A foreign far end on leg 1 of a driven core.
struct Watched {
    house: House,
    far: FarEnd,
}

impl Watched {
    fn new() -> Self {
        let house = House::driven();
        let address: SocketAddr = "192.0.2.1:5000".parse().expect("an address");
        let (mut far, offer) = FarEnd::new(address, Protocol::Udp, house.core.now());
        let answer = house.answer(1, offer, Ice::Lite, CODECS);
        far.accept(&answer);
        let mut watched = Self { house, far };
        watched.pass(SECOND);
        assert!(watched.far.is_connected && watched.house.is_connected(1));
        watched
    }

    /// Take what is on its way, and forget what came.
    fn forget(&mut self) {
        self.pass(STEP);
        self.far.packets.clear();
    }

    fn pass(&mut self, by: Duration) {
        let until = self.house.core.now() + by;
        while self.house.core.now() < until {
            let now = self.house.core.now();
            for transmit in self.far.step(now) {
                let data = transmit.contents.to_vec();
                let datagram = Datagram { source: transmit.source, destination: transmit.destination, data };
                self.house.core.deliver(&datagram).expect("a driven core");
            }
            self.house.pass(STEP);
            for datagram in self.house.core.take_outside() {
                self.far.receive(datagram.source, &datagram.data, self.house.core.now());
            }
        }
    }
}

/// One SSRC; every sequence number follows the last; timestamps never go back and keep up with time.
fn assert_continuous(watched: &Watched, seconds: u32) {
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
    let mut watched = Watched::new();
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
    let mut watched = Watched::new();
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
    let mut watched = Watched::new();
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
fn a_far_end_with_another_certificate_than_its_offer_said_fails_the_port() {
    let house = House::driven();
    let address: SocketAddr = "192.0.2.1:5000".parse().expect("an address");
    let (mut far, offer) = FarEnd::new(address, Protocol::Udp, house.core.now());
    let digits = offer.lines().find_map(|line| line.strip_prefix("a=fingerprint:sha-256 ")).expect("a fingerprint");
    let other = offer.replace(digits, &["AB"; 32].join(":"));
    let answer = house.answer(1, other, Ice::Lite, CODECS);
    far.accept(&answer);
    let mut watched = Watched { house, far };
    watched.pass(3 * SECOND);
    let is_mismatch =
        |event: &Event| matches!(event, Event::PortFailed { port: 1, reason: "fingerprint_mismatch", .. });
    assert_eq!(watched.house.count(is_mismatch), 1, "{:?}", watched.house.events);
    assert!(!watched.house.is_connected(1));
}

#[test]
fn a_far_end_that_says_goodbye_on_the_media_path_is_sent_no_more() {
    let mut watched = Watched::new();
    watched.far.rtc.close().expect("it closes");
    watched.pass(SECOND);
    let sent = watched.house.stats(1).outbound.packets;
    watched.pass(5 * SECOND);
    assert!(watched.house.stats(1).outbound.packets - sent < 2);
    watched.house.send([Command::ClosePort { port: 1 }]);
    watched.pass(SECOND);
    assert_eq!(watched.house.count(|event| matches!(event, Event::PortClosed { .. })), 1);
}

#[test]
fn forged_rtp_of_a_known_address_pushes_out_nobody() {
    let mut watched = Watched::new();
    // Where port 1 of a driven core lives.
    let our_end = SocketAddr::from(([10, 0, 0, 1], 4_000));
    for turn in 0..200_u32 {
        let now = watched.house.core.now();
        watched.far.say(u64::from(turn) + 1, turn * 960, now);
        for ssrc in 1..=20_u32 {
            let mut data = vec![0x80, far_end::OPUS_PT, 0, 1, 0, 0, 0, 0];
            data.extend_from_slice(&(turn * 100 + ssrc).to_be_bytes());
            data.extend_from_slice(&[0x55; 40]);
            let forged = Datagram { source: watched.far.address, destination: our_end, data };
            watched.house.core.deliver(&forged).expect("a driven core");
        }
        watched.pass(Duration::from_millis(20));
    }
    let stats = watched.house.stats(1);
    assert!(stats.inbound.packets >= 195 && stats.inbound.lost == 0, "{stats:?}");
    let offhook_media::messages::Reply::Counters(counters) = watched.house.core.request(Request::ReadCounters) else {
        panic!("no counters")
    };
    assert_eq!((counters.streams, counters.unauthenticated), (1, 4_000));
    watched.house.leg(2, 12, &["opus"]);
    watched.house.send([hear(2, &[1]), hear(1, &[2]), sing(12, 900.0), meter(2)]);
    watched.pass(SECOND);
    assert_tone(&watched.house.inbound(2), 900.0);
}
