//! What one port plays to its far end: queues of plays and of fed audio, rendered in 20 ms frames. Knows no legs.

use std::collections::VecDeque;

use crate::codec::FRAME_MS;
use crate::mix::overlay;
use crate::play_feed::Feeds;
use crate::resample::Resampler;
use crate::tone::{ToneGenerator, Tones};

/// What to play.
#[derive(Clone, Debug)]
pub enum Source {
    Tones(Tones),
    /// Mono PCM at `rate` Hz.
    Audio {
        rate: u32,
        pcm: Vec<i16>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    Completed,
    Stopped,
    Closed,
}

/// What the port must report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Played {
    Ended {
        play: u64,
        reason: EndReason,
    },
    /// The chunk with `mark` was rendered, or thrown away. `played_ms` counts fed audio since the port opened.
    Fed {
        mark: u64,
        played_ms: u64,
        cleared: bool,
    },
}

/// PCM played some rounds, converted to the port's rate as it goes.
struct AudioPlay {
    pcm: Vec<i16>,
    from: u32,
    position: usize,
    /// Rounds still to play, this one included; `None` for ever.
    rounds: Option<u32>,
    resampler: Resampler,
    /// Converted and not yet rendered.
    ready: VecDeque<i16>,
    converted: Vec<i16>,
}

impl AudioPlay {
    /// `None` where there is nothing to play or the rate cannot be converted.
    fn new(pcm: Vec<i16>, from: u32, to: u32, rounds: u32) -> Option<Self> {
        if pcm.is_empty() {
            return None;
        }
        let resampler = Resampler::new(from, to)?;
        let rounds = (rounds > 0).then_some(rounds);
        Some(Self { pcm, from, position: 0, rounds, resampler, ready: VecDeque::new(), converted: Vec::new() })
    }

    fn render(&mut self, out: &mut [i16]) -> usize {
        while self.ready.len() < out.len() && self.rounds != Some(0) {
            self.convert_some();
        }
        let count = out.len().min(self.ready.len());
        for (sample, ready) in out.iter_mut().zip(self.ready.drain(..count)) {
            *sample = ready;
        }
        count
    }

    /// Convert the next 20 ms of the source, or what is left of the round.
    fn convert_some(&mut self) {
        let chunk = (self.from * FRAME_MS / 1_000).max(1) as usize;
        let end = (self.position + chunk).min(self.pcm.len());
        self.resampler.push(&self.pcm[self.position..end], &mut self.converted);
        self.ready.extend(self.converted.drain(..));
        self.position = end;
        if end == self.pcm.len() {
            self.position = 0;
            self.rounds = self.rounds.map(|rounds| rounds - 1);
        }
    }

    fn set_rate(&mut self, rate: u32) {
        self.ready.clear();
        if let Some(resampler) = Resampler::new(self.from, rate) {
            self.resampler = resampler;
        }
    }
}

/// A play's sound; empty ones end at once.
enum Sound {
    Tones(ToneGenerator),
    Audio(Box<AudioPlay>),
    Empty,
}

impl Sound {
    fn new(source: Source, rate: u32, rounds: u32) -> Self {
        match source {
            Source::Tones(tones) => Self::Tones(ToneGenerator::new(tones, rate, rounds)),
            Source::Audio { rate: from, pcm } => {
                AudioPlay::new(pcm, from, rate, rounds).map_or(Self::Empty, |play| Self::Audio(Box::new(play)))
            }
        }
    }

    /// Fill `out` from its start; fewer samples than asked for mean the end.
    fn render(&mut self, out: &mut [i16]) -> usize {
        match self {
            Self::Tones(generator) => generator.render(out),
            Self::Audio(play) => play.render(out),
            Self::Empty => 0,
        }
    }

    fn set_rate(&mut self, rate: u32) {
        match self {
            Self::Tones(generator) => generator.set_rate(rate),
            Self::Audio(play) => play.set_rate(rate),
            Self::Empty => {}
        }
    }
}

struct Play {
    id: u64,
    sound: Sound,
}

/// The plays of one port that either replace or overlay what it hears; the first sounds, the others wait.
type Lane = VecDeque<Play>;

/// Everything a port plays. Plays and feeds each come in two lanes: in place of what the port hears, and over it.
pub struct Player {
    rate: u32,
    replacing: Lane,
    overlaid: Lane,
    feeds: Feeds,
    scratch: Vec<i16>,
    reports: VecDeque<Played>,
}

