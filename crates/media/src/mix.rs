//! The sum of several speakers, exact until it is heard, so that one of them can be taken out of it. Knows no ports.

/// Sums below this pass unchanged; above it they bend towards full scale and never wrap.
const KNEE: i32 = 24_576;
const HEADROOM: i32 = i16::MAX as i32 - KNEE;

/// One frame of sums. `clear`, `add` every speaker, then `mix`.
#[derive(Default)]
pub struct Mixer {
    sums: Vec<i32>,
}

impl Mixer {
    pub fn clear(&mut self) {
        self.sums.clear();
    }

    /// Add a speaker's frame; a shorter one counts as silent at its end.
    pub fn add(&mut self, frame: &[i16]) {
        if self.sums.len() < frame.len() {
            self.sums.resize(frame.len(), 0);
        }
        for (sum, &sample) in self.sums.iter_mut().zip(frame) {
            *sum += i32::from(sample);
        }
    }

    /// Add everybody who is in another sum.
    pub fn add_all(&mut self, other: &Self) {
        if self.sums.len() < other.sums.len() {
            self.sums.resize(other.sums.len(), 0);
        }
        for (sum, other) in self.sums.iter_mut().zip(&other.sums) {
            *sum += other;
        }
    }

    /// Take out a speaker by the very frame that was added.
    pub fn remove(&mut self, frame: &[i16]) {
        for (sum, &sample) in self.sums.iter_mut().zip(frame) {
            *sum -= i32::from(sample);
        }
    }

    /// Replace `out` by what is heard.
    pub fn mix(&self, out: &mut Vec<i16>) {
        out.clear();
        out.extend(self.sums.iter().map(|&sum| limit(sum)));
    }
}

/// Add `over` to `frame` with the limiter of the mixer.
pub fn overlay(frame: &mut [i16], over: &[i16]) {
    for (sample, &over) in frame.iter_mut().zip(over) {
        *sample = limit(i32::from(*sample) + i32::from(over));
    }
}

fn limit(sum: i32) -> i16 {
    let magnitude = sum.abs();
    if magnitude <= KNEE {
        return sum as i16;
    }
    let excess = i64::from(magnitude - KNEE);
    let bent = KNEE + (excess * i64::from(HEADROOM) / (excess + i64::from(HEADROOM))) as i32;
    (bent * sum.signum()) as i16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn nobody_is_silence_and_frames_may_differ_in_length() {
        let (mut mixer, mut out) = (Mixer::default(), vec![1]);
        mixer.mix(&mut out);
        assert!(out.is_empty());
        mixer.add(&[1]);
        mixer.add(&[20, 20]);
        mixer.mix(&mut out);
        assert_eq!(out, [21, 20]);
    }

    proptest! {
        #[test]
        fn the_sum_of_all_without_one_is_the_sum_of_the_others(
            frames in prop::collection::vec(prop::collection::vec(any::<i16>(), 8), 1..20), own in any::<prop::sample::Index>(),
        ) {
            let own = own.index(frames.len());
            let (mut all, mut without, mut others) = (Mixer::default(), Mixer::default(), Mixer::default());
            frames.iter().for_each(|frame| all.add(frame));
            without.add_all(&all);
            without.remove(&frames[own]);
            frames.iter().enumerate().filter(|(at, _)| *at != own).for_each(|(_, frame)| others.add(frame));
            let (mut heard, mut expected) = (Vec::new(), Vec::new());
            without.mix(&mut heard);
            others.mix(&mut expected);
            expected.resize(8, 0);
            prop_assert_eq!(heard, expected);
        }

        #[test]
        fn the_limiter_keeps_order_and_sign(a in -2_000_000..2_000_000, b in -2_000_000..2_000_000) {
            prop_assert_eq!(limit(a).signum() as i32, a.signum());
            prop_assert!(a > b || limit(a) <= limit(b));
            prop_assert_eq!(limit(-a), -limit(a));
        }
    }

    #[test]
    fn an_overlay_never_wraps() {
        let mut frame = [30_000, -30_000, 1];
        overlay(&mut frame, &[30_000, -30_000, 1]);
        assert!(frame[0] > 28_000 && frame[1] < -28_000);
        assert_eq!(frame[2], 2);
    }
}
