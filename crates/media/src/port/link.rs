//! A port's association with its far end: ICE, DTLS, SRTP, and what may come through. Decodes nothing.

use std::net::SocketAddr;
use std::time::Instant;

use str0m::ice::StunMessage;
use str0m::media::MediaKind;
use str0m::net::{Protocol, Receive, Transmit};
use str0m::rtp::Ssrc;
use str0m::{Candidate, Event as RtcEvent, IceConnectionState, IceCreds, Input, Output};

use super::guard::Protection;
use super::plain::{Facts, is_rtcp};
use super::session::{Session, build};
use super::{Port, Reported, Stage};
use crate::codec::CodecKind;
use crate::crypto;
use crate::messages::Ice;
use crate::rtcp;
use crate::rtp::Packet;
use crate::sdp::{Description, Direction, Formats};

/// Streams that one far end may have open at once; the oldest gives way.
const MAX_STREAMS: usize = 4;
/// The first byte of STUN messages is no greater (RFC 7983).
const LAST_STUN: u8 = 3;

/// Why a datagram came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unread {
    Malformed,
    Unauthenticated,
    /// It is from nobody that the port knows.
    Stranger,
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
    /// What protects media without ICE.
    pub protection: Protection,
}

/// What a port tells after it was given something.
#[derive(Debug)]
pub enum Told {
    Connected,
    Packet(Box<Packet>),
    /// The far end said goodbye (DTLS close_notify): its signalling will follow.
    Closed,
    Failed {
        reason: &'static str,
        detail: String,
    },
}

impl Port {
    pub(super) fn declare(&mut self) {
        let Session::Web(rtc) = &mut self.session else { return };
        let mut api = rtc.direct_api();
        api.set_ice_controlling(self.setup.controlling);
        api.declare_media(self.mid, MediaKind::Audio);
        api.declare_stream_tx(self.setup.ssrc.into(), None, self.mid, None).set_unpaced(true);
        self.streams.clear();
    }

    /// The far end's description, the first one or a later one. Tell the port the time afterwards.
    pub fn accept(&mut self, agreed: Agreed, now: Instant) {
        let Agreed { remote, sends, takes, creds, active, protection } = agreed;
        if let (Session::Plain(plain), Some(far)) = (&mut self.session, &remote.destination) {
            plain.accept(far, protection, now);
            (self.route, self.path) = (plain.path(), plain.path());
            self.stage = if plain.is_ready() { Stage::Connected } else { Stage::Connecting };
            self.settle(remote.direction, sends, takes);
            return;
        }
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
        let Session::Web(rtc) = &mut self.session else { return };
        let mut api = rtc.direct_api();
        api.set_local_ice_credentials(self.setup.creds.clone());
        self.far_pwd.clone_from(&remote.pwd);
        api.set_remote_ice_credentials(IceCreds { ufrag: remote.ufrag, pass: remote.pwd });
        if let Some(first) = remote.fingerprints.first() {
            api.set_remote_fingerprint(crypto::fingerprint(first));
        }
        for line in &remote.candidates {
            self.add_candidate(line);
        }
        self.settle(remote.direction, sends, takes);
        if has_met {
            self.start_dtls(now);
        }
    }

    fn settle(&mut self, direction: Direction, sends: Formats, takes: Formats) {
        self.out.set_codec(sends.codecs.first().map_or(CodecKind::Opus, |(kind, _)| *kind));
        self.direction = direction;
        self.setup.formats = takes;
        self.remote = Some(sends);
    }

    /// Another certificate, or the roles exchanged, is another DTLS association (RFC 8842 section 4): everything below
    /// the streams begins anew, while what the far end sees of them (SSRC, sequence, timestamps) goes on.
    fn start_over(&mut self, now: Instant) {
        self.session = build(&self.setup, now);
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
            && let Session::Web(rtc) = &mut self.session
        {
            rtc.add_remote_candidate(candidate);
        }
    }

    /// Whether this STUN message is for us and carries the right MESSAGE-INTEGRITY; any other is taken only on the
    /// route on which such a message came.
    pub fn accepts(&self, input: &Input<'_>) -> bool {
        matches!(&self.session, Session::Web(rtc) if rtc.accepts(input))
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
        let Session::Web(rtc) = &mut self.session else { return Err(Unread::Malformed) };
        rtc.handle_input(Input::Receive(now, receive)).map_err(|_| Unread::Malformed)
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
        let Session::Web(rtc) = &mut self.session else { return Err(Unread::Malformed) };
        rtc.direct_api().expect_stream_rx(ssrc, None, self.mid, None);
        let outcome = self.receive(now, receive);
        let before = told.len();
        self.drain(transmits, told);
        let is_theirs = |fact: &Told| matches!(fact, Told::Packet(packet) if packet.ssrc == *ssrc);
        if told[before..].iter().any(is_theirs) {
            self.adopt_stream(ssrc);
            return outcome;
        }
        if let Session::Web(rtc) = &mut self.session {
            rtc.direct_api().remove_stream_rx(ssrc);
        }
        outcome.and(Err(Unread::Unauthenticated))
    }

