//! Whole calls through the messages alone, in driven time: who hears what, and what is told of it.

mod house;

use std::time::Duration;

use house::{House, METER_MS, SECOND, assert_silent, assert_tone, hear, meter, names, play, sing};
use offhook_media::encoding::Encoding;
use offhook_media::messages::{Command, CoreConfig, Event, Ice, Network, RefusedCode, Reply, Request};

const ALICE: f32 = 500.0;
const BOB: f32 = 900.0;
const OPUS: &[&str] = &["opus"];
const PCMU: &[&str] = &["pcmu"];
const BOTH: &[&str] = &["opus", "pcmu", "pcma"];

/// A bridge over which Alice (11) and Bob (12) sing, metered at their ears.
fn singing(first: &[&str], second: &[&str]) -> House {
    let mut house = House::driven();
    house.bridge(first, second);
    house.send([sing(11, ALICE), sing(12, BOB), meter(11), meter(12)]);
    house.pass(2 * SECOND);
    house
}

fn packets_per_second(house: &mut House, port: u32) -> f64 {
    let before = house.stats(port).inbound.packets;
    house.pass(10 * SECOND);
    (house.stats(port).inbound.packets - before) as f64 / 10.0
}

#[test]
fn every_pair_of_ice_roles_carries_a_tone_both_ways() {
    for (offers, answers) in [(Ice::Full, Ice::Lite), (Ice::Lite, Ice::Full), (Ice::Full, Ice::Full)] {
        let mut house = House::driven();
        let offer = house.offer(1, offers, BOTH);
        let answer = house.answer(2, offer, answers, BOTH);
        house.accept(1, answer);
        house.send([sing(1, ALICE), sing(2, BOB), meter(1), meter(2)]);
        house.pass(3 * SECOND);
        assert_tone(&house.inbound(2), ALICE);
        assert_tone(&house.inbound(1), BOB);
    }
}

#[test]
fn two_lite_sides_are_refused() {
    let house = House::driven();
    let offer = house.offer(1, Ice::Lite, BOTH);
    let request = Request::AnswerPort { port: 2, offer, ice: Ice::Lite, codecs: names(BOTH), trickle: false };
    assert_eq!(house.refusal(request), RefusedCode::RoleConflict);
}

#[test]
fn trickled_candidates_connect() {
    let mut house = House::driven();
    let offer = house.offer(1, Ice::Full, OPUS);
    let (candidates, bare): (Vec<&str>, Vec<&str>) =
        offer.lines().partition(|line| line.starts_with("a=candidate:") || line.starts_with("a=end-of-candidates"));
    let answer = house.answer(2, bare.join("\r\n") + "\r\n", Ice::Full, OPUS);
    // Without the answer the offerer does not know whom to ask, and the answerer was told no address.
    house.pass(2 * SECOND);
    assert!(!house.is_connected(2));
    house.accept(1, answer);
    for candidate in candidates.iter().filter(|line| line.starts_with("a=candidate:")) {
        house.send([Command::AddCandidate { port: 2, candidate: candidate["a=".len()..].into() }]);
    }
    house.send([
        Command::AddCandidate { port: 2, candidate: "candidate:9 1 udp 1 4f8a.local 9 typ host".into() },
        Command::EndCandidates { port: 2 },
    ]);
    house.pass(2 * SECOND);
    assert!(house.is_connected(1) && house.is_connected(2));
}

#[test]
fn a_leg_that_is_answered_early_waits_for_its_far_end() {
    let mut house = House::driven();
    let offer = house.offer(1, Ice::Full, OPUS);
    let answer = house.answer(2, offer, Ice::Lite, OPUS);
    house.pass(120 * SECOND);
    house.accept(1, answer);
    house.pass(3 * SECOND);
    assert!(house.is_connected(1) && house.is_connected(2), "{:?}", house.events);
}

#[test]
fn opus_and_pcmu_are_transcoded_both_ways() {
    let house = singing(OPUS, PCMU);
    assert_tone(&house.inbound(12), ALICE);
    assert_tone(&house.inbound(11), BOB);
}

