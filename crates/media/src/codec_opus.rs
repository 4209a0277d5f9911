//! libopus behind a safe face: mono, 48 kHz, 20 ms frames out, any legal packet in; the only unsafe code of the crate.

use std::ffi::c_int;
use std::ptr::NonNull;

use opusic_sys as ffi;

use crate::codec::{CodecError, MAX_PACKET_SAMPLES};

const RATE: i32 = 48_000;
/// 6 of 10: the least at which libopus, on processors with AVX2, quantises by vector instructions (it has none for the two
/// states of 2 to 5), so it costs what 5 does. In PESQ (narrow band, no loss) speech scores 2.5 at 1, 3.3 at 5, 3.7 at 6
/// and 3.8 at 8 to 10, which cost a third more.
const COMPLEXITY: i32 = 6;
const PLAIN_BITRATE: i32 = 24_000;
/// Loss in percent above which FEC is worth its bits: at 24 kbit/s it would cost a quality point with no loss.
const FEC_ABOVE: f32 = 2.0;
/// In PESQ (`benches/loss.py`) at 5 % and 10 % loss: 3.1 and 3.0 with 32 kbit/s, 3.4 and 3.1 with 40.
const FEC_BITRATE: i32 = 40_000;

fn check(code: c_int) -> Result<usize, CodecError> {
    usize::try_from(code).map_err(|_| CodecError::Opus(code))
}

/// Samples at 48 kHz in an Opus packet, from its TOC and frame count (RFC 6716 section 3.1); `None` if malformed.
pub fn packet_samples(payload: &[u8]) -> Option<usize> {
    let toc = *payload.first()?;
    let frame = match toc >> 3 {
        config @ 0..=11 => [480, 960, 1_920, 2_880][usize::from(config & 3)],
        config @ 12..=15 => [480, 960][usize::from(config & 1)],
        config => [120, 240, 480, 960][usize::from(config & 3)],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => usize::from(*payload.get(1)? & 63),
    };
    (1..=MAX_PACKET_SAMPLES).contains(&(frame * frames)).then_some(frame * frames)
}

/// An encoder for speech: VOIP application, 24 kbit/s, FEC and more bits while the far end reports loss.
pub struct OpusEncoder {
    state: NonNull<ffi::OpusEncoder>,
    bitrate: i32,
    loss: i32,
}

// SAFETY: libopus keeps no thread-local or global mutable state; the pointer is owned and used through `&mut` only.
unsafe impl Send for OpusEncoder {}

impl OpusEncoder {
    /// Fails only where libopus cannot allocate.
    pub fn new() -> Result<Self, CodecError> {
        let mut error = ffi::OPUS_OK;
        // SAFETY: the rate, channel count and application are legal constants and `error` outlives the call.
        let state = unsafe { ffi::opus_encoder_create(RATE, 1, ffi::OPUS_APPLICATION_VOIP, &mut error) };
        let state = NonNull::new(state).ok_or(CodecError::Opus(error))?;
        let mut encoder = Self { state, bitrate: PLAIN_BITRATE, loss: 0 };
        encoder.set(ffi::OPUS_SET_COMPLEXITY_REQUEST, COMPLEXITY)?;
        encoder.set(ffi::OPUS_SET_SIGNAL_REQUEST, ffi::OPUS_SIGNAL_VOICE)?;
        encoder.set(ffi::OPUS_SET_BITRATE_REQUEST, PLAIN_BITRATE)?;
        Ok(encoder)
    }

    /// Choose FEC and bitrate for the loss that the far end reports, in percent.
    pub fn set_loss(&mut self, percent: f32) -> Result<(), CodecError> {
        let (bitrate, fec) = if percent > FEC_ABOVE { (FEC_BITRATE, 1) } else { (PLAIN_BITRATE, 0) };
        let loss = if fec == 1 { (percent.round() as i32).clamp(0, 100) } else { 0 };
        if (bitrate, loss) == (self.bitrate, self.loss) {
            return Ok(());
        }
        self.set(ffi::OPUS_SET_INBAND_FEC_REQUEST, fec)?;
        self.set(ffi::OPUS_SET_PACKET_LOSS_PERC_REQUEST, loss)?;
        self.set(ffi::OPUS_SET_BITRATE_REQUEST, bitrate)?;
        (self.bitrate, self.loss) = (bitrate, loss);
        Ok(())
    }

    /// Choose 0 (cheapest) to 10; only the bench departs from the default.
    pub fn set_complexity(&mut self, complexity: i32) -> Result<(), CodecError> {
        self.set(ffi::OPUS_SET_COMPLEXITY_REQUEST, complexity)
    }

