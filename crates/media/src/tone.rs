//! Tones made and tones recognised, as PCM; knows nothing of calls or of time beyond samples.

use std::f32::consts::{PI, SQRT_2};

pub use crate::tone_meter::{Meter, SILENCE_DBOV, Sound, energy, level, level_of};

/// Length of the raised-cosine edge of a tone: short enough for any cadence, long enough not to click.
const EDGE_MS: u32 = 4;

/// One stretch of a cadence.
#[derive(Clone, Debug, PartialEq)]
pub struct Tone {
    /// Their sum; empty is a pause. Frequencies that the rate cannot hold are left out.
    pub hz: Vec<f32>,
    pub ms: u32,
}

/// A cadence. `level` dBov is that of the sum: each of n frequencies has 1/n of the power.
#[derive(Clone, Debug, PartialEq)]
pub struct Tones {
    pub tones: Vec<Tone>,
    pub level: f32,
}

/// A sine by rotation: one complex multiplication a sample.
#[derive(Clone, Copy)]
struct Oscillator {
    value: (f32, f32),
    turn: (f32, f32),
}

impl Oscillator {
    fn new(hz: f32, rate: u32) -> Self {
        let (sin, cos) = (2.0 * PI * hz / rate as f32).sin_cos();
        Self { value: (1.0, 0.0), turn: (cos, sin) }
    }

    fn next(&mut self) -> f32 {
        let ((re, im), (cos, sin)) = (self.value, self.turn);
        // Pulls the length back to 1 by a Newton step, so that hours of ringing neither grow nor fade.
        let gain = 1.5 - 0.5 * (re * re + im * im);
        self.value = ((re * cos - im * sin) * gain, (re * sin + im * cos) * gain);
        im
    }
}

/// Renders a cadence at one rate: phase-continuous between equal tones, raised-cosine edges elsewhere, exact to the ms.
pub struct ToneGenerator {
    cadence: Tones,
    rate: u32,
    /// Rounds still to play, this one included; `None` for ever.
    rounds: Option<u32>,
    segment: usize,
    /// Samples of the segment already rendered.
    position: usize,
    oscillators: Vec<Oscillator>,
    /// Whether this is the first segment of all, whose start always has an edge.
    opening: bool,
}

impl ToneGenerator {
    /// `rounds` 0 is for ever. A cadence without length ends at once.
    pub fn new(cadence: Tones, rate: u32, rounds: u32) -> Self {
        let rounds = (rounds > 0).then_some(rounds);
        let mut generator =
            Self { cadence, rate, rounds, segment: 0, position: 0, oscillators: Vec::new(), opening: true };
        if generator.cadence.tones.iter().all(|tone| tone.ms == 0) {
            generator.rounds = Some(0);
        }
        generator.tune();
        generator
    }

    /// Go on at another rate, from the same instant.
    pub fn set_rate(&mut self, rate: u32) {
        self.position = (self.position as u64 * u64::from(rate) / u64::from(self.rate)) as usize;
        self.rate = rate;
        self.tune();
    }

    /// Fill `out` from its start and return how many samples there were; fewer than its length only at the end.
    pub fn render(&mut self, out: &mut [i16]) -> usize {
        let mut done = 0;
        while done < out.len() && self.rounds != Some(0) {
            let left = self.samples(self.segment) - self.position;
            let run = left.min(out.len() - done);
            self.render_run(&mut out[done..done + run]);
            done += run;
            if run == left {
                self.next_segment();
            }
        }
        done
    }

    fn render_run(&mut self, out: &mut [i16]) {
        if self.oscillators.is_empty() {
            out.fill(0);
            self.position += out.len();
            return;
        }
        let amplitude = amplitude(self.cadence.level) / (self.oscillators.len() as f32).sqrt();
        let (fades_in, fades_out) = (self.has_edge_before(), self.has_edge_after());
        let total = self.samples(self.segment);
        for sample in out {
            let sum: f32 = self.oscillators.iter_mut().map(Oscillator::next).sum();
            let mut gain = amplitude;
            if fades_in {
                gain *= self.edge(self.position);
            }
            if fades_out {
                gain *= self.edge(total - 1 - self.position);
            }
            *sample = (sum * gain).round() as i16;
            self.position += 1;
        }
    }

    /// Gain `distance` samples from an edge.
    fn edge(&self, distance: usize) -> f32 {
        let length = (self.rate * EDGE_MS / 1_000) as usize;
        if distance >= length {
            return 1.0;
        }
        0.5 - 0.5 * (PI * (distance as f32 + 0.5) / length as f32).cos()
    }

    fn next_segment(&mut self) {
        let before = self.segment;
        self.position = 0;
        self.opening = false;
        self.segment += 1;
        if self.segment == self.cadence.tones.len() {
            self.segment = 0;
            self.rounds = self.rounds.map(|rounds| rounds - 1);
        }
        if self.cadence.tones[before].hz != self.cadence.tones[self.segment].hz {
            self.tune();
        }
    }

