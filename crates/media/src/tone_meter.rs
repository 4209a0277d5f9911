//! How loud a stretch of PCM was, and which single frequency held most of it.
//!
//! Blocks of 20 ms at 8 kHz, half overlapped, go through a bank of Goertzel filters on the 50 Hz grid. The strongest bin
//! gives the coarse frequency; the mean turn of its phase from block to block gives the fine one.

use std::f32::consts::PI;
use std::sync::OnceLock;

use crate::resample::Resampler;

/// Below this a direction counts as silent.
pub const SILENCE_DBOV: f32 = -60.0;
const LOWEST_DBOV: f32 = -127.0;
const RATE: u32 = 8_000;
const BLOCK: usize = 160;
const HOP: usize = BLOCK / 2;
const BIN_HZ: f32 = RATE as f32 / BLOCK as f32;
const HOP_HZ: f32 = RATE as f32 / HOP as f32;
/// Bins 50 Hz to 3,600 Hz; tones are looked for from 150 to 3,500 Hz, so that each has its neighbours in the bank.
const FIRST_BIN: usize = 1;
const BINS: usize = 72;
const NEIGHBOURS: usize = 2;
/// A tone must hold this share of all energy to be told.
const MAJORITY: f32 = 0.5;

/// What was heard over an interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sound {
    /// dBov (RFC 6465): 0 is the loudest (a full-scale square wave), -127 silence.
    pub level: f32,
    /// The strongest frequency, 150 to 3,500 Hz, where it holds most of the energy, else 0.
    pub tone_hz: f32,
}

impl Sound {
    pub fn is_silent(&self) -> bool {
        self.level < SILENCE_DBOV
    }
}

/// Level of `pcm` in dBov; -127 for none.
pub fn level(pcm: &[i16]) -> f32 {
    level_of(energy(pcm), pcm.len())
}

/// The sum of squares of `pcm`.
pub fn energy(pcm: &[i16]) -> u64 {
    pcm.iter().map(|&sample| u64::from(i32::from(sample).pow(2) as u32)).sum()
}

/// The level of so many samples of that energy, in dBov.
pub fn level_of(energy: u64, samples: usize) -> f32 {
    if energy == 0 {
        return LOWEST_DBOV;
    }
    let mean = energy as f64 / samples as f64 / (32_768.0 * 32_768.0);
    ((10.0 * mean.log10()) as f32).max(LOWEST_DBOV)
}

type Bins = [f32; BINS];

/// Hann window and 2·cos ω of each bin.
fn tables() -> &'static ([f32; BLOCK], Bins) {
    static TABLES: OnceLock<([f32; BLOCK], Bins)> = OnceLock::new();
    TABLES.get_or_init(|| {
        let window = std::array::from_fn(|n| 0.5 - 0.5 * (2.0 * PI * n as f32 / BLOCK as f32).cos());
        (window, std::array::from_fn(|bin| 2.0 * omega(bin).cos()))
    })
}

fn omega(bin: usize) -> f32 {
    2.0 * PI * (bin + FIRST_BIN) as f32 / BLOCK as f32
}

/// Spectrum of one block (up to a turn that is constant for each bin) and its energy.
struct Spectrum {
    re: Bins,
    im: Bins,
    energy: f32,
}

impl Spectrum {
    fn of(block: &[f32; BLOCK]) -> Self {
        let (window, turns) = tables();
        let (mut last, mut before, mut energy) = ([0.0; BINS], [0.0; BINS], 0.0);
        for (sample, weight) in block.iter().zip(window) {
            let x = sample * weight;
            energy += x * x;
            for bin in 0..BINS {
                let next = x + turns[bin] * last[bin] - before[bin];
                before[bin] = last[bin];
                last[bin] = next;
            }
        }
        let re = std::array::from_fn(|bin| last[bin] - before[bin] * turns[bin] / 2.0);
        let im = std::array::from_fn(|bin| before[bin] * (1.0 - turns[bin] * turns[bin] / 4.0).max(0.0).sqrt());
        Self { re, im, energy }
    }
}

/// Measures what is pushed until it is taken. Costs about 8 µs for 20 ms.
pub struct Meter {
    rate: u32,
    to_8k: Option<Resampler>,
    narrow: Vec<i16>,
    block: [f32; BLOCK],
    filled: usize,
    previous: Option<Spectrum>,
    power: Bins,
    turn_re: Bins,
    turn_im: Bins,
    block_energy: f32,
    energy: u64,
    samples: usize,
}