    /// Encode one frame into `out` and return the payload's length.
    pub fn encode(&mut self, pcm: &[i16], out: &mut [u8]) -> Result<usize, CodecError> {
        let samples = c_int::try_from(pcm.len()).map_err(|_| CodecError::WrongFrame(pcm.len()))?;
        let room = i32::try_from(out.len()).unwrap_or(i32::MAX);
        // SAFETY: both pointers are to live slices of the lengths given, mono; the state is ours alone.
        check(unsafe { ffi::opus_encode(self.state.as_ptr(), pcm.as_ptr(), samples, out.as_mut_ptr(), room) })
    }

    fn set(&mut self, request: c_int, value: i32) -> Result<(), CodecError> {
        // SAFETY: every request that this module passes takes exactly one opus_int32 by value.
        check(unsafe { ffi::opus_encoder_ctl(self.state.as_ptr(), request, value) }).map(drop)
    }
}

impl Drop for OpusEncoder {
    fn drop(&mut self) {
        // SAFETY: made by opus_encoder_create and destroyed once, here.
        unsafe { ffi::opus_encoder_destroy(self.state.as_ptr()) }
    }
}

/// A decoder to mono at 48 kHz; stereo packets are mixed down by libopus.
pub struct OpusDecoder {
    state: NonNull<ffi::OpusDecoder>,
}

// SAFETY: as for the encoder.
unsafe impl Send for OpusDecoder {}

impl OpusDecoder {
    /// Fails only where libopus cannot allocate.
    pub fn new() -> Result<Self, CodecError> {
        let mut error = ffi::OPUS_OK;
        // SAFETY: the rate and channel count are legal constants and `error` outlives the call.
        let state = unsafe { ffi::opus_decoder_create(RATE, 1, &mut error) };
        Ok(Self { state: NonNull::new(state).ok_or(CodecError::Opus(error))? })
    }

    /// Append the packet's samples and return how many.
    pub fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) -> Result<usize, CodecError> {
        let samples = packet_samples(payload).ok_or(CodecError::BadPayload)?;
        self.run(Some(payload), samples, 0, out)
    }

    /// Append `samples` of the packet before `next` (its FEC, or concealment where it has none).
    pub fn decode_fec(&mut self, next: &[u8], samples: usize, out: &mut Vec<i16>) -> Result<(), CodecError> {
        self.run(Some(next), samples, 1, out).map(drop)
    }

    /// Append `samples` of concealment, or of comfort noise if the far end had begun DTX.
    pub fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) -> Result<(), CodecError> {
        self.run(None, samples, 0, out).map(drop)
    }

    /// `samples` is rounded down to the 2.5 ms grid of libopus, and the rest filled by repeating the last sample.
    fn run(
        &mut self,
        payload: Option<&[u8]>,
        samples: usize,
        fec: c_int,
        out: &mut Vec<i16>,
    ) -> Result<usize, CodecError> {
        let grid = samples.min(MAX_PACKET_SAMPLES) / 120 * 120;
        let start = out.len();
        out.resize(start + samples, 0);
        if grid == 0 {
            return Ok(samples);
        }
        let (data, len) = payload.map_or((std::ptr::null(), 0), |p| (p.as_ptr(), p.len() as i32));
        // SAFETY: `data` is null with length 0 (concealment) or a live slice; `out` has room for `grid` mono samples.
        let code =
            unsafe { ffi::opus_decode(self.state.as_ptr(), data, len, out[start..].as_mut_ptr(), grid as c_int, fec) };
        let decoded = check(code).inspect_err(|_| out.truncate(start))?;
        let last = out[start + decoded.max(1) - 1];
        out[start + decoded..].fill(last);
        Ok(samples)
    }
}

