//! Unit and property tests of DTMF: hostile packet scripts, and sender and receiver over a losing network. Case RTP-11.

use super::*;
use crate::tone::Meter;
use proptest::prelude::*;

const PACKET: u32 = 160;

fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn payload(event: u8, is_end: bool, duration: u16) -> [u8; 4] {
    let [high, low] = duration.to_be_bytes();
    [event, if is_end { 0x8a } else { 0x0a }, high, low]
}

/// Runs a script of (at ms, timestamp, event, end, duration), with ticks between; all presses told.
fn heard(script: &[(u64, u32, u8, bool, u16)]) -> Vec<(char, u32)> {
    let mut receiver = DtmfReceiver::new(8_000);
    let mut presses = Vec::new();
    let mut script = script.iter().peekable();
    for now in (0..20_000).step_by(5) {
        while let Some(&(_, timestamp, event, is_end, duration)) = script.next_if(|packet| packet.0 <= now) {
            presses.extend(receiver.push(timestamp, &payload(event, is_end, duration), ms(now)));
        }
        presses.extend(receiver.tick(ms(now)));
    }
    presses.into_iter().map(|press| (press.digit, press.duration_ms)).collect()
}

#[test]
fn a_press_is_told_once_at_its_first_end_packet() {
    let script = [
        (0, 10, 5, false, 160),
        (20, 10, 5, false, 320),
        (40, 10, 5, true, 480),
        (60, 10, 5, true, 480),
        (80, 10, 5, true, 480),
    ];
    assert_eq!(heard(&script), [('5', 60)]);
}

#[test]
fn every_key_has_its_name_and_other_events_are_ignored() {
    // Flash (16), the tones of modems (RFC 4734, from 23 on) and of dialling, and what has no name.
    let script: Vec<_> = (0..=255)
        .filter(|event| !(80..250).contains(event))
        .enumerate()
        .map(|(n, event)| (n as u64 * 200, n as u32 * 1_600, event, true, 800))
        .collect();
    let digits: String = heard(&script).iter().map(|press| press.0).collect();
    assert_eq!(digits, "0123456789*#ABCD");
}

#[test]
fn a_press_without_end_packets_ends_by_time_or_by_the_next_press() {
    assert_eq!(heard(&[(0, 10, 1, false, 160), (20, 10, 1, false, 320)]), [('1', 40)]);
    let next = [(0, 10, 1, false, 160), (50, 900, 2, false, 160), (70, 900, 2, true, 320)];
    assert_eq!(heard(&next), [('1', 20), ('2', 40)]);
    let only_the_end = [(0, 10, 1, false, 160), (50, 900, 2, true, 320)];
    assert_eq!(heard(&only_the_end), [('1', 20), ('2', 40)]);
}

#[test]
fn packets_late_after_a_time_out_do_not_press_again() {
    assert_eq!(heard(&[(0, 10, 1, false, 160), (300, 10, 1, false, 2_400), (320, 10, 1, true, 2_560)]), [('1', 20)]);
}

#[test]
fn two_different_events_of_one_timestamp_are_two_presses() {
    assert_eq!(
        heard(&[(0, 10, 1, true, 800), (20, 10, 2, true, 800), (40, 10, 1, true, 800)]),
        [('1', 100), ('2', 100)]
    );
}

#[test]
fn the_same_key_twice_is_two_presses() {
    assert_eq!(heard(&[(0, 10, 7, true, 400), (60, 490, 7, true, 400)]), [('7', 50), ('7', 50)]);
}

#[test]
fn long_presses_wrap_or_go_on_in_segments() {
    let wrap: Vec<_> = (1..=450_u32).map(|n| (u64::from(n) * 20, 10, 3, n == 450, (n * PACKET) as u16)).collect();
    assert_eq!(heard(&wrap), [('3', 9_000)]);
    let mut segments: Vec<_> = (1..=409_u32).map(|n| (u64::from(n) * 20, 10, 3, false, (n * PACKET) as u16)).collect();
    segments.push((8_200, 10, 3, false, 0xffff));
    segments.extend((1..=40_u32).map(|n| (8_200 + u64::from(n) * 20, 10 + 0xffff, 3, n == 40, (n * PACKET) as u16)));
    assert_eq!(heard(&segments), [('3', 8_991)]);
}

#[test]
fn malformed_payloads_are_ignored() {
    let mut receiver = DtmfReceiver::new(8_000);
    for payload in [&[][..], &[1], &[1, 0x8a, 0]] {
        assert_eq!(receiver.push(1, payload, ms(0)), None);
    }
}

