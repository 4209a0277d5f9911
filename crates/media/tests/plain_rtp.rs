//! Legs over plain RTP: a far end of a few lines speaks to a driven core, which hears it, answers it and lets nobody else in.
//!
//! Cases RTP-07 and RTP-15 as far as plain RTP is concerned.

mod house;

use std::net::SocketAddr;
use std::time::Duration;

use house::{House, SECOND, hear, meter, names, sing};
use offhook_media::core::{Core, Datagram};
use offhook_media::messages::{Command, CoreConfig, Event, Ice, Profile, RefusedCode, Reply, Request};

const PHONE: &str = "192.0.2.7";

/// A phone without WebRTC, outside of the core. It sends a tone of 500 Hz as PCMU, and counts what comes.
struct Phone {
    address: SocketAddr,
    core: SocketAddr,
    ssrc: u32,
    seq: u16,
    heard: Vec<Vec<u8>>,
    reports: Vec<Vec<u8>>,
}

/// Half a millisecond of positive, then of negative full scale: 500 Hz at 8 kHz has 16 samples.
fn tone() -> Vec<u8> {
    (0..160).map(|at| if at % 16 < 8 { 0x80 | 0x10 } else { 0x10 }).collect()
}

/// Where a description says that media goes.
fn described(sdp: &str) -> SocketAddr {
    let line = |start: &str| sdp.lines().find_map(|line| line.strip_prefix(start)).expect("the line");
    let port = line("m=audio ").split(' ').next().expect("a port");
    let address = line("c=IN IP4 ");
    format!("{address}:{port}").parse().expect("an address")
}

fn sdp(port: u16, more: &str) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 {PHONE}\r\ns=-\r\nc=IN IP4 {PHONE}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n{more}"
    )
}

impl Phone {
    fn answered(house: &House, port: u32, more: &str) -> (Self, String) {
        let number = 40_000 + 2 * port as u16;
        let text = house.answer(port, sdp(number, more), Ice::Lite, &["opus", "pcmu"]);
        (Self::at(number, described(&text)), text)
    }

    fn at(number: u16, core: SocketAddr) -> Self {
        let address = format!("{PHONE}:{number}").parse().expect("an address");
        Self { address, core, ssrc: u32::from(number), seq: 0, heard: Vec::new(), reports: Vec::new() }
    }

    fn packet(&mut self, pt: u8, payload: &[u8]) -> Vec<u8> {
        self.seq = self.seq.wrapping_add(1);
        let timestamp = u32::from(self.seq) * 160;
        let mut packet = vec![0x80, pt];
        packet.extend(self.seq.to_be_bytes());
        packet.extend(timestamp.to_be_bytes());
        packet.extend(self.ssrc.to_be_bytes());
        packet.extend_from_slice(payload);
        packet
    }

    fn say(&mut self, core: &Core) {
        let data = self.packet(0, &tone());
        self.send(core, data);
    }

    fn send(&self, core: &Core, data: Vec<u8>) {
        let datagram = Datagram { source: self.address, destination: self.core, data };
        core.deliver(&datagram).expect("a driven core");
    }

    /// Speak for a while, and take what comes.
    fn talk(&mut self, house: &mut House, frames: u32) {
        for _ in 0..frames {
            self.say(&house.core);
            house.pass(Duration::from_millis(20));
            self.listen(house);
        }
    }

    fn listen(&mut self, house: &House) {
        for datagram in house.core.take_outside() {
            match datagram.destination.port() - self.address.port() {
                0 => self.heard.push(datagram.data),
                1 => self.reports.push(datagram.data),
                _ => {}
            }
        }
    }
}

#[test]
fn a_phone_is_answered_in_its_own_profile_and_heard() {
    let mut house = House::driven();
    let (mut phone, text) = Phone::answered(&house, 1, "a=sendrecv\r\na=ptime:20\r\n");
    assert!(text.contains("RTP/AVP 0 101\r\n"), "{text}");
    assert!(!text.contains("ice-ufrag") && !text.contains("fingerprint"), "{text}");
    house.send([meter(1)]);
    phone.talk(&mut house, 50);
    assert!(house.is_connected(1));
    let heard = house.inbound(1);
    assert!((heard.tone_hz - 500.0).abs() < 10.0 && heard.level > -20.0, "{heard:?}");
    assert!(phone.heard.len() >= 45, "silence goes on: {}", phone.heard.len());
    assert!(phone.heard.iter().all(|packet| packet[1] & 0x7f == 0 && packet.len() == 172));
}