impl Drop for OpusDecoder {
    fn drop(&mut self) {
        // SAFETY: made by opus_decoder_create and destroyed once, here.
        unsafe { ffi::opus_decoder_destroy(self.state.as_ptr()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{Meter, sine};

    fn through(loss: f32, drop_every: usize) -> Vec<i16> {
        let (mut encoder, mut decoder) = (OpusEncoder::new().unwrap(), OpusDecoder::new().unwrap());
        encoder.set_loss(loss).unwrap();
        let packets: Vec<Vec<u8>> = sine(48_000, 440.0, -15.0, 100 * 960)
            .chunks(960)
            .map(|frame| {
                let mut packet = [0; 1_275];
                let len = encoder.encode(frame, &mut packet).unwrap();
                packet[..len].to_vec()
            })
            .collect();
        let mut heard = Vec::new();
        for (index, packet) in packets.iter().enumerate() {
            match drop_every > 0 && index % drop_every == drop_every - 1 {
                true if index + 1 < packets.len() => decoder.decode_fec(&packets[index + 1], 960, &mut heard).unwrap(),
                true => decoder.conceal(960, &mut heard).unwrap(),
                false => drop(decoder.decode(packet, &mut heard).unwrap()),
            }
        }
        heard
    }

    #[test]
    fn a_tone_keeps_its_pitch_and_level() {
        for (loss, drop_every) in [(0.0, 0), (5.0, 20), (20.0, 5)] {
            let heard = through(loss, drop_every);
            let mut meter = Meter::new(48_000);
            meter.push(&heard[9_600..]);
            let sound = meter.take();
            assert!((sound.tone_hz - 440.0).abs() < 3.0, "{sound:?}");
            assert!((sound.level + 15.0).abs() < 2.0, "{sound:?}");
        }
    }

    /// A voice-like glide, whose next 20 ms cannot be guessed from the last.
    fn glide() -> Vec<i16> {
        let mut phase = 0.0_f32;
        let mut sample = |n: usize| {
            phase += (160.0 + 90.0 * (n as f32 / 1_900.0).sin()) / 48_000.0;
            let harmonics = (1..10).map(|k| (phase * std::f32::consts::TAU * k as f32).sin() / k as f32);
            (harmonics.sum::<f32>() * 5_000.0) as i16
        };
        (0..200 * 960).map(&mut sample).collect()
    }

    /// Energy of what lost frames sound like minus what they would have sounded like.
    fn damage(use_fec: bool) -> f64 {
        let mut encoder = OpusEncoder::new().unwrap();
        encoder.set_loss(15.0).unwrap();
        let encode = |frame: &[i16]| {
            let mut packet = [0; 1_275];
            let len = encoder.encode(frame, &mut packet).unwrap();
            packet[..len].to_vec()
        };
        let packets: Vec<Vec<u8>> = glide().chunks(960).map(encode).collect();
        let (mut whole, mut lossy) = (OpusDecoder::new().unwrap(), OpusDecoder::new().unwrap());
        let (mut damage, mut clean, mut patched) = (0.0, Vec::new(), Vec::new());
        for (index, pair) in packets.windows(2).enumerate() {
            clean.clear();
            patched.clear();
            whole.decode(&pair[0], &mut clean).unwrap();
            if index < 20 || index % 8 != 7 {
                lossy.decode(&pair[0], &mut patched).unwrap();
                continue;
            }
            match use_fec {
                true => lossy.decode_fec(&pair[1], 960, &mut patched).unwrap(),
                false => lossy.conceal(960, &mut patched).unwrap(),
            }
            let errors = clean.iter().zip(&patched).map(|(&a, &b)| f64::from(a) - f64::from(b));
            damage += errors.map(|error| error * error).sum::<f64>();
        }
        damage
    }

    #[test]
    fn fec_restores_what_concealment_can_only_guess() {
        let (guessed, restored) = (damage(false), damage(true));
        assert!(restored < guessed / 2.0, "{restored:e} against {guessed:e}");
    }

    #[test]
    fn the_length_of_every_legal_packet_is_known_and_the_rest_refused() {
        assert_eq!(packet_samples(&[]), None);
        assert_eq!(packet_samples(&[0x78]), Some(960));
        assert_eq!(packet_samples(&[0x7b]), None);
        assert_eq!(packet_samples(&[0x7b, 6]), Some(5_760));
        assert_eq!(packet_samples(&[0x7b, 7]), None);
        assert_eq!(packet_samples(&[0x7b, 0]), None);
        assert_eq!(packet_samples(&[0x18]), Some(2_880));
        let mut decoder = OpusDecoder::new().unwrap();
        let mut out = vec![7];
        assert!(decoder.decode(&[0x7b, 63], &mut out).is_err());
        assert_eq!(out, [7]);
    }

    #[test]
    fn fec_asks_for_more_bits_only_above_two_percent() {
        let mut encoder = OpusEncoder::new().unwrap();
        for (percent, bitrate, loss) in [(2.0, 24_000, 0), (2.5, 40_000, 3), (12.0, 40_000, 12), (0.0, 24_000, 0)] {
            encoder.set_loss(percent).unwrap();
            assert_eq!((encoder.bitrate, encoder.loss), (bitrate, loss));
        }
    }
}
