//! One port: an ICE/DTLS/SRTP session with a far end, what it sends and what it is sent. Knows no other port.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use str0m::format::{Codec, FormatParams};
use str0m::ice::StunMessage;
use str0m::media::Frequency;
use str0m::media::{MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::{RtpPacket, RtpWrite, Ssrc};
use str0m::{Candidate, Event as RtcEvent, IceConnectionState, IceCreds, Input, Output, Rtc, RtcConfig};

use crate::codec::{CodecKind, Encoder, FRAME_MS, MAX_PACKET_BYTES};
use crate::crypto;
use crate::dtmf::{DtmfReceiver, DtmfSender, DtmfStep, DtmfTones, Press};
use crate::egress::{Egress, Header, Incoming};
use crate::jitter::{Arrival, JitterBuffer, JitterCounters, Payload};
use crate::messages::{Direction, Ice, PortStats};
use crate::play::Player;
use crate::quality::{JitterEstimator, mos};
use crate::resample::Resampler;
use crate::sdp::{self, Description, Formats};
use crate::tone::Meter;

/// Streams that one far end may have open at once; the oldest gives way.
const MAX_STREAMS: usize = 4;
/// The first byte of STUN messages is no greater (RFC 7983).
const LAST_STUN: u8 = 3;
const STATS_EVERY: Duration = Duration::from_secs(1);
/// A forwarded source that was quiet for so long is filled with silence of ours, lest the far end restart ICE.
pub const QUIET: Duration = Duration::from_millis(200);

/// How far a port has come. Only another certificate of the far end leads back, to `Connecting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Connecting,
    Connected,
    /// The far end said goodbye on the media path: there is nobody to send to.
    Left,
}

/// Why a datagram came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    Malformed,
    Unauthenticated,
}

/// What two descriptions agreed on, as one side needs it.
pub struct Agreed {
    pub remote: Description,
    /// The codecs and payload types that we send, and that we take.
    pub sends: Formats,
    pub takes: Formats,
    /// Our new ICE credentials, where ICE restarts.
    pub creds: Option<IceCreds>,
    /// Whether we are the DTLS client.
    pub active: bool,
}

/// What a port tells after it was given something.
#[derive(Debug)]
pub enum Told {
    Connected,
    Packet(Box<RtpPacket>),
    /// The far end said goodbye (DTLS close_notify): its signalling will follow.
    Closed,
    Failed {
        reason: &'static str,
        detail: String,
    },
}

/// What the far end sends.
pub struct Ingress {
    pub packets: u64,
    pub bytes: u64,
    estimator: JitterEstimator,
    sequence: Sequence,
    pub codec: Option<CodecKind>,
    pub last_packet: Option<Duration>,
    /// Only while somebody needs decoded audio.
    jitter: Option<JitterBuffer>,
    counters: JitterCounters,
    events_48k: DtmfReceiver,
    events_8k: DtmfReceiver,
    /// This tick's decoded frame, at `rate`.
    pub pcm: Vec<i16>,
    pub rate: u32,
}

/// What the far end is sent.
pub struct Outgoing {
    pub egress: Egress,
    pub codec: CodecKind,
    encoder: Option<Encoder>,
    pub player: Player,
    digits: DtmfSender,
    tones: DtmfTones,
    pub muted: bool,
    pub packets: u64,
    pub bytes: u64,
    pub last_forwarded: Option<Duration>,
}

/// One measurement of both directions, repeated.
pub struct Metering {
    pub every_ms: u32,
    pub elapsed_ms: u32,
    pub inbound: Meter,
    pub outbound: Meter,
    pub in_packets: u64,
    pub out_packets: u64,
}

/// Decoded audio for whoever asked for it.
pub struct Listening {
    pub rate: u32,
    resampler: Option<(u32, Resampler)>,
}

