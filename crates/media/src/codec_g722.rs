//! ITU-T G.722 at 64 kbit/s: two bands of ADPCM behind a quadrature mirror filter, 16 kHz; knows nothing of packets.

/// Half of the symmetric mirror filter (G.722 table 11).
const MIRROR: [i32; 12] = [3, -11, 12, 32, -210, 951, 3_876, -805, 362, -156, 53, -11];
const TAPS: usize = 24;
/// Decision levels of the lower band's quantiser (table 14), without the zero at its start.
const LEVELS: [i32; 29] = [
    35, 72, 110, 150, 190, 233, 276, 323, 370, 422, 473, 530, 587, 650, 714, 786, 858, 940, 1_023, 1_121, 1_219, 1_339,
    1_458, 1_612, 1_765, 1_980, 2_195, 2_557, 2_919,
];
/// Magnitudes that 4-bit and 6-bit codes of the lower band stand for, smallest first (tables 17 and 18).
const COARSE: [i32; 8] = [0, 1_200, 2_584, 4_240, 6_288, 8_968, 12_896, 20_456];
const FINE: [i32; 30] = [
    136, 432, 728, 1_040, 1_360, 1_688, 2_032, 2_400, 2_776, 3_168, 3_576, 4_008, 4_464, 4_944, 5_456, 6_000, 6_576,
    7_192, 7_856, 8_576, 9_360, 10_232, 11_192, 12_280, 13_512, 14_984, 16_704, 19_008, 21_904, 24_808,
];
/// How the logarithm of the step grows with the magnitude of a code (table 15), lower band and upper band.
const LOW_GROWTH: [i32; 8] = [-60, -30, 58, 172, 334, 538, 1_198, 3_042];
const HIGH_GROWTH: [i32; 2] = [-214, 798];
const HIGH_LEVEL: i32 = 564;
const HIGH: [i32; 2] = [1_616, 7_408];
/// 2048 * 2^(n/32) (table 16).
const STEPS: [i32; 32] = [
    2_048, 2_093, 2_139, 2_186, 2_233, 2_282, 2_332, 2_383, 2_435, 2_489, 2_543, 2_599, 2_656, 2_714, 2_774, 2_834,
    2_896, 2_960, 3_025, 3_091, 3_158, 3_228, 3_298, 3_371, 3_444, 3_520, 3_597, 3_676, 3_756, 3_838, 3_922, 4_008,
];

fn saturated(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// The product of two fractions of 15 bits.
fn times(a: i32, b: i32) -> i32 {
    (a * b) >> 15
}

/// A quantity that the adaptation moves by `step` towards agreement, or away from it.
fn signed(agrees: bool, step: i32) -> i32 {
    if agrees { step } else { -step }
}

/// What distinguishes the step sizes of the two bands.
#[derive(Clone, Copy)]
struct Scale {
    limit: i32,
    shift: i32,
}

const LOW_SCALE: Scale = Scale { limit: 18_432, shift: 8 };
const HIGH_SCALE: Scale = Scale { limit: 22_528, shift: 10 };

/// The adaptive predictor and step of one band (G.722 section 3.5 and 3.6): two poles, six zeros.
struct Band {
    scale: Scale,
    step: i32,
    log_step: i32,
    prediction: i32,
    zeros_say: i32,
    poles: [i32; 2],
    zeros: [i32; 6],
    /// Latest first.
    rebuilt: [i32; 2],
    partly: [i32; 2],
    differences: [i32; 6],
}

impl Band {
    fn new(scale: Scale, step: i32) -> Self {
        Self {
            scale,
            step,
            log_step: 0,
            prediction: 0,
            zeros_say: 0,
            poles: [0; 2],
            zeros: [0; 6],
            rebuilt: [0; 2],
            partly: [0; 2],
            differences: [0; 6],
        }
    }

    /// Take the quantised difference of a sample; the prediction is then for the next.
    fn adapt(&mut self, difference: i32, growth: i32) {
        self.log_step = (times_127(self.log_step) + growth).clamp(0, self.scale.limit);
        let shift = self.scale.shift - (self.log_step >> 11);
        let step = STEPS[((self.log_step >> 6) & 31) as usize];
        self.step = if shift < 0 { step << -shift } else { step >> shift } << 2;
        let rebuilt = saturated(self.prediction + difference);
        let partly = saturated(self.zeros_say + difference);
        self.adapt_poles(partly);
        self.adapt_zeros(difference);
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        self.rebuilt = [rebuilt, self.rebuilt[0]];
        self.partly = [partly, self.partly[0]];
        self.predict();
    }

    fn adapt_poles(&mut self, partly: i32) {
        let [first, second] = self.poles;
        let is_like = |before: i32| (partly < 0) == (before < 0);
        let four = saturated(first << 2);
        let away = (if is_like(self.partly[0]) { -four } else { four }).min(32_767);
        let pushed = signed(is_like(self.partly[1]), 128) + (away >> 7) + times(second, 32_512);
        let second = pushed.clamp(-12_288, 12_288);
        let limit = saturated(15_360 - second);
        let first = saturated(signed(is_like(self.partly[0]), 192) + times(first, 32_640)).clamp(-limit, limit);
        self.poles = [first, second];
    }

    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (zero, before) in self.zeros.iter_mut().zip(self.differences) {
            *zero = saturated(signed((before < 0) == (difference < 0), step) + times(*zero, 32_640));
        }
    }

    fn predict(&mut self) {
        let by = |weights: &[i32], values: &[i32]| {
            saturated(weights.iter().zip(values).map(|(weight, value)| times(*weight, saturated(value * 2))).sum())
        };
        self.zeros_say = by(&self.zeros, &self.differences);
        self.prediction = saturated(by(&self.poles, &self.rebuilt) + self.zeros_say);
    }
}

