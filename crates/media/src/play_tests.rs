//! Unit and property tests of plays and feeds: order, lengths, reports and gapless rendering.

use super::*;
use crate::tone::{Meter, Tone, sine};
use proptest::prelude::*;

fn beep(ms: u32) -> Source {
    Source::Tones(Tones { tones: vec![Tone { hz: vec![440.0], ms }], level: -15.0 })
}

fn audio(samples: usize) -> Source {
    Source::Audio { rate: 8_000, pcm: vec![1_000; samples] }
}

/// Renders until idle (at most 100 frames): what replaced, what overlaid, and the reports.
fn run(player: &mut Player) -> (Vec<i16>, Vec<i16>, Vec<Played>) {
    let (mut replaced, mut overlaid, mut reports) = (Vec::new(), Vec::new(), Vec::new());
    let (mut replace, mut over) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        player.render(&mut replace, &mut over);
        replaced.extend_from_slice(&replace);
        overlaid.extend_from_slice(&over);
        reports.extend(std::iter::from_fn(|| player.poll_report()));
        if player.is_idle() {
            break;
        }
    }
    (replaced, overlaid, reports)
}

fn ended(play: u64, reason: EndReason) -> Played {
    Played::Ended { play, reason }
}

#[test]
fn plays_follow_one_another_within_a_frame() {
    let mut player = Player::new(8_000);
    player.play(1, audio(240), 2, false);
    player.play(2, audio(80), 1, false);
    let (replaced, overlaid, reports) = run(&mut player);
    assert_eq!(replaced[..560], [1_000; 560]);
    assert!(replaced[560..].iter().all(|&sample| sample == 0) && overlaid.is_empty());
    assert_eq!(reports, [ended(1, EndReason::Completed), ended(2, EndReason::Completed)]);
}

#[test]
fn an_overlay_plays_beside_and_a_stop_is_reported_once() {
    let mut player = Player::new(48_000);
    player.play(1, beep(60), 0, false);
    player.play(2, beep(40), 1, true);
    player.play(3, beep(40), 1, false);
    let (mut replace, mut over) = (Vec::new(), Vec::new());
    player.render(&mut replace, &mut over);
    assert_eq!((replace.len(), over.len()), (960, 960));
    player.stop(1);
    player.stop(1);
    assert_eq!(player.poll_report(), Some(ended(1, EndReason::Stopped)));
    assert_eq!(player.poll_report(), None);
    player.stop(0);
    assert!(player.is_idle());
    assert_eq!(player.poll_report(), Some(ended(3, EndReason::Stopped)));
    assert_eq!(player.poll_report(), Some(ended(2, EndReason::Stopped)));
}

#[test]
fn a_play_without_sound_completes_in_its_turn() {
    let mut player = Player::new(8_000);
    player.play(1, Source::Audio { rate: 8_000, pcm: Vec::new() }, 0, false);
    player.play(2, Source::Audio { rate: 7, pcm: vec![1; 100] }, 1, false);
    let (replaced, _, reports) = run(&mut player);
    assert!(replaced.is_empty());
    assert_eq!(reports, [ended(1, EndReason::Completed), ended(2, EndReason::Completed)]);
}

#[test]
fn marks_come_back_with_the_position_and_clearing_says_so() {
    let mut player = Player::new(48_000);
    player.feed(16_000, &[500; 640], 1, false);
    player.feed(16_000, &[500; 320], 2, false);
    player.feed(16_000, &[500; 320], 3, false);
    let (mut replace, mut over) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        player.render(&mut replace, &mut over);
        assert_eq!((replace.len(), over.len()), (960, 0));
    }
    assert_eq!(player.poll_report(), Some(Played::Fed { mark: 1, played_ms: 40, cleared: false }));
    assert_eq!(player.poll_report(), Some(Played::Fed { mark: 2, played_ms: 60, cleared: false }));
    player.clear_feed();
    assert_eq!(player.poll_report(), Some(Played::Fed { mark: 3, played_ms: 60, cleared: true }));
    assert!(player.is_idle());
    player.feed(16_000, &[], 4, false);
    assert_eq!(player.poll_report(), Some(Played::Fed { mark: 4, played_ms: 60, cleared: false }));
}

