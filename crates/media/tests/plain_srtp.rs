//! Legs without ICE whose audio is encrypted: by keys in the SDP (RFC 4568) and by keys of a handshake (RFC 5763).
//!
//! Cases RTP-07 and RTP-15 as far as such legs are concerned. Ports of one driven core play both ends, and a phone of a
//! few lines what no port of ours would do.

mod house;

use std::net::SocketAddr;
use std::time::Duration;

use house::{House, SECOND, hear, meter, names, sing};
use offhook_media::core::Datagram;
use offhook_media::egress::Header;
use offhook_media::messages::{Command, Counters, Event, Ice, Profile, RefusedCode, Reply, Request};
use offhook_media::rtp;
use offhook_media::srtp::{Master, Opener, Sealer, Suite};

const PHONE: &str = "192.0.2.7:40000";
/// The example of RFC 4568 section 6.1, as text and as octets.
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const OCTETS: &[u8] = b"YS___semctl () {\t220;}\n}\nunles";

fn offered(house: &House, port: u32, profile: Profile) -> String {
    house.described(Request::OfferPort { port, ice: Ice::Lite, codecs: names(&["pcmu"]), trickle: false, profile })
}

/// A leg (`near`) and a phone (`far`) that offered in a profile.
fn leg(house: &mut House, near: u32, far: u32, profile: Profile) -> (String, String) {
    let offer = offered(house, far, profile);
    let answer = house.answer(near, offer.clone(), Ice::Lite, &["pcmu"]);
    house.accept(far, answer.clone());
    house.pass(SECOND);
    (offer, answer)
}

fn counters(house: &House) -> Counters {
    match house.core.request(Request::ReadCounters) {
        Reply::Counters(counters) => counters,
        other => panic!("{other:?}"),
    }
}

fn hears(house: &House, port: u32, hz: f32) {
    let heard = house.inbound(port);
    assert!((heard.tone_hz - hz).abs() < 10.0 && heard.level > -30.0, "{heard:?}");
}

#[test]
fn legs_of_every_protection_hear_each_other() {
    for (first, second) in [
        (Profile::Srtp, Profile::Rtp),
        (Profile::Srtp, Profile::Srtp),
        (Profile::Dtls, Profile::Srtp),
        (Profile::Rtp, Profile::Dtls),
    ] {
        let mut house = House::driven();
        leg(&mut house, 1, 11, first);
        leg(&mut house, 2, 12, second);
        for port in [1, 2, 11, 12] {
            assert!(house.is_connected(port), "{first:?} {second:?} {port}: {:?}", house.events);
        }
        house.send([hear(1, &[2]), hear(2, &[1])]);
        house.send([sing(11, 500.0), sing(12, 700.0), meter(11), meter(12)]);
        house.send([meter(1), meter(2)]);
        house.pass(3 * SECOND);
        hears(&house, 1, 500.0);
        hears(&house, 2, 700.0);
        let outbound = |of: u32| {
            let found = house.events.iter().rev().find_map(|event| match event {
                Event::Metered { port, outbound, .. } if *port == of => Some(outbound.clone()),
                _ => None,
            });
            found.expect("metered").tone_hz
        };
        assert!(outbound(11) > 0.0 && outbound(12) > 0.0);
        assert_eq!(house.stats(11).inbound.lost, 0);
        assert!(house.stats(11).inbound.packets > 100 && house.stats(12).inbound.packets > 100);
        assert_eq!((counters(&house).unauthenticated, counters(&house).malformed), (0, 0), "{first:?} {second:?}");
    }
}

#[test]
fn an_offer_of_keys_names_two_suites_and_an_answer_takes_one() {
    let mut house = House::driven();
    let (offer, answer) = leg(&mut house, 1, 11, Profile::Srtp);
    assert!(offer.contains(" RTP/SAVP 0 101\r\n"), "{offer}");
    assert!(offer.contains("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"), "{offer}");
    assert!(offer.contains("a=crypto:2 AES_CM_128_HMAC_SHA1_32 inline:"), "{offer}");
    assert!(answer.contains("a=crypto:1 ") && !answer.contains("a=crypto:2"), "{answer}");
    let key = |text: &str| text.split("inline:").nth(1).expect("a key").split("\r\n").next().map(str::to_owned);
    assert_ne!(key(&offer), key(&answer));
}

