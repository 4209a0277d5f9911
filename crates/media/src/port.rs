//! One port: an ICE/DTLS/SRTP session with a far end, what it sends and what it is sent. Knows no other port.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use str0m::media::{Mid, Pt};
use str0m::net::Protocol;
use str0m::rtp::{RtpWrite, Ssrc};

use crate::codec::{CodecKind, MAX_PACKET_BYTES};
use crate::dtmf::{DtmfSender, DtmfStep, Press};
use crate::egress::{Header, Incoming};
use crate::jitter::{Arrival, Payload};
use crate::messages::{Direction, PortStats, Tracks};
use crate::quality::mos;
use crate::rtp::Packet;
use crate::sdp::{self, Formats};

mod guard;
mod ingress;
mod link;
mod metering;
mod outgoing;
mod plain;
mod recorder;
mod session;
mod tap;

pub use guard::Protection;
use ingress::Ingress;
pub use link::{Agreed, Told, Unread};
pub use metering::{Listening, Metering, measure};
use outgoing::Outgoing;
pub use plain::Ends;
pub use recorder::{Finishing, Recorder, Wanted, Why};
pub use session::Setup;
use session::{Session, build};
pub use tap::{Frame, Report};

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
    pub reports: Vec<Report>,
    pub recorders: Vec<Recorder>,
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
    session: Session,
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

/// The far end's receiver report about what we send it.
struct Reported {
    lost: u64,
    loss_percent: f32,
    jitter_ms: f32,
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
            reports: Vec::new(),
            recorders: Vec::new(),
            route: None,
            path: None,
            silences_told: 0,
            #[cfg(test)]
            is_cursed: false,
            next_quality: Duration::ZERO,
            connected_at: None,
            session: build(&setup, now),
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

    /// Which directions of its audio somebody wants: `has` asks one of them of a tap's tracks.
    pub fn is_tapped(&self, has: fn(Tracks) -> bool) -> bool {
        let reported = self.reports.iter().map(|report| report.tap.tracks);
        reported.chain(self.recorders.iter().map(Recorder::tracks)).any(has)
    }

    /// Take noise from these directions, and from no other; at most so many dB of it.
    pub fn denoise(&mut self, tracks: Option<Tracks>, limit_db: Option<f32>) {
        let (inbound, outbound) = (tracks.is_some_and(Tracks::has_inbound), tracks.is_some_and(Tracks::has_outbound));
        self.ingress.denoiser = inbound.then(|| self.ingress.denoiser.take().unwrap_or_default());
        self.out.denoiser = outbound.then(|| self.out.denoiser.take().unwrap_or_default());
        for denoiser in [&mut self.ingress.denoiser, &mut self.out.denoiser].into_iter().flatten() {
            denoiser.limit(limit_db);
        }
    }

    /// Whether it is a port without WebRTC.
    pub fn is_plain(&self) -> bool {
        matches!(self.session, Session::Plain(_))
    }

    pub fn since_opened(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.opened)
    }

    // ---- from the far end ------------------------------------------------------------------------------------

    /// Count a packet and sort it: audio to forward and decode, or a key press.
    pub fn arrived(&mut self, packet: &Packet, is_decoding: bool, at: Duration) -> Option<Press> {
        #[cfg(test)]
        assert!(!self.is_cursed, "cursed");
        let (pt, ssrc) = (packet.pt, packet.ssrc);
        self.ingress.count(packet, at);
        let formats = &self.setup.formats;
        let codec = formats.codec_of(pt);
        if codec.is_some() {
            self.ingress.codec = codec;
            self.ingress.estimator_of(codec).arrived(packet.timestamp, at);
        }
        let payload = match codec {
            Some(kind) => Payload::Audio(kind, &packet.payload),
            None if formats.comfort_noise == Some(pt) => Payload::ComfortNoise(&packet.payload),
            None => Payload::Other,
        };
        if is_decoding {
            let Packet { seq, timestamp, marker, .. } = *packet;
            let arrival = Arrival { ssrc, seq, timestamp, marker, at };
            self.ingress.push(arrival, payload);
        }
        if formats.events_48k == Some(pt) {
            return self.ingress.events_48k.push(packet.timestamp, &packet.payload, at);
        }
        if formats.events_8k == Some(pt) {
            return self.ingress.events_8k.push(packet.timestamp, &packet.payload, at);
        }
        None
    }

    /// The codec of a packet, if it is audio.
    pub fn codec_of(&self, packet: &Packet) -> Option<CodecKind> {
        self.setup.formats.codec_of(packet.pt)
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
            && self.out.denoiser.is_none()
            && self.out.player.is_idle()
            && self.out.digits.is_idle()
            && self.out.tones.is_idle()
    }

    pub fn is_sending_digits(&self) -> bool {
        !(self.out.digits.is_idle() && self.out.tones.is_idle())
    }

    /// Send a speaker's packet on. `source` is the speaker's port.
    pub fn forward(&mut self, source: u32, packet: &Packet, codec: CodecKind, now: Instant) {
        let at = self.since_opened(now);
        let Some(pt) = self.pt_of(codec) else { return };
        let incoming = Incoming {
            source: u64::from(source),
            ssrc: packet.ssrc,
            seq: packet.seq,
            timestamp: packet.timestamp,
            marker: packet.marker,
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
        let mut payload = [0; MAX_PACKET_BYTES];
        let Some(length) = self.out.encode(pcm, &mut payload) else { return };
        self.send_payload(payload[..length].into(), now);
    }

    /// Send a frame that is encoded already, by our codec.
    pub fn send_payload(&mut self, payload: Arc<[u8]>, now: Instant) {
        let codec = self.out.codec;
        let Some(pt) = self.pt_of(codec) else { return };
        let at = self.since_opened(now);
        if let Some(header) = self.out.egress.frame(codec.clock_rate(), codec.frame_samples() as u32, at) {
            self.write(pt, header, payload, now);
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

    fn write(&mut self, pt: u8, header: Header, payload: Arc<[u8]>, now: Instant) {
        if let Session::Plain(plain) = &mut self.session {
            self.out.packets += 1;
            self.out.bytes += payload.len() as u64;
            plain.send(&header, pt, &payload);
            return;
        }
        let first = *self.first_seq.get_or_insert(header.extended_seq & !0xffff);
        // A straggler of the roll-over before this association began cannot be sent with its keys.
        let Some(seq) = header.extended_seq.checked_sub(first) else { return };
        self.out.packets += 1;
        self.out.bytes += payload.len() as u64;
        let write = RtpWrite::new(Pt::from(pt), seq.into(), header.timestamp, now, payload).marker(header.marker);
        if let Session::Web(rtc) = &mut self.session
            && let Some(stream) = rtc.direct_api().stream_tx(&header.ssrc.into())
        {
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
        let lost = self.ingress.lost();
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
