//! Takes noise from speech with a small recurrent network, at 48 kHz inside; knows no ports.

use nnnoiseless::DenoiseState;

use crate::resample::Resampler;

const RATE: u32 = 48_000;

/// One direction of one port. It delays by 10 ms, and by the resamplers' 3 ms where the rate is another.
pub struct Denoiser {
    state: Box<DenoiseState<'static>>,
    converters: Option<(Resampler, Resampler)>,
    wide: Vec<i16>,
    input: Vec<f32>,
    /// How much of what came in is left in, from 0 to 1, and what came in one frame before: the network is that late.
    left_in: f32,
    before: [f32; DenoiseState::FRAME_SIZE],
}

impl Default for Denoiser {
    fn default() -> Self {
        Self {
            state: DenoiseState::new(),
            converters: None,
            wide: Vec::new(),
            input: Vec::new(),
            left_in: 0.0,
            before: [0.0; DenoiseState::FRAME_SIZE],
        }
    }
}

impl Denoiser {
    /// Make noise fainter by so many dB at most; without a limit, as far as it goes.
    pub fn limit(&mut self, db: Option<f32>) {
        self.left_in = db.map_or(0.0, |db| 10_f32.powf(-db.max(0.0) / 20.0));
    }

    /// Clean a frame of 20 ms at `rate` in place; it stays as long as it is.
    pub fn clean(&mut self, pcm: &mut Vec<i16>, rate: u32) {
        if rate == RATE {
            self.clean_wide(pcm);
            return;
        }
        if self.converters.as_ref().is_none_or(|(up, _)| up.rates().0 != rate) {
            self.converters = Resampler::new(rate, RATE).zip(Resampler::new(RATE, rate));
        }
        let length = pcm.len();
        let mut wide = std::mem::take(&mut self.wide);
        wide.clear();
        if let Some((up, _)) = &mut self.converters {
            up.push(pcm, &mut wide);
        }
        self.clean_wide(&mut wide);
        pcm.clear();
        if let Some((_, down)) = &mut self.converters {
            down.push(&wide, pcm);
        }
        pcm.resize(length, 0);
        self.wide = wide;
    }

    fn clean_wide(&mut self, pcm: &mut [i16]) {
        let mut output = [0.0; DenoiseState::FRAME_SIZE];
        for frame in pcm.chunks_exact_mut(DenoiseState::FRAME_SIZE) {
            self.input.clear();
            self.input.extend(frame.iter().map(|sample| f32::from(*sample)));
            self.state.process_frame(&mut output, &self.input);
            for (sample, (cleaned, heard)) in frame.iter_mut().zip(output.iter().zip(self.before)) {
                let mixed = cleaned + self.left_in * (heard - cleaned);
                *sample = mixed.clamp(f32::from(i16::MIN), f32::from(i16::MAX)) as i16;
            }
            self.before.copy_from_slice(&self.input);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Meter;

    /// By how many dB a line's hiss at -30 dBov is fainter after a second.
    fn gone(rate: u32, limit: Option<f32>) -> f32 {
        let (mut denoiser, mut line) = (Denoiser::default(), Resampler::new(8_000, rate).unwrap());
        let (mut before, mut after) = (Meter::new(rate), Meter::new(rate));
        let mut chance = fastrand::Rng::with_seed(7);
        denoiser.limit(limit);
        for number in 0..150 {
            let hiss: Vec<i16> = (0..160).map(|_| chance.i16(-800..800)).collect();
            let mut frame = Vec::new();
            line.push(&hiss, &mut frame);
            before.push(&frame);
            let length = frame.len();
            denoiser.clean(&mut frame, rate);
            assert_eq!(frame.len(), length);
            if number >= 50 {
                after.push(&frame);
            }
        }
        before.take().level - after.take().level
    }

    #[test]
    fn the_hiss_of_a_line_is_taken_away_at_every_rate() {
        for rate in [8_000, 48_000] {
            assert!(gone(rate, None) > 12.0, "{rate}: {}", gone(rate, None));
        }
    }

    #[test]
    fn no_more_of_it_than_the_limit_says() {
        for limit in [0.0, 3.0, 6.0] {
            let found = gone(48_000, Some(limit));
            assert!((found - limit).abs() < 1.5, "{limit}: {found}");
        }
    }

    #[test]
    fn what_is_left_in_is_neither_earlier_nor_later_than_what_was_cleaned() {
        let mut denoiser = Denoiser::default();
        denoiser.limit(Some(0.0));
        let spoken: Vec<i16> = (0..960).map(|at| at * 7).collect();
        let (mut first, mut second) = (spoken.clone(), vec![0; 960]);
        denoiser.clean(&mut first, RATE);
        denoiser.clean(&mut second, RATE);
        let heard = first[480..].iter().chain(&second[..480]);
        assert!(heard.zip(&spoken).all(|(heard, said)| heard.abs_diff(*said) <= 1));
    }
}