fn times_127(value: i32) -> i32 {
    (value * 127) >> 7
}

/// The lower band's magnitude and sign in a code of 6 bits: 0 to 29, negative or not.
fn unpacked_low(code: u8) -> (usize, bool) {
    match code & 63 {
        62 | 63 => (usize::from(63 - (code & 63)), true),
        code @ 60 | code @ 61 => (usize::from(61 - code), false),
        code @ 32..=59 => (usize::from(61 - code), false),
        code @ 4..=31 => (usize::from(33 - code), true),
        // Codes of other modes; a decoder takes them for the smallest (table 18).
        _ => (0, true),
    }
}

fn packed_low(magnitude: usize, is_negative: bool) -> u8 {
    let magnitude = magnitude as u8;
    match (is_negative, magnitude) {
        (false, _) => 61 - magnitude,
        (true, 0 | 1) => 63 - magnitude,
        (true, _) => 33 - magnitude,
    }
}

/// Of a code of the lower band, its 4 leading bits: what adapts the predictor (section 3.3).
fn coarse(code: u8) -> (usize, bool) {
    match (code & 63) >> 2 {
        0 | 15 => (0, code & 63 >= 60),
        lead @ 1..=7 => (usize::from(8 - lead), true),
        lead => (usize::from(15 - lead), false),
    }
}

fn adapt_low(band: &mut Band, code: u8) {
    let (magnitude, is_negative) = coarse(code);
    let difference = times(band.step, signed(!is_negative, COARSE[magnitude]));
    band.adapt(difference, LOW_GROWTH[magnitude]);
}

/// The upper band's difference and the growth of its step, of a code of 2 bits.
fn high(band: &Band, code: u8) -> (i32, i32) {
    let magnitude = usize::from(code & 1 == 0);
    (times(band.step, signed(code & 2 != 0, HIGH[magnitude])), HIGH_GROWTH[magnitude])
}

struct Bands {
    low: Band,
    high: Band,
    delay: [i32; TAPS],
}

impl Bands {
    fn new() -> Self {
        Self { low: Band::new(LOW_SCALE, 32), high: Band::new(HIGH_SCALE, 8), delay: [0; TAPS] }
    }

    /// Take a pair into the delay line; the sums over its even and odd taps.
    fn filter(&mut self, pair: [i32; 2]) -> (i32, i32) {
        self.delay.copy_within(2.., 0);
        self.delay[TAPS - 2..].copy_from_slice(&pair);
        let pairs = self.delay.chunks_exact(2);
        let sum = |(first, second): (i32, i32), (at, pair): (usize, &[i32])| {
            (first + pair[0] * MIRROR[at], second + pair[1] * MIRROR[11 - at])
        };
        pairs.enumerate().fold((0, 0), sum)
    }
}

/// Turns pairs of samples at 16 kHz into bytes.
pub struct G722Encoder(Bands);

impl Default for G722Encoder {
    fn default() -> Self {
        Self(Bands::new())
    }
}

impl G722Encoder {
    /// Append the code of `pcm`; an odd sample at its end is left out.
    pub fn encode(&mut self, pcm: &[i16], out: &mut Vec<u8>) {
        out.extend(pcm.chunks_exact(2).map(|pair| self.pair(i32::from(pair[0]), i32::from(pair[1]))));
    }

