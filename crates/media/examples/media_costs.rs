//! What the parts of the media core cost, in microseconds; `--json` for the benches.
//!
//! Every figure is the mean of the quickest of many short rounds: one that nothing else on the machine interrupted. `limit` is what no forwarding
//! core can go below: one UDP receive, SRTP unprotect, SRTP protect and one UDP send, by the crypto that the core uses.

use std::hint::black_box;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use offhook_media::codec::{CodecKind, Decoder, Encoder, MAX_PACKET_BYTES};
use offhook_media::codec_opus::OpusEncoder;
use offhook_media::egress::{Egress, Incoming};
use offhook_media::jitter::{Arrival, JitterBuffer, Payload};
use offhook_media::mix::Mixer;
use offhook_media::resample::Resampler;
use offhook_media::tone::{Meter, sine};
use str0m::crypto::CryptoProvider;

const ROUNDS: usize = 20;
/// A 20 ms Opus packet at 24 kbit/s.
const PAYLOAD: usize = 60;
const HEADER: usize = 12;

type Error = Box<dyn std::error::Error>;

/// Microseconds of one call of `work`, the least of some rounds of `count`.
fn measure<T>(count: usize, mut work: impl FnMut(usize) -> Result<T, Error>) -> Result<f64, Error> {
    let mut least = f64::MAX;
    for round in 0..ROUNDS {
        let start = Instant::now();
        for index in 0..count {
            black_box(work(round * count + index)?);
        }
        least = least.min(start.elapsed().as_secs_f64() * 1e6 / count as f64);
    }
    Ok(least)
}

/// A second of something like a voice: a gliding pitch with harmonics and pauses.
fn voice(rate: u32) -> Vec<i16> {
    let mut phase = 0.0_f32;
    (0..rate)
        .map(|n| {
            let seconds = n as f32 / rate as f32;
            phase += (120.0 + 40.0 * (seconds * 9.0).sin()) / rate as f32;
            let harmonics: f32 = (1..12).map(|k| (phase * std::f32::consts::TAU * k as f32).sin() / k as f32).sum();
            (harmonics * 5_000.0 * (seconds * 12.0).sin().max(0.0)) as i16
        })
        .collect()
}

fn packets(kind: CodecKind) -> Result<Vec<Vec<u8>>, Error> {
    let mut encoder = Encoder::new(kind)?;
    let encode = |frame: &[i16]| {
        let mut packet = vec![0; MAX_PACKET_BYTES];
        let len = encoder.encode(frame, &mut packet)?;
        packet.truncate(len);
        Ok(packet)
    };
    voice(kind.clock_rate()).chunks(kind.frame_samples()).map(encode).collect()
}

fn encode(kind: CodecKind, count: usize) -> Result<f64, Error> {
    let (pcm, mut encoder, mut out) = (voice(kind.clock_rate()), Encoder::new(kind)?, [0; MAX_PACKET_BYTES]);
    let frames: Vec<_> = pcm.chunks(kind.frame_samples()).collect();
    measure(count, |index| Ok(encoder.encode(frames[index % frames.len()], &mut out)?))
}

fn encode_at_complexity(complexity: i32) -> Result<f64, Error> {
    let (pcm, mut encoder, mut out) = (voice(48_000), OpusEncoder::new()?, [0; MAX_PACKET_BYTES]);
    encoder.set_complexity(complexity)?;
    let frames: Vec<_> = pcm.chunks(960).collect();
    measure(50, |index| Ok(encoder.encode(frames[index % frames.len()], &mut out)?))
}

fn decode(kind: CodecKind, count: usize) -> Result<f64, Error> {
    let (packets, mut decoder, mut out) = (packets(kind)?, Decoder::new(kind)?, Vec::new());
    measure(count, |index| {
        out.clear();
        Ok(decoder.decode(&packets[index % packets.len()], &mut out)?)
    })
}

fn jitter_pull(kind: CodecKind, count: usize) -> Result<f64, Error> {
    let (packets, mut buffer, mut out) = (packets(kind)?, JitterBuffer::new(kind)?, Vec::new());
    measure(count, |index| {
        let at = Duration::from_millis(20 * index as u64);
        let timestamp = (index * kind.frame_samples()) as u32;
        let arrival = Arrival { ssrc: 1, seq: index as u16, timestamp, marker: false, at };
        buffer.push(arrival, Payload::Audio(kind, &packets[index % packets.len()]));
        black_box(buffer.pull(at + Duration::from_millis(5), &mut out));
        Ok(())
    })
}

fn egress_forward() -> Result<f64, Error> {
    let mut egress = Egress::new(1, 0, 0);
    measure(5_000, |index| {
        let packet = Incoming { source: 1, ssrc: 2, seq: index as u16, timestamp: (index * 960) as u32, marker: false };
        black_box(egress.forward(packet, 48_000, Duration::from_millis(20 * index as u64)));
        Ok(())
    })
}

fn resample(from: u32, to: u32) -> Result<f64, Error> {
    let mut resampler = Resampler::new(from, to).ok_or("rates that cannot be converted")?;
    let (pcm, mut out) = (sine(from, 440.0, -15.0, from as usize / 50), Vec::new());
    measure(250, |_| {
        out.clear();
        resampler.push(&pcm, &mut out);
        Ok(())
    })
}

