//! Circles in driven time: whoever hears one hears all who speak on it but itself, however it is encoded; recordings of
//! one, and who is the loudest.

mod house;

use std::collections::HashMap;
use std::fs;

use house::{House, SECOND, assert_silent, assert_tone, hear, meter, play, sing};
use offhook_media::messages::{Command, Event, Tracks};
use offhook_media::tone::Meter;

const CIRCLE: u32 = 100;
const RATE: u32 = 16_000;

fn convene(speakers: &[u32]) -> Command {
    Command::Convene { port: CIRCLE, speakers: speakers.to_vec(), apart: None, levels_ms: 0 }
}

/// Legs from 1 on, of phones from 11 on that sing from 500 Hz on in steps of 300 Hz, on one circle.
fn circle(codecs: &[&str]) -> House {
    let mut house = House::driven();
    let legs: Vec<u32> = (1..=codecs.len() as u32).collect();
    for (leg, codec) in legs.iter().zip(codecs) {
        house.leg(*leg, leg + 10, &[codec]);
        house.send([sing(leg + 10, pitch(*leg)), hear(*leg, &[CIRCLE]), meter(leg + 10)]);
    }
    house.send([convene(&legs)]);
    house.pass(2 * SECOND);
    house
}

fn pitch(leg: u32) -> f32 {
    200.0 + 300.0 * leg as f32
}

/// Let only these phones sing.
fn only(house: &House, phones: &[u32], all: std::ops::RangeInclusive<u32>) {
    for port in all {
        house.send([Command::Mute { port, muted: !phones.contains(&port) }]);
    }
}

#[test]
fn each_hears_the_others_and_never_itself_whatever_their_codecs() {
    for codecs in [["pcmu", "pcmu", "pcmu"], ["opus", "opus", "opus"], ["pcma", "opus", "pcmu"]] {
        let mut house = circle(&codecs);
        for singer in 11..=13 {
            only(&house, &[singer], 11..=13);
            house.pass(SECOND);
            for phone in 11..=13 {
                let heard = house.inbound(phone);
                if phone == singer {
                    assert_silent(&heard);
                } else {
                    assert_tone(&heard, pitch(singer - 10));
                }
            }
        }
    }
}

#[test]
fn who_is_heard_by_all_or_by_one_alone_is_a_matter_of_what_is_heard() {
    let mut house = circle(&["pcmu", "pcmu", "opus", "pcmu"]);
    // The first does not speak, and the fourth whispers to the second.
    house.send([convene(&[2, 3]), hear(2, &[CIRCLE, 4])]);
    only(&house, &[14], 11..=14);
    house.pass(SECOND);
    assert_tone(&house.inbound(12), pitch(4));
    [11, 13, 14].iter().for_each(|phone| assert_silent(&house.inbound(*phone)));
    only(&house, &[11], 11..=14);
    house.pass(SECOND);
    [12, 13, 14].iter().for_each(|phone| assert_silent(&house.inbound(*phone)));
    only(&house, &[12], 11..=14);
    house.pass(SECOND);
    [11, 13, 14].iter().for_each(|phone| assert_tone(&house.inbound(*phone), pitch(2)));
}

#[test]
fn what_is_sent_alike_goes_over_to_what_is_not_and_back_without_a_gap() {
    let mut house = circle(&["pcmu", "pcmu", "pcmu"]);
    only(&house, &[11], 11..=13);
    house.pass(SECOND);
    for (number, overlaid) in (7..10).zip([true, false, true]) {
        house.send([play(2, number, 1_700.0, 500, overlaid)]);
        house.pass(SECOND);
        assert_tone(&house.inbound(12), pitch(1));
        assert_tone(&house.inbound(13), pitch(1));
    }
    let heard = house.stats(12).inbound;
    assert_eq!((heard.lost, heard.discarded), (0, 0));
}