#[test]
fn three_in_a_conference_hear_the_others() {
    let mut house = House::driven();
    for port in [1, 2, 3] {
        house.leg(port, 10 + port, BOTH);
        house.send([hear(port, &[1, 2, 3])]);
    }
    house.send([sing(11, ALICE), meter(11), meter(12), meter(13)]);
    house.pass(2 * SECOND);
    assert_silent(&house.inbound(11));
    assert_tone(&house.inbound(12), ALICE);
    assert_tone(&house.inbound(13), ALICE);
}

#[test]
fn whoever_hears_nobody_goes_on_being_sent_frames() {
    let mut house = House::driven();
    house.leg(1, 11, OPUS);
    house.send([meter(11)]);
    let rate = packets_per_second(&mut house, 11);
    assert!((49.0..=51.0).contains(&rate), "{rate} packets a second");
    assert_silent(&house.inbound(11));
}

#[test]
fn a_speaker_that_closes_leaves_silence_and_not_nothing() {
    let mut house = singing(OPUS, OPUS);
    house.send([Command::ClosePort { port: 2 }]);
    house.pass(SECOND);
    let rate = packets_per_second(&mut house, 11);
    assert!((49.0..=51.0).contains(&rate), "{rate} packets a second");
    assert_silent(&house.inbound(11));
}

#[test]
fn who_is_muted_sends_silence() {
    let mut house = singing(OPUS, OPUS);
    house.send([Command::Mute { port: 11, muted: true }]);
    house.pass(SECOND);
    assert_silent(&house.inbound(12));
    house.send([Command::Mute { port: 11, muted: false }]);
    house.pass(SECOND);
    assert_tone(&house.inbound(12), ALICE);
}

#[test]
fn a_play_replaces_what_is_heard_and_ends() {
    let mut house = singing(OPUS, OPUS);
    house.send([play(2, 7, 1_500.0, 1_000, false)]);
    house.pass(SECOND);
    assert_tone(&house.inbound(12), 1_500.0);
    house.pass(SECOND);
    assert_tone(&house.inbound(12), ALICE);
    let is_end = |event: &Event| matches!(event, Event::PlayEnded { port: 2, play: 7, reason: "completed" });
    assert_eq!(house.count(is_end), 1);
}

#[test]
fn a_play_is_stopped_and_an_overlay_lies_over_what_is_heard() {
    let mut house = singing(OPUS, OPUS);
    house.send([play(2, 7, 1_500.0, 0, true)]);
    house.pass(SECOND);
    let both = house.inbound(12);
    house.send([Command::StopPlay { port: 2, play: 7 }]);
    house.pass(SECOND);
    let one = house.inbound(12);
    assert_tone(&one, ALICE);
    assert!(both.level > one.level + 2.0, "{both:?} is no louder than {one:?}");
    let is_end = |event: &Event| matches!(event, Event::PlayEnded { port: 2, play: 7, reason: "stopped" });
    assert_eq!(house.count(is_end), 1);
}

fn feed(ms: usize, mark: u64) -> Command {
    let pcm: Vec<u8> = [0x00, 0x10].repeat(ms * 16);
    Command::Feed { port: 1, rate: 16_000, pcm, mark, overlay: false, encoding: Encoding::Pcm }
}

fn fed(house: &House) -> Vec<(u64, u64, bool)> {
    let marks = house.events.iter().filter_map(|event| match event {
        Event::FeedPlayed { port: 1, mark, played_ms, cleared } => Some((*mark, *played_ms, *cleared)),
        _ => None,
    });
    marks.collect()
}

#[test]
fn marks_tell_how_far_a_feed_was_played_and_what_was_cleared() {
    let mut house = House::driven();
    house.leg(1, 11, OPUS);
    house.send([feed(200, 1), feed(300, 2), feed(5_000, 3)]);
    house.pass(SECOND);
    assert_eq!(fed(&house), [(1, 200, false), (2, 500, false)]);
    house.send([Command::ClearFeed { port: 1 }]);
    house.pass(SECOND);
    let told = fed(&house);
    let (mark, played, is_cleared) = told[2];
    assert!(mark == 3 && is_cleared && (960..=1_020).contains(&played), "{told:?}");
    assert_eq!(told.len(), 3);
}

