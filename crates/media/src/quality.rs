//! How good a direction sounds, computed from its counters: the E-model of ITU-T G.107. Measures nothing itself.

use std::time::Duration;

use crate::codec::CodecKind;

/// R of a perfect narrowband path with G.107's default values.
const BEST_R: f32 = 93.2;
/// One-way delay in ms that nobody notices: mT at its default (G.107 table 2).
const UNNOTICED_MS: f32 = 100.0;

/// Equipment impairment Ie and robustness to loss Bpl. G.711 with concealment as in G.113 Appendix I. G.113 lists no
/// Opus: its values are our estimate, nearly transparent at 24 kbit/s and, with its own concealment, nearly as robust.
const fn impairment(codec: CodecKind) -> (f32, f32) {
    match codec {
        CodecKind::Opus => (2.0, 20.0),
        CodecKind::Pcmu | CodecKind::Pcma => (0.0, 25.1),
    }
}

/// The rating factor R, 0 to 93.2 (G.107 section 7.1). `burst_ratio` 1 is random loss, see [`burst_ratio`].
pub fn rating(codec: CodecKind, one_way_delay_ms: f32, loss_percent: f32, burst_ratio: f32) -> f32 {
    let (ie, bpl) = impairment(codec);
    let (delay, loss) = (one_way_delay_ms.max(0.0), loss_percent.clamp(0.0, 100.0));
    let delay_impairment = delay_impairment(delay);
    let loss_impairment = ie + (95.0 - ie) * loss / (loss / burst_ratio.max(1.0) + bpl);
    (BEST_R - delay_impairment - loss_impairment).max(0.0)
}

/// Idd, what delay alone takes away (G.107 section 7.4); of echo, nothing is known here.
fn delay_impairment(one_way_ms: f32) -> f32 {
    if one_way_ms <= UNNOTICED_MS {
        return 0.0;
    }
    let x = (one_way_ms / UNNOTICED_MS).log2();
    let sixth = |of: f32| (1.0 + of.powi(6)).powf(1.0 / 6.0);
    25.0 * (sixth(x) - 3.0 * sixth(x / 3.0) + 2.0)
}

/// The mean opinion score of a rating, 1.0 to 4.5 (G.107 Annex B).
pub fn mos_of(rating: f32) -> f32 {
    let r = rating.clamp(0.0, 100.0);
    (1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6).max(1.0)
}

/// MOS of one direction.
pub fn mos(codec: CodecKind, one_way_delay_ms: f32, loss_percent: f32, burst_ratio: f32) -> f32 {
    mos_of(rating(codec, one_way_delay_ms, loss_percent, burst_ratio))
}

/// How much longer the runs of lost packets were than under random loss (G.107 section 7.2); at least 1.
pub fn burst_ratio(lost: u64, runs: u64, received: u64) -> f32 {
    if lost == 0 || runs == 0 || received == 0 {
        return 1.0;
    }
    let mean_run = lost as f32 / runs as f32;
    let random_run = 1.0 + lost as f32 / received as f32;
    (mean_run / random_run).max(1.0)
}

/// The interarrival jitter of RFC 3550 section 6.4.1.
#[derive(Clone, Debug)]
pub struct JitterEstimator {
    clock_rate: u32,
    last: Option<(u32, Duration)>,
    jitter: f64,
}

impl JitterEstimator {
    pub const fn new(clock_rate: u32) -> Self {
        Self { clock_rate, last: None, jitter: 0.0 }
    }

    /// A packet with this RTP timestamp came at `at`. Steps of more than 5 s are taken for a new timeline.
    pub fn arrived(&mut self, timestamp: u32, at: Duration) {
        let Some((last_timestamp, last_at)) = self.last.replace((timestamp, at)) else {
            return;
        };
        let sent = f64::from(timestamp.wrapping_sub(last_timestamp) as i32) / f64::from(self.clock_rate);
        let difference = (at.as_secs_f64() - last_at.as_secs_f64() - sent).abs();
        if difference < 5.0 {
            self.jitter += (difference - self.jitter) / 16.0;
        }
    }