#[test]
fn the_sender_spaces_digits_and_repeats_the_end() {
    let mut sender = DtmfSender::new(48_000);
    sender.send("1w2x", 60, 60);
    let steps: Vec<_> = (0..40).map(|_| sender.tick()).collect();
    assert_eq!(
        steps[..7],
        [
            DtmfStep::Begin([1, 10, 3, 192]),
            DtmfStep::Continue([1, 10, 7, 128]),
            DtmfStep::Continue([1, 138, 11, 64]),
            DtmfStep::Continue([1, 138, 11, 64]),
            DtmfStep::Finish([1, 138, 11, 64]),
            DtmfStep::Pause,
            DtmfStep::Pause,
        ]
    );
    assert_eq!(steps.iter().filter(|&&step| step == DtmfStep::Pause).count(), 1 + 25 + 1);
    assert!(sender.is_idle());
}

/// Sends `digits` at 20 a second and drops packets by `lose`; what the receiver tells.
fn over_network(clock_rate: u32, digits: &str, mut lose: impl FnMut() -> bool) -> Vec<char> {
    let (mut sender, mut receiver) = (DtmfSender::new(clock_rate), DtmfReceiver::new(clock_rate));
    sender.send(digits, 40, 20);
    let (mut heard, mut timestamp, mut tick) = (Vec::new(), 0, 0_u64);
    while !sender.is_idle() || !tick.is_multiple_of(16) {
        let now = ms(tick * 20);
        let step = sender.tick();
        if matches!(step, DtmfStep::Begin(_)) {
            timestamp = tick as u32 * (clock_rate / 50);
        }
        match step {
            DtmfStep::Begin(payload) | DtmfStep::Continue(payload) | DtmfStep::Finish(payload) if !lose() => {
                heard.extend(receiver.push(timestamp, &payload, now).map(|press| press.digit));
            }
            _ => {}
        }
        heard.extend(receiver.tick(now).map(|press| press.digit));
        tick += 1;
    }
    heard
}

#[test]
fn ten_thousand_digits_at_ten_percent_loss() {
    let digits: String = (0..10_000_usize).map(|n| char::from(DIGITS[n * 7 % 16])).collect();
    let mut state = 7_u32;
    let heard = over_network(8_000, &digits, || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16).is_multiple_of(10)
    });
    let mut expected = digits.chars();
    assert!(heard.iter().all(|&digit| expected.any(|sent| sent == digit)), "out of order or doubled");
    assert!(heard.len() >= 9_990, "only {} digits", heard.len());
}

proptest! {
    #[test]
    fn what_arrives_is_a_part_of_what_was_sent_and_without_loss_all(
        digits in "[0-9A-D*#]{1,30}", seed: u32, loss in 0_u32..60, rate in prop::sample::select(&[8_000_u32, 48_000][..]),
    ) {
        let mut state = seed;
        let heard = over_network(rate, &digits, || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 16) % 100 < loss
        });
        let mut expected = digits.chars();
        prop_assert!(heard.iter().all(|&digit| expected.any(|sent| sent == digit)));
        prop_assert!(loss > 0 || heard.len() == digits.len());
    }

    #[test]
    fn any_packets_do_not_panic(packets in prop::collection::vec((any::<u32>(), any::<[u8; 4]>(), 0_u64..500), 0..200)) {
        let mut receiver = DtmfReceiver::new(8_000);
        let mut now = Duration::ZERO;
        for (timestamp, payload, wait) in packets {
            now += ms(wait);
            receiver.push(timestamp, &payload, now);
            receiver.tick(now);
        }
    }
}

#[test]
fn tones_have_the_right_pair_and_length() {
    let mut tones = DtmfTones::new(8_000);
    tones.send("5", 100, 60);
    let mut pcm = Vec::new();
    let mut frame = [0; 160];
    while tones.render(&mut frame) {
        pcm.extend_from_slice(&frame);
    }
    assert_eq!(pcm.len(), 1_280 + 160, "the frame after the last sample tells the end");
    assert!(pcm[800..].iter().all(|&sample| sample == 0));
    assert_eq!(dual_tone(event_of(b'#').unwrap()), [941.0, 1_477.0]);
    assert_eq!(dual_tone(event_of(b'd').unwrap()), [941.0, 1_633.0]);
    let mut meter = Meter::new(8_000);
    meter.push(&pcm[..800]);
    assert!((meter.take().level - LEVEL_DBOV).abs() < 0.5);
}