fn pressed(codecs: &[&str], network: Network) -> String {
    let mut house = House::on(network);
    house.leg(1, 11, codecs);
    house.send([Command::SendDigits { port: 11, digits: "0123456789*#w5".into(), duration_ms: 100, gap_ms: 60 }]);
    house.pass(5 * SECOND);
    house.digits(1)
}

#[test]
fn every_key_is_told_once_by_rfc_4733() {
    assert_eq!(pressed(OPUS, Network::default()), "0123456789*#5");
    assert_eq!(pressed(PCMU, Network::default()), "0123456789*#5");
}

#[test]
fn every_key_is_told_once_where_packets_are_lost() {
    let network = Network { loss: 0.1, delay_ms: 20.0, jitter_ms: 10.0, seed: 4, ..Network::default() };
    assert_eq!(pressed(OPUS, network), "0123456789*#5");
}

#[test]
fn where_the_far_end_takes_no_events_keys_are_tones_in_band() {
    let mut house = House::driven();
    let offer = house.offer(11, Ice::Full, PCMU);
    let without: Vec<&str> = offer.lines().filter(|line| !line.contains("telephone-event")).collect();
    let without = without.join("\r\n").replace(" 126\r\n", "\r\n") + "\r\n";
    let answer = house.answer(1, without, Ice::Lite, PCMU);
    house.accept(11, answer);
    house.send([meter(11), Command::SendDigits { port: 1, digits: "5".into(), duration_ms: 1_000, gap_ms: 60 }]);
    house.pass(2 * SECOND);
    let loudest = house.events.iter().filter_map(|event| match event {
        Event::Metered { port: 11, inbound, .. } => Some(inbound.level),
        _ => None,
    });
    assert!(loudest.fold(-127.0, f32::max) > -30.0);
    assert_eq!(house.digits(11), "");
}

#[test]
fn a_meter_reports_at_its_interval_and_stops() {
    let mut house = singing(OPUS, OPUS);
    let is_metered = |event: &Event| matches!(event, Event::Metered { port: 11, .. });
    let before = house.count(is_metered);
    house.pass(10 * SECOND);
    assert_eq!(house.count(is_metered) - before, 10_000 / METER_MS as usize);
    assert_eq!(house.inbound(11).packets, u64::from(METER_MS / 20));
    house.send([Command::Meter { port: 11, every_ms: 0 }]);
    house.events.clear();
    house.pass(SECOND);
    assert_eq!(house.count(is_metered), 0);
}

#[test]
fn whoever_listens_is_given_every_frame() {
    let mut house = House::driven();
    house.leg(1, 11, OPUS);
    house.send([sing(11, ALICE), Command::Listen { port: 1, rate: 16_000 }]);
    house.pass(SECOND);
    let frames: Vec<(u64, usize)> = house
        .events
        .iter()
        .filter_map(|event| match event {
            Event::PcmHeard { port: 1, at_ms, rate: 16_000, pcm } => Some((*at_ms, pcm.len())),
            _ => None,
        })
        .collect();
    assert_eq!(frames.len(), 50);
    assert!(frames.windows(2).all(|pair| pair[1].0 - pair[0].0 == 20), "{frames:?}");
    assert!(frames.iter().skip(2).all(|(_, bytes)| (636..=644).contains(bytes)), "{frames:?}");
}