#[test]
fn two_on_a_circle_are_forwarded_to_each_other() {
    let mut house = circle(&["opus", "opus"]);
    house.pass(4 * SECOND);
    assert_tone(&house.inbound(11), pitch(2));
    assert_tone(&house.inbound(12), pitch(1));
    let (said, heard) = (house.stats(2).inbound.packets, house.stats(1).outbound.packets);
    assert!(said.abs_diff(heard) < 150, "{said} packets said, {heard} heard");
    assert!(house.stats(11).inbound.mos > 4.0);
}

#[test]
fn a_circle_is_recorded_with_what_is_played_to_it_and_the_one_apart() {
    let path = std::env::temp_dir().join(format!("offhook-circle-{}.wav", std::process::id()));
    let path = path.to_str().expect("a name in ASCII").to_owned();
    let _ = fs::remove_file(&path);
    let mut house = circle(&["pcmu", "opus", "pcmu"]);
    only(&house, &[11, 12], 11..=13);
    house.send([
        Command::Convene { port: CIRCLE, speakers: vec![1, 2, 3], apart: Some(1), levels_ms: 0 },
        Command::Record {
            port: CIRCLE,
            recording: "r".into(),
            path: path.clone(),
            rate: RATE,
            tracks: Tracks::Both,
            channels: 2,
            max_ms: 0,
            silence_ms: 0,
        },
    ]);
    house.pass(2 * SECOND);
    only(&house, &[11], 11..=13);
    house.pass(SECOND / 2);
    house.send([play(CIRCLE, 7, 1_400.0, 1_000, true)]);
    house.pass(2 * SECOND);
    // Everybody hears on, and nobody what is played.
    assert_tone(&house.inbound(13), pitch(1));
    house.send([Command::ClosePort { port: CIRCLE }]);
    house.pass(SECOND);
    assert_silent(&house.inbound(13));
    let told =
        house.count(|event| matches!(event, Event::RecordEnded { port: CIRCLE, ms: 4_500, reason: "closed", .. }));
    assert_eq!(
        told,
        1,
        "{:?}",
        house.events.iter().filter(|it| matches!(it, Event::RecordEnded { .. })).collect::<Vec<_>>()
    );
    let bytes = fs::read(&path).expect("a recording");
    let samples: Vec<i16> = bytes[44..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect();
    let tone = |channel: usize, from: f32, to: f32| {
        let mut meter = Meter::new(RATE);
        let of: Vec<i16> = samples.iter().skip(channel).step_by(2).copied().collect();
        meter.push(&of[(from * RATE as f32) as usize..(to * RATE as f32) as usize]);
        meter.take().tone_hz.round()
    };
    assert!((tone(0, 0.5, 4.5) - pitch(1)).abs() < 15.0);
    assert!((tone(1, 0.5, 2.0) - pitch(2)).abs() < 15.0);
    assert!((tone(1, 2.6, 3.4) - 1_400.0).abs() < 15.0);
    fs::remove_file(&path).expect("its file");
}

#[test]
fn the_loudest_is_told_and_silence_once() {
    let mut house = circle(&["pcmu", "opus", "pcmu"]);
    only(&house, &[12], 11..=13);
    house.pass(SECOND);
    house.send([Command::Convene { port: CIRCLE, speakers: vec![1, 2, 3], apart: None, levels_ms: 200 }]);
    house.pass(SECOND);
    house.send([Command::Mute { port: 12, muted: true }]);
    house.pass(2 * SECOND);
    let mut told: HashMap<Option<u32>, usize> = HashMap::new();
    for event in &house.events {
        if let Event::Loudest { port: CIRCLE, speaker, level, .. } = event {
            assert_eq!(speaker.is_some(), *level > -45.0);
            *told.entry(*speaker).or_default() += 1;
        }
    }
    assert_eq!(told.remove(&None), Some(1));
    assert!(matches!(told.remove(&Some(2)), Some(4..=6)));
    assert!(told.is_empty(), "{told:?}");
}