/// See the module. All times but those given to str0m are since `opened`.
pub struct Port {
    pub id: u32,
    pub stage: Stage,
    pub opened: Instant,
    pub deadline: Instant,
    pub ufrag: String,
    pub remote: Option<Formats>,
    pub ingress: Ingress,
    pub out: Outgoing,
    pub metering: Option<Metering>,
    pub listening: Option<Listening>,
    /// Where the last check that verified came from.
    pub route: Option<(Protocol, SocketAddr, SocketAddr)>,
    /// Where media goes: protocol, the far end's address, ours.
    pub path: Option<(Protocol, SocketAddr, SocketAddr)>,
    /// How often the present silence of the far end has been told.
    pub silences_told: u32,
    #[cfg(test)]
    pub is_cursed: bool,
    pub next_quality: Duration,
    connected_at: Option<Duration>,
    rtc: Rtc,
    mid: Mid,
    streams: VecDeque<Ssrc>,
    is_restarting: bool,
    /// The DTLS association: the far end's fingerprints, and whether we are its client.
    association: Option<(Vec<Vec<u8>>, bool)>,
    far_pwd: String,
    direction: sdp::Direction,
    /// Of the sequence numbers of this association: SRTP's roll-over counter starts at 0 (RFC 3711 section 3.3.1).
    first_seq: Option<u64>,
    setup: Setup,
    rtt: Option<Duration>,
    reported: Option<Reported>,
}

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
}

/// The far end's receiver report about what we send it.
struct Reported {
    lost: u64,
    loss_percent: f32,
    jitter_ms: f32,
}

/// Counts what should have come (RFC 3550 appendix A.3).
#[derive(Default)]
struct Sequence {
    ssrc: u32,
    first: Option<u64>,
    highest: u64,
    received: u64,
    /// Of streams before this one.
    lost_before: u64,
}

impl Sequence {
    fn note(&mut self, ssrc: u32, extended: u64) {
        if self.first.is_none() || self.ssrc != ssrc {
            self.lost_before = self.lost();
            (self.ssrc, self.first, self.highest, self.received) = (ssrc, Some(extended), extended, 0);
        }
        self.highest = self.highest.max(extended);
        self.received += 1;
    }

    fn lost(&self) -> u64 {
        let expected = self.first.map_or(0, |first| self.highest.saturating_sub(first) + 1);
        self.lost_before + expected.saturating_sub(self.received)
    }
}

