//! Which codecs there are, and one encoder and one decoder type over them; knows nothing of packets' order or time.

use crate::codec_g711::{G711Decoder, Law};
use crate::codec_opus::{OpusDecoder, OpusEncoder};

/// Every frame that this core makes is 20 ms long.
pub const FRAME_MS: u32 = 20;
/// Samples of the longest frame: 20 ms at 48 kHz.
pub const MAX_FRAME_SAMPLES: usize = 960;
/// Room for any packet that an [`Encoder`] makes.
pub const MAX_PACKET_BYTES: usize = 1_275;
/// Samples of the longest packet that a [`Decoder`] takes: 120 ms at 48 kHz (RFC 6716 section 2.1.4).
pub const MAX_PACKET_SAMPLES: usize = 5_760;

/// An audio codec by its SDP name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodecKind {
    Opus,
    Pcmu,
    Pcma,
}

impl CodecKind {
    /// RTP clock rate in Hz, which for these codecs is also the sample rate (RFC 7587 section 4.1, RFC 3551).
    pub const fn clock_rate(self) -> u32 {
        match self {
            Self::Opus => 48_000,
            Self::Pcmu | Self::Pcma => 8_000,
        }
    }

    /// The payload type that our offers use; static for G.711 (RFC 3551 table 4).
    pub const fn default_pt(self) -> u8 {
        match self {
            Self::Opus => 111,
            Self::Pcmu => 0,
            Self::Pcma => 8,
        }
    }

    /// Samples in one 20 ms frame.
    pub const fn frame_samples(self) -> usize {
        (self.clock_rate() / 1_000 * FRAME_MS) as usize
    }

    /// The name that our messages use: `opus`, `pcmu` or `pcma`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opus => "opus",
            Self::Pcmu => "pcmu",
            Self::Pcma => "pcma",
        }
    }

    /// The codec of an encoding name in any case, as in `a=rtpmap` (RFC 8866 section 6.6).
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Opus, Self::Pcmu, Self::Pcma].into_iter().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }
}

/// Why a codec refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    #[error("a frame of {0} samples where 20 ms were expected")]
    WrongFrame(usize),
    #[error("the payload is not a packet of this codec")]
    BadPayload,
    #[error("no room for the output")]
    NoRoom,
    #[error("libopus error {0}")]
    Opus(i32),
}

/// Turns 20 ms frames of mono PCM at the codec's own rate into payloads.
pub enum Encoder {
    Opus(OpusEncoder),
    G711(Law),
}

impl Encoder {
    /// Fails only where libopus cannot allocate its state.
    pub fn new(kind: CodecKind) -> Result<Self, CodecError> {
        Ok(match kind {
            CodecKind::Opus => Self::Opus(OpusEncoder::new()?),
            CodecKind::Pcmu => Self::G711(Law::Mu),
            CodecKind::Pcma => Self::G711(Law::A),
        })
    }

    pub const fn kind(&self) -> CodecKind {
        match self {
            Self::Opus(_) => CodecKind::Opus,
            Self::G711(law) => law.kind(),
        }
    }

    /// Tell what the far end reports as lost, in percent. Opus adds FEC above 2 %; G.711 has no answer to loss.
    pub fn set_loss(&mut self, percent: f32) -> Result<(), CodecError> {
        match self {
            Self::Opus(opus) => opus.set_loss(percent),
            Self::G711(_) => Ok(()),
        }
    }

    /// Encode one frame of exactly [`CodecKind::frame_samples`] into `out` and return the payload's length.
    pub fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> Result<usize, CodecError> {
        if pcm.len() != self.kind().frame_samples() {
            return Err(CodecError::WrongFrame(pcm.len()));
        }
        match self {
            Self::Opus(opus) => opus.encode(pcm, out),
            Self::G711(law) => law.encode(pcm, out),
        }
    }
}

/// Turns payloads into mono PCM at the codec's own rate, and invents what was lost.
pub enum Decoder {
    Opus(OpusDecoder),
    G711(Box<G711Decoder>),
}

impl Decoder {
    /// Fails only where libopus cannot allocate its state.
    pub fn new(kind: CodecKind) -> Result<Self, CodecError> {
        Ok(match kind {
            CodecKind::Opus => Self::Opus(OpusDecoder::new()?),
            CodecKind::Pcmu => Self::G711(Box::new(G711Decoder::new(Law::Mu))),
            CodecKind::Pcma => Self::G711(Box::new(G711Decoder::new(Law::A))),
        })
    }

    pub fn kind(&self) -> CodecKind {
        match self {
            Self::Opus(_) => CodecKind::Opus,
            Self::G711(decoder) => decoder.kind(),
        }
    }

    /// Append the payload's samples (2.5 to 120 ms) to `out` and return how many; on error `out` is unchanged.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<usize, CodecError> {
        match self {
            Self::Opus(opus) => opus.decode(payload, out),
            Self::G711(g711) => g711.decode(payload, out),
        }
    }

    /// Append `samples` of the packet *before* `next`, from the FEC that `next` carries or else concealed.
    pub fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<i16>) -> Result<(), CodecError> {
        match self {
            Self::Opus(opus) => opus.decode_fec(next, samples, out),
            Self::G711(g711) => {
                g711.conceal(samples, out);
                Ok(())
            }
        }
    }

    /// Append `samples` invented from what was heard before, softer the longer it lasts.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) -> Result<(), CodecError> {
        match self {
            Self::Opus(opus) => opus.conceal(samples, out),
            Self::G711(g711) => {
                g711.conceal(samples, out);
                Ok(())
            }
        }
    }
}

/// Samples in `payload` of `kind`; `None` if it is not a packet of that codec or longer than 120 ms.
pub fn packet_samples(kind: CodecKind, payload: &[u8]) -> Option<usize> {
    match kind {
        CodecKind::Opus => crate::codec_opus::packet_samples(payload),
        CodecKind::Pcmu | CodecKind::Pcma => {
            (1..=MAX_PACKET_SAMPLES / 6).contains(&payload.len()).then_some(payload.len())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_in_any_case() {
        assert_eq!(CodecKind::from_name("OPUS"), Some(CodecKind::Opus));
        assert_eq!(CodecKind::from_name("PCMU"), Some(CodecKind::Pcmu));
        assert_eq!(CodecKind::from_name("speex"), None);
    }

    #[test]
    fn a_frame_of_another_length_is_refused() {
        for kind in [CodecKind::Opus, CodecKind::Pcmu, CodecKind::Pcma] {
            let mut encoder = Encoder::new(kind).unwrap();
            assert_eq!(encoder.encode(&[0; 100], &mut [0; 1_275]), Err(CodecError::WrongFrame(100)));
            assert_eq!(encoder.kind(), kind);
            assert_eq!(Decoder::new(kind).unwrap().kind(), kind);
        }
    }
}