#[test]
fn an_offer_of_ours_names_a_pair_of_ports_and_an_answer_completes_it() {
    let mut house = House::driven();
    let request = Request::OfferPort {
        port: 1,
        ice: Ice::Lite,
        codecs: names(&["pcmu", "pcma"]),
        trickle: false,
        profile: Profile::Rtp,
    };
    let text = house.described(request);
    assert!(text.contains("RTP/AVP 0 8 101\r\n"), "{text}");
    let mut phone = Phone::at(40_002, described(&text));
    house.accept(1, sdp(40_002, ""));
    house.send([meter(1)]);
    phone.talk(&mut house, 30);
    assert!((house.inbound(1).tone_hz - 500.0).abs() < 10.0);
    assert!(!phone.heard.is_empty());
}

#[test]
fn a_phone_and_a_browser_hear_each_other() {
    let mut house = House::driven();
    house.leg(2, 12, &["pcmu"]);
    let (mut phone, _) = Phone::answered(&house, 1, "");
    house.send([hear(1, &[2]), hear(2, &[1])]);
    house.send([meter(12), meter(1)]);
    house.send([sing(12, 700.0)]);
    phone.talk(&mut house, 100);
    assert!((house.inbound(12).tone_hz - 500.0).abs() < 10.0, "{:?}", house.inbound(12));
    let stats = house.stats(1);
    assert!(stats.inbound.packets >= 99 && stats.inbound.lost == 0, "{stats:?}");
    let seqs: Vec<u16> = phone.heard.iter().map(|packet| u16::from_be_bytes([packet[2], packet[3]])).collect();
    assert!(seqs.windows(2).all(|pair| pair[1] == pair[0].wrapping_add(1)), "one stream without a seam");
}

#[test]
fn nobody_else_is_heard_and_nothing_is_learned_from_them() {
    let mut house = House::driven();
    let (mut phone, _) = Phone::answered(&house, 1, "");
    phone.talk(&mut house, 10);
    let before = house.stats(1).inbound.packets;
    let mut stranger = Phone::at(41_000, phone.core);
    stranger.address = "192.0.2.66:41000".parse().expect("an address");
    for _ in 0..20 {
        stranger.say(&house.core);
    }
    house.pass(SECOND);
    assert_eq!(house.stats(1).inbound.packets, before);
    let counters = match house.core.request(Request::ReadCounters) {
        Reply::Counters(counters) => counters,
        other => panic!("{other:?}"),
    };
    assert_eq!(counters.strangers, 20);
    assert!(house.core.take_outside().iter().all(|sent| sent.destination.ip() == phone.address.ip()));
}

#[test]
fn a_far_end_behind_a_nat_is_found_while_it_may_be_and_kept() {
    let mut house = House::driven();
    let private = sdp(40_002, "").replace(PHONE, "192.168.1.20");
    let text = house.answer(1, private, Ice::Lite, &["pcmu"]);
    let mut phone = Phone::at(45_678, described(&text));
    phone.talk(&mut house, 20);
    assert!(!phone.heard.is_empty(), "media goes where it comes from");
    let mut late = Phone::at(45_900, phone.core);
    late.address = "192.0.2.66:45900".parse().expect("an address");
    late.say(&house.core);
    phone.talk(&mut house, 5);
    assert_eq!(house.stats(1).inbound.packets, 25);
}

#[test]
fn a_far_end_that_is_where_it_said_is_not_looked_for_elsewhere_later() {
    let mut house = House::driven();
    let private = sdp(40_002, "").replace(PHONE, "192.168.1.20");
    let text = house.answer(1, private, Ice::Lite, &["pcmu"]);
    house.pass(11 * SECOND);
    let mut phone = Phone::at(45_678, described(&text));
    phone.say(&house.core);
    house.pass(SECOND);
    assert_eq!(house.stats(1).inbound.packets, 0);
}

#[test]
fn a_call_on_hold_is_sent_nothing_and_goes_on_where_it_was() {
    let mut house = House::driven();
    let (mut phone, _) = Phone::answered(&house, 1, "");
    phone.talk(&mut house, 10);
    let last = u16::from_be_bytes([phone.heard[phone.heard.len() - 1][2], phone.heard[phone.heard.len() - 1][3]]);
    for held in [sdp(40_002, "a=sendonly\r\n"), sdp(40_002, "").replace("c=IN IP4 192.0.2.7", "c=IN IP4 0.0.0.0")] {
        let text = house.described(Request::AnswerReoffer { port: 1, offer: held });
        assert!(text.contains("a=recvonly\r\n"), "{text}");
        phone.heard.clear();
        house.pass(SECOND);
        phone.listen(&house);
        assert!(phone.heard.is_empty());
    }
    house.described(Request::AnswerReoffer { port: 1, offer: sdp(40_002, "a=sendrecv\r\n") });
    phone.talk(&mut house, 10);
    let first = u16::from_be_bytes([phone.heard[0][2], phone.heard[0][3]]);
    assert_eq!(first, last.wrapping_add(1), "the same stream");
}