fn build(setup: &Setup, start: Instant) -> Rtc {
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

impl Port {
    /// A port that has described itself. `accept` tells it who the far end is.
    pub fn new(id: u32, setup: Setup, now: Instant) -> Self {
        let mid = Mid::from("0");
        let mut port = Self {
            id,
            stage: Stage::Connecting,
            opened: now,
            deadline: now,
            ufrag: setup.creds.ufrag.clone(),
            remote: None,
            ingress: Ingress::new(),
            out: Outgoing::new(setup.ssrc, setup.formats.codecs.first().map_or(CodecKind::Opus, |(kind, _)| *kind)),
            metering: None,
            listening: None,
            route: None,
            path: None,
            silences_told: 0,
            #[cfg(test)]
            is_cursed: false,
            next_quality: Duration::ZERO,
            connected_at: None,
            rtc: build(&setup, now),
            mid,
            streams: VecDeque::new(),
            is_restarting: false,
            association: None,
            far_pwd: String::new(),
            direction: sdp::Direction::SendRecv,
            first_seq: None,
            setup,
            rtt: None,
            reported: None,
        };
        port.declare();
        port
    }

    fn declare(&mut self) {
        let mut api = self.rtc.direct_api();
        api.set_ice_controlling(self.setup.controlling);
        api.declare_media(self.mid, MediaKind::Audio);
        api.declare_stream_tx(self.setup.ssrc.into(), None, self.mid, None).set_unpaced(true);
        self.streams.clear();
    }

    /// The far end's description, the first one or a later one. Tell the port the time afterwards.
    pub fn accept(&mut self, agreed: Agreed, now: Instant) {
        let Agreed { remote, sends, takes, creds, active } = agreed;
        let is_first = self.remote.is_none();
        let has_met = self.route.is_some();
        if let Some(creds) = creds {
            self.ufrag.clone_from(&creds.ufrag);
            self.setup.creds = creds;
            self.is_restarting = !is_first;
        }
        let association = (remote.fingerprints.clone(), active);
        if self.association.replace(association.clone()).is_some_and(|before| before != association) {
            self.start_over(now);
        }
        let mut api = self.rtc.direct_api();
        api.set_local_ice_credentials(self.setup.creds.clone());
        self.far_pwd.clone_from(&remote.pwd);
        api.set_remote_ice_credentials(IceCreds { ufrag: remote.ufrag, pass: remote.pwd });
        if let Some(first) = remote.fingerprints.first() {
            api.set_remote_fingerprint(crypto::fingerprint(first));
        }
        for line in &remote.candidates {
            self.add_candidate(line);
        }
        self.out.set_codec(sends.codecs.first().map_or(CodecKind::Opus, |(kind, _)| *kind));
        self.direction = remote.direction;
        self.setup.formats = takes;
        self.remote = Some(sends);
        if has_met {
            self.start_dtls(now);
        }
    }

    /// Another certificate, or the roles exchanged, is another DTLS association (RFC 8842 section 4): everything below
    /// the streams begins anew, while what the far end sees of them (SSRC, sequence, timestamps) goes on.
    fn start_over(&mut self, now: Instant) {
        self.rtc = build(&self.setup, now);
        self.stage = Stage::Connecting;
        self.route = None;
        self.path = None;
        self.first_seq = None;
        self.declare();
    }

    /// A candidate line. What is no UDP address (names, TCP) is ignored: such far ends reach us first.
    pub fn add_candidate(&mut self, line: &str) {
        let line = line.strip_prefix("a=").unwrap_or(line);
        if let Ok(candidate) = Candidate::from_sdp_string(line)
            && candidate.proto() == Protocol::Udp
        {
            self.rtc.add_remote_candidate(candidate);
        }
    }

    /// Whether this STUN message is for us and carries the right MESSAGE-INTEGRITY; any other is taken only on the
    /// route on which such a message came.
    pub fn accepts(&self, input: &Input<'_>) -> bool {
        self.rtc.accepts(input)
    }

    /// Whether a STUN message carries the MESSAGE-INTEGRITY that it must. Sessions ask less of the address they send to.
    pub fn verifies(&self, data: &[u8]) -> bool {
        let Ok(message) = StunMessage::parse(data) else { return false };
        let password = if message.is_binding_request() { &self.setup.creds.pass } else { &self.far_pwd };
        let hmac = crypto::shared().provider.sha1_hmac_provider;
        message.verify(password.as_bytes(), |key, parts| hmac.sha1_hmac(key, parts))
    }

    /// Take a datagram that is no RTP. The caller has checked that its source may speak to us.
    pub fn receive(&mut self, now: Instant, receive: Receive<'_>) -> Result<(), Unread> {
        self.rtc.handle_input(Input::Receive(now, receive)).map_err(|_| Unread::Malformed)
    }

    /// Take an RTP packet, as [`Self::receive`]. Its source becomes a stream of ours once its SRTP tag has verified, and
    /// leaves nothing behind before: source addresses can be forged.
    pub fn receive_rtp(
        &mut self,
        now: Instant,
        receive: Receive<'_>,
        ssrc: u32,
        transmits: &mut Vec<Transmit>,
        told: &mut Vec<Told>,
    ) -> Result<(), Unread> {
        let ssrc = Ssrc::from(ssrc);
        if self.streams.contains(&ssrc) {
            return self.receive(now, receive);
        }
        self.rtc.direct_api().expect_stream_rx(ssrc, None, self.mid, None);
        let outcome = self.receive(now, receive);
        let before = told.len();
        self.drain(transmits, told);
        let is_theirs = |fact: &Told| matches!(fact, Told::Packet(packet) if packet.header.ssrc == ssrc);
        if told[before..].iter().any(is_theirs) {
            self.adopt_stream(ssrc);
            return outcome;
        }
        self.rtc.direct_api().remove_stream_rx(ssrc);
        outcome.and(Err(Unread::Unauthenticated))
    }

    fn adopt_stream(&mut self, ssrc: Ssrc) {
        if self.streams.len() == MAX_STREAMS
            && let Some(oldest) = self.streams.pop_front()
        {
            self.rtc.direct_api().remove_stream_rx(oldest);
        }
        self.streams.push_back(ssrc);
    }

    /// How many streams of the far end are known.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    pub fn timeout(&mut self, now: Instant) -> Result<(), String> {
        self.rtc.handle_input(Input::Timeout(now)).map_err(|error| error.to_string())
    }

    /// Drain what the session wants: datagrams into `transmits`, facts into `told`.
    pub fn drain(&mut self, transmits: &mut Vec<Transmit>, told: &mut Vec<Told>) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    self.deadline = at;
                    return;
                }
                Ok(Output::Transmit(transmit)) => {
                    if transmit.contents.first().is_some_and(|first| *first > LAST_STUN) {
                        self.path = Some((transmit.proto, transmit.destination, transmit.source));
                    }
                    transmits.push(transmit);
                }
                Ok(Output::Event(event)) => self.heard(event, told),
                Err(error) => {
                    told.push(Told::Failed { reason: "dtls_failed", detail: error.to_string() });
                    return;
                }
            }
        }
    }

    fn heard(&mut self, event: RtcEvent, told: &mut Vec<Told>) {
        match event {
            RtcEvent::Connected => told.push(self.connected()),
            RtcEvent::RtpPacket(packet) if self.stage != Stage::Connecting => told.push(Told::Packet(Box::new(packet))),
            // A lite side does not look for its far end, so it cannot know that there is none: it may still come.
            RtcEvent::IceConnectionStateChange(IceConnectionState::Disconnected)
                if self.stage == Stage::Connecting && self.setup.ice == Ice::Full =>
            {
                told.push(Told::Failed { reason: "ice_failed", detail: "no candidate pair worked".into() });
            }
            RtcEvent::MediaEgressStats(stats) => {
                self.rtt = stats.rtt.or(self.rtt);
                if let Some(remote) = stats.remote {
                    let rate = self.out.codec.clock_rate() as f32;
                    // Reports come more seldom than statistics; where none came, the last one holds.
                    let before = self.reported.as_ref().map_or(0.0, |reported| reported.loss_percent);
                    self.reported = Some(Reported {
                        lost: remote.packets_lost,
                        loss_percent: stats.loss.map_or(before, |loss| loss * 100.0),
                        jitter_ms: remote.jitter as f32 * 1_000.0 / rate,
                    });
                }
            }
            RtcEvent::PeerStats(stats) => self.rtt = stats.rtt.or(self.rtt),
            RtcEvent::Closed => {
                self.stage = Stage::Left;
                told.push(Told::Closed);
            }
            _ => {}
        }
    }

    /// The handshake is done: nothing may be exchanged but with a certificate that the signalling named.
    fn connected(&mut self) -> Told {
        let shown = self.rtc.direct_api().remote_dtls_fingerprint().map(|shown| shown.bytes.clone());
        let named = self.association.as_ref().map(|(fingerprints, _)| fingerprints);
        if !shown.is_some_and(|shown| named.is_some_and(|named| named.contains(&shown))) {
            let detail = "the certificate is none of those that the SDP named".into();
            return Told::Failed { reason: "fingerprint_mismatch", detail };
        }
        self.stage = Stage::Connected;
        self.is_restarting = false;
        Told::Connected
    }

    /// A STUN message that verified came on a route. True if that makes an ICE restart a success.
    pub fn route_confirmed(&mut self, route: (Protocol, SocketAddr, SocketAddr), now: Instant) -> bool {
        let was_restarting = std::mem::take(&mut self.is_restarting);
        if self.route.replace(route).is_none() {
            self.start_dtls(now);
        }
        was_restarting && self.stage == Stage::Connected
    }

    /// The handshake's patience begins when there is somebody to shake hands with: an answer may be given long before
    /// the far end acts on it.
    fn start_dtls(&mut self, now: Instant) {
        let Some((_, active)) = self.association else { return };
        // Both fail only where the session has ended, which `drain` tells.
        let _ = self.rtc.direct_api().start_dtls(active);
        let _ = self.timeout(now);
    }

    pub fn since_opened(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.opened)
    }

    /// Say goodbye to the far end (RTCP BYE, DTLS close_notify).
    pub fn close(&mut self, transmits: &mut Vec<Transmit>) {
        let _ = self.rtc.close();
        let mut told = Vec::new();
        self.drain(transmits, &mut told);
    }

    // ---- from the far end ------------------------------------------------------------------------------------

    /// Count a packet and sort it: audio to forward and decode, or a key press.
    pub fn arrived(&mut self, packet: &RtpPacket, is_decoding: bool, at: Duration) -> Option<Press> {
        #[cfg(test)]
        assert!(!self.is_cursed, "cursed");
        let header = &packet.header;
        let pt = *header.payload_type;
        let ssrc = *header.ssrc;
        self.ingress.count(packet, at);
        let formats = &self.setup.formats;
        let codec = formats.codec_of(pt);
        if codec.is_some() {
            self.ingress.codec = codec;
            self.ingress.estimator_of(codec).arrived(header.timestamp, at);
        }
        let payload = match codec {
            Some(kind) => Payload::Audio(kind, &packet.payload),
            None if formats.comfort_noise == Some(pt) => Payload::ComfortNoise(&packet.payload),
            None => Payload::Other,
        };
        if is_decoding {
            let arrival =
                Arrival { ssrc, seq: header.sequence_number, timestamp: header.timestamp, marker: header.marker, at };
            self.ingress.push(arrival, payload);
        }
        if formats.events_48k == Some(pt) {
            return self.ingress.events_48k.push(header.timestamp, &packet.payload, at);
        }
        if formats.events_8k == Some(pt) {
            return self.ingress.events_8k.push(header.timestamp, &packet.payload, at);
        }
        None
    }

    /// The codec of a packet, if it is audio.
    pub fn codec_of(&self, packet: &RtpPacket) -> Option<CodecKind> {
        self.setup.formats.codec_of(*packet.header.payload_type)
    }

    // ---- to the far end --------------------------------------------------------------------------------------

    /// Whether the far end is there and wants audio (RFC 3264 section 5.1).
    pub fn may_send(&self) -> bool {
        self.stage == Stage::Connected && self.direction.receives()
    }

    /// Whether a lone speaker's packets may go on untouched right now.
    pub fn may_forward(&self, codec: CodecKind) -> bool {
        let takes = self.remote.as_ref().is_some_and(|formats| formats.codecs.iter().any(|(kind, _)| *kind == codec));
        self.may_send()
            && takes
            && !self.out.muted
            && self.out.player.is_idle()
            && self.out.digits.is_idle()
            && self.out.tones.is_idle()
    }

    pub fn is_sending_digits(&self) -> bool {
        !(self.out.digits.is_idle() && self.out.tones.is_idle())
    }

    /// Send a speaker's packet on. `source` is the speaker's port.
    pub fn forward(&mut self, source: u32, packet: &RtpPacket, codec: CodecKind, now: Instant) {
        let at = self.since_opened(now);
        let Some(pt) = self.pt_of(codec) else { return };
        let incoming = Incoming {
            source: u64::from(source),
            ssrc: *packet.header.ssrc,
            seq: packet.header.sequence_number,
            timestamp: packet.header.timestamp,
            marker: packet.header.marker,
        };
        if let Some(header) = self.out.egress.forward(incoming, codec.clock_rate(), at) {
            self.out.last_forwarded = Some(at);
            self.write(pt, header, packet.payload.clone(), now);
        }
    }

    /// Whether forwarded packets have come lately; else silence has to fill the gap.
    pub fn is_fed_by_forwarding(&self, at: Duration) -> bool {
        self.out.last_forwarded.is_some_and(|last| at.saturating_sub(last) < QUIET)
    }

    /// Send one frame of `pcm`, which is at the rate of our codec, or the next packet of a key press.
    pub fn send_frame(&mut self, pcm: &[i16], now: Instant) {
        let at = self.since_opened(now);
        if self.send_digit(now, at) {
            return;
        }
        let codec = self.out.codec;
        let Some(pt) = self.pt_of(codec) else { return };
        let mut payload = [0; MAX_PACKET_BYTES];
        let Some(length) = self.out.encode(pcm, &mut payload) else { return };
        if let Some(header) = self.out.egress.frame(codec.clock_rate(), pcm.len() as u32, at) {
            self.write(pt, header, payload[..length].into(), now);
        }
    }

    /// One step of the digits under way; true if it took the place of this tick's audio.
    fn send_digit(&mut self, now: Instant, at: Duration) -> bool {
        if self.out.digits.is_idle() {
            return false;
        }
        let Some((pt, rate)) = self.events() else { return false };
        let step = self.out.digits.tick();
        let (header, payload) = match step {
            DtmfStep::Idle | DtmfStep::Pause => return false,
            DtmfStep::Begin(payload) => (Some(self.out.egress.begin_event(rate, at)), payload),
            DtmfStep::Continue(payload) | DtmfStep::Finish(payload) => (self.out.egress.continue_event(), payload),
        };
        if let Some(header) = header {
            self.write(pt, header, payload[..].into(), now);
        }
        if matches!(step, DtmfStep::Finish(_)) {
            self.out.egress.end_event();
        }
        true
    }

    /// Queue digits for the far end: as events where it takes them, else as tones in band.
    pub fn send_digits(&mut self, digits: &str, duration_ms: u32, gap_ms: u32) {
        match self.events() {
            Some((_, rate)) => {
                if self.out.digits.is_idle() {
                    self.out.digits = DtmfSender::new(rate);
                }
                self.out.digits.send(digits, duration_ms, gap_ms);
            }
            None => self.out.tones.send(digits, duration_ms, gap_ms),
        }
    }

    fn events(&self) -> Option<(u8, u32)> {
        self.remote.as_ref()?.events_beside(self.out.codec)
    }

    fn pt_of(&self, codec: CodecKind) -> Option<u8> {
        let formats = self.remote.as_ref()?;
        formats.codecs.iter().find(|(kind, _)| *kind == codec).map(|(_, pt)| *pt)
    }

    fn write(&mut self, pt: u8, header: Header, payload: std::sync::Arc<[u8]>, now: Instant) {
        let first = *self.first_seq.get_or_insert(header.extended_seq & !0xffff);
        // A straggler of the roll-over before this association began cannot be sent with its keys.
        let Some(seq) = header.extended_seq.checked_sub(first) else { return };
        self.out.packets += 1;
        self.out.bytes += payload.len() as u64;
        let write = RtpWrite::new(Pt::from(pt), seq.into(), header.timestamp, now, payload).marker(header.marker);
        if let Some(stream) = self.rtc.direct_api().stream_tx(&header.ssrc.into()) {
            stream.write_rtp(write);
        }
    }

    // ---- numbers ---------------------------------------------------------------------------------------------

    /// Whether the far end, which may send, has been silent on the wire for `limit` since it connected.
    pub fn is_missed_for(&self, limit: Duration, at: Duration) -> bool {
        if !self.direction.sends() {
            return false;
        }
        let since = self.ingress.last_packet.or(self.connected_at).unwrap_or(at);
        at.saturating_sub(since) >= limit
    }

    pub fn mark_connected(&mut self, at: Duration) {
        self.connected_at.get_or_insert(at);
    }

    /// The counters as they are now.
    pub fn stats(&self) -> PortStats {
        let codec = self.ingress.codec.unwrap_or(self.out.codec);
        let counters = self.ingress.counters();
        let delay = self.rtt.map_or(0.0, |rtt| rtt.as_secs_f32() * 500.0);
        let lost = self.ingress.sequence.lost();
        let loss = percent(lost, self.ingress.packets + lost);
        let inbound = Direction {
            packets: self.ingress.packets,
            bytes: self.ingress.bytes,
            lost,
            loss_percent: loss,
            jitter_ms: self.ingress.estimator.jitter_ms(),
            mos: mos(codec, delay + counters.depth_ms, loss, 1.0),
            concealed_ms: counters.concealed_ms,
            discarded: counters.discarded,
        };
        let reported = self.reported.as_ref();
        let out_loss = reported.map_or(0.0, |report| report.loss_percent);
        let outbound = Direction {
            packets: self.out.packets,
            bytes: self.out.bytes,
            lost: reported.map_or(0, |report| report.lost),
            loss_percent: out_loss,
            jitter_ms: reported.map_or(0.0, |report| report.jitter_ms),
            mos: mos(self.out.codec, delay, out_loss, 1.0),
            concealed_ms: 0,
            discarded: 0,
        };
        PortStats {
            port: self.id,
            codec: self.remote.as_ref().map(|_| self.out.codec.name()),
            rtt_ms: self.rtt.map(|rtt| rtt.as_secs_f32() * 1_000.0),
            inbound,
            outbound,
            jitter_buffer_ms: counters.depth_ms,
        }
    }

    /// Tell the encoder what the far end loses.
    pub fn adapt(&mut self) {
        if let (Some(encoder), Some(report)) = (&mut self.out.encoder, &self.reported) {
            // A refusal leaves the encoder as it was, which is no worse than not asking.
            let _ = encoder.set_loss(report.loss_percent);
        }
    }
}