#[test]
fn a_handshake_is_offered_with_a_fingerprint_and_without_ice() {
    let mut house = House::driven();
    let (offer, answer) = leg(&mut house, 1, 11, Profile::Dtls);
    assert!(offer.contains(" UDP/TLS/RTP/SAVP 0 101\r\n") && offer.contains("a=setup:actpass\r\n"), "{offer}");
    assert!(answer.contains("a=fingerprint:sha-256 ") && answer.contains("a=setup:passive\r\n"), "{answer}");
    assert!(!answer.contains("ice-ufrag") && !answer.contains("candidate"), "{answer}");
}

#[test]
fn another_certificate_than_the_named_one_ends_the_leg() {
    let mut house = House::driven();
    let offer = offered(&house, 11, Profile::Dtls);
    let answer = house.answer(1, offer, Ice::Lite, &["pcmu"]);
    let line = answer.lines().find(|line| line.starts_with("a=fingerprint")).expect("a fingerprint");
    let other = format!("a=fingerprint:sha-256 {}", vec!["00"; 32].join(":"));
    house.accept(11, answer.replace(line, &other));
    house.pass(2 * SECOND);
    let is_it = |event: &Event| matches!(event, Event::PortFailed { port: 11, reason: "fingerprint_mismatch", .. });
    assert_eq!(house.count(is_it), 1, "{:?}", house.events);
}

// ---- a phone that holds the keys itself --------------------------------------------------------------------------

struct Phone {
    address: SocketAddr,
    core: SocketAddr,
    sealer: Sealer,
    opener: Opener,
    index: u64,
}

fn sdp(profile: &str, more: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.7\r\ns=-\r\nc=IN IP4 192.0.2.7\r\nt=0 0\r\nm=audio 40000 {profile} 0\r\n{more}"
    )
}

fn crypto(tag: u32) -> String {
    format!("a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{KEY}|2^31\r\n")
}

fn octets(text: &str) -> Vec<u8> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits = text.chars().filter_map(|letter| LETTERS.find(letter));
    let bits: Vec<usize> = bits.flat_map(|digit| (0..6).rev().map(move |bit| digit >> bit & 1)).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | *bit) as u8).collect()
}

impl Phone {
    fn answered(house: &House, port: u32, offer: String) -> (Self, String) {
        let text = house.answer(port, offer, Ice::Lite, &["pcmu"]);
        let line = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).expect("the line");
        let core = format!("{}:{}", line("c=IN IP4 "), line("m=audio ").split(' ').next().expect("a port"));
        let key = text.split("inline:").nth(1).expect("a key").split("\r\n").next().expect("its end").to_owned();
        let master = |material: Vec<u8>| Master::new(Suite::AesCm128Sha80, material).expect("30 octets");
        let phone = Self {
            address: PHONE.parse().expect("an address"),
            core: core.parse().expect("an address"),
            sealer: Sealer::new(&master(OCTETS.to_vec())),
            opener: Opener::new(&master(octets(&key))),
            index: 65_500,
        };
        (phone, text)
    }

    fn packet(&mut self) -> Vec<u8> {
        self.index += 1;
        let (seq, timestamp) = (self.index as u16, (self.index * 160) as u32);
        let header = Header { ssrc: 9, seq, extended_seq: self.index, timestamp, marker: false };
        let tone: Vec<u8> = (0..160).map(|at| if at % 16 < 8 { 0x90 } else { 0x10 }).collect();
        let mut packet = rtp::write(&header, 0, &tone);
        self.sealer.seal(&mut packet, self.index);
        packet
    }

    fn send(&self, house: &House, data: Vec<u8>) {
        let datagram = Datagram { source: self.address, destination: self.core, data };
        house.core.deliver(&datagram).expect("a driven core");
    }

    /// Speak for a while; how many packets came, all of which opened.
    fn talk(&mut self, house: &mut House, frames: u32) -> usize {
        let mut heard = 0;
        for _ in 0..frames {
            let packet = self.packet();
            self.send(house, packet);
            house.pass(Duration::from_millis(20));
            for datagram in house.core.take_outside().iter().filter(|it| it.destination == self.address) {
                assert!(self.opener.open(&datagram.data).is_ok());
                heard += 1;
            }
        }
        heard
    }
}