#[test]
fn keys_are_pressed_both_ways() {
    let mut house = House::driven();
    let (mut phone, _) = Phone::answered(&house, 1, "");
    phone.talk(&mut house, 5);
    for end in [0, 0, 0, 0x80, 0x80, 0x80] {
        let mut packet = phone.packet(101, &[5, end | 10, 3, 32]);
        packet[4..8].copy_from_slice(&1_600_u32.to_be_bytes());
        phone.send(&house.core, packet);
        house.pass(Duration::from_millis(20));
    }
    assert_eq!(house.count(|event| matches!(event, Event::DigitReceived { port: 1, digit: '5', .. })), 1);
    house.send([Command::SendDigits { port: 1, digits: "7".into(), duration_ms: 100, gap_ms: 60 }]);
    phone.talk(&mut house, 20);
    assert!(phone.heard.iter().any(|packet| packet[1] & 0x7f == 101 && packet[12] == 7));
}

#[test]
fn rtp_07_reports_are_told_and_garbage_ends_nothing() {
    let mut house = House::driven();
    let (mut phone, _) = Phone::answered(&house, 1, "");
    phone.talk(&mut house, 500);
    assert!(!phone.reports.is_empty());
    assert!(phone.reports.iter().all(|report| report[1] == 200));
    let ours = u32::from_be_bytes([phone.heard[0][8], phone.heard[0][9], phone.heard[0][10], phone.heard[0][11]]);
    let reports = SocketAddr::new(phone.core.ip(), phone.core.port() + 1);
    let mut report = vec![0x81, 201, 0, 7, 0, 0, 0, 1];
    report.extend(ours.to_be_bytes());
    report.extend([128, 0, 0, 25, 0, 0, 0, 9, 0, 0, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0]);
    let deliver = |data: Vec<u8>| {
        let source = SocketAddr::new(phone.address.ip(), phone.address.port() + 1);
        house.core.deliver(&Datagram { source, destination: reports, data }).expect("a driven core");
    };
    deliver(report);
    let outbound = house.stats(1).outbound;
    assert_eq!((outbound.lost, outbound.loss_percent), (25, 50.0));
    let mut bye = vec![0x81, 203, 0, 1];
    bye.extend(ours.to_be_bytes());
    for garbage in [bye, vec![0x80, 200, 0, 0], vec![0x9f, 200, 0, 1, 0, 0, 0, 1], vec![0x80, 201, 255, 255]] {
        deliver(garbage);
    }
    let before = house.stats(1).inbound.packets;
    phone.talk(&mut house, 5);
    assert_eq!(house.stats(1).inbound.packets, before + 5);
}

#[test]
fn what_cannot_be_is_refused_with_its_line() {
    let house = House::driven();
    let offer = |text: String| Request::AnswerPort {
        port: 1,
        offer: text,
        ice: Ice::Lite,
        codecs: names(&["pcmu"]),
        trickle: false,
    };
    for (text, code) in [
        (sdp(40_000, "").replace("c=IN IP4 192.0.2.7\r\n", ""), RefusedCode::NoAudio),
        (sdp(40_000, "").replace("192.0.2.7\r\nt", "phone.test\r\nt"), RefusedCode::NoAudio),
        (sdp(40_000, "").replace("192.0.2.7\r\nt", "224.0.0.1\r\nt"), RefusedCode::NoAudio),
        (sdp(0, ""), RefusedCode::NoAudio),
        (sdp(40_000, "").replace("RTP/AVP 0 101", "RTP/AVP 18"), RefusedCode::NoCommonCodec),
        (sdp(40_000, "").replace("m=audio", "m=image"), RefusedCode::NoAudio),
    ] {
        assert_eq!(house.refusal(offer(text.clone())), code, "{text}");
    }
    let mut house = house;
    house.leg(2, 12, &["pcmu"]);
    assert_eq!(house.refusal(Request::AnswerReoffer { port: 2, offer: sdp(40_000, "") }), RefusedCode::NoAudio);
}

#[test]
fn rtp_15_a_full_range_of_ports_refuses_the_next_and_every_one_comes_back() {
    let config = CoreConfig { rtp_ports: (29_700, 29_705), ..CoreConfig::default() };
    let core = Core::new(config).expect("a core");
    let offer = |port: u32| Request::OfferPort {
        port,
        ice: Ice::Lite,
        codecs: names(&["pcmu"]),
        trickle: false,
        profile: Profile::Rtp,
    };
    for _ in 0..3 {
        for port in 1..=3 {
            let reply = core.request(offer(port));
            assert!(matches!(reply, Reply::Described { .. }), "{reply:?}");
        }
        assert!(matches!(core.request(offer(4)), Reply::Refused { code: RefusedCode::NoRtpPort, .. }));
        core.send((1..=3).map(|port| Command::ClosePort { port }).collect());
        let mut closed = 0;
        while closed < 3 {
            core.request(Request::ReadCounters);
            closed += core.take_events().iter().filter(|event| matches!(event, Event::PortClosed { .. })).count();
        }
        // The sockets close with the next beat, which this request waits for.
        core.request(Request::ReadCounters);
    }
}
