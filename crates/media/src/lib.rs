//! The media core: legs, RTP, jitter, codecs, mixing and tones. Knows nothing of Python or of calls.

pub mod codec;
pub mod codec_g711;
pub mod codec_opus;
pub mod core;
mod crypto;
mod crypto_dtls;
mod driven;
pub mod dtmf;
pub mod egress;
mod floor;
pub mod jitter;
mod jitter_delay;
mod jitter_noise;
mod jitter_packet;
mod jitter_stretch;
mod jitter_timeline;
pub mod messages;
pub mod mix;
pub mod play;
mod play_feed;
mod port;
pub mod quality;
pub mod resample;
pub mod sdp;
pub mod tone;
mod tone_meter;
mod worker;
