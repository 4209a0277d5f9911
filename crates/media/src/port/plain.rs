//! A port's association with a far end without ICE: whom it listens to, what it sends, its reports. Decodes nothing.
//!
//! Nothing but the SDP says who the far end is, so it is believed strictly: datagrams count that come from the address in
//! it. Behind a NAT that is not where they come from; so for a while after each description a far end is taken for the
//! first one that sends what was agreed on from the described host, or, where that names a private network, from
//! anywhere. It then stays that one, with its SSRC, until it is described anew.

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::net::{Protocol, Transmit};

use super::guard::{Guard, Protection};
use super::{Told, Unread};
use crate::egress::Header;
use crate::rtcp::{Heard, Reported, Reports, Said};
use crate::rtp::{self, Extender, Fixed, Packet};
use crate::sdp::{Destination, Formats};

/// How long after a description a far end may turn out to be elsewhere.
const LEARNING: Duration = Duration::from_secs(10);
/// How often reports are sent (RFC 3550 section 6.2), on the mean.
const REPORT_EVERY: Duration = Duration::from_secs(5);

/// The addresses of our own side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    pub media: SocketAddr,
    pub reports: SocketAddr,
}

/// Whom we listen to: where from, and which stream of it.
#[derive(Clone, Copy, Debug)]
struct Latched {
    source: SocketAddr,
    ssrc: u32,
    extender: Extender,
}

/// See the module.
pub struct Plain {
    own: Ends,
    guard: Guard,
    far: Option<SocketAddr>,
    far_reports: Option<SocketAddr>,
    latched: Option<Latched>,
    learning_until: Instant,
    opened: Instant,
    next_report: Instant,
    reports: Reports,
    /// What was expected and had come by the last report.
    reported: (u64, u64),
    outbox: Vec<Transmit>,
    is_news: bool,
}

/// What the port knows that a report tells.
pub struct Facts {
    pub ssrc: u32,
    pub timestamp: u32,
    pub packets_sent: u64,
    pub octets_sent: u64,
    pub packets_heard: u64,
    pub packets_lost: u64,
    pub jitter: u32,
}

impl Plain {
    pub fn new(own: Ends, now: Instant) -> Self {
        Self {
            own,
            guard: Guard::new(),
            far: None,
            far_reports: None,
            latched: None,
            learning_until: now,
            opened: now,
            next_report: now + REPORT_EVERY,
            reports: Reports::default(),
            reported: (0, 0),
            outbox: Vec::new(),
            is_news: false,
        }
    }

    /// The far end described itself, for the first time or anew.
    pub fn accept(&mut self, far: &Destination, protection: Protection, now: Instant) {
        self.is_news |= self.far.is_none() && !matches!(protection, Protection::Dtls { .. });
        self.guard.agree(protection, now);
        // A call on hold the old way names no address: it goes on to where it was.
        if far.media.ip().is_unspecified() {
            return;
        }
        if self.far != Some(far.media) {
            self.latched = None;
        }
        self.far = Some(far.media);
        self.far_reports = far.reports;
        self.learning_until = now + LEARNING;
    }

    /// Whether media may go out.
    pub fn is_ready(&self) -> bool {
        self.guard.is_ready()
    }

    /// Where media goes, and where it comes in.
    pub fn path(&self) -> Option<(Protocol, SocketAddr, SocketAddr)> {
        self.far.map(|far| (Protocol::Udp, far, self.own.media))
    }

    // ---- in --------------------------------------------------------------------------------------------------

    /// Take a datagram that came to one of our addresses. What is from nobody that we know changes nothing.
    pub fn receive(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        data: &[u8],
        takes: &Formats,
        now: Instant,
    ) -> Result<Option<Packet>, Unread> {
        if destination == self.own.reports && destination != self.own.media {
            return Ok(None);
        }
        if !self.may_come_from(source, now) {
            return Err(Unread::Stranger);
        }
        if is_dtls(data) {
            return self.shake(source, data).map(|()| None);
        }
        let data = &*self.guard.open(data)?;
        let fixed = Fixed::read(data).ok_or(Unread::Malformed)?;
        if !takes.has(fixed.pt) {
            return Err(Unread::Malformed);
        }
        let payload = fixed.payload(data).ok_or(Unread::Malformed)?;
        let latched = self.latch(source, fixed.ssrc);
        let extended_seq = latched.extender.guess(fixed.seq);
        latched.extender.note(extended_seq);
        Ok(Some(Packet {
            ssrc: fixed.ssrc,
            pt: fixed.pt,
            seq: fixed.seq,
            extended_seq,
            timestamp: fixed.timestamp,
            marker: fixed.marker,
            payload: payload.into(),
        }))
    }

    /// Whether it is from the far end, as far as an address tells.
    fn may_come_from(&self, source: SocketAddr, now: Instant) -> bool {
        match self.latched {
            Some(known) => known.source == source,
            None if self.far == Some(source) => true,
            None => now < self.learning_until && self.far.is_some_and(|far| may_be(far, source)),
        }
    }

    /// The stream that a packet of the far end belongs to. It may begin another, as when somebody else of it takes over.
    fn latch(&mut self, source: SocketAddr, ssrc: u32) -> &mut Latched {
        self.far = Some(source);
        let anew = Latched { source, ssrc, extender: Extender::default() };
        let latched = self.latched.get_or_insert(anew);
        if latched.ssrc != ssrc {
            *latched = anew;
        }
        latched
    }

