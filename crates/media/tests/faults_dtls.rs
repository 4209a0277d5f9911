//! Hostile DTLS on a driven core: certificates that nobody named, roles that cannot be, fragments that never end.
//!
//! Cases RTP-02, RTP-03 and RTP-09. Every byte that this program allocates is counted.

mod abroad;
mod far_end;
mod house;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Duration;

use abroad::{Abroad, CODECS, LEG, STEP, attribute};
use house::{House, SECOND, names};
use offhook_media::messages::{Event, Ice, RefusedCode, Reply, Request};

/// Counts what each thread holds: tests run beside each other.
struct Counting;

thread_local! {
    static HELD: Cell<isize> = const { Cell::new(0) };
}

fn note(bytes: isize) {
    // A thread that ends frees what it held after its counter is gone.
    let _ = HELD.try_with(|held| held.set(held.get() + bytes));
}

// SAFETY: every call goes to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(-(layout.size() as isize));
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn held() -> isize {
    HELD.with(Cell::get)
}

const OTHER: &str = "AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA:AA";
const MAX_REASSEMBLY: isize = 64 * 1_024;

fn is_mismatch(event: &Event) -> bool {
    matches!(event, Event::PortFailed { port: LEG, reason: "fingerprint_mismatch", .. })
}

fn fingerprint_of(sdp: &str) -> &str {
    attribute(sdp, "fingerprint")
}

// ---- RTP-02 --------------------------------------------------------------------------------------------------

/// The far end shows another certificate than its SDP named: whoever it is, it is not the one who signalled.
#[test]
fn rtp_02_a_certificate_that_the_sdp_did_not_name_fails_the_leg_and_carries_no_media() {
    let other = |offer: String| offer.replace(fingerprint_of(&offer), &format!("sha-256 {OTHER}"));
    let mut abroad = Abroad::answered(other);
    for turn in 0..600_u64 {
        let now = abroad.house.core.now();
        abroad.far.say(turn, turn as u32 * 960, now);
        abroad.pass(STEP);
    }
    assert_eq!(abroad.house.count(is_mismatch), 1, "{:?}", abroad.house.events);
    assert!(!abroad.house.is_connected(LEG));
    assert_eq!(abroad.counters().streams, 0);
    assert!(abroad.far.packets.is_empty(), "{:?}", abroad.far.packets);
    assert_eq!(abroad.house.refusal(Request::ReadStats { port: LEG }), RefusedCode::UnknownPort);
}

/// Handshake messages in the name of the honest far end's address, before and while it shakes hands.
#[test]
fn rtp_02_a_spray_in_the_name_of_the_far_end_does_not_keep_the_right_handshake_out() {
    let mut abroad = Abroad::answered(|offer| offer);
    // Its checks pass, its handshake does not get through for a while.
    abroad.pass_but(SECOND, |data| !matches!(data[0], 20..=63));
    assert!(!abroad.house.is_connected(LEG));
    for _ in 0..50 {
        for spray in [&include_bytes!("corpus/datagram/dtls_client_hello")[..], &alert(), &fragment(0, 200, 0, 7)] {
            abroad.deliver(abroad.far.address, spray);
        }
        abroad.pass_but(STEP, |data| !matches!(data[0], 20..=63));
    }
    abroad.pass(60 * SECOND);
    let is_failed = |event: &Event| matches!(event, Event::PortFailed { port: LEG, reason: "dtls_failed", .. });

    assert!(abroad.house.is_connected(LEG) || abroad.house.count(is_failed) == 1, "{:?}", abroad.house.events);
}

// ---- RTP-03 --------------------------------------------------------------------------------------------------