#[test]
fn a_feed_changes_between_replacing_and_overlaying() {
    let mut player = Player::new(8_000);
    player.feed(8_000, &[1; 160], 1, false);
    player.feed(8_000, &[2; 160], 2, true);
    let (replaced, overlaid, reports) = run(&mut player);
    assert_eq!((replaced.len(), overlaid.len(), reports.len()), (160, 160, 2));
}

#[test]
fn a_feed_and_a_play_sound_together() {
    let mut player = Player::new(8_000);
    player.play(1, audio(160), 1, false);
    player.feed(8_000, &[10; 160], 1, false);
    assert_eq!(run(&mut player).0[..160], [1_010; 160]);
}

#[test]
fn closing_ends_everything() {
    let mut player = Player::new(8_000);
    player.play(5, beep(1_000), 0, true);
    player.feed(8_000, &[1; 8_000], 6, false);
    player.close();
    assert_eq!(player.poll_report(), Some(ended(5, EndReason::Closed)));
    assert_eq!(player.poll_report(), Some(Played::Fed { mark: 6, played_ms: 0, cleared: true }));
    assert!(player.is_idle());
}

#[test]
fn the_rate_may_change_while_playing() {
    let mut player = Player::new(48_000);
    player.play(1, Source::Audio { rate: 16_000, pcm: sine(16_000, 600.0, -10.0, 16_000) }, 1, false);
    player.feed(48_000, &[0; 9_600], 9, true);
    let (mut replace, mut over, mut pcm) = (Vec::new(), Vec::new(), Vec::new());
    for frame in 0..40 {
        if frame == 5 {
            player.set_rate(8_000);
        }
        player.render(&mut replace, &mut over);
        if frame >= 5 {
            assert_eq!(replace.len(), 160);
            pcm.extend_from_slice(&replace);
        }
    }
    let mut meter = Meter::new(8_000);
    meter.push(&pcm);
    assert!((meter.take().tone_hz - 600.0).abs() < 3.0);
    assert_eq!(player.poll_report(), Some(Played::Fed { mark: 9, played_ms: 200, cleared: false }));
}

proptest! {
    #[test]
    fn every_play_ends_once_and_every_mark_comes_back_in_order(
        plays in prop::collection::vec((0_usize..500, 1_u32..3, any::<bool>()), 0..8),
        chunks in prop::collection::vec((0_usize..900, prop::sample::select(&[8_000_u32, 16_000, 48_000][..]), any::<bool>()), 0..8),
        clear_at in 0_usize..20,
    ) {
        let mut player = Player::new(8_000);
        for (id, (samples, rounds, is_overlay)) in plays.iter().enumerate() {
            player.play(id as u64 + 1, audio(*samples), *rounds, *is_overlay);
        }
        for (mark, (samples, rate, is_overlay)) in chunks.iter().enumerate() {
            player.feed(*rate, &vec![1; *samples], mark as u64, *is_overlay);
        }
        let (mut ends, mut marks) = (Vec::new(), Vec::new());
        let (mut replace, mut over) = (Vec::new(), Vec::new());
        for frame in 0..60 {
            if frame == clear_at {
                player.clear_feed();
            }
            player.render(&mut replace, &mut over);
            while let Some(report) = player.poll_report() {
                match report {
                    Played::Ended { play, .. } => ends.push(play),
                    Played::Fed { mark, .. } => marks.push(mark),
                }
            }
        }
        ends.sort_unstable();
        prop_assert_eq!(ends, (1..=plays.len() as u64).collect::<Vec<_>>());
        prop_assert_eq!(marks, (0..chunks.len() as u64).collect::<Vec<_>>());
        prop_assert!(player.is_idle());
    }
}