    fn tune(&mut self) {
        self.oscillators.clear();
        let Some(tone) = self.cadence.tones.get(self.segment) else {
            return;
        };
        let audible = tone.hz.iter().filter(|&&hz| hz > 0.0 && hz < self.rate as f32 / 2.0);
        self.oscillators.extend(audible.map(|&hz| Oscillator::new(hz, self.rate)));
    }

    fn samples(&self, segment: usize) -> usize {
        (u64::from(self.cadence.tones[segment].ms) * u64::from(self.rate) / 1_000) as usize
    }

    fn has_edge_before(&self) -> bool {
        let count = self.cadence.tones.len();
        self.opening || self.differs_from((self.segment + count - 1) % count)
    }

    fn has_edge_after(&self) -> bool {
        let next = self.segment + 1;
        let is_last = next == self.cadence.tones.len() && self.rounds == Some(1);
        is_last || self.differs_from(next % self.cadence.tones.len())
    }

    fn differs_from(&self, other: usize) -> bool {
        self.cadence.tones[self.segment].hz != self.cadence.tones[other].hz
    }
}

/// Amplitude of a sine of `level` dBov; a sine louder than -3 would clip and is made -3.
fn amplitude(level: f32) -> f32 {
    (10_f32.powf(level / 20.0) * 32_768.0 * SQRT_2).min(32_767.0)
}

/// `samples` of one sine at `level` dBov, without edges; for tests and benches.
pub fn sine(rate: u32, hz: f32, level: f32, samples: usize) -> Vec<i16> {
    let step = 2.0 * std::f64::consts::PI * f64::from(hz) / f64::from(rate);
    (0..samples).map(|index| (amplitude(level) as f64 * (step * index as f64).sin()).round() as i16).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cadence(parts: &[(&[f32], u32)]) -> Tones {
        Tones { tones: parts.iter().map(|&(hz, ms)| Tone { hz: hz.to_vec(), ms }).collect(), level: -15.0 }
    }

    fn all(mut generator: ToneGenerator, frame: usize) -> Vec<i16> {
        let (mut pcm, mut buffer) = (Vec::new(), vec![0; frame]);
        loop {
            let done = generator.render(&mut buffer);
            pcm.extend_from_slice(&buffer[..done]);
            if done < frame {
                return pcm;
            }
        }
    }

    #[test]
    fn a_ringing_tone_is_exact_in_length_level_and_pitch() {
        let pcm = all(ToneGenerator::new(cadence(&[(&[425.0], 1_000), (&[], 4_000)]), 8_000, 2), 160);
        assert_eq!(pcm.len(), 80_000);
        assert!(pcm[8_000..40_000].iter().all(|&sample| sample == 0));
        let mut meter = Meter::new(8_000);
        meter.push(&pcm[..8_000]);
        let sound = meter.take();
        assert!((sound.level + 15.0).abs() < 0.1 && (sound.tone_hz - 425.0).abs() < 1.0, "{sound:?}");
        assert!(pcm[0].abs() < 100 && pcm[7_999].abs() < 100);
    }

    #[test]
    fn two_frequencies_share_the_level() {
        let pcm = all(ToneGenerator::new(cadence(&[(&[440.0, 480.0], 2_000)]), 48_000, 1), 960);
        assert!((level(&pcm) + 15.0).abs() < 0.1, "{}", level(&pcm));
    }

    #[test]
    fn equal_tones_meet_without_an_edge() {
        let once = all(ToneGenerator::new(cadence(&[(&[333.0], 90)]), 8_000, 1), 160);
        let thrice = all(ToneGenerator::new(cadence(&[(&[333.0], 30)]), 8_000, 3), 160);
        assert_eq!(once, thrice);
    }

    #[test]
    fn nothing_to_play_ends_at_once_even_for_ever() {
        for parts in [&[][..], &[(&[440.0][..], 0)]] {
            assert_eq!(ToneGenerator::new(cadence(parts), 8_000, 0).render(&mut [0; 160]), 0);
        }
    }

    #[test]
    fn an_oscillator_keeps_its_length_for_an_hour() {
        let mut oscillator = Oscillator::new(440.0, 8_000);
        let peak = (0..8_000 * 3_600).map(|_| oscillator.next()).skip(8_000 * 3_599).fold(0.0_f32, f32::max);
        assert!((peak - 1.0).abs() < 0.001, "{peak}");
    }

    proptest! {
        #[test]
        fn the_frames_asked_for_do_not_change_what_is_heard(
            frame in 1_usize..700, a in 0_u32..90, b in 0_u32..90, hz in 100_f32..3_000.0, rounds in 1_u32..4,
        ) {
            let tones = cadence(&[(&[hz], a), (&[], b), (&[hz, 440.0], a)]);
            let whole = all(ToneGenerator::new(tones.clone(), 8_000, rounds), 100_000);
            prop_assert_eq!(whole.len() as u32, (2 * a + b) * 8 * rounds);
            prop_assert_eq!(whole, all(ToneGenerator::new(tones, 8_000, rounds), frame));
        }
    }
}
