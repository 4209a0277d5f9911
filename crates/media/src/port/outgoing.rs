//! What one far end is sent: plays, digits, encoded frames, in one continuous stream. Knows no sockets or other ports.

use std::time::Duration;

use crate::codec::{CodecKind, Encoder};
use crate::denoise::Denoiser;
use crate::dtmf::{DtmfSender, DtmfTones};
use crate::egress::Egress;
use crate::encoding::{Decode, Encoding};
use crate::play::Player;

/// What the far end is sent.
pub struct Outgoing {
    pub egress: Egress,
    pub codec: CodecKind,
    pub(super) encoder: Option<Encoder>,
    pub player: Player,
    feeding: Option<(Encoding, Decode)>,
    pub denoiser: Option<Denoiser>,
    pub(super) digits: DtmfSender,
    pub(super) tones: DtmfTones,
    pub muted: bool,
    pub packets: u64,
    pub bytes: u64,
    pub last_forwarded: Option<Duration>,
}

impl Outgoing {
    pub(super) fn new(ssrc: u32, codec: CodecKind) -> Self {
        let rate = codec.clock_rate();
        Self {
            egress: Egress::new(ssrc, fastrand::u16(..), fastrand::u32(..)),
            codec,
            encoder: None,
            player: Player::new(rate),
            feeding: None,
            denoiser: None,
            digits: DtmfSender::new(8_000),
            tones: DtmfTones::new(rate),
            muted: false,
            packets: 0,
            bytes: 0,
            last_forwarded: None,
        }
    }

    pub(super) fn set_codec(&mut self, codec: CodecKind) {
        if codec == self.codec {
            return;
        }
        self.codec = codec;
        self.encoder = None;
        self.player.set_rate(codec.clock_rate());
        self.tones = DtmfTones::new(codec.clock_rate());
    }

    /// Append fed audio. Chunks of one encoding are one stream to its decoder.
    pub fn feed(&mut self, rate: u32, bytes: &[u8], mark: u64, is_overlay: bool, encoding: Encoding) {
        if self.feeding.as_ref().is_none_or(|(known, _)| *known != encoding) {
            self.feeding = Decode::new(encoding).map(|decode| (encoding, decode));
        }
        let pcm = self.feeding.as_mut().map_or_else(Vec::new, |(_, decode)| decode.samples(bytes));
        self.player.feed(encoding.rate(rate), &pcm, mark, is_overlay);
    }

    /// Lay tones of keys over a frame, for far ends that take no events.
    pub fn render_tones(&mut self, frame: &mut [i16]) {
        self.tones.render(frame);
    }

    pub(super) fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Option<usize> {
        if self.encoder.is_none() {
            self.encoder = Encoder::new(self.codec).ok();
        }
        self.encoder.as_mut()?.encode(pcm, payload).ok()
    }
}