    fn adopt_stream(&mut self, ssrc: Ssrc) {
        if self.streams.len() == MAX_STREAMS
            && let Some(oldest) = self.streams.pop_front()
            && let Session::Web(rtc) = &mut self.session
        {
            rtc.direct_api().remove_stream_rx(oldest);
        }
        self.streams.push_back(ssrc);
    }

    /// How many streams of the far end are known.
    pub fn streams(&self) -> usize {
        self.streams.len()
    }

    /// Take a datagram of a port without WebRTC, that came to one of its addresses.
    pub fn receive_plain(
        &mut self,
        now: Instant,
        source: SocketAddr,
        destination: SocketAddr,
        data: &[u8],
        told: &mut Vec<Told>,
    ) -> Result<(), Unread> {
        let Session::Plain(plain) = &mut self.session else { return Err(Unread::Stranger) };
        if is_rtcp(data) {
            if let Some(reported) = plain.read_reports(source, data, self.setup.ssrc, now)? {
                self.note_report(&reported);
            }
            return Ok(());
        }
        if let Some(packet) = plain.receive(source, destination, data, &self.setup.formats, now)? {
            (self.route, self.path) = (plain.path(), plain.path());
            told.push(Told::Packet(Box::new(packet)));
        }
        Ok(())
    }

    fn note_report(&mut self, reported: &rtcp::Reported) {
        let rate = self.out.codec.clock_rate() as f32;
        self.rtt = reported.round_trip.or(self.rtt);
        self.reported = Some(Reported {
            lost: u64::from(reported.lost),
            loss_percent: f32::from(reported.fraction_lost) * 100.0 / 256.0,
            jitter_ms: reported.jitter as f32 * 1_000.0 / rate,
        });
    }

    pub fn timeout(&mut self, now: Instant) -> Result<(), String> {
        if let Session::Web(rtc) = &mut self.session {
            return rtc.handle_input(Input::Timeout(now)).map_err(|error| error.to_string());
        }
        let facts = self.facts(now);
        if let Session::Plain(plain) = &mut self.session {
            plain.timeout(&facts, now);
        }
        Ok(())
    }

    /// What a report tells of this port.
    fn facts(&self, now: Instant) -> Facts {
        let since = self.since_opened(now);
        let rate = self.ingress.codec.map_or(8_000, CodecKind::clock_rate) as f32;
        Facts {
            ssrc: self.setup.ssrc,
            timestamp: self.out.egress.timestamp_at(since),
            packets_sent: self.out.packets,
            octets_sent: self.out.bytes,
            packets_heard: self.ingress.packets,
            packets_lost: self.ingress.lost(),
            jitter: (self.ingress.estimator.jitter_ms() * rate / 1_000.0) as u32,
        }
    }

    /// Drain what the session wants: datagrams into `transmits`, facts into `told`.
    pub fn drain(&mut self, transmits: &mut Vec<Transmit>, told: &mut Vec<Told>) {
        if let Session::Plain(plain) = &mut self.session {
            plain.drain(transmits, told);
            self.deadline = plain.deadline();
            if self.stage == Stage::Connecting && plain.is_ready() {
                (self.route, self.path) = (plain.path(), plain.path());
                self.stage = Stage::Connected;
            }
            return;
        }
        while let Session::Web(rtc) = &mut self.session {
            match rtc.poll_output() {
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
            RtcEvent::RtpPacket(packet) if self.stage != Stage::Connecting => {
                told.push(Told::Packet(Box::new(packet.into())))
            }
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
        let shown = match &mut self.session {
            Session::Web(rtc) => rtc.direct_api().remote_dtls_fingerprint().map(|shown| shown.bytes.clone()),
            Session::Plain(_) => None,
        };
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
        let Session::Web(rtc) = &mut self.session else { return };
        // Both fail only where the session has ended, which `drain` tells.
        let _ = rtc.direct_api().start_dtls(active);
        let _ = self.timeout(now);
    }

    /// Say goodbye to the far end (RTCP BYE, DTLS close_notify).
    pub fn close(&mut self, transmits: &mut Vec<Transmit>) {
        match &mut self.session {
            Session::Web(rtc) => drop(rtc.close()),
            Session::Plain(plain) => plain.close(),
        }
        let mut told = Vec::new();
        self.drain(transmits, &mut told);
    }
}