fn percent(part: u64, whole: u64) -> f32 {
    if whole == 0 { 0.0 } else { part as f32 * 100.0 / whole as f32 }
}

impl Ingress {
    fn new() -> Self {
        Self {
            packets: 0,
            bytes: 0,
            estimator: JitterEstimator::new(48_000),
            sequence: Sequence::default(),
            codec: None,
            last_packet: None,
            jitter: None,
            counters: JitterCounters::default(),
            events_48k: DtmfReceiver::new(48_000),
            events_8k: DtmfReceiver::new(8_000),
            pcm: Vec::new(),
            rate: 48_000,
        }
    }

    fn count(&mut self, packet: &RtpPacket, at: Duration) {
        self.packets += 1;
        self.bytes += packet.payload.len() as u64;
        self.last_packet = Some(at);
        self.sequence.note(*packet.header.ssrc, *packet.seq_no);
    }

    fn estimator_of(&mut self, codec: Option<CodecKind>) -> &mut JitterEstimator {
        let rate = codec.map_or(48_000, CodecKind::clock_rate);
        if self.estimator.clock_rate() != rate {
            self.estimator = JitterEstimator::new(rate);
        }
        &mut self.estimator
    }

    fn push(&mut self, arrival: Arrival, payload: Payload<'_>) {
        if self.jitter.is_none() {
            self.jitter = JitterBuffer::new(self.codec.unwrap_or(CodecKind::Opus)).ok();
        }
        if let Some(jitter) = &mut self.jitter {
            jitter.push(arrival, payload);
        }
    }

