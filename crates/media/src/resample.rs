//! Streaming mono sample-rate conversion by a polyphase windowed sinc; knows nothing of frames or time.
//!
//! Ours rather than `rubato`: a call needs 8 ⇄ 48 kHz in 20 ms pieces, without its FFT dependencies and fixed chunks.

use std::f64::consts::PI;

/// Zero crossings on both sides of the sinc at the lower of the two rates; with the window below, −60 dB aliases.
const CROSSINGS: usize = 24;
/// Where the pass band ends, as a share of the lower Nyquist frequency.
const PASS: f64 = 0.92;
const KAISER_BETA: f64 = 6.5;
const LANES: usize = 8;
/// Odd pairs of rates would need tables of many megabytes; they are refused.
const MAX_COEFFICIENTS: usize = 1 << 18;

/// Converts one stream; its delay is 12 samples of the lower rate, 1.5 ms at 8 kHz.
pub struct Resampler {
    rates: (u32, u32),
    /// Inputs advance by `step / phases` for each output.
    step: usize,
    phases: usize,
    taps: usize,
    /// `phases` rows of `taps`, oldest input first.
    coefficients: Vec<f32>,
    inputs: Vec<f32>,
    index: usize,
    phase: usize,
}

impl Resampler {
    /// Rates in Hz, 1,000 to 192,000; `None` beyond, and for pairs whose ratio needs too large a table.
    pub fn new(from: u32, to: u32) -> Option<Self> {
        let legal = 1_000..=192_000;
        if !legal.contains(&from) || !legal.contains(&to) {
            return None;
        }
        let divisor = gcd(from, to);
        let (step, phases) = ((from / divisor) as usize, (to / divisor) as usize);
        let taps = (CROSSINGS * step.max(phases)).div_ceil(phases).next_multiple_of(LANES);
        if taps * phases > MAX_COEFFICIENTS {
            return None;
        }
        let coefficients = if step == phases { Vec::new() } else { design(step, phases, taps) };
        Some(Self {
            rates: (from, to),
            step,
            phases,
            taps,
            coefficients,
            inputs: vec![0.0; taps - 1],
            index: 0,
            phase: 0,
        })
    }

    /// What was before is silence now.
    pub fn forget(&mut self) {
        self.inputs.fill(0.0);
    }

    /// The rates that it converts from and to.
    pub fn rates(&self) -> (u32, u32) {
        self.rates
    }

    /// Append what `input` yields. 20 ms in give exactly 20 ms out where both are whole numbers of samples.
    pub fn push(&mut self, input: &[i16], out: &mut Vec<i16>) {
        if self.step == self.phases {
            return out.extend_from_slice(input);
        }
        self.inputs.extend(input.iter().map(|&sample| f32::from(sample)));
        while self.index + self.taps <= self.inputs.len() {
            let row = &self.coefficients[self.phase * self.taps..][..self.taps];
            let sum = dot(&self.inputs[self.index..][..self.taps], row);
            out.push(sum.round() as i16);
            self.phase += self.step;
            self.index += self.phase / self.phases;
            self.phase %= self.phases;
        }
        let done = self.index.min(self.inputs.len());
        self.inputs.drain(..done);
        self.index -= done;
    }
}

const fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Eight sums side by side, so that the compiler may use vector instructions.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

fn design(step: usize, phases: usize, taps: usize) -> Vec<f32> {
    let cutoff = PASS * (phases as f64 / step as f64).min(1.0);
    let half = taps as f64 / 2.0;
    let mut coefficients = Vec::with_capacity(taps * phases);
    for phase in 0..phases {
        let centre = half - 1.0 + phase as f64 / phases as f64;
        let row: Vec<f64> =
            (0..taps).map(|tap| tap as f64 - centre).map(|x| sinc(cutoff * x) * kaiser(x / half)).collect();
        let gain: f64 = row.iter().sum();
        coefficients.extend(row.iter().map(|value| (value / gain) as f32));
    }
    coefficients
}

fn sinc(x: f64) -> f64 {
    if x.abs() < 1e-9 { 1.0 } else { (PI * x).sin() / (PI * x) }
}

fn kaiser(x: f64) -> f64 {
    bessel_i0(KAISER_BETA * (1.0 - x * x).max(0.0).sqrt()) / bessel_i0(KAISER_BETA)
}

/// Modified Bessel function of the first kind, order 0, by its series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let terms = (1..40).scan(1.0, |term, k| {
        *term *= quarter / f64::from(k * k);
        Some(*term)
    });
    1.0 + terms.sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Meter, level, sine};
    use proptest::prelude::*;

    const RATES: [u32; 7] = [8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000];

    #[test]
    fn a_tone_keeps_pitch_and_level_between_all_rates() {
        for from in RATES {
            for to in RATES {
                let mut resampler = Resampler::new(from, to).unwrap();
                let mut out = Vec::new();
                for chunk in sine(from, 1_000.0, -12.0, from as usize).chunks(441) {
                    resampler.push(chunk, &mut out);
                }
                let mut meter = Meter::new(to);
                meter.push(&out[out.len() / 10..]);
                let sound = meter.take();
                assert!((sound.level + 12.0).abs() < 0.1, "{from} to {to}: {sound:?}");
                assert!((sound.tone_hz - 1_000.0).abs() < 1.0, "{from} to {to}: {sound:?}");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_hold_is_gone() {
        let mut out = Vec::new();
        Resampler::new(48_000, 8_000).unwrap().push(&sine(48_000, 5_000.0, -6.0, 48_000), &mut out);
        assert!(level(&out[800..]) < -60.0, "{}", level(&out[800..]));
    }

    #[test]
    fn strange_rates_are_refused() {
        for (from, to) in [(0, 8_000), (8_000, 999), (192_001, 8_000), (191_999, 8_000)] {
            assert!(Resampler::new(from, to).is_none());
        }
    }

    proptest! {
        #[test]
        fn the_output_is_as_long_as_the_input_however_it_is_cut(
            from in prop::sample::select(&RATES[..]), to in prop::sample::select(&RATES[..]),
            cuts in prop::collection::vec(0_usize..2_000, 1..20),
        ) {
            let mut resampler = Resampler::new(from, to).unwrap();
            let mut out = Vec::new();
            let total: usize = cuts.iter().sum();
            for cut in cuts {
                resampler.push(&vec![0; cut], &mut out);
            }
            prop_assert_eq!(out.len() as u64, (total as u64 * u64::from(to)).div_ceil(u64::from(from)));
        }
    }
}