fn meter() -> Result<f64, Error> {
    let (mut meter, pcm) = (Meter::new(48_000), sine(48_000, 440.0, -15.0, 960));
    measure(250, |_| {
        meter.push(&pcm);
        Ok(())
    })
}

/// Three speakers, each of whom hears the others.
fn mix_of_three() -> Result<f64, Error> {
    let (mut mixer, mut own) = (Mixer::default(), Mixer::default());
    let (frame, mut out) = (sine(48_000, 440.0, -15.0, 960), Vec::new());
    measure(250, |_| {
        mixer.clear();
        (0..3).for_each(|_| mixer.add(&frame));
        (0..3).for_each(|_| {
            own.clear();
            own.add_all(&mixer);
            own.remove(&frame);
            own.mix(&mut out);
        });
        Ok(())
    })
}

fn udp_receive_and_send() -> Result<f64, Error> {
    let (a, b) = (UdpSocket::bind("127.0.0.1:0")?, UdpSocket::bind("127.0.0.1:0")?);
    a.connect(b.local_addr()?)?;
    let (packet, mut received) = ([0x80; HEADER + PAYLOAD + 16], [0; 1_500]);
    measure(500, |_| {
        a.send(&packet)?;
        Ok(b.recv(&mut received)?)
    })
}

fn srtp_gcm(crypto: &CryptoProvider) -> Result<f64, Error> {
    let suite = crypto.srtp_provider.aead_aes_128_gcm();
    let (mut seal, mut theirs) = (suite.create_cipher([1; 16], true), suite.create_cipher([2; 16], true));
    let mut open = suite.create_cipher([2; 16], false);
    let (iv, header, plain) = ([3; 12], [0x80; HEADER], [7; PAYLOAD]);
    let (mut received, mut opened, mut sealed) = ([0; PAYLOAD + 16], [0; PAYLOAD + 16], [0; PAYLOAD + 16]);
    theirs.encrypt(&iv, &header, &plain, &mut received).map_err(|error| format!("{error:?}"))?;
    measure(2_000, |_| {
        let len = open.decrypt(&iv, &[&header], &received, &mut opened).map_err(|error| format!("{error:?}"))?;
        seal.encrypt(&iv, &header, &opened[..len], &mut sealed).map_err(|error| format!("{error:?}"))?;
        Ok(sealed)
    })
}

fn srtp_cm_sha1(crypto: &CryptoProvider) -> Result<f64, Error> {
    let suite = crypto.srtp_provider.aes_128_cm_sha1_80();
    let (mut open, mut seal) = (suite.create_cipher([1; 16], false), suite.create_cipher([2; 16], true));
    let (iv, header, mut plain, mut sealed) = ([3; 16], [0x80; HEADER], [7; PAYLOAD], [0; PAYLOAD]);
    measure(2_000, |_| {
        black_box(crypto.sha1_hmac_provider.sha1_hmac(&[4; 20], &[&header, &sealed, &[0; 4]]));
        open.decrypt(&iv, &sealed, &mut plain).map_err(|error| format!("{error:?}"))?;
        seal.encrypt(&iv, &plain, &mut sealed).map_err(|error| format!("{error:?}"))?;
        black_box(crypto.sha1_hmac_provider.sha1_hmac(&[5; 20], &[&header, &sealed, &[0; 4]]));
        Ok(())
    })
}

fn main() -> Result<(), Error> {
    let crypto = str0m_aws_lc_rs::default_provider();
    let udp = udp_receive_and_send()?;
    let (gcm, cm) = (srtp_gcm(&crypto)?, srtp_cm_sha1(&crypto)?);
    let figures = [
        ("opus_encode", encode(CodecKind::Opus, 50)?),
        ("opus_encode_complexity_0", encode_at_complexity(0)?),
        ("opus_encode_complexity_10", encode_at_complexity(10)?),
        ("opus_decode", decode(CodecKind::Opus, 50)?),
        ("g711_encode", encode(CodecKind::Pcmu, 500)?),
        ("g711_decode", decode(CodecKind::Pcmu, 500)?),
        ("jitter_push_pull_opus", jitter_pull(CodecKind::Opus, 50)?),
        ("jitter_push_pull_g711", jitter_pull(CodecKind::Pcmu, 500)?),
        ("egress_forward", egress_forward()?),
        ("resample_8_to_48", resample(8_000, 48_000)?),
        ("resample_48_to_8", resample(48_000, 8_000)?),
        ("meter", meter()?),
        ("mix_of_three", mix_of_three()?),
        ("udp_receive_and_send", udp),
        ("srtp_gcm", gcm),
        ("srtp_cm_sha1", cm),
        ("limit_gcm", udp + gcm),
        ("limit_cm_sha1", udp + cm),
    ];
    if std::env::args().any(|argument| argument == "--json") {
        let fields: Vec<_> = figures.iter().map(|(name, us)| format!("\"{name}_us\":{us:.3}")).collect();
        println!("{{{}}}", fields.join(","));
        return Ok(());
    }
    figures.iter().for_each(|(name, us)| println!("{name:28}{us:10.3} µs"));
    Ok(())
}