    /// This tick's 20 ms of the far end's audio into `pcm`; silence while nothing has come.
    pub fn pull(&mut self, at: Duration) {
        match &mut self.jitter {
            Some(jitter) => {
                jitter.pull(at, &mut self.pcm);
                self.rate = jitter.codec().clock_rate();
            }
            None => {
                self.pcm.clear();
                self.pcm.resize((self.rate / 1_000 * FRAME_MS) as usize, 0);
            }
        }
    }

    /// Nobody needs decoded audio any more: let the buffer go, keep its counters.
    pub fn stop_decoding(&mut self) {
        if let Some(jitter) = self.jitter.take() {
            let last = jitter.counters();
            self.counters.concealed_ms += last.concealed_ms;
            self.counters.discarded += last.discarded;
        }
        self.pcm.clear();
    }

    fn counters(&self) -> JitterCounters {
        let now = self.jitter.as_ref().map(JitterBuffer::counters).unwrap_or_default();
        JitterCounters {
            concealed_ms: self.counters.concealed_ms + now.concealed_ms,
            discarded: self.counters.discarded + now.discarded,
            ..now
        }
    }

    /// Presses whose end packets were all lost.
    pub fn overdue_press(&mut self, at: Duration) -> Option<Press> {
        self.events_48k.tick(at).or_else(|| self.events_8k.tick(at))
    }
}

