//! The media core: legs, RTP, jitter, codecs, mixing and tones. Knows nothing of Python or of calls.

pub mod codec;
pub mod codec_g711;
pub mod codec_opus;
pub mod dtmf;
pub mod egress;
pub mod jitter;
mod jitter_delay;
mod jitter_noise;
mod jitter_stretch;
mod jitter_timeline;
pub mod mix;
pub mod play;
mod play_feed;
pub mod quality;
pub mod resample;
pub mod tone;
mod tone_meter;