#[test]
fn the_counters_tell_the_loss_of_a_lossy_network() {
    let mut house = House::on(Network { loss: 0.1, delay_ms: 30.0, jitter_ms: 5.0, seed: 1, ..Network::default() });
    house.bridge(OPUS, OPUS);
    house.pass(60 * SECOND);
    let stats = house.stats(1);
    assert!((7.0..13.0).contains(&stats.inbound.loss_percent), "{stats:?}");
    // What the other phone's leg lost is missing on this one, too: gaps are forwarded as gaps.
    assert!((12.0..26.0).contains(&stats.outbound.loss_percent), "{stats:?}");
    assert!(stats.rtt_ms.is_some_and(|rtt| (55.0..95.0).contains(&rtt)), "{stats:?}");
    let clean = {
        let mut house = singing(OPUS, OPUS);
        house.pass(10 * SECOND);
        house.stats(1)
    };
    assert_eq!(clean.inbound.lost, 0);
    assert!(clean.inbound.mos > stats.inbound.mos + 0.3, "{} over {}", clean.inbound.mos, stats.inbound.mos);
}

#[test]
fn the_round_trip_is_known_some_seconds_after_the_first_word() {
    let mut house = House::on(Network { delay_ms: 30.0, ..Network::default() });
    house.leg(1, 11, OPUS);
    let mut seconds = 0;
    while house.stats(1).rtt_ms.is_none() || house.stats(11).rtt_ms.is_none() {
        house.pass(SECOND);
        seconds += 1;
        assert!(seconds <= 5, "{:?}", house.stats(1));
    }
    let rtt = house.stats(1).rtt_ms.expect("known by now");
    assert!((55.0..75.0).contains(&rtt), "{rtt} ms");
}

#[test]
fn a_far_end_that_falls_silent_is_told_again_while_it_stays_silent() {
    let mut house = House::with(CoreConfig { driven: true, media_timeout_ms: 2_000, ..CoreConfig::default() });
    house.leg(1, 11, OPUS);
    house.send([Command::ClosePort { port: 11 }]);
    for told in 1..=4 {
        house.pass(2 * SECOND + SECOND / 10);
        assert_eq!(house.count(|event| matches!(event, Event::MediaStopped { port: 1 })), told);
    }
}

#[test]
fn a_far_end_that_may_not_send_is_not_missed_and_one_that_may_not_receive_is_sent_nothing() {
    for (direction, answered, is_missed) in [("recvonly", "sendonly", false), ("sendonly", "recvonly", true)] {
        let mut house = House::with(CoreConfig { driven: true, media_timeout_ms: 2_000, ..CoreConfig::default() });
        let offer = house.offer(11, Ice::Full, OPUS).replace("a=sendrecv", &format!("a={direction}"));
        let answer = house.answer(1, offer, Ice::Lite, OPUS);
        assert!(answer.contains(&format!("a={answered}\r\n")), "{answer}");
        house.accept(11, answer);
        house.pass(SECOND);
        let sent = house.stats(1).outbound.packets;
        assert_eq!(sent == 0, direction == "sendonly", "{sent} packets");
        house.send([Command::ClosePort { port: 11 }]);
        house.pass(5 * SECOND);
        let told = house.count(|event| matches!(event, Event::MediaStopped { port: 1 }));
        assert_eq!(told > 0, is_missed, "{direction}");
    }
}

#[test]
fn closing_tells_the_last_word_once_also_while_connecting() {
    let mut house = House::driven();
    house.leg(1, 11, OPUS);
    house.offer(2, Ice::Lite, OPUS);
    house.send([play(1, 5, 440.0, 0, false), Command::ClosePort { port: 1 }, Command::ClosePort { port: 2 }]);
    house.send([Command::ClosePort { port: 1 }, hear(1, &[11])]);
    house.pass(SECOND);
    for closed in [1, 2] {
        let is_word = |event: &Event| matches!(event, Event::PortClosed { stats } if stats.port == closed);
        assert_eq!(house.count(is_word), 1);
    }
    let is_end = |event: &Event| matches!(event, Event::PlayEnded { port: 1, play: 5, reason: "closed" });
    assert_eq!(house.count(is_end), 1);
    assert_eq!(house.refusal(Request::ReadStats { port: 1 }), RefusedCode::UnknownPort);
}