impl Outgoing {
    fn new(ssrc: u32, codec: CodecKind) -> Self {
        let rate = codec.clock_rate();
        Self {
            egress: Egress::new(ssrc, fastrand::u16(..), fastrand::u32(..)),
            codec,
            encoder: None,
            player: Player::new(rate),
            digits: DtmfSender::new(8_000),
            tones: DtmfTones::new(rate),
            muted: false,
            packets: 0,
            bytes: 0,
            last_forwarded: None,
        }
    }

    fn set_codec(&mut self, codec: CodecKind) {
        if codec == self.codec {
            return;
        }
        self.codec = codec;
        self.encoder = None;
        self.player.set_rate(codec.clock_rate());
        self.tones = DtmfTones::new(codec.clock_rate());
    }

    /// Lay tones of keys over a frame, for far ends that take no events.
    pub fn render_tones(&mut self, frame: &mut [i16]) {
        self.tones.render(frame);
    }

    fn encode(&mut self, pcm: &[i16], payload: &mut [u8]) -> Option<usize> {
        if self.encoder.is_none() {
            self.encoder = Encoder::new(self.codec).ok();
        }
        self.encoder.as_mut()?.encode(pcm, payload).ok()
    }
}

impl Metering {
    pub fn new(every_ms: u32, port: &Port) -> Self {
        Self {
            every_ms,
            elapsed_ms: 0,
            inbound: Meter::new(port.ingress.rate),
            outbound: Meter::new(port.out.codec.clock_rate()),
            in_packets: port.ingress.packets,
            out_packets: port.out.packets,
        }
    }
}

/// Measure a frame, with another meter if its rate is another.
pub fn measure(meter: &mut Meter, rate: u32, pcm: &[i16]) {
    if meter.rate() != rate {
        *meter = Meter::new(rate);
    }
    meter.push(pcm);
}

impl Listening {
    pub fn new(rate: u32) -> Self {
        Self { rate, resampler: None }
    }

    /// A frame at the rate that was asked for, as little-endian bytes.
    pub fn convert(&mut self, pcm: &[i16], rate: u32) -> Vec<u8> {
        let mut converted = Vec::new();
        let source = if rate == self.rate {
            pcm
        } else {
            if self.resampler.as_ref().is_none_or(|(from, _)| *from != rate) {
                self.resampler = Resampler::new(rate, self.rate).map(|made| (rate, made));
            }
            if let Some((_, resampler)) = &mut self.resampler {
                resampler.push(pcm, &mut converted);
            }
            &converted
        };
        source.iter().flat_map(|sample| sample.to_le_bytes()).collect()
    }
}
