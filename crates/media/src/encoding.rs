//! Audio as it travels outside of RTP: encoded and decoded as a stream, frame by frame. Knows no ports.

use serde::Deserialize;

use crate::codec::{MAX_PACKET_BYTES, MAX_PACKET_SAMPLES};
use crate::codec_g711::Law;
use crate::codec_g722::{G722Decoder, G722Encoder};
use crate::codec_opus::{OpusDecoder, OpusEncoder};

/// The form of a tap's or a feed's bytes. PCM is int16 little-endian; Opus is one packet a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    #[default]
    Pcm,
    Pcmu,
    Pcma,
    G722,
    Opus,
}

impl Encoding {
    /// The rate of the samples behind it, in Hz; of PCM it is the one that is asked for.
    pub const fn rate(self, asked: u32) -> u32 {
        match self {
            Self::Pcm => asked,
            Self::Pcmu | Self::Pcma => 8_000,
            Self::G722 => 16_000,
            Self::Opus => 48_000,
        }
    }
}

/// Makes bytes of 20 ms frames at [`Encoding::rate`].
pub enum Encode {
    Pcm,
    G711(Law),
    G722(Box<G722Encoder>),
    Opus(OpusEncoder),
}

impl Encode {
    /// PCM where libopus cannot allocate is no choice: then frames come out empty.
    pub fn new(encoding: Encoding) -> Option<Self> {
        Some(match encoding {
            Encoding::Pcm => Self::Pcm,
            Encoding::Pcmu => Self::G711(Law::Mu),
            Encoding::Pcma => Self::G711(Law::A),
            Encoding::G722 => Self::G722(Box::default()),
            Encoding::Opus => Self::Opus(OpusEncoder::new().ok()?),
        })
    }

    pub fn bytes(&mut self, pcm: &[i16]) -> Vec<u8> {
        match self {
            Self::Pcm => pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect(),
            Self::G711(law) => pcm.iter().map(|sample| law.compress(*sample)).collect(),
            Self::G722(encoder) => {
                let mut out = Vec::with_capacity(pcm.len() / 2);
                encoder.encode(pcm, &mut out);
                out
            }
            Self::Opus(encoder) => {
                let mut out = vec![0; MAX_PACKET_BYTES];
                let length = encoder.encode(pcm, &mut out).unwrap_or(0);
                out.truncate(length);
                out
            }
        }
    }
}

/// Makes samples of bytes.
pub enum Decode {
    Pcm,
    G711(Law),
    G722(Box<G722Decoder>),
    Opus(OpusDecoder),
}

impl Decode {
    /// `None` where libopus cannot allocate.
    pub fn new(encoding: Encoding) -> Option<Self> {
        Some(match encoding {
            Encoding::Pcm => Self::Pcm,
            Encoding::Pcmu => Self::G711(Law::Mu),
            Encoding::Pcma => Self::G711(Law::A),
            Encoding::G722 => Self::G722(Box::default()),
            Encoding::Opus => Self::Opus(OpusDecoder::new().ok()?),
        })
    }

    /// The samples at [`Encoding::rate`]; none where the bytes are no packet of this encoding.
    pub fn samples(&mut self, bytes: &[u8]) -> Vec<i16> {
        match self {
            Self::Pcm => bytes.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect(),
            Self::G711(law) => bytes.iter().map(|byte| law.expand(*byte)).collect(),
            Self::G722(decoder) => {
                let mut out = Vec::with_capacity(bytes.len() * 2);
                decoder.decode(bytes, &mut out);
                out
            }
            Self::Opus(decoder) => {
                let mut out = Vec::with_capacity(MAX_PACKET_SAMPLES);
                match decoder.decode(bytes, &mut out) {
                    Ok(_) => out,
                    Err(_) => Vec::new(),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::FRAME_MS;
    use crate::tone::Meter;

    #[test]
    fn every_encoding_carries_a_tone_in_frames() {
        for encoding in [Encoding::Pcm, Encoding::Pcmu, Encoding::Pcma, Encoding::G722, Encoding::Opus] {
            let rate = encoding.rate(22_050);
            let frame = (rate * FRAME_MS / 1_000) as usize;
            let (mut encode, mut decode) = (Encode::new(encoding).unwrap(), Decode::new(encoding).unwrap());
            let wave = |at: usize| ((at as f32 * 1_000.0 * std::f32::consts::TAU / rate as f32).sin() * 9_000.0) as i16;
            let mut meter = Meter::new(rate);
            for number in 0..50 {
                let pcm: Vec<i16> = (number * frame..(number + 1) * frame).map(wave).collect();
                let back = decode.samples(&encode.bytes(&pcm));
                assert_eq!(back.len(), frame, "{encoding:?}");
                meter.push(&back);
            }
            assert!((meter.take().tone_hz - 1_000.0).abs() < 15.0, "{encoding:?}");
        }
    }

    #[test]
    fn bytes_that_are_no_opus_give_nothing() {
        assert!(Decode::new(Encoding::Opus).unwrap().samples(&[0xff; 3]).is_empty());
        assert!(Decode::new(Encoding::Opus).unwrap().samples(&[]).is_empty());
    }
}