    fn pair(&mut self, first: i32, second: i32) -> u8 {
        let bands = &mut self.0;
        let (odd, even) = bands.filter([first, second]);
        let low = quantised_low(&bands.low, (even + odd) >> 14);
        adapt_low(&mut bands.low, low);
        let code = quantised_high(&bands.high, (even - odd) >> 14);
        let (difference, growth) = high(&bands.high, code);
        bands.high.adapt(difference, growth);
        code << 6 | low
    }
}

/// Whether a sample lies below its prediction, and how far; -1 counts as 0.
fn error(band: &Band, sample: i32) -> (bool, i32) {
    let error = saturated(sample - band.prediction);
    if error < 0 { (true, -(error + 1)) } else { (false, error) }
}

fn quantised_low(band: &Band, sample: i32) -> u8 {
    let (is_negative, size) = error(band, sample);
    let magnitude = LEVELS.partition_point(|level| size >= (level * band.step) >> 12);
    packed_low(magnitude, is_negative)
}

fn quantised_high(band: &Band, sample: i32) -> u8 {
    let (is_negative, size) = error(band, sample);
    let is_large = size >= (HIGH_LEVEL * band.step) >> 12;
    (u8::from(!is_negative) << 1) | u8::from(!is_large)
}

/// Turns bytes into pairs of samples at 16 kHz.
pub struct G722Decoder(Bands);

impl Default for G722Decoder {
    fn default() -> Self {
        Self(Bands::new())
    }
}

impl G722Decoder {
    /// Append two samples for each byte.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        for &code in payload {
            out.extend(self.byte(code));
        }
    }

    fn byte(&mut self, code: u8) -> [i16; 2] {
        let bands = &mut self.0;
        let (magnitude, is_negative) = unpacked_low(code);
        let difference = times(bands.low.step, signed(!is_negative, FINE[magnitude]));
        let low = (bands.low.prediction + difference).clamp(-16_384, 16_383);
        adapt_low(&mut bands.low, code);
        let (difference, growth) = high(&bands.high, code >> 6);
        let upper = (bands.high.prediction + difference).clamp(-16_384, 16_383);
        bands.high.adapt(difference, growth);
        let (second, first) = bands.filter([low + upper, low - upper]);
        [first, second].map(|sample| saturated(sample >> 11) as i16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::Meter;

    fn tone(hz: f32, samples: usize) -> Vec<i16> {
        (0..samples).map(|at| ((at as f32 * hz * std::f32::consts::TAU / 16_000.0).sin() * 10_000.0) as i16).collect()
    }

    #[test]
    fn tones_of_both_bands_come_back() {
        for hz in [300.0, 1_000.0, 3_000.0] {
            let (mut code, mut back) = (Vec::new(), Vec::new());
            G722Encoder::default().encode(&tone(hz, 16_000), &mut code);
            assert_eq!(code.len(), 8_000);
            G722Decoder::default().decode(&code, &mut back);
            let mut meter = Meter::new(16_000);
            meter.push(&back[1_600..]);
            let heard = meter.take();
            assert!((heard.tone_hz - hz).abs() < 20.0, "{hz}: {heard:?}");
        }
    }

    #[test]
    fn the_upper_band_comes_back_as_loud_as_it_was() {
        let (mut code, mut back) = (Vec::new(), Vec::new());
        let said = tone(5_500.0, 16_000);
        G722Encoder::default().encode(&said, &mut code);
        G722Decoder::default().decode(&code, &mut back);
        let level = |pcm: &[i16]| {
            let mut meter = Meter::new(16_000);
            meter.push(pcm);
            meter.take().level
        };
        assert!((level(&back[1_600..]) - level(&said[1_600..])).abs() < 1.0);
    }

    #[test]
    fn codes_of_the_lower_band_are_their_own_inverse() {
        for magnitude in 0..30 {
            for is_negative in [true, false] {
                if (magnitude, is_negative) != (30, true) {
                    assert_eq!(unpacked_low(packed_low(magnitude, is_negative)), (magnitude, is_negative));
                }
            }
        }
    }

    #[test]
    fn any_bytes_decode() {
        let bytes: Vec<u8> = (0..=255).cycle().take(4_000).collect();
        let mut out = Vec::new();
        G722Decoder::default().decode(&bytes, &mut out);
        assert_eq!(out.len(), 8_000);
    }
}
