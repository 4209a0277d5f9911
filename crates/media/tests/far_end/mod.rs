//! A far end that is not ours: a full ICE agent in RTP mode that negotiates by SDP and shows every header it is sent.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use str0m::change::{SdpAnswer, SdpPendingOffer};
use str0m::config::CryptoProvider;
use str0m::crypto::Fingerprint;
use str0m::media::{Direction, MediaKind, Mid};
use str0m::net::{Protocol, Receive, TcpType, Transmit};
use str0m::rtp::{RtpPacket, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

pub const OPUS_PT: u8 = 111;

/// See the module.
pub struct FarEnd {
    pub rtc: Rtc,
    pub address: SocketAddr,
    pub is_connected: bool,
    /// The newest packets' headers and payloads, as they arrived.
    pub packets: Vec<RtpPacket>,
    transmits: Vec<Transmit>,
    proto: Protocol,
    mid: Mid,
    pending: Option<SdpPendingOffer>,
}

fn crypto() -> Arc<CryptoProvider> {
    static SHARED: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    SHARED.get_or_init(|| Arc::new(str0m_aws_lc_rs::default_provider())).clone()
}

fn candidate(address: SocketAddr, proto: Protocol) -> Candidate {
    match proto {
        Protocol::Tcp => {
            Candidate::builder().tcp().host(address).tcptype(TcpType::Active).build().expect("a candidate")
        }
        _ => Candidate::host(address, proto).expect("a candidate"),
    }
}

fn build(address: SocketAddr, proto: Protocol, now: Instant) -> (Rtc, Mid, String, SdpPendingOffer) {
    let mut rtc = RtcConfig::new()
        .set_crypto_provider(crypto())
        .set_rtp_mode(true)
        .clear_codecs()
        .enable_opus(true, false)
        .enable_pcmu(true, false)
        .build(now);
    rtc.add_local_candidate(candidate(address, proto));
    let mut change = rtc.sdp_api();
    let mid = change.add_media(MediaKind::Audio, Direction::SendRecv, None, None, None);
    let (offer, pending) = change.apply().expect("a change");
    (rtc, mid, offer.to_sdp_string(), pending)
}

impl FarEnd {
    /// A far end and its offer.
    pub fn new(address: SocketAddr, proto: Protocol, now: Instant) -> (Self, String) {
        let (rtc, mid, offer, pending) = build(address, proto, now);
        let packets = Vec::new();
        let pending = Some(pending);
        (Self { rtc, address, is_connected: false, packets, transmits: Vec::new(), proto, mid, pending }, offer)
    }

    /// Begin anew with another certificate, as a reloaded page does; the new offer.
    pub fn reborn(&mut self, now: Instant) -> String {
        let (rtc, mid, offer, pending) = build(self.address, self.proto, now);
        (self.rtc, self.mid, self.pending) = (rtc, mid, Some(pending));
        self.is_connected = false;
        offer
    }

    pub fn accept(&mut self, answer: &str) {
        let answer = SdpAnswer::from_sdp_string(answer).expect("an answer");
        let pending = self.pending.take().expect("an offer");
        self.rtc.sdp_api().accept_answer(pending, answer).expect("an answer to it");
    }

    /// Expect another certificate than the answer said.
    pub fn distrust(&mut self) {
        let fingerprint = Fingerprint { hash_func: "sha-256".into(), bytes: vec![7; 32] };
        self.rtc.direct_api().set_remote_fingerprint(fingerprint);
    }

    pub fn receive(&mut self, source: SocketAddr, data: &[u8], now: Instant) {
        if let Ok(receive) = Receive::new(self.proto, source, self.address, data) {
            let _ = self.rtc.handle_input(Input::Receive(now, receive));
        }
        // A session holds one packet at a time.
        self.drain();
    }

    /// Tell the time; what is to be sent.
    pub fn step(&mut self, now: Instant) -> Vec<Transmit> {
        let _ = self.rtc.handle_input(Input::Timeout(now));
        self.drain();
        std::mem::take(&mut self.transmits)
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(_)) | Err(_) => return,
                Ok(Output::Transmit(transmit)) => self.transmits.push(transmit),
                Ok(Output::Event(Event::Connected)) => self.is_connected = true,
                Ok(Output::Event(Event::RtpPacket(packet))) => self.packets.push(packet),
                Ok(Output::Event(_)) => {}
            }
        }
    }

    /// Send 20 ms of Opus silence with these numbers.
    pub fn say(&mut self, seq: u64, timestamp: u32, now: Instant) {
        let mut api = self.rtc.direct_api();
        let Some(stream) = api.stream_tx_by_mid(self.mid, None) else { return };
        stream.set_unpaced(true);
        let payload: Arc<[u8]> = [0xf8, 0xff, 0xfe][..].into();
        stream.write_rtp(RtpWrite::new(OPUS_PT.into(), seq.into(), timestamp, now, payload));
    }
}
