//! Fuzz: datagrams from strangers (STUN, DTLS, RTP, RTCP) reach a port that waits for its far end.
//!
//! Built like a port of the core: RTP mode, ICE lite. Nothing may panic, and no datagram may set off a flood. RTP and
//! RTCP are parsed in full only after their SRTP tag was verified, so a stranger gets no further than this.

mod fuzzing;

use std::net::SocketAddr;
use std::time::Instant;

use str0m::ice::{IceCreds, StunMessage};
use str0m::net::{DatagramRecv, Protocol, Receive};
use str0m::{Candidate, Input, Output, Rtc, RtcConfig};

const OURS: &str = "127.0.0.1:40000";
const STRANGER: &str = "127.0.0.1:50000";

fn port(now: Instant) -> Rtc {
    let mut rtc = RtcConfig::new()
        .set_crypto_provider(std::sync::Arc::new(str0m_aws_lc_rs::default_provider()))
        .set_ice_lite(true)
        .set_rtp_mode(true)
        .build(now);
    let ours: SocketAddr = OURS.parse().expect("an address");
    rtc.add_local_candidate(Candidate::host(ours, "udp").expect("a candidate"));
    let mut api = rtc.direct_api();
    api.set_local_ice_credentials(IceCreds { ufrag: "ours".into(), pass: "password".into() });
    api.set_remote_ice_credentials(IceCreds { ufrag: "theirs".into(), pass: "theirpassword".into() });
    api.set_ice_controlling(false);
    rtc
}

/// Give the port a datagram as the core does; the datagrams that it sends back.
fn feed(rtc: &mut Rtc, bytes: &[u8], now: Instant) -> Vec<Vec<u8>> {
    let Ok(contents) = DatagramRecv::try_from(bytes) else { return Vec::new() };
    let (source, destination) = (STRANGER.parse().expect("an address"), OURS.parse().expect("an address"));
    let input = Input::Receive(now, Receive { proto: Protocol::Udp, source, destination, contents });
    if !rtc.accepts(&input) || rtc.handle_input(input).is_err() {
        return Vec::new();
    }
    let mut sent = Vec::new();
    while let Ok(Output::Transmit(_) | Output::Event(_)) = rtc.poll_output().inspect(|output| {
        if let Output::Transmit(transmit) = output {
            sent.push(transmit.contents.to_vec());
        }
    }) {}
    sent
}

#[test]
fn a_valid_check_is_answered_and_a_false_one_is_not() {
    let now = Instant::now();
    let request = include_bytes!("corpus/datagram/stun_request");
    let answers = feed(&mut port(now), request, now);
    assert!(answers.iter().any(|answer| answer[..2] == [1, 1]), "{answers:02x?}");
    for refused in [
        &include_bytes!("corpus/datagram/stun_wrong_integrity")[..],
        include_bytes!("corpus/datagram/dtls_client_hello"),
    ] {
        assert!(feed(&mut port(now), refused, now).iter().all(|answer| answer[..2] != [1, 1]));
    }
}

#[test]
fn any_datagram_of_a_stranger_is_harmless() {
    let now = Instant::now();
    let mut rtc = port(now);
    let mut fed = 0_u32;
    fuzzing::fuzz("datagram", |input| {
        let sent = feed(&mut rtc, input, now);
        assert!(sent.len() <= 8, "{} datagrams for one", sent.len());
        fed += 1;
        // A port sees a few hundred strangers at most before it is connected or gone.
        if fed.is_multiple_of(500) || !rtc.is_alive() {
            rtc = port(now);
        }
    });
}

#[test]
fn any_stun_message_is_read_or_refused() {
    fuzzing::fuzz("datagram", |input| {
        if let Ok(message) = StunMessage::parse(input) {
            assert!(message.split_username().is_none_or(|(a, b)| a.len() + b.len() < input.len()));
        }
    });
}
