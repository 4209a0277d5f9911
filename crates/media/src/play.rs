//! What one port plays to its far end: a queue of plays and a queue of fed audio.

use std::collections::VecDeque;

use crate::tone::Tones;

/// What to play.
#[derive(Clone, Debug)]
pub enum Source {
    Tones(Tones),
    Audio { rate: u32, pcm: Vec<i16> },
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
    Ended { play: u64, reason: EndReason },
    Fed { mark: u64, played_ms: u64, cleared: bool },
}

pub struct Player {}

impl Player {
    /// Renders at 48,000 or 8,000 Hz.
    pub fn new(_rate: u32) -> Self {
        todo!()
    }

    /// Render at another rate from now on (the port's codec changed).
    pub fn set_rate(&mut self, _rate: u32) {
        todo!()
    }

    pub fn rate(&self) -> u32 {
        todo!()
    }

    /// Queue a play; `looped` times, 0 for ever. An unknown rate or an empty source ends at once.
    pub fn play(&mut self, _play: u64, _source: Source, _looped: u32, _overlay: bool) {
        todo!()
    }

    /// Stop one play, or all of them with 0.
    pub fn stop(&mut self, _play: u64) {
        todo!()
    }

    pub fn feed(&mut self, _rate: u32, _pcm: &[i16], _mark: u64, _overlay: bool) {
        todo!()
    }

    pub fn clear_feed(&mut self) {
        todo!()
    }

    /// The port closes: every play ends with `Closed`, fed marks come back cleared.
    pub fn close(&mut self) {
        todo!()
    }

    pub fn is_idle(&self) -> bool {
        todo!()
    }

    /// Render 20 ms over `replace` and `overlay` (both replaced); which of them hold audio.
    pub fn render(&mut self, _replace: &mut Vec<i16>, _overlay: &mut Vec<i16>) -> (bool, bool) {
        todo!()
    }

    /// Reports since the last call, in order.
    pub fn reports(&mut self) -> &mut VecDeque<Played> {
        todo!()
    }
}
