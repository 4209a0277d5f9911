//! Recordings and taps of calls in driven time: what is in the file, in which channel, when, and what ends it.

mod house;

use std::fs;
use std::path::PathBuf;

use house::{House, SECOND, hear, meter, play, sing};
use offhook_media::encoding::Encoding;
use offhook_media::messages::{Command, Event, Tracks};
use offhook_media::tone::Meter;

const ALICE: f32 = 500.0;
const BOB: f32 = 900.0;
const RATE: u32 = 16_000;
const HEADER: usize = 44;

/// A file that goes with its test.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offhook-recording-{}-{name}.wav", std::process::id()));
        let _ = fs::remove_file(&path);
        Self(path)
    }

    fn path(&self) -> String {
        self.0.to_str().expect("a name in ASCII").to_owned()
    }

    /// The samples of one channel.
    fn samples(&self, channel: usize, channels: usize) -> Vec<i16> {
        let bytes = fs::read(&self.0).expect("a recording");
        assert_eq!(&bytes[..4], b"RIFF");
        let samples = bytes[HEADER..].chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]]));
        samples.skip(channel).step_by(channels).collect()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn record(file: &File, tracks: Tracks, channels: u16) -> Command {
    Command::Record {
        port: 1,
        recording: file.path(),
        path: file.path(),
        rate: RATE,
        tracks,
        channels,
        max_ms: 0,
        silence_ms: 0,
    }
}

fn pause(file: &File, paused: bool) -> Command {
    Command::PauseRecord { port: 1, recording: file.path(), paused }
}

fn stop(file: &File) -> Command {
    Command::StopRecord { port: 1, recording: file.path() }
}

/// The tone of a stretch from second to second; 0 is silence.
fn tone(samples: &[i16], from: f32, to: f32) -> f32 {
    let at = |second: f32| ((second * RATE as f32) as usize).min(samples.len());
    let mut meter = Meter::new(RATE);
    meter.push(&samples[at(from)..at(to)]);
    let sound = meter.take();
    if sound.level < -60.0 { 0.0 } else { sound.tone_hz }
}

#[track_caller]
fn assert_tone(samples: &[i16], from: f32, to: f32, hz: f32) {
    let found = tone(samples, from, to);
    assert!((found - hz).abs() < 15.0, "{found} Hz is not {hz} Hz between {from} and {to}");
}

fn ended(house: &House) -> Vec<(u64, &'static str)> {
    let ends = house.events.iter().filter_map(|event| match event {
        Event::RecordEnded { ms, reason, .. } => Some((*ms, *reason)),
        _ => None,
    });
    ends.collect()
}

/// A bridge over which Alice (11) and Bob (12) sing.
fn singing(codecs: &[&str]) -> House {
    let mut house = House::driven();
    house.bridge(codecs, codecs);
    house.send([sing(11, ALICE), sing(12, BOB)]);
    house.pass(2 * SECOND);
    house
}

#[test]
fn both_sides_of_a_forwarded_bridge_are_in_their_channels() {
    for codecs in [&["opus"], &["pcmu"]] {
        let file = File::new(codecs[0]);
        let mut house = singing(codecs);
        house.send([record(&file, Tracks::Both, 2)]);
        house.pass(5 * SECOND);
        house.send([stop(&file)]);
        house.pass(SECOND);
        assert_eq!(ended(&house), [(5_000, "stopped")]);
        let (near, far) = (file.samples(0, 2), file.samples(1, 2));
        assert_eq!((near.len(), far.len()), (5 * RATE as usize, 5 * RATE as usize));
        assert_tone(&near, 0.5, 5.0, ALICE);
        assert_tone(&far, 0.5, 5.0, BOB);
    }
}

#[test]
fn a_recording_leaves_a_forwarded_bridge_forwarded() {
    let file = File::new("forwarded");
    let mut house = singing(&["opus"]);
    house.send([record(&file, Tracks::Both, 2), meter(12)]);
    house.pass(5 * SECOND);
    let encoded = house.stats(12).inbound;
    house::assert_tone(&house.inbound(12), ALICE);
    assert!(encoded.mos > 4.0, "{encoded:?}");
    house.send([stop(&file)]);
    house.pass(2 * SECOND);
    house::assert_tone(&house.inbound(12), ALICE);
    assert_eq!(house.stats(12).inbound.lost, 0);
}

#[test]
fn one_channel_has_both_and_one_track_has_one() {
    let (mixed, inbound, outbound) = (File::new("mixed"), File::new("inbound"), File::new("outbound"));
    let mut house = singing(&["opus"]);
    house.send([
        record(&mixed, Tracks::Both, 1),
        record(&inbound, Tracks::Inbound, 2),
        record(&outbound, Tracks::Outbound, 2),
    ]);
    house.pass(3 * SECOND);
    house.send([hear(2, &[])]);
    house.send([Command::Mute { port: 11, muted: true }]);
    house.pass(3 * SECOND);
    house.send([stop(&mixed), stop(&inbound), stop(&outbound)]);
    house.pass(SECOND);
    assert_tone(&inbound.samples(0, 1), 0.5, 3.0, ALICE);
    assert_tone(&inbound.samples(0, 1), 3.5, 6.0, 0.0);
    assert_tone(&outbound.samples(0, 1), 0.5, 6.0, BOB);
    assert_tone(&mixed.samples(0, 1), 3.5, 6.0, BOB);
    let mut meter = Meter::new(RATE);
    meter.push(&mixed.samples(0, 1)[RATE as usize..3 * RATE as usize]);
    let (together, alone) = (meter.take().level, -15.0);
    assert!((together - 3.0 - alone).abs() < 1.0, "{together} dBov is not two tones of {alone}");
}

