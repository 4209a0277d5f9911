//! Audio that arrives in chunks and plays as one stream, with marks where chunks end. Knows no plays.

use std::collections::VecDeque;

use crate::play::Played;
use crate::resample::Resampler;

/// A chunk's end, as a position in the stream of samples fed since the port opened.
struct Mark {
    id: u64,
    end: u64,
}

/// Samples at one rate waiting to be rendered, by the kind of the chunk that they came with.
struct Run {
    is_overlay: bool,
    pcm: VecDeque<i16>,
}

/// The feed queue of one port. Positions are samples at the present rate.
pub(crate) struct Feeds {
    rate: u32,
    runs: VecDeque<Run>,
    marks: VecDeque<Mark>,
    fed: u64,
    played: u64,
    /// Kept between chunks of one rate, so that there is no seam.
    resampler: Option<(u32, Resampler)>,
    converted: Vec<i16>,
}

impl Feeds {
    pub(crate) fn new(rate: u32) -> Self {
        let (runs, marks) = (VecDeque::new(), VecDeque::new());
        Self { rate, runs, marks, fed: 0, played: 0, resampler: None, converted: Vec::new() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether what is rendered next goes over what the port hears.
    pub(crate) fn is_overlay(&self) -> bool {
        self.runs.front().is_some_and(|run| run.is_overlay)
    }

    /// Audio of a rate that cannot be converted counts as empty: its mark comes back in its turn.
    pub(crate) fn push(&mut self, rate: u32, pcm: &[i16], mark: u64, is_overlay: bool) {
        self.convert(rate, pcm);
        self.fed += self.converted.len() as u64;
        self.marks.push_back(Mark { id: mark, end: self.fed });
        if self.converted.is_empty() {
            return;
        }
        match self.runs.back_mut() {
            Some(run) if run.is_overlay == is_overlay => run.pcm.extend(&self.converted),
            _ => self.runs.push_back(Run { is_overlay, pcm: self.converted.iter().copied().collect() }),
        }
    }

    /// Fill `out` from its start from the first run; returns how many samples there were.
    pub(crate) fn render(&mut self, out: &mut [i16]) -> usize {
        let Some(run) = self.runs.front_mut() else {
            return 0;
        };
        let count = out.len().min(run.pcm.len());
        for (sample, fed) in out.iter_mut().zip(run.pcm.drain(..count)) {
            *sample = fed;
        }
        if run.pcm.is_empty() {
            self.runs.pop_front();
        }
        self.played += count as u64;
        count
    }

    /// Report the marks that have been reached.
    pub(crate) fn report(&mut self, reports: &mut VecDeque<Played>) {
        let played_ms = self.played_ms();
        let reached = self.marks.partition_point(|mark| mark.end <= self.played);
        reports.extend(self.marks.drain(..reached).map(|mark| Played::Fed {
            mark: mark.id,
            played_ms,
            cleared: false,
        }));
    }

    pub(crate) fn clear(&mut self, reports: &mut VecDeque<Played>) {
        self.report(reports);
        let played_ms = self.played_ms();
        reports.extend(self.marks.drain(..).map(|mark| Played::Fed { mark: mark.id, played_ms, cleared: true }));
        self.runs.clear();
        self.resampler = None;
        self.fed = self.played;
    }

    /// Convert what waits to another rate, and positions with it.
    pub(crate) fn set_rate(&mut self, rate: u32) {
        let (from, to) = (u64::from(self.rate), u64::from(rate));
        for run in &mut self.runs {
            let mut converted = Vec::new();
            if let Some(mut resampler) = Resampler::new(self.rate, rate) {
                resampler.push(run.pcm.make_contiguous(), &mut converted);
            }
            run.pcm = converted.into();
        }
        self.runs.retain(|run| !run.pcm.is_empty());
        self.played = self.played * to / from;
        self.fed = self.played + self.runs.iter().map(|run| run.pcm.len() as u64).sum::<u64>();
        for mark in &mut self.marks {
            mark.end = (mark.end * to / from).min(self.fed);
        }
        self.rate = rate;
        self.resampler = None;
    }

    fn played_ms(&self) -> u64 {
        self.played * 1_000 / u64::from(self.rate)
    }

    fn convert(&mut self, rate: u32, pcm: &[i16]) {
        self.converted.clear();
        if self.resampler.as_ref().is_none_or(|(from, _)| *from != rate) {
            self.resampler = Resampler::new(rate, self.rate).map(|resampler| (rate, resampler));
        }
        if let Some((_, resampler)) = &mut self.resampler {
            resampler.push(pcm, &mut self.converted);
        }
    }
}
