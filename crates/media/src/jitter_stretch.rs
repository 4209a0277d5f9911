//! Makes PCM a pitch period shorter or longer without changing its pitch. Knows nothing of buffers.

use std::ops::Range;

/// The search runs on 8 kHz averages: periods of 2.5 to 10 ms, compared over 10 ms.
const COARSE_RATE: u32 = 8_000;
const PERIODS: Range<usize> = 20..80;
const WINDOW: usize = 80;
const COARSE: usize = 160;
/// Periods whose halves are less alike than this are left alone unless it is urgent.
const LIKENESS: f32 = 0.6;
/// Below this mean energy (about -60 dBov) no seam is heard.
const QUIET: f32 = 1_000.0;

/// How much a bad seam matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    WhenInaudible,
    Urgent,
}

/// Take one pitch period out of the first 20 ms of `pcm`; returns the samples removed, 0 where it would be heard.
pub(crate) fn accelerate(pcm: &mut Vec<i16>, rate: u32, need: Need) -> usize {
    let Some(period) = find_period(pcm, rate, need) else {
        return 0;
    };
    for index in 0..period {
        pcm[period + index] = fade(pcm[index], pcm[period + index], index, period);
    }
    pcm.drain(..period);
    period
}

/// Repeat one pitch period of the first 20 ms of `pcm`; returns the samples added, 0 where it would be heard.
pub(crate) fn expand(pcm: &mut Vec<i16>, rate: u32, need: Need) -> usize {
    let Some(period) = find_period(pcm, rate, need) else {
        return 0;
    };
    pcm.resize(pcm.len() + period, 0);
    let end = pcm.len() - period;
    pcm.copy_within(period..end, 2 * period);
    for index in 0..period {
        // What followed the first period, led back to it, so that it may follow once more.
        pcm[period + index] = fade(pcm[2 * period + index], pcm[index], index, period);
    }
    period
}

fn fade(from: i16, to: i16, index: usize, length: usize) -> i16 {
    let weight = (index as f32 + 0.5) / length as f32;
    (f32::from(from) * (1.0 - weight) + f32::from(to) * weight) as i16
}

/// The pitch period at the start of `pcm`, in samples of `rate`.
fn find_period(pcm: &[i16], rate: u32, need: Need) -> Option<usize> {
    let step = (rate / COARSE_RATE).max(1) as usize;
    let pcm = pcm.get(..COARSE * step)?;
    let mut coarse = [0.0_f32; COARSE];
    for (mean, samples) in coarse.iter_mut().zip(pcm.chunks_exact(step)) {
        *mean = samples.iter().map(|&sample| f32::from(sample)).sum::<f32>() / step as f32;
    }
    let (period, likeness) = PERIODS.map(|lag| (lag, likeness(&coarse, lag))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let energy = coarse.iter().map(|x| x * x).sum::<f32>() / COARSE as f32;
    let is_hidden = likeness > LIKENESS || energy < QUIET || need == Need::Urgent;
    is_hidden.then(|| refine(pcm, period * step, step))
}

fn likeness(coarse: &[f32; COARSE], lag: usize) -> f32 {
    let (mut product, mut one, mut other) = (0.0, 1.0, 1.0);
    for (a, b) in coarse[..WINDOW].iter().zip(&coarse[lag..lag + WINDOW]) {
        product += a * b;
        one += a * a;
        other += b * b;
    }
    product / (one * other).sqrt()
}

/// The best period within one coarse step, by the difference of the two halves that will be cross-faded.
fn refine(pcm: &[i16], period: usize, step: usize) -> usize {
    let distance = |lag: usize| -> u64 {
        let pairs = pcm[..lag].iter().zip(&pcm[lag..2 * lag]).step_by(step.div_ceil(2));
        let sum: u64 = pairs.map(|(&a, &b)| u64::from(i32::from(a).abs_diff(i32::from(b)))).sum();
        sum * 1_000 / lag as u64
    };
    let longest = (pcm.len() / 2).min(period + step - 1);
    (period + 1 - step.min(period)..=longest).min_by_key(|&lag| distance(lag)).unwrap_or(period)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Meter, sine};

    #[test]
    fn a_tone_keeps_its_pitch_when_shortened_or_lengthened() {
        for rate in [8_000, 48_000] {
            for change in [accelerate, expand] {
                let frame = rate as usize / 50;
                let (mut out, mut changed) = (Vec::new(), 0);
                for chunk in sine(rate, 437.0, -15.0, frame * 50).chunks(frame) {
                    let mut chunk = chunk.to_vec();
                    changed += change(&mut chunk, rate, Need::WhenInaudible);
                    out.extend(chunk);
                }
                assert!(changed > frame * 5, "{rate}: {changed}");
                let mut meter = Meter::new(rate);
                meter.push(&out);
                let sound = meter.take();
                assert!((sound.tone_hz - 437.0).abs() < 12.0 && (sound.level + 15.0).abs() < 0.5, "{sound:?}");
            }
        }
    }

    #[test]
    fn noise_is_left_alone_unless_urgent_and_silence_is_not() {
        let mut state = 5_u32;
        let noise: Vec<i16> = (0..160)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 16) as i16 / 2
            })
            .collect();
        assert_eq!(accelerate(&mut noise.clone(), 8_000, Need::WhenInaudible), 0);
        assert!(accelerate(&mut noise.clone(), 8_000, Need::Urgent) > 0);
        let mut silence = vec![0; 160];
        let removed = accelerate(&mut silence, 8_000, Need::WhenInaudible);
        assert_eq!(silence.len(), 160 - removed);
        assert!(removed > 0);
        assert_eq!(expand(&mut vec![0; 100], 8_000, Need::Urgent), 0, "too short to stretch");
    }
}
