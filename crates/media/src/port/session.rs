//! How a port's str0m session is built: our side, our candidates, the payload types that it is to know.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::format::{Codec, FormatParams};
use str0m::media::Frequency;
use str0m::net::Protocol;
use str0m::{Candidate, IceCreds, Rtc, RtcConfig};

use super::plain::{Ends, Plain};
use crate::codec::CodecKind;
use crate::crypto;
use crate::messages::Ice;
use crate::sdp::Formats;

const STATS_EVERY: Duration = Duration::from_secs(1);
/// A round trip is known after one report of each side. This is half of RFC 3550's minimum (section 6.2), at all times,
/// because sessions know only one interval. The profile SAVPF takes the minimum away (RFC 4585 section 3.4), and two
/// reports of 100 octets in it are less than a twentieth of the bandwidth: 0.6 kbit/s of some 50.
const REPORT_EVERY: Duration = Duration::from_millis(2_500);

/// What never changes about a port's own side.
#[derive(Clone)]
pub struct Setup {
    pub ice: Ice,
    /// Whether we are the ICE controlling agent: the offerer, unless one side is lite (RFC 8445 section 6.1.1).
    pub controlling: bool,
    pub creds: IceCreds,
    pub addresses: Vec<(Protocol, SocketAddr)>,
    pub formats: Formats,
    pub ssrc: u32,
    /// Our addresses, where the far end speaks no WebRTC.
    pub plain: Option<Ends>,
}

/// What carries a port's media.
pub enum Session {
    /// ICE, DTLS and SRTP.
    Web(Box<Rtc>),
    Plain(Box<Plain>),
}

pub(super) fn build(setup: &Setup, start: Instant) -> Session {
    match setup.plain {
        Some(own) => Session::Plain(Box::new(Plain::new(own, start))),
        None => Session::Web(Box::new(build_web(setup, start))),
    }
}

fn build_web(setup: &Setup, start: Instant) -> Rtc {
    let shared = crypto::shared();
    let mut config = RtcConfig::new()
        .set_crypto_provider(shared.provider.clone())
        .set_dtls_cert(shared.certificate.clone())
        // A description may name several fingerprints, str0m knows one: `Port::connected` compares.
        .set_fingerprint_verification(false)
        .set_local_ice_credentials(setup.creds.clone())
        .set_ice_lite(setup.ice == Ice::Lite)
        .set_rtp_mode(true)
        .set_stats_interval(Some(STATS_EVERY))
        .set_rtcp_report_interval_audio(REPORT_EVERY)
        .clear_codecs()
        .clear_extension_map();
    for (pt, codec, rate, channels) in payloads(&setup.formats) {
        config.codec_config().add_config(pt.into(), None, codec, rate, channels, FormatParams::default());
    }
    let mut rtc = config.build(start);
    for (proto, address) in &setup.addresses {
        if let Some(candidate) = local_candidate(*proto, *address) {
            rtc.add_local_candidate(candidate);
        }
    }
    rtc
}

fn local_candidate(proto: Protocol, address: SocketAddr) -> Option<Candidate> {
    match proto {
        Protocol::Tcp => Candidate::builder().tcp().host(address).tcptype(str0m::net::TcpType::Passive).build().ok(),
        _ => Candidate::host(address, proto).ok(),
    }
}

fn payloads(formats: &Formats) -> Vec<(u8, Codec, Frequency, Option<u8>)> {
    let audio = formats.codecs.iter().map(|(kind, pt)| match kind {
        CodecKind::Opus => (*pt, Codec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
        CodecKind::Pcmu => (*pt, Codec::PCMU, Frequency::EIGHT_KHZ, None),
        CodecKind::Pcma => (*pt, Codec::PCMA, Frequency::EIGHT_KHZ, None),
    });
    let others = [
        (formats.comfort_noise, Codec::CN, Frequency::EIGHT_KHZ),
        (formats.events_48k, Codec::Tele, Frequency::FORTY_EIGHT_KHZ),
        (formats.events_8k, Codec::Tele, Frequency::EIGHT_KHZ),
    ];
    let others = others.into_iter().filter_map(|(pt, codec, rate)| Some((pt?, codec, rate, None)));
    let mut known: Vec<_> = audio.chain(others).collect();
    // A later description may number its formats otherwise, but a session knows only the numbers it was built with.
    let is_free = |pt: &u8| known.iter().all(|(used, ..)| used != pt);
    let spare: Vec<u8> = [0, 8, 13].into_iter().chain(96..=127).filter(is_free).collect();
    known.extend(spare.into_iter().map(|pt| match pt {
        0 => (pt, Codec::PCMU, Frequency::EIGHT_KHZ, None),
        8 => (pt, Codec::PCMA, Frequency::EIGHT_KHZ, None),
        13 => (pt, Codec::CN, Frequency::EIGHT_KHZ, None),
        _ => (pt, Codec::Opus, Frequency::FORTY_EIGHT_KHZ, Some(2)),
    }));
    known
}
