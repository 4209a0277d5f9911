//! The sum of several speakers, and what each of them hears: the sum without itself. Knows no ports.

/// Sums below this pass unchanged; above it they bend towards full scale and never wrap.
const KNEE: i32 = 24_576;
const HEADROOM: i32 = i16::MAX as i32 - KNEE;

/// One frame of sums. `clear`, `add` every speaker, then `mix` for every listener.
#[derive(Default)]
pub struct Mixer {
    sums: Vec<i32>,
}

impl Mixer {
    pub fn clear(&mut self) {
        self.sums.clear();
    }

    /// Whether nobody was added since `clear`.
    pub fn is_empty(&self) -> bool {
        self.sums.is_empty()
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

    /// Replace `out` by the mix, without `own`, which must be the very frame that was added.
    pub fn mix(&self, own: Option<&[i16]>, out: &mut Vec<i16>) {
        out.clear();
        out.extend(self.sums.iter().map(|&sum| limit(sum)));
        let Some(own) = own else { return };
        for ((sample, &sum), &own) in out.iter_mut().zip(&self.sums).zip(own) {
            *sample = limit(sum - i32::from(own));
        }
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
    fn each_hears_the_others_and_not_itself() {
        let mut mixer = Mixer::default();
        let speakers = [[100, -100], [20, 20], [3, -3]];
        speakers.iter().for_each(|frame| mixer.add(frame));
        let mut out = Vec::new();
        mixer.mix(Some(&speakers[0]), &mut out);
        assert_eq!(out, [23, 17]);
        mixer.mix(None, &mut out);
        assert_eq!(out, [123, -83]);
        mixer.clear();
        assert!(mixer.is_empty());
        mixer.mix(None, &mut out);
        assert!(out.is_empty());
    }

    proptest! {
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