    pub const fn clock_rate(&self) -> u32 {
        self.clock_rate
    }

    pub fn jitter_ms(&self) -> f32 {
        (self.jitter * 1_000.0) as f32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_points_of_the_model() {
        assert!((mos_of(93.2) - 4.41).abs() < 0.01);
        assert!((mos(CodecKind::Pcmu, 0.0, 0.0, 1.0) - 4.41).abs() < 0.01);
        // G.711 with concealment at 5 % random loss: Ie,eff = 95 × 5 / 30.1 = 15.8.
        assert!((rating(CodecKind::Pcma, 0.0, 5.0, 1.0) - 77.4).abs() < 0.1);
        assert_eq!(mos(CodecKind::Opus, 2_000.0, 100.0, 1.0), 1.0);
    }

    /// G.107 Annex B, table B.1: the rating at each step of the scale of satisfaction, and its score.
    #[test]
    fn scores_are_those_of_the_published_table() {
        for (rating, score) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
            assert!((mos_of(rating) - score).abs() < 0.01, "{rating}: {}", mos_of(rating));
        }
    }

    /// Idd worked out by hand from the formula of G.107 at whole powers of two of mT, where X is whole.
    #[test]
    fn delay_takes_away_what_the_formula_says() {
        for (delay, taken) in [(0.0, 0.0), (100.0, 0.0), (200.0, 3.04), (400.0, 24.07), (800.0, 40.83)] {
            let rated = rating(CodecKind::Pcmu, delay, 0.0, 1.0);
            assert!((93.2 - taken - rated).abs() < 0.1, "{delay} ms: {rated}");
        }
    }

    /// Ie,eff of G.107 section 7.2 with the values of G.113 Appendix I for G.711 with concealment (Ie 0, Bpl 25.1).
    #[test]
    fn loss_takes_away_what_the_formula_says() {
        for (loss, burst, taken) in [(1.0, 1.0, 3.64), (2.0, 1.0, 7.01), (10.0, 1.0, 27.07), (10.0, 2.0, 31.56)] {
            let rated = rating(CodecKind::Pcma, 0.0, loss, burst);
            assert!((93.2 - taken - rated).abs() < 0.02, "{loss} %: {rated}");
        }
    }

    #[test]
    fn random_loss_has_burst_ratio_one_and_runs_of_three_nearly_three() {
        assert!((burst_ratio(100, 95, 1_900) - 1.0).abs() < 0.01);
        assert!((burst_ratio(99, 33, 1_901) - 2.85).abs() < 0.02);
        assert_eq!(burst_ratio(0, 0, 0), 1.0);
    }

    #[test]
    fn jitter_converges_to_the_mean_difference() {
        let mut estimator = JitterEstimator::new(8_000);
        for index in 0..1_000_u32 {
            let late = if index % 2 == 0 { 0 } else { 10 };
            estimator.arrived(u32::MAX.wrapping_add(index * 160), Duration::from_millis(u64::from(index * 20 + late)));
        }
        assert!((estimator.jitter_ms() - 10.0).abs() < 0.5);
    }

    proptest! {
        #[test]
        fn more_delay_or_loss_never_sounds_better(
            delay in 0.0_f32..2_000.0, loss in 0.0_f32..100.0, burst in 1.0_f32..10.0, more in 0.0_f32..50.0,
        ) {
            for codec in [CodecKind::Opus, CodecKind::Pcmu] {
                let before = rating(codec, delay, loss, burst);
                prop_assert!(rating(codec, delay + more, loss, burst) <= before);
                prop_assert!(rating(codec, delay, loss + more, burst) <= before);
                prop_assert!((1.0..=4.5).contains(&mos_of(before)));
            }
        }
    }
}
