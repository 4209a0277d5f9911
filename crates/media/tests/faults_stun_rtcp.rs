//! Hostile STUN and RTCP on a driven core, from strangers and in the name of the far end itself, while a call goes on.
//!
//! Cases RTP-07 and RTP-08.

mod abroad;
mod far_end;
mod house;

use std::net::SocketAddr;

use abroad::{Abroad, LEG, STEP, attribute};
use house::{SECOND, assert_tone, hear, meter, sing};
use offhook_media::messages::Event;

const STRANGER: &str = "192.0.2.66:6666";

fn stranger() -> SocketAddr {
    STRANGER.parse().expect("an address")
}

/// The call is up, one route and one stream lead to it, and audio arrives.
fn assert_unharmed(abroad: &mut Abroad) {
    let now = abroad.counters();
    assert_eq!((now.ports, now.routes), (1, 1));
    assert_eq!(abroad.house.connections(LEG), 1);
    assert_eq!(abroad.house.count(|event| matches!(event, Event::PortFailed { .. })), 0);
    abroad.far.packets.clear();
    abroad.pass(SECOND);
    assert!(abroad.far.packets.len() > 40, "{} packets in a second", abroad.far.packets.len());
}

// ---- RTP-07 --------------------------------------------------------------------------------------------------

const RTCP: [(&str, &[u8]); 5] = [
    ("four bytes", include_bytes!("corpus/datagram/rtcp_four_bytes")),
    ("31 reports that are not there", include_bytes!("corpus/datagram/rtcp_sr_rc31_short")),
    ("a length past the end", include_bytes!("corpus/datagram/rtcp_compound_overflow")),
    ("XR and APP", include_bytes!("corpus/datagram/rtcp_xr_app")),
    ("a BYE for another", include_bytes!("corpus/datagram/rtcp_bye_of_another")),
];

#[test]
fn rtp_07_rtcp_of_a_stranger_is_counted_and_nothing_else() {
    let mut abroad = Abroad::connected();
    let before = abroad.counters().strangers;
    for (name, data) in RTCP {
        abroad.deliver(stranger(), data);
        assert!(abroad.sent_back().iter().all(|sent| sent[0] >> 6 == 2), "{name} is answered");
    }
    assert_eq!(abroad.counters().strangers, before + RTCP.len() as u64);
    assert_unharmed(&mut abroad);
}

#[test]
fn rtp_07_rtcp_without_the_keys_ends_no_stream_though_it_comes_from_the_far_ends_address() {
    let mut abroad = Abroad::connected();
    abroad.house.leg(2, 12, &["opus"]);
    abroad.house.send([hear(LEG, &[2]), hear(2, &[LEG]), sing(12, 900.0), meter(2)]);
    for turn in 0..50_u32 {
        let now = abroad.house.core.now();
        abroad.far.say(u64::from(turn) + 1, turn * 960, now);
        let ours: u32 =
            attribute(&abroad.answer, "ssrc").split(' ').next().and_then(|it| it.parse().ok()).expect("one");
        for ssrc in [ours, abroad.far.packets.first().map_or(7, |packet| *packet.header.ssrc)] {
            abroad.deliver(abroad.far.address, &[&[0x81, 203, 0, 1][..], &ssrc.to_be_bytes()].concat());
        }
        for (_, data) in RTCP {
            abroad.deliver(abroad.far.address, data);
        }
        abroad.pass(4 * STEP);
    }
    let counters = abroad.counters();
    // Of the leg, of the one beside it, and of that one's phone.
    assert_eq!(counters.streams, 3);
    assert!(counters.malformed >= 50 * 2, "{counters:?}");
    assert_eq!(abroad.house.stats(LEG).inbound.packets, 50);
    abroad.pass(SECOND);
    assert_tone(&abroad.house.inbound(2), 900.0);
    assert!(abroad.far.packets.len() > 40);
}

// ---- RTP-08 --------------------------------------------------------------------------------------------------

const USERNAME: u16 = 0x0006;
const ERROR_CODE: u16 = 0x0009;
const PRIORITY: u16 = 0x0024;
const ICE_CONTROLLED: u16 = 0x8029;
const ICE_CONTROLLING: u16 = 0x802a;
/// A comprehension-required attribute that nobody has defined.
const UNKNOWN: u16 = 0x7fff;
const REQUEST: u16 = 0x0001;
const RESPONSE: u16 = 0x0101;
const ERROR: u16 = 0x0111;

/// The CRC of ISO/IEC 13239, as FINGERPRINT uses it (RFC 8489 section 14.7).
fn crc(data: &[u8]) -> u32 {
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc));
    !data.iter().fold(u32::MAX, byte)
}

/// A message as a far end that knows `password` makes it (RFC 8489 section 5).
fn message(kind: u16, transaction: u32, attributes: &[(u16, Vec<u8>)], password: &str) -> Vec<u8> {
    let mut data =
        [&kind.to_be_bytes()[..], &[0, 0, 0x21, 0x12, 0xa4, 0x42], &[9; 8], &transaction.to_be_bytes()].concat();
    for (name, value) in attributes {
        add(&mut data, *name, value);
    }
    // Integrity covers a length that includes it, as the fingerprint does.
    set_length(&mut data, 24);
    let hmac = str0m_aws_lc_rs::default_provider().sha1_hmac_provider.sha1_hmac(password.as_bytes(), &[&data]);
    add(&mut data, 0x0008, &hmac);
    set_length(&mut data, 8);
    let check = crc(&data) ^ 0x5354_554e;
    add(&mut data, 0x8028, &check.to_be_bytes());
    data
}