#[test]
fn rtp_03_an_offer_whose_fingerprint_or_role_cannot_be_is_refused_and_the_line_named() {
    let house = House::driven();
    let offer = house.offer(1, Ice::Full, CODECS);
    let line = format!("a=fingerprint:{}", fingerprint_of(&offer));
    let cases = [
        (offer.replace(&format!("{line}\r\n"), ""), RefusedCode::NoFingerprint, ""),
        (offer.replace(&line, "a=fingerprint:sha-1 AB:CD"), RefusedCode::WeakFingerprint, "a=fingerprint:sha-1 AB:CD"),
        (offer.replace(&line, "a=fingerprint:sha-256 AB"), RefusedCode::NoFingerprint, "a=fingerprint:sha-256 AB"),
        (offer.replace(&line, "a=fingerprint:sha-256 XY"), RefusedCode::NoFingerprint, "a=fingerprint:sha-256 XY"),
        (offer.replace("setup:actpass", "setup:holdconn"), RefusedCode::RoleConflict, "a=setup:holdconn"),
    ];
    for (offer, expected, named) in cases {
        let request = Request::AnswerPort { port: 2, offer, ice: Ice::Lite, codecs: names(CODECS), trickle: false };
        match house.core.request(request) {
            Reply::Refused { code, line, .. } => assert_eq!((code, line.as_str()), (expected, named)),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn rtp_03_an_answer_that_leaves_its_role_open_is_refused_and_the_right_one_still_taken() {
    let mut house = House::driven();
    let offer = house.offer(1, Ice::Full, CODECS);
    let answer = house.answer(2, offer, Ice::Lite, CODECS);
    let open = answer.replace("setup:passive", "setup:actpass");
    assert_ne!(open, answer);
    assert_eq!(house.refusal(Request::AcceptAnswer { port: 1, answer: open }), RefusedCode::RoleConflict);
    house.accept(1, answer);
    house.pass(3 * SECOND);
    assert!(house.is_connected(1) && house.is_connected(2));
}

/// Each side would wait for the other for ever; whoever may choose takes the role that is left.
#[test]
fn rtp_03_a_passive_offer_is_answered_actively_and_connects() {
    let mut abroad = Abroad::answered(|offer| offer.replace("setup:actpass", "setup:passive"));
    assert_eq!(attribute(&abroad.answer, "setup"), "active");
    abroad.pass(3 * SECOND);
    assert!(abroad.house.is_connected(LEG), "{:?}", abroad.house.events);
}

#[test]
fn rtp_03_any_of_several_fingerprints_may_be_the_right_one() {
    for order in 0..2 {
        let several = |offer: String| {
            let right = format!("a=fingerprint:{}\r\n", fingerprint_of(&offer));
            let wrong = format!("a=fingerprint:sha-256 {OTHER}\r\n");
            let both = if order == 0 { [&wrong, &right] } else { [&right, &wrong] };
            offer.replace(&right, &both.map(String::as_str).concat())
        };
        let mut abroad = Abroad::answered(several);
        abroad.pass(3 * SECOND);
        assert!(abroad.house.is_connected(LEG) && abroad.far.is_connected, "{:?}", abroad.house.events);
    }
}

/// A re-offer that names another certificate ends the association with the old one (RFC 8842 section 4), even where the
/// far end itself would go on.
#[test]
fn rtp_03_a_fingerprint_that_changes_in_a_reoffer_is_the_only_one_from_then_on() {
    let mut abroad = Abroad::connected();
    let offer = abroad.far.reborn(abroad.house.core.now());
    let other = offer.replace(fingerprint_of(&offer), &format!("sha-256 {OTHER}"));
    let answer = abroad.house.described(Request::AnswerReoffer { port: LEG, offer: other });
    abroad.far.accept(&answer);
    abroad.pass(3 * SECOND);
    assert_eq!(abroad.house.count(is_mismatch), 1, "{:?}", abroad.house.events);
    assert_eq!(abroad.house.connections(LEG), 1);
}

// ---- RTP-09 --------------------------------------------------------------------------------------------------

/// A handshake record with one fragment of a message (RFC 6347 section 4.2.2), `body` bytes long.
fn fragment(message_seq: u16, total: u32, offset: u32, body: usize) -> Vec<u8> {
    let mut record = vec![22, 254, 253, 0, 0, 0, 0];
    record.extend_from_slice(&(u32::from(message_seq) * 64 + offset % 64).to_be_bytes());
    record.extend_from_slice(&(12 + body as u16).to_be_bytes());
    record.push(1);
    record.extend_from_slice(&total.to_be_bytes()[1..]);
    record.extend_from_slice(&message_seq.to_be_bytes());
    record.extend_from_slice(&offset.to_be_bytes()[1..]);
    record.extend_from_slice(&(body as u32).to_be_bytes()[1..]);
    record.extend(std::iter::repeat_n(0x41, body));
    record
}

fn alert() -> Vec<u8> {
    include_bytes!("corpus/datagram/dtls_alert").to_vec()
}

fn hostile_fragments() -> Vec<Vec<u8>> {
    let endless = fragment(0, (1 << 24) - 1, 0, 1);
    let scattered = (0..200).map(|index| fragment(0, 60_000, index * 7_919 % 60_000, 1_100));
    let overlapping = (0..200).map(|index| fragment(1, 60_000, index * 100, 1_100));
    let sequences = (0..10_000).map(|sequence| fragment(sequence, 2_000, 0, 100));
    let early = include_bytes!("corpus/datagram/dtls_epoch_zero_data").to_vec();
    std::iter::once(endless).chain(scattered).chain(overlapping).chain(sequences).chain([early]).collect()
}

#[test]
fn rtp_09_what_a_far_end_makes_us_keep_for_reassembly_is_bounded() {
    let mut abroad = Abroad::answered(|offer| offer);
    abroad.pass_but(SECOND, |data| !matches!(data[0], 20..=63));
    assert_eq!(abroad.counters().routes, 1);
    let fragments = hostile_fragments();
    let before = held();
    for (index, data) in fragments.iter().enumerate() {
        abroad.deliver(abroad.far.address, data);
        let kept = held() - before;
        assert!(kept <= MAX_REASSEMBLY, "{kept} bytes after {index} datagrams");
    }
    assert!(!abroad.house.is_connected(LEG));
    assert_eq!(abroad.counters().streams, 0);
}

#[test]
fn rtp_09_whoever_passed_no_check_gets_no_byte_back_and_is_kept_nothing_for() {
    let mut abroad = Abroad::answered(|offer| offer);
    let stranger = "192.0.2.66:6666".parse().expect("an address");
    let fragments = hostile_fragments();
    abroad.house.pass(Duration::from_millis(20));
    let before = held();
    for data in &fragments {
        abroad.deliver(stranger, data);
    }
    assert!(held() - before < 1_024, "{} bytes", held() - before);
    assert_eq!(abroad.counters().strangers, fragments.len() as u64);
    assert_eq!(abroad.sent_back(), Vec::<Vec<u8>>::new());
}
