//! Loss, alone and in runs, on a network with jitter: what of a voice is heard at the other end of a call.
//!
//! Case RTP-13, which asks for PESQ. PESQ needs speech and packages that not every machine can build, so `benches/loss.py`
//! computes it by hand, and this counts what PESQ punishes most: the share of a sustained voice that arrives at its
//! level. `docs/explain/performance.md` has the scores.

mod house;

use house::{House, SECOND, play};
use offhook_media::messages::{Command, Event, Network, PortStats, Source};

const RATE: u32 = 48_000;
/// In the run that is measured; the far end's reports have turned on FEC by then.
const SECONDS: u32 = 80;

/// Four seconds of a sustained vowel: a gliding pitch with the harmonics of a voice, never silent.
fn vowel() -> Vec<u8> {
    let mut phase = 0.0_f32;
    let sample = |n: u32| {
        let seconds = n as f32 / RATE as f32;
        phase += (140.0 + 30.0 * (seconds * std::f32::consts::TAU).sin()) / RATE as f32;
        let harmonics: f32 =
            (1..20).map(|k| (phase * std::f32::consts::TAU * k as f32 + k as f32).sin() / k as f32).sum();
        (harmonics * 4_000.0) as i16
    };
    (0..4 * RATE).map(sample).flat_map(i16::to_le_bytes).collect()
}

fn level(pcm: &[u8]) -> f32 {
    let samples = pcm.chunks_exact(2).map(|pair| f32::from(i16::from_le_bytes([pair[0], pair[1]])));
    let (sum, count) = samples.fold((0.0, 0.0), |(sum, count), sample| (sum + sample * sample, count + 1.0_f32));
    10.0 * (sum / count.max(1.0)).max(1.0).log10()
}

/// What became of one call.
struct Heard {
    /// Of 20 ms frames, those within 6 dB of the middle one, in percent.
    whole: f32,
    stats: PortStats,
    ended: usize,
}

fn call(codec: &str, loss: f64, burst: f64) -> Heard {
    let mut house = House::on(Network { loss, burst, delay_ms: 30.0, jitter_ms: 20.0, seed: 7 });
    house.leg(1, 11, &[codec]);
    let source = Source::Audio { rate: RATE, pcm: vowel() };
    house.send([Command::Play { port: 11, play: 1, source, rounds: 0, overlay: false }]);
    house.pass(15 * SECOND);
    house.events.clear();
    house.send([Command::Listen { port: 1, rate: 8_000 }]);
    house.pass(SECONDS * SECOND);
    let heard = house.events.iter().filter_map(|event| match event {
        Event::PcmHeard { port: 1, pcm, .. } => Some(level(pcm)),
        _ => None,
    });
    // The first second fills the jitter buffer.
    let levels: Vec<f32> = heard.skip(50).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f32::total_cmp);
    let middle = sorted[sorted.len() / 2];
    let whole = levels.iter().filter(|level| (**level - middle).abs() < 6.0).count();
    let ended = house.count(|event| matches!(event, Event::PortFailed { .. } | Event::MediaStopped { .. }));
    Heard { whole: whole as f32 * 100.0 / levels.len() as f32, stats: house.stats(1), ended }
}

/// Loss, mean run, and the least share that is heard, in percent: Opus with FEC, G.711 with concealment.
const PROFILE: [(f64, f64, f32, f32); 7] = [
    (0.0, 1.0, 99.0, 99.0),
    (0.05, 1.0, 98.0, 98.0),
    (0.10, 1.0, 96.5, 97.0),
    (0.20, 1.0, 95.0, 95.0),
    (0.05, 3.0, 96.0, 95.5),
    (0.10, 3.0, 93.5, 91.5),
    (0.20, 3.0, 88.0, 84.0),
];

#[track_caller]
fn assert_profile(codec: &str, least: impl Fn(&(f64, f64, f32, f32)) -> f32) {
    let mut before: Option<f32> = None;
    for row in &PROFILE {
        let (loss, burst, ..) = *row;
        let heard = call(codec, loss, burst);
        let inbound = &heard.stats.inbound;
        assert_eq!(heard.ended, 0, "the call did not last");
        assert!(heard.whole >= least(row), "{codec}, {loss} in runs of {burst}: {:.1} % whole", heard.whole);
        assert!((inbound.loss_percent / 100.0 - loss as f32).abs() < 0.04, "{inbound:?}");
        // What is told of the quality falls with the loss.
        if burst == 1.0 {
            assert!(before.replace(inbound.mos).is_none_or(|before| inbound.mos < before), "{inbound:?}");
        }
    }
}

#[test]
fn rtp_13_opus_is_heard_through_loss() {
    assert_profile("opus", |row| row.2);
}

#[test]
fn rtp_13_g711_is_heard_through_loss() {
    assert_profile("pcmu", |row| row.3);
}

#[test]
fn rtp_13_a_call_is_set_up_and_lasts_where_every_fifth_packet_is_lost() {
    let mut house = House::on(Network { loss: 0.2, burst: 3.0, delay_ms: 30.0, jitter_ms: 20.0, seed: 3 });
    house.bridge(&["opus"], &["pcmu"]);
    house.send([play(11, 1, 500.0, 0, false)]);
    house.pass(120 * SECOND);
    let is_end = |event: &Event| matches!(event, Event::PortFailed { .. } | Event::MediaStopped { .. });
    assert_eq!(house.count(is_end), 0);
    assert!(house.stats(12).inbound.packets > 4_000);
}