fn add(data: &mut Vec<u8>, name: u16, value: &[u8]) {
    data.extend_from_slice(&name.to_be_bytes());
    data.extend_from_slice(&(value.len() as u16).to_be_bytes());
    data.extend_from_slice(value);
    data.resize(data.len().next_multiple_of(4), 0);
}

fn set_length(data: &mut [u8], more: usize) {
    let length = (data.len() - 20 + more) as u16;
    data[2..4].copy_from_slice(&length.to_be_bytes());
}

/// What the far end may know of the leg.
struct Names {
    username: Vec<u8>,
    password: String,
}

impl Names {
    fn of(abroad: &mut Abroad) -> Self {
        let theirs = abroad.far.rtc.direct_api().local_ice_credentials();
        let ours = attribute(&abroad.answer, "ice-ufrag");
        let password = attribute(&abroad.answer, "ice-pwd").to_owned();
        Self { username: format!("{ours}:{}", theirs.ufrag).into_bytes(), password }
    }

    fn check(&self, transaction: u32, role: u16, more: &[(u16, Vec<u8>)], password: &str) -> Vec<u8> {
        let username = (USERNAME, self.username.clone());
        let usual = [username, (PRIORITY, vec![110, 0, 0, 255]), (role, vec![1; 8])];
        message(REQUEST, transaction, &[&usual[..], more].concat(), password)
    }
}

/// The STUN messages that came back.
fn answers(abroad: &mut Abroad) -> Vec<Vec<u8>> {
    abroad.sent_back().into_iter().filter(|data| data[0] < 2).collect()
}

fn error_of(answer: &[u8]) -> Option<u16> {
    let attributes = &answer[20..];
    let at = attributes.windows(2).position(|pair| pair == ERROR_CODE.to_be_bytes())?;
    Some(u16::from(attributes[at + 6]) * 100 + u16::from(attributes[at + 7]))
}

#[test]
fn rtp_08_a_check_of_the_far_end_is_answered_once_and_to_a_new_address_of_it_too() {
    let mut abroad = Abroad::connected();
    let names = Names::of(&mut abroad);
    abroad.deliver(abroad.far.address, &names.check(1, ICE_CONTROLLING, &[], &names.password));
    let back = answers(&mut abroad);
    assert_eq!(back.iter().map(|answer| answer[..2].to_vec()).collect::<Vec<_>>(), [RESPONSE.to_be_bytes()]);
}

/// RFC 8489 section 9.1.3 would have such requests answered with 400 and 401. A media port that answers strangers can
/// be used against others, and honest far ends never send these: they are dropped, which that case allows.
#[test]
fn rtp_08_what_a_check_lacks_or_has_too_much_of_gets_no_answer_and_leaves_nothing() {
    let mut abroad = Abroad::connected();
    let names = Names::of(&mut abroad);
    let right = |transaction| names.check(transaction, ICE_CONTROLLING, &[], &names.password);
    let bare = [&[0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x42][..], &[9; 12]].concat();
    let past_the_end = {
        let mut data = right(2);
        data[22..24].copy_from_slice(&0xfff0_u16.to_be_bytes());
        data
    };
    let long_name = message(REQUEST, 3, &[(USERNAME, vec![b'u'; 4_096])], &names.password);
    let hostile = [
        ("no integrity", bare),
        ("the wrong password", names.check(4, ICE_CONTROLLING, &[], "of somebody else altogether")),
        (
            "a bit changed",
            right(5).iter().enumerate().map(|(at, byte)| if at == 30 { byte ^ 1 } else { *byte }).collect(),
        ),
        ("an attribute past the end", past_the_end),
        ("a name of 4 KiB", long_name),
        ("an answer to nothing", message(RESPONSE, 6, &[], &names.password)),
        ("an error of two bytes", message(ERROR, 7, &[(ERROR_CODE, vec![4, 0])], &names.password)),
    ];
    for source in [stranger(), abroad.far.address] {
        for (name, data) in &hostile {
            abroad.deliver(source, data);
            assert_eq!(answers(&mut abroad), Vec::<Vec<u8>>::new(), "{name} from {source} is answered");
        }
    }
    assert_unharmed(&mut abroad);
}

#[test]
fn rtp_08_an_attribute_that_must_be_understood_and_is_not_harms_nothing() {
    let mut abroad = Abroad::connected();
    let names = Names::of(&mut abroad);
    let data = names.check(1, ICE_CONTROLLING, &[(UNKNOWN, vec![1, 2, 3, 4])], &names.password);
    abroad.deliver(abroad.far.address, &data);
    let back = answers(&mut abroad);
    assert!(back.iter().all(|answer| error_of(answer).is_none_or(|code| code == 420)), "{back:02x?}");
    assert_unharmed(&mut abroad);
}

/// RFC 8445 section 7.3.1.1: whoever claims our role with a lower tie-breaker is told 487, each time anew.
#[test]
fn rtp_08_a_flood_of_role_conflicts_is_answered_487_or_dropped_and_keeps_no_state() {
    let mut abroad = Abroad::connected();
    let names = Names::of(&mut abroad);
    let before = abroad.counters();
    for transaction in 0..1_000 {
        let conflict = names.check(transaction, ICE_CONTROLLED, &[], &names.password);
        abroad.deliver(abroad.far.address, &conflict);
        let back = answers(&mut abroad);
        let own = |answer: &&Vec<u8>| answer[16..20] == transaction.to_be_bytes();
        assert!(back.iter().filter(own).count() <= 1, "{back:02x?}");
        assert!(back.iter().filter(own).all(|answer| error_of(answer) == Some(487)), "{back:02x?}");
    }
    assert_eq!(abroad.counters(), before);
    assert_unharmed(&mut abroad);
}