impl Meter {
    /// For PCM at `rate` Hz; at rates that cannot be converted to 8 kHz only the level is measured.
    pub fn new(rate: u32) -> Self {
        let zero = [0.0; BINS];
        Self {
            rate,
            to_8k: Resampler::new(rate, RATE),
            narrow: Vec::new(),
            block: [0.0; BLOCK],
            filled: 0,
            previous: None,
            power: zero,
            turn_re: zero,
            turn_im: zero,
            block_energy: 0.0,
            energy: 0,
            samples: 0,
        }
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    pub fn push(&mut self, pcm: &[i16]) {
        self.energy += energy(pcm);
        self.samples += pcm.len();
        let Some(resampler) = &mut self.to_8k else {
            return;
        };
        let mut narrow = std::mem::take(&mut self.narrow);
        resampler.push(pcm, &mut narrow);
        for &sample in &narrow {
            self.block[self.filled] = f32::from(sample);
            self.filled += 1;
            if self.filled == BLOCK {
                self.analyse();
                self.block.copy_within(HOP.., 0);
                self.filled = HOP;
            }
        }
        narrow.clear();
        self.narrow = narrow;
    }

    /// What was heard since the last `take`.
    pub fn take(&mut self) -> Sound {
        let level = level_of(self.energy, self.samples);
        let tone_hz = if level < SILENCE_DBOV { 0.0 } else { self.tone().unwrap_or(0.0) };
        (self.power, self.turn_re, self.turn_im) = ([0.0; BINS], [0.0; BINS], [0.0; BINS]);
        (self.block_energy, self.energy, self.samples) = (0.0, 0, 0);
        Sound { level, tone_hz }
    }

    fn analyse(&mut self) {
        let now = Spectrum::of(&self.block);
        self.block_energy += now.energy;
        for bin in 0..BINS {
            self.power[bin] += now.re[bin] * now.re[bin] + now.im[bin] * now.im[bin];
        }
        if let Some(before) = &self.previous {
            for bin in 0..BINS {
                self.turn_re[bin] += now.re[bin] * before.re[bin] + now.im[bin] * before.im[bin];
                self.turn_im[bin] += now.im[bin] * before.re[bin] - now.re[bin] * before.im[bin];
            }
        }
        self.previous = Some(now);
    }

    fn tone(&self) -> Option<f32> {
        let inner = NEIGHBOURS..BINS - NEIGHBOURS;
        let peak = inner.max_by(|&a, &b| self.power[a].total_cmp(&self.power[b]))?;
        let held: f32 = self.power[peak - NEIGHBOURS..=peak + NEIGHBOURS].iter().sum();
        // Parseval: a real tone shows half of its energy in the bins of positive frequency.
        let share = 2.0 * held / (BLOCK as f32 * self.block_energy);
        if self.block_energy == 0.0 || share < MAJORITY {
            return None;
        }
        let centre = (peak + FIRST_BIN) as f32 * BIN_HZ;
        let turn = self.turn_im[peak].atan2(self.turn_re[peak]) / (2.0 * PI) * HOP_HZ;
        let off = (turn - centre + HOP_HZ / 2.0).rem_euclid(HOP_HZ) - HOP_HZ / 2.0;
        Some(centre + off)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::sine;
    use proptest::prelude::*;

    fn measure(rate: u32, pcm: &[i16]) -> Sound {
        let mut meter = Meter::new(rate);
        pcm.chunks(rate as usize / 50).for_each(|frame| meter.push(frame));
        meter.take()
    }

    fn noise(samples: usize) -> Vec<i16> {
        let mut state = 1_u32;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) as i16 / 4
        };
        (0..samples).map(|_| next()).collect()
    }

    #[test]
    fn noise_has_a_level_and_no_tone() {
        let sound = measure(8_000, &noise(16_000));
        assert!(sound.level > -20.0 && sound.tone_hz == 0.0, "{sound:?}");
    }

    #[test]
    fn two_equal_tones_are_not_one() {
        let (a, b) = (sine(8_000, 697.0, -15.0, 8_000), sine(8_000, 1_209.0, -14.9, 8_000));
        let both: Vec<i16> = a.iter().zip(&b).map(|(a, b)| a + b).collect();
        let third: Vec<i16> = both.iter().zip(sine(8_000, 2_100.0, -15.0, 8_000)).map(|(a, b)| a + b).collect();
        assert_eq!(measure(8_000, &third).tone_hz, 0.0);
    }

    #[test]
    fn silence_is_told_and_nothing_remains_after_take() {
        let mut meter = Meter::new(48_000);
        meter.push(&sine(48_000, 440.0, -10.0, 9_600));
        assert!(!meter.take().is_silent());
        assert_eq!(meter.take(), Sound { level: -127.0, tone_hz: 0.0 });
        meter.push(&[1; 960]);
        assert!(meter.take().is_silent());
    }

    #[test]
    fn a_full_scale_square_wave_is_zero_dbov() {
        let square: Vec<i16> = (0..800).map(|n| if n % 40 < 20 { i16::MAX } else { i16::MIN }).collect();
        assert!(level(&square).abs() < 0.01);
    }

    proptest! {
        #[test]
        fn a_tone_is_measured_within_three_hertz_under_noise(
            hz in 200_f32..3_400.0, level in -40_f32..-6.0, rate in prop::sample::select(&[8_000_u32, 16_000, 48_000][..]),
        ) {
            let mut pcm = sine(rate, hz, level, rate as usize / 5);
            for (sample, noise) in pcm.iter_mut().zip(noise(rate as usize)) {
                *sample = sample.saturating_add(noise / 200);
            }
            let sound = measure(rate, &pcm);
            prop_assert!((sound.tone_hz - hz).abs() < 3.0, "{:?}", sound);
            prop_assert!((sound.level - level).abs() < 0.5, "{:?}", sound);
        }
    }
}
