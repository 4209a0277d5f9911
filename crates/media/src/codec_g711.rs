//! G.711 µ-law and A-law by table, and concealment by repeating the last pitch period; knows nothing of packets.

use crate::codec::{CodecError, CodecKind, MAX_PACKET_SAMPLES};

/// Which of the two laws of ITU-T G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Mu,
    A,
}

const fn expand_mu(byte: u8) -> i16 {
    let code = !byte;
    let magnitude = ((((code & 0x0f) as i16) << 3) + 0x84) << ((code >> 4) & 7);
    if code & 0x80 == 0 { magnitude - 0x84 } else { 0x84 - magnitude }
}

const fn expand_a(byte: u8) -> i16 {
    let code = byte ^ 0x55;
    let (mantissa, exponent) = (((code & 0x0f) as i16) << 4, (code >> 4) & 7);
    let magnitude = if exponent == 0 { mantissa + 8 } else { (mantissa + 0x108) << (exponent - 1) };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

const fn table(law: Law) -> [i16; 256] {
    let mut out = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        out[byte] = match law {
            Law::Mu => expand_mu(byte as u8),
            Law::A => expand_a(byte as u8),
        };
        byte += 1;
    }
    out
}

static MU: [i16; 256] = table(Law::Mu);
static A: [i16; 256] = table(Law::A);

fn compress_mu(sample: i16) -> u8 {
    let magnitude = (i32::from(sample).abs() + 0x84).min(0x7fff) as u32;
    let exponent = magnitude.ilog2() - 7;
    let code = (exponent << 4 | (magnitude >> (exponent + 3)) & 0x0f) as u8;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(code | sign)
}

fn compress_a(sample: i16) -> u8 {
    // The law is symmetric around -1/2, so a negative sample is mirrored by its complement and -1 becomes 0.
    let (sign, magnitude) = if sample < 0 { (0, !sample as u32) } else { (0x80, sample as u32) };
    let code = if magnitude < 256 {
        magnitude >> 4
    } else {
        let exponent = magnitude.ilog2() - 7;
        exponent << 4 | (magnitude >> (exponent + 3)) & 0x0f
    };
    (code as u8 | sign) ^ 0x55
}

impl Law {
    pub const fn kind(self) -> CodecKind {
        match self {
            Self::Mu => CodecKind::Pcmu,
            Self::A => CodecKind::Pcma,
        }
    }

    /// The linear sample of one byte.
    pub fn expand(self, byte: u8) -> i16 {
        match self {
            Self::Mu => MU[usize::from(byte)],
            Self::A => A[usize::from(byte)],
        }
    }

    /// The byte whose sample is nearest.
    pub fn compress(self, sample: i16) -> u8 {
        match self {
            Self::Mu => compress_mu(sample),
            Self::A => compress_a(sample),
        }
    }

    /// One byte a sample into `out`; returns how many.
    pub fn encode(self, pcm: &[i16], out: &mut [u8]) -> Result<usize, CodecError> {
        let out = out.get_mut(..pcm.len()).ok_or(CodecError::NoRoom)?;
        for (byte, &sample) in out.iter_mut().zip(pcm) {
            *byte = self.compress(sample);
        }
        Ok(pcm.len())
    }
}

/// Samples kept for concealment: three of the longest pitch period, as in G.711 Appendix I.
const HISTORY: usize = 390;
/// Pitch between 66 and 200 Hz at 8 kHz.
const PITCH: std::ops::RangeInclusive<usize> = 40..=120;
/// Samples compared when looking for the pitch.
const WINDOW: usize = 160;
/// Samples over which invented and real audio are cross-faded.
const OVERLAP: usize = 32;
/// Fade per sample after the first 10 ms: silent after 60 ms.
const FADE: f32 = 1.0 / 400.0;
const FULL_VOLUME_SAMPLES: usize = 80;

/// Decodes one law and conceals losses in it.
pub struct G711Decoder {
    law: Law,
    history: [i16; HISTORY],
    invented: usize,
    pitch: usize,
}

impl G711Decoder {
    pub const fn new(law: Law) -> Self {
        Self { law, history: [0; HISTORY], invented: 0, pitch: 0 }
    }

    pub const fn kind(&self) -> CodecKind {
        self.law.kind()
    }