impl Player {
    /// Renders at `rate` Hz, 48,000 or 8,000.
    pub fn new(rate: u32) -> Self {
        Self {
            rate,
            replacing: Lane::new(),
            overlaid: Lane::new(),
            feeds: Feeds::new(rate),
            scratch: Vec::new(),
            reports: VecDeque::new(),
        }
    }

    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Render at another rate from now on (the port's codec changed); what plays goes on where it is.
    pub fn set_rate(&mut self, rate: u32) {
        if rate == self.rate {
            return;
        }
        self.rate = rate;
        self.replacing.iter_mut().chain(&mut self.overlaid).for_each(|play| play.sound.set_rate(rate));
        self.feeds.set_rate(rate);
    }

    /// Queue a play of `rounds` rounds, 0 for ever. One without sound or of an impossible rate completes in its turn.
    pub fn play(&mut self, play: u64, source: Source, rounds: u32, is_overlay: bool) {
        let lane = if is_overlay { &mut self.overlaid } else { &mut self.replacing };
        lane.push_back(Play { id: play, sound: Sound::new(source, self.rate, rounds) });
    }

    /// Stop one play, or all of them with 0. A play that has ended already is not reported again.
    pub fn stop(&mut self, play: u64) {
        self.end_plays(|id| play == 0 || id == play, EndReason::Stopped);
    }

    /// Append audio to the feed; `mark` comes back when its last sample was rendered.
    pub fn feed(&mut self, rate: u32, pcm: &[i16], mark: u64, is_overlay: bool) {
        self.feeds.push(rate, pcm, mark, is_overlay);
        self.feeds.report(&mut self.reports);
    }

    /// Throw away what has not been rendered of the feed; its marks come back cleared.
    pub fn clear_feed(&mut self) {
        self.feeds.clear(&mut self.reports);
    }

    /// The port closes: every play ends with `Closed`, fed marks come back cleared.
    pub fn close(&mut self) {
        self.end_plays(|_| true, EndReason::Closed);
        self.clear_feed();
    }

    /// Whether the next frame would be empty.
    pub fn is_idle(&self) -> bool {
        self.replacing.is_empty() && self.overlaid.is_empty() && self.feeds.is_empty()
    }

    /// Render 20 ms. `replace` and `over` become empty, or one frame each: `replace` stands for what the port hears,
    /// `over` is to be mixed over the result.
    pub fn render(&mut self, replace: &mut Vec<i16>, over: &mut Vec<i16>) {
        let samples = (self.rate * FRAME_MS / 1_000) as usize;
        render_lane(&mut self.replacing, samples, replace, &mut self.reports);
        render_lane(&mut self.overlaid, samples, over, &mut self.reports);
        if self.feeds.is_empty() {
            return;
        }
        self.scratch.clear();
        self.scratch.resize(samples, 0);
        // Audio fed to replace and audio fed as overlay follow one another; a frame belongs to where it begins.
        let target = if self.feeds.is_overlay() { over } else { replace };
        let rendered = self.feeds.render(&mut self.scratch);
        if rendered > 0 && target.is_empty() {
            target.extend_from_slice(&self.scratch);
        } else if rendered > 0 {
            overlay(target, &self.scratch);
        }
        self.feeds.report(&mut self.reports);
    }

    /// The oldest report not yet taken.
    pub fn poll_report(&mut self) -> Option<Played> {
        self.reports.pop_front()
    }

    fn end_plays(&mut self, ends: impl Fn(u64) -> bool, reason: EndReason) {
        for lane in [&mut self.replacing, &mut self.overlaid] {
            lane.retain(|play| {
                let ended = ends(play.id);
                if ended {
                    self.reports.push_back(Played::Ended { play: play.id, reason });
                }
                !ended
            });
        }
    }
}

/// Fill `out` from the plays of a lane, one after the other without a gap; a play that ends is reported.
fn render_lane(lane: &mut Lane, samples: usize, out: &mut Vec<i16>, reports: &mut VecDeque<Played>) {
    out.clear();
    if lane.is_empty() {
        return;
    }
    out.resize(samples, 0);
    let mut done = 0;
    while let Some(play) = lane.front_mut() {
        done += play.sound.render(&mut out[done..]);
        if done == samples {
            break;
        }
        reports.push_back(Played::Ended { play: play.id, reason: EndReason::Completed });
        lane.pop_front();
    }
    if done == 0 {
        out.clear();
    }
}

#[cfg(test)]
#[path = "play_tests.rs"]
mod tests;