#[test]
fn a_phone_with_keys_is_heard_across_its_roll_over_and_hears() {
    let mut house = House::driven();
    let (mut phone, text) = Phone::answered(&house, 1, sdp("RTP/SAVP", &crypto(4)));
    assert!(text.contains("RTP/SAVP 0\r\n") && text.contains("a=crypto:4 AES_CM_128_HMAC_SHA1_80"), "{text}");
    house.send([meter(1)]);
    assert!(phone.talk(&mut house, 100) >= 95);
    hears(&house, 1, 500.0);
    assert_eq!(house.stats(1).inbound.packets, 100);
}

#[test]
fn keys_beside_a_clear_profile_are_taken() {
    let mut house = House::driven();
    let (mut phone, text) = Phone::answered(&house, 1, sdp("RTP/AVP", &crypto(1)));
    assert!(text.contains("RTP/AVP 0\r\n") && text.contains("a=crypto:1 "), "{text}");
    assert!(phone.talk(&mut house, 20) >= 15);
    assert_eq!(house.stats(1).inbound.packets, 20);
}

#[test]
fn replayed_forged_and_clear_packets_are_nobodys() {
    let mut house = House::driven();
    let (mut phone, _) = Phone::answered(&house, 1, sdp("RTP/SAVP", &crypto(1)));
    phone.talk(&mut house, 10);
    let packet = phone.packet();
    phone.send(&house, packet.clone());
    phone.send(&house, packet.clone());
    let mut forged = phone.packet();
    forged[40] ^= 1;
    phone.send(&house, forged);
    phone.send(&house, packet[..172].to_vec());
    house.pass(SECOND);
    assert_eq!(house.stats(1).inbound.packets, 11);
    assert_eq!(counters(&house).unauthenticated, 3);
}

#[test]
fn a_later_offer_keeps_our_key_and_never_goes_back_to_the_clear() {
    let mut house = House::driven();
    let (mut phone, text) = Phone::answered(&house, 1, sdp("RTP/SAVP", &crypto(1)));
    phone.talk(&mut house, 10);
    let again = house.described(Request::AnswerReoffer { port: 1, offer: sdp("RTP/SAVP", &crypto(1)) });
    let key = |text: &str| text.split("inline:").nth(1).map(|rest| rest[..40].to_owned());
    assert_eq!(key(&again), key(&text));
    assert!(phone.talk(&mut house, 10) >= 8, "the index goes on");
    for (clear, code) in [(sdp("RTP/AVP", ""), RefusedCode::NoAudio), (sdp("UDP/TLS/RTP/SAVP", ""), RefusedCode::NoIce)]
    {
        assert_eq!(house.refusal(Request::AnswerReoffer { port: 1, offer: clear }), code);
    }
    assert!(phone.talk(&mut house, 10) >= 8, "a refusal changes nothing");
}

#[test]
fn an_answer_keeps_to_what_was_offered() {
    let house = House::driven();
    let offer = offered(&house, 1, Profile::Srtp);
    assert!(offer.contains("RTP/SAVP"));
    let short = "a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:";
    for answer in [
        sdp("RTP/AVP", ""),
        sdp("RTP/SAVP", &crypto(7)),
        sdp("RTP/SAVP", &format!("{short}{KEY}\r\n")),
        sdp("RTP/SAVP", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:x\r\n"),
    ] {
        let request = Request::AcceptAnswer { port: 1, answer: answer.clone() };
        assert_eq!(house.refusal(request), RefusedCode::NoAudio, "{answer}");
    }
    house.accept(1, sdp("RTP/SAVP", &crypto(1)));
    house.send([Command::ClosePort { port: 1 }]);
}

#[test]
fn of_several_ways_to_carry_audio_the_best_is_taken_and_the_rest_declined() {
    let house = House::driven();
    let both = sdp("RTP/AVP", "") + "m=audio 40002 RTP/SAVP 0\r\n" + &crypto(1) + "m=video 40004 RTP/AVP 96\r\n";
    let text = house.answer(1, both, Ice::Lite, &["pcmu"]);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("m=")).collect();
    assert!(lines[0].starts_with("m=audio 0 RTP/AVP") && lines[1].contains("RTP/SAVP 0"), "{text}");
    assert!(lines[2].starts_with("m=video 0 "), "{text}");
}