    /// Append the payload's samples, the first ones cross-faded from concealment if there was any.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<usize, CodecError> {
        if payload.is_empty() || payload.len() > MAX_PACKET_SAMPLES / 6 {
            return Err(CodecError::BadPayload);
        }
        let start = out.len();
        out.extend(payload.iter().map(|&byte| self.law.expand(byte)));
        self.fade_back(&mut out[start..]);
        self.remember(&out[start..]);
        Ok(payload.len())
    }

    /// Append `samples` that repeat the last pitch period, fading to silence within 60 ms.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        if self.invented == 0 {
            self.pitch = find_pitch(&self.history);
        }
        out.extend((0..samples).map(|index| self.invent(self.invented + index)));
        self.invented += samples;
    }

    fn invent(&self, index: usize) -> i16 {
        let period = &self.history[HISTORY - self.pitch..];
        let offset = index % self.pitch;
        // The period's end runs into what came before its start, so that the seam of each repetition is smooth.
        let overlap = self.pitch / 4;
        let tail = (offset + overlap).checked_sub(self.pitch).map(|into| {
            let weight = (into + 1) as f32 / (overlap + 1) as f32;
            let earlier = f32::from(self.history[HISTORY - 2 * self.pitch + offset]);
            f32::from(period[offset]) * (1.0 - weight) + earlier * weight
        });
        let faded = index.saturating_sub(FULL_VOLUME_SAMPLES) as f32 * FADE;
        (tail.unwrap_or_else(|| f32::from(period[offset])) * (1.0 - faded).max(0.0)) as i16
    }

    fn fade_back(&mut self, real: &mut [i16]) {
        if self.invented == 0 {
            return;
        }
        for (index, sample) in real.iter_mut().take(OVERLAP).enumerate() {
            let weight = (index + 1) as f32 / (OVERLAP + 1) as f32;
            let invented = f32::from(self.invent(self.invented + index));
            *sample = (f32::from(*sample) * weight + invented * (1.0 - weight)) as i16;
        }
        self.invented = 0;
    }

    fn remember(&mut self, pcm: &[i16]) {
        let keep = HISTORY.saturating_sub(pcm.len());
        self.history.copy_within(HISTORY - keep.., 0);
        let fresh = &pcm[pcm.len() - (HISTORY - keep)..];
        self.history[keep..].copy_from_slice(fresh);
    }
}

/// The lag whose normalised correlation with the newest [`WINDOW`] samples is highest.
fn find_pitch(history: &[i16; HISTORY]) -> usize {
    let newest = &history[HISTORY - WINDOW..];
    let score = |lag: usize| {
        let older = &history[HISTORY - WINDOW - lag..HISTORY - lag];
        let (mut product, mut energy) = (0.0_f32, 1.0_f32);
        for (&a, &b) in newest.iter().zip(older) {
            product += f32::from(a) * f32::from(b);
            energy += f32::from(b) * f32::from(b);
        }
        product / energy.sqrt()
    };
    PITCH.max_by(|&a, &b| score(a).total_cmp(&score(b))).unwrap_or(*PITCH.end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Meter, sine};

    #[test]
    fn known_values_of_both_laws() {
        for (law, byte, sample) in [
            (Law::Mu, 0xff, 0),
            (Law::Mu, 0x7f, 0),
            (Law::Mu, 0x00, -32_124),
            (Law::Mu, 0x80, 32_124),
            (Law::A, 0xd5, 8),
            (Law::A, 0x55, -8),
            (Law::A, 0xaa, 32_256),
            (Law::A, 0x2a, -32_256),
        ] {
            assert_eq!(law.expand(byte), sample, "{law:?} {byte:#x}");
        }
    }

    #[test]
    fn every_byte_survives_the_round_trip() {
        for byte in 0..=255 {
            assert_eq!(Law::A.compress(Law::A.expand(byte)), byte);
            let expected = if byte == 0x7f { 0xff } else { byte };
            assert_eq!(Law::Mu.compress(Law::Mu.expand(byte)), expected);
        }
    }

    #[test]
    fn the_error_is_within_half_a_step_of_the_segment() {
        for law in [Law::Mu, Law::A] {
            for sample in i16::MIN..=i16::MAX {
                let error = (i32::from(law.expand(law.compress(sample))) - i32::from(sample)).abs();
                let step = (i32::from(sample).abs() / 16).max(16);
                assert!(error <= step.max(i32::from(sample).abs() - 32_124), "{law:?} {sample} off by {error}");
            }
        }
    }

    #[test]
    fn a_lost_frame_of_a_tone_is_repeated_not_zeroed() {
        let tone = sine(8_000, 200.0, -10.0, 1_600);
        let mut decoder = G711Decoder::new(Law::Mu);
        let mut heard = Vec::new();
        for (index, frame) in tone.chunks(160).enumerate() {
            let bytes: Vec<u8> = frame.iter().map(|&s| Law::Mu.compress(s)).collect();
            match index {
                5 => decoder.conceal(160, &mut heard),
                _ => drop(decoder.decode(&bytes, &mut heard).unwrap()),
            }
        }
        let mut lost = Meter::new(8_000);
        lost.push(&heard[800..960]);
        assert!(lost.take().level > -13.0);
        let jump = heard.windows(2).map(|pair| (i32::from(pair[0]) - i32::from(pair[1])).abs()).max().unwrap();
        assert!(jump < 3_500, "a click of {jump}");
    }

    #[test]
    fn concealment_fades_to_silence() {
        let mut decoder = G711Decoder::new(Law::A);
        let bytes: Vec<u8> = sine(8_000, 300.0, -10.0, 480).iter().map(|&s| Law::A.compress(s)).collect();
        let mut out = Vec::new();
        decoder.decode(&bytes, &mut out).unwrap();
        out.clear();
        decoder.conceal(160 * 5, &mut out);
        assert!(out[..80].iter().any(|&s| s.abs() > 5_000));
        assert!(out[480..].iter().all(|&s| s == 0));
    }
}