#[test]
fn what_cannot_be_is_refused_and_changes_nothing() {
    let mut house = House::with(CoreConfig { driven: true, max_ports: 2, ..CoreConfig::default() });
    let answer = |port: u32, offer: &str, codecs: &[&str]| Request::AnswerPort {
        port,
        offer: offer.into(),
        ice: Ice::Lite,
        codecs: names(codecs),
        trickle: false,
    };
    let offer = house.offer(1, Ice::Full, BOTH);
    let without = |start: &str| -> String {
        let kept: Vec<&str> = offer.lines().filter(|line| !line.starts_with(start)).collect();
        kept.join("\r\n") + "\r\n"
    };
    let fingerprint = offer.lines().find(|line| line.starts_with("a=fingerprint:")).expect("a fingerprint").to_owned();
    let refusals = [
        ("nonsense".into(), RefusedCode::SdpSyntax),
        (without("m=audio"), RefusedCode::NoAudio),
        (without("a=fingerprint"), RefusedCode::NoFingerprint),
        (offer.replace(&fingerprint, "a=fingerprint:sha-1 AB:CD"), RefusedCode::WeakFingerprint),
        (offer.replace(&fingerprint, "a=fingerprint:sha-256 AB:CD"), RefusedCode::NoFingerprint),
        (offer.replace("actpass", "holdconn"), RefusedCode::RoleConflict),
        (without("a=ice-pwd"), RefusedCode::NoIce),
        (without("a=ice-ufrag"), RefusedCode::NoIce),
    ];
    for (text, code) in refusals {
        assert_eq!(house.refusal(answer(2, &text, BOTH)), code, "{text}");
    }
    assert_eq!(house.refusal(answer(2, &offer, &[])), RefusedCode::NoCommonCodec);
    assert_eq!(house.refusal(answer(1, &offer, BOTH)), RefusedCode::PortExists);
    let accepted = |port: u32| Request::AcceptAnswer { port, answer: offer.replace("actpass", "active") };
    assert_eq!(house.refusal(accepted(9)), RefusedCode::UnknownPort);
    assert_eq!(house.refusal(Request::Reoffer { port: 1 }), RefusedCode::WrongState);
    assert_eq!(house.refusal(Request::AnswerReoffer { port: 1, offer: offer.clone() }), RefusedCode::WrongState);
    let answered = house.described(answer(2, &offer, BOTH));
    assert_eq!(house.refusal(accepted(2)), RefusedCode::WrongState);
    assert_eq!(house.refusal(answer(3, &offer, BOTH)), RefusedCode::TooManyPorts);
    house.accept(1, answered);
    house.pass(SECOND);
    assert!(house.is_connected(1) && house.is_connected(2));
    house.send([Command::ClosePort { port: 2 }]);
    house.described(answer(3, &offer, BOTH));
}

#[test]
fn an_ice_restart_keeps_the_call() {
    let mut house = singing(OPUS, OPUS);
    let offer = house.described(Request::Reoffer { port: 11 });
    let answer = house.described(Request::AnswerReoffer { port: 1, offer });
    house.accept(11, answer);
    house.pass(5 * SECOND);
    assert_eq!((house.connections(1), house.connections(11)), (2, 2));
    assert_tone(&house.inbound(11), BOB);
    assert_tone(&house.inbound(12), ALICE);
    assert_eq!(house.stats(11).inbound.lost, 0);
}

#[test]
fn a_core_holds_nothing_of_ports_that_are_gone() {
    let mut house = House::driven();
    for round in 0..20 {
        let base = round * 100;
        house.leg(base + 1, base + 11, OPUS);
        house.leg(base + 2, base + 12, PCMU);
        house.send([hear(base + 1, &[base + 2, base + 99]), hear(base + 2, &[base + 1])]);
        house.pass(Duration::from_millis(200));
        for port in [1, 2, 11, 12] {
            house.send([Command::ClosePort { port: base + port }]);
        }
        house.pass(Duration::from_millis(200));
    }
    let Reply::Counters(counters) = house.core.request(Request::ReadCounters) else { panic!("no counters") };
    assert_eq!((counters.ports, counters.routes, counters.streams), (0, 0, 0));
}