    /// A record of the handshake, which goes back to where it comes from, as media will. It is answered before anything
    /// has proved who sent it, so it must come from the host that was described: from nowhere else, NAT or not.
    fn shake(&mut self, source: SocketAddr, data: &[u8]) -> Result<(), Unread> {
        if self.far.is_none_or(|far| far.ip() != source.ip()) {
            return Err(Unread::Stranger);
        }
        self.guard.shake(data)?;
        self.far = Some(source);
        Ok(())
    }

    /// Take reports, if that is what a datagram is; what they say of what we send.
    pub fn read_reports(
        &mut self,
        source: SocketAddr,
        data: &[u8],
        ours: u32,
        now: Instant,
    ) -> Result<Option<Reported>, Unread> {
        if self.far.is_none_or(|far| far.ip() != source.ip()) {
            return Err(Unread::Stranger);
        }
        let data = &*self.guard.open_report(data)?;
        let since = now.saturating_duration_since(self.opened);
        self.reports.read(data, ours, since).ok_or(Unread::Malformed)
    }

    // ---- out -------------------------------------------------------------------------------------------------

    pub fn send(&mut self, header: &Header, pt: u8, payload: &[u8]) {
        if let Some(far) = self.far
            && let Some(packet) = self.guard.seal(rtp::write(header, pt, payload), header.extended_seq)
        {
            self.push(self.own.media, far, packet);
        }
    }

    fn push(&mut self, source: SocketAddr, destination: SocketAddr, data: Vec<u8>) {
        self.outbox.push(Transmit { proto: Protocol::Udp, source, destination, contents: data.into() });
    }

    /// When there is something to do next.
    pub fn deadline(&self) -> Instant {
        self.guard.deadline().map_or(self.next_report, |at| at.min(self.next_report))
    }

    /// Do what is due.
    pub fn timeout(&mut self, facts: &Facts, now: Instant) {
        self.report(facts, now);
        self.guard.timeout(now);
    }

    /// Send a report if one is due.
    fn report(&mut self, facts: &Facts, now: Instant) {
        if now < self.next_report {
            return;
        }
        // Between half and one and a half times the interval, lest all report at once (RFC 3550 section 6.3.5).
        self.next_report = now + REPORT_EVERY.mul_f64(0.5 + fastrand::f64());
        let Some(far) = self.far_reports.or(self.far) else { return };
        let is_muxed = self.far_reports == self.far;
        let said = Said {
            ssrc: facts.ssrc,
            timestamp: facts.timestamp,
            packets: facts.packets_sent as u32,
            octets: facts.octets_sent as u32,
        };
        let heard = self.latched.map(|latched| self.heard(&latched, facts));
        let report = self.reports.write(said, heard, now.saturating_duration_since(self.opened));
        if let Some(report) = self.guard.seal_report(report) {
            self.push(if is_muxed { self.own.media } else { self.own.reports }, far, report);
        }
    }

    fn heard(&mut self, latched: &Latched, facts: &Facts) -> Heard {
        let expected = facts.packets_heard + facts.packets_lost;
        let (before, had_come) = std::mem::replace(&mut self.reported, (expected, facts.packets_heard));
        let lost = (expected.saturating_sub(before)).saturating_sub(facts.packets_heard.saturating_sub(had_come));
        let fraction = lost * 256 / expected.saturating_sub(before).max(1);
        Heard {
            ssrc: latched.ssrc,
            fraction_lost: fraction.min(255) as u8,
            lost: facts.packets_lost as u32,
            highest_seq: latched.extender.highest() as u32,
            jitter: facts.jitter,
        }
    }

    /// Say goodbye.
    pub fn close(&mut self) {
        self.guard.close();
    }

    pub fn drain(&mut self, transmits: &mut Vec<Transmit>, told: &mut Vec<Told>) {
        if let Some(destination) = self.far {
            let (outbox, source) = (&mut self.outbox, self.own.media);
            let send = |data: Vec<u8>| {
                outbox.push(Transmit { proto: Protocol::Udp, source, destination, contents: data.into() });
            };
            self.guard.drain(send, told);
        }
        transmits.append(&mut self.outbox);
        if std::mem::take(&mut self.is_news) {
            told.push(Told::Connected);
        }
    }
}

/// RFC 5761 section 4: packet types 192 to 223 are RTCP.
pub fn is_rtcp(data: &[u8]) -> bool {
    matches!(data, [128..=191, 192..=223, ..])
}

/// RFC 7983.
pub fn is_dtls(data: &[u8]) -> bool {
    matches!(data, [20..=63, ..])
}

/// Whether a far end that was described to be at `far` may in truth be at `source`.
fn may_be(far: SocketAddr, source: SocketAddr) -> bool {
    far.ip() == source.ip() || is_private(far.ip()) && !is_private(source.ip())
}

/// Networks whose addresses mean nothing outside of them (RFC 1918, RFC 6598, RFC 4193).
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_private() || (ip.octets()[0] == 100 && ip.octets()[1] & 0xc0 == 64),
        IpAddr::V6(ip) => ip.segments()[0] & 0xfe00 == 0xfc00,
    }
}