#[test]
fn what_is_played_to_a_leg_that_is_alone_is_heard_at_its_time() {
    let file = File::new("alone");
    let mut house = House::driven();
    house.leg(1, 11, &["opus"]);
    house.send([record(&file, Tracks::Both, 2)]);
    house.pass(SECOND);
    house.send([play(1, 7, 1_400.0, 500, false)]);
    house.pass(3 * SECOND);
    house.send([stop(&file)]);
    house.pass(SECOND);
    let heard = file.samples(1, 2);
    assert_tone(&heard, 0.0, 0.98, 0.0);
    assert_tone(&heard, 1.04, 1.46, 1_400.0);
    assert_tone(&heard, 1.56, 4.0, 0.0);
}

/// Case STO-10: of what was said meanwhile nothing is left.
#[test]
fn a_pause_is_silence_of_its_own_length() {
    let file = File::new("pause");
    let mut house = singing(&["opus"]);
    house.send([record(&file, Tracks::Both, 2)]);
    house.pass(2 * SECOND);
    house.send([pause(&file, true)]);
    house.pass(3 * SECOND);
    house.send([pause(&file, false)]);
    house.pass(2 * SECOND);
    house.send([stop(&file)]);
    house.pass(SECOND);
    for (channel, hz) in [(0, ALICE), (1, BOB)] {
        let samples = file.samples(channel, 2);
        assert_eq!(samples.len(), 7 * RATE as usize);
        assert_tone(&samples, 0.5, 1.98, hz);
        assert_tone(&samples, 2.02, 4.98, 0.0);
        assert_tone(&samples, 5.02, 7.0, hz);
    }
}

#[test]
fn limits_end_a_recording_by_themselves_and_the_port_ends_every_other() {
    let (long, silent, open) = (File::new("long"), File::new("silent"), File::new("open"));
    let mut house = singing(&["opus"]);
    let limited = |file: &File, max_ms, silence_ms| match record(file, Tracks::Both, 1) {
        Command::Record { port, recording, path, rate, tracks, channels, .. } => {
            Command::Record { port, recording, path, rate, tracks, channels, max_ms, silence_ms }
        }
        other => other,
    };
    house.send([limited(&long, 1_000, 0), limited(&silent, 0, 2_000), record(&open, Tracks::Both, 1)]);
    house.pass(3 * SECOND);
    assert_eq!(ended(&house), [(1_000, "max_length")]);
    house.send([Command::Mute { port: 11, muted: true }, Command::Mute { port: 12, muted: true }]);
    house.pass(4 * SECOND);
    assert_eq!(ended(&house)[1].1, "silence");
    assert!((5_000..5_300).contains(&ended(&house)[1].0), "{:?}", ended(&house));
    house.send([Command::ClosePort { port: 1 }]);
    house.pass(SECOND);
    assert_eq!(ended(&house)[2..], [(7_000, "closed")]);
    assert_eq!(open.samples(0, 1).len(), 7 * RATE as usize);
}

#[test]
fn all_but_the_last_second_is_in_the_file_at_any_time() {
    let file = File::new("growing");
    let mut house = singing(&["opus"]);
    house.send([record(&file, Tracks::Both, 2)]);
    for second in 1..5 {
        house.pass(SECOND);
        assert!(file.samples(0, 2).len() >= second * RATE as usize - RATE as usize / 50);
    }
}

#[test]
fn a_file_that_cannot_be_and_a_port_that_is_gone_are_told() {
    let file = File(PathBuf::from("/nonexistent/r.wav"));
    let mut house = singing(&["opus"]);
    house.send([record(&file, Tracks::Both, 2)]);
    house.pass(2 * SECOND);
    assert_eq!(ended(&house), [(1_000, "failed")]);
    house.send([Command::ClosePort { port: 1 }, record(&file, Tracks::Both, 2)]);
    house.pass(SECOND);
    assert_eq!(ended(&house)[1..], [(0, "closed")]);
}

#[test]
fn a_tap_tells_what_a_leg_says_and_hears() {
    let mut house = singing(&["opus"]);
    let tap = |tap, tracks| Command::Tap { port: 1, tap, rate: 8_000, tracks, encoding: Encoding::Pcm };
    house.send([tap(1, Tracks::Both), tap(2, Tracks::Inbound)]);
    house.pass(3 * SECOND);
    house.send([Command::Untap { port: 1, tap: 1 }]);
    house.pass(SECOND);
    let (mut near, mut far, mut second) = (Meter::new(8_000), Meter::new(8_000), 0);
    let samples = |bytes: &[u8]| -> Vec<i16> {
        bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
    };
    let frames: Vec<_> = house.events.iter().filter(|event| matches!(event, Event::Tapped { tap: 1, .. })).collect();
    for (row, event) in house.events.iter().enumerate() {
        let Event::Tapped { tap, inbound, outbound, .. } = event else { continue };
        if *tap == 2 {
            second += 1;
            assert_eq!((inbound.len(), outbound.len()), (320, 0));
        } else if row > 50 {
            near.push(&samples(inbound));
            far.push(&samples(outbound));
        }
    }
    assert_eq!((frames.len(), second), (150, 200));
    assert!((near.take().tone_hz - ALICE).abs() < 15.0 && (far.take().tone_hz - BOB).abs() < 15.0);
}
