//! One recording of a port: its taps' audio as a WAV file that grows by a second at a time. Knows no ports.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::tap::{Frame, Tap};
use crate::codec::FRAME_MS;
use crate::messages::{Event, Tracks};
use crate::mix::overlay;
use crate::scribe::{Page, Scribe};
use crate::tone::level;

/// Ticks whose audio is handed to the disk in one piece: what a crash may cost.
const FLUSH_TICKS: u64 = 50;
/// The thread's clock wavers: only what is missing beyond so many ticks is filled with silence.
const SLACK_TICKS: u64 = 2;
/// Audio that may wait for a disk that takes none.
const PATIENCE_BYTES: usize = 8 << 20;
/// A WAV file's lengths are 32 bits wide.
const MAX_BYTES: u64 = u32::MAX as u64 - 4_096;
/// What is louder than this is not silence, in dBov.
const SILENCE_DBOV: f32 = -45.0;
const HEADER_BYTES: u32 = 36;

/// What is to be recorded, and until when; 0 sets no limit.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub recording: String,
    pub path: String,
    pub rate: u32,
    pub tracks: Tracks,
    /// 2 keeps both tracks apart, inbound first.
    pub channels: u16,
    pub max_ms: u64,
    pub silence_ms: u64,
}

impl Wanted {
    fn channels(&self) -> u16 {
        if self.tracks == Tracks::Both { self.channels.clamp(1, 2) } else { 1 }
    }

    fn most_ticks(&self) -> u64 {
        let per_tick = u64::from(self.rate / 1_000 * FRAME_MS) * u64::from(self.channels()) * 2;
        let wanted = if self.max_ms == 0 { u64::MAX } else { self.max_ms / u64::from(FRAME_MS) };
        wanted.min(MAX_BYTES / per_tick.max(1))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    /// Its time goes on as silence.
    Paused,
}

/// When nobody has spoken for long: the count begins with the first word.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Voice {
    Unheard,
    QuietFor(u64),
}

/// See the module.
pub struct Recorder {
    pub recording: String,
    tap: Tap,
    channels: u16,
    stage: Stage,
    voice: Voice,
    most_ticks: u64,
    silence_ticks: u64,
    /// The port's time at the first tick.
    began: Option<Duration>,
    ticks: u64,
    chunk: Vec<u8>,
    frame: Vec<i16>,
    page: Arc<Page>,
}

impl Recorder {
    pub fn new(wanted: &Wanted, scribe: &mut Scribe) -> Self {
        Self {
            recording: wanted.recording.clone(),
            tap: Tap::new(wanted.rate, wanted.tracks),
            channels: wanted.channels(),
            stage: Stage::Running,
            voice: Voice::Unheard,
            most_ticks: wanted.most_ticks(),
            silence_ticks: wanted.silence_ms.div_ceil(u64::from(FRAME_MS)),
            began: None,
            ticks: 0,
            chunk: header(wanted.rate, wanted.channels()),
            frame: Vec::new(),
            page: scribe.open(&wanted.path),
        }
    }

    pub fn tracks(&self) -> Tracks {
        self.tap.tracks
    }

    pub fn pause(&mut self, is_paused: bool) {
        self.stage = if is_paused { Stage::Paused } else { Stage::Running };
    }

    /// Take a tick's audio. `at` is the port's time.
    pub fn take(&mut self, inbound: Frame<'_>, outbound: Frame<'_>, at: Duration, scribe: &Scribe) {
        self.fill_until(at);
        if self.ticks == self.most_ticks {
            return;
        }
        self.tap.take(inbound, outbound);
        self.compose();
        self.append();
        if self.ticks.is_multiple_of(FLUSH_TICKS) {
            self.flush(scribe);
        }
    }

    /// Ticks that a stalled thread has missed: without them everything after would come too early.
    fn fill_until(&mut self, at: Duration) {
        let began = *self.began.get_or_insert(at);
        let due = at.saturating_sub(began).as_millis() as u64 / u64::from(FRAME_MS);
        if due <= self.ticks + SLACK_TICKS {
            return;
        }
        self.frame.clear();
        self.frame.resize(self.frame_len(), 0);
        while self.ticks < due.min(self.most_ticks) {
            self.append();
        }
    }

    fn frame_len(&self) -> usize {
        (self.tap.rate / 1_000 * FRAME_MS) as usize * usize::from(self.channels)
    }

    fn compose(&mut self) {
        self.frame.clear();
        let (inbound, outbound) = (self.tap.inbound(), self.tap.outbound());
        if self.stage == Stage::Paused {
            self.frame.resize(self.frame_len(), 0);
        } else if self.channels == 2 {
            self.frame.extend(inbound.iter().zip(outbound).flat_map(|(&near, &far)| [near, far]));
        } else if inbound.is_empty() {
            self.frame.extend_from_slice(outbound);
        } else {
            self.frame.extend_from_slice(inbound);
            overlay(&mut self.frame, outbound);
        }
    }

    fn append(&mut self) {
        self.chunk.extend(self.frame.iter().flat_map(|sample| sample.to_le_bytes()));
        self.ticks += 1;
        if self.silence_ticks > 0 && self.stage == Stage::Running {
            self.voice = match self.voice {
                _ if level(&self.frame) > SILENCE_DBOV => Voice::QuietFor(0),
                Voice::QuietFor(ticks) => Voice::QuietFor(ticks + 1),
                Voice::Unheard => Voice::Unheard,
            };
        }
    }

    /// Why the recording is over, if it is.
    pub fn over(&self) -> Option<Why> {
        if let Some(fault) = self.page.fault() {
            return Some(Why { reason: fault.reason, detail: fault.detail.clone() });
        }
        if self.chunk.len() > PATIENCE_BYTES {
            return Some(Why { reason: "failed", detail: "the disk takes nothing".into() });
        }
        if self.ticks >= self.most_ticks {
            return Some(Why::from("max_length"));
        }
        let is_silent = matches!(self.voice, Voice::QuietFor(ticks) if ticks >= self.silence_ticks);
        (self.silence_ticks > 0 && is_silent).then(|| Why::from("silence"))
    }

    fn flush(&mut self, scribe: &Scribe) {
        if let Err(kept) = scribe.write(&self.page, mem::take(&mut self.chunk)) {
            self.chunk = kept;
        }
    }

    /// No more is recorded. Ask what comes of it until it tells the end.
    pub fn finish(self, port: u32, why: Why) -> Finishing {
        Finishing { port, why, recorder: self }
    }
}

/// Why a recording is over: stopped, closed, max_length, silence, no_space, failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    pub reason: &'static str,
    pub detail: String,
}

impl From<&'static str> for Why {
    fn from(reason: &'static str) -> Self {
        Self { reason, detail: String::new() }
    }
}

/// A recording that is over and not yet on the disk.
pub struct Finishing {
    port: u32,
    why: Why,
    recorder: Recorder,
}

impl Finishing {
    /// The end, once everything is written or cannot be.
    pub fn poll(&mut self, scribe: &Scribe) -> Option<Event> {
        if !self.recorder.chunk.is_empty() {
            self.recorder.flush(scribe);
        }
        let is_done = self.recorder.chunk.is_empty() && self.recorder.page.is_settled();
        (is_done || self.recorder.page.fault().is_some()).then(|| self.event())
    }

    /// The end as it is known now.
    pub fn event(&self) -> Event {
        let fault = self.recorder.page.fault();
        Event::RecordEnded {
            port: self.port,
            recording: self.recorder.recording.clone(),
            ms: self.recorder.ticks * u64::from(FRAME_MS),
            reason: fault.map_or(self.why.reason, |fault| fault.reason),
            detail: fault.map_or_else(|| self.why.detail.clone(), |fault| fault.detail.clone()),
        }
    }
}

/// A WAV header (16-bit PCM) whose lengths say that they are not known, as of a file that still grows.
fn header(rate: u32, channels: u16) -> Vec<u8> {
    let block = channels * 2;
    let mut bytes = Vec::with_capacity(HEADER_BYTES as usize + 8);
    bytes.extend(b"RIFF");
    bytes.extend(u32::MAX.to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * u32::from(block)).to_le_bytes());
    bytes.extend(block.to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend(u32::MAX.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::sine;

    const TICK: Duration = Duration::from_millis(20);

    fn wanted(path: &str) -> Wanted {
        Wanted {
            recording: "r".into(),
            path: path.into(),
            rate: 8_000,
            tracks: Tracks::Both,
            channels: 2,
            max_ms: 0,
            silence_ms: 0,
        }
    }

    /// Feed so many ticks of a tone or of silence; why it ended, and after how many.
    fn feed(recorder: &mut Recorder, scribe: &Scribe, ticks: std::ops::Range<u32>, dbov: f32) -> Option<(Why, u32)> {
        let tone = sine(8_000, 1_000.0, dbov, 160);
        ticks.into_iter().find_map(|tick| {
            let heard = Frame { pcm: &tone, rate: 8_000 };
            recorder.take(heard, Frame::default(), TICK * tick, scribe);
            recorder.over().map(|why| (why, tick))
        })
    }

    #[test]
    fn silence_counts_from_the_first_word_and_a_limit_ends_it_exactly() {
        let mut scribe = Scribe::at_once();
        let nowhere = "/nonexistent/offhook.wav";
        let mut recorder = Recorder::new(&Wanted { silence_ms: 100, ..wanted(nowhere) }, &mut scribe);
        assert_eq!(feed(&mut recorder, &scribe, 0..40, -90.0), None);
        assert_eq!(feed(&mut recorder, &scribe, 40..41, -20.0), None);
        assert_eq!(feed(&mut recorder, &scribe, 41..49, -90.0), Some((Why::from("silence"), 45)));
        let mut recorder = Recorder::new(&Wanted { max_ms: 200, ..wanted(nowhere) }, &mut scribe);
        assert_eq!(feed(&mut recorder, &scribe, 0..49, -20.0), Some((Why::from("max_length"), 9)));
        let mut recorder = Recorder::new(&wanted(nowhere), &mut scribe);
        assert_eq!(
            feed(&mut recorder, &scribe, 0..60, -20.0).map(|(why, tick)| (why.reason, tick)),
            Some(("failed", 49))
        );
    }

    #[test]
    fn missed_ticks_are_made_up_and_wavering_ones_are_not() {
        let mut scribe = Scribe::at_once();
        let mut recorder = Recorder::new(&wanted("/nonexistent/offhook.wav"), &mut scribe);
        for (at_ms, ticks) in [(1_000, 1), (1_021, 2), (1_059, 3), (1_061, 4), (1_400, 21), (1_421, 22)] {
            recorder.take(Frame::default(), Frame::default(), Duration::from_millis(at_ms), &scribe);
            assert_eq!(recorder.ticks, ticks, "at {at_ms}");
        }
        let mut recorder = Recorder::new(&Wanted { max_ms: 200, ..wanted("/nonexistent/offhook.wav") }, &mut scribe);
        for at_ms in [0, 400] {
            recorder.take(Frame::default(), Frame::default(), Duration::from_millis(at_ms), &scribe);
        }
        assert_eq!(recorder.ticks, 10);
    }

    #[test]
    fn a_long_recording_ends_before_its_file_is_too_long_for_its_header() {
        let hours = wanted("").most_ticks() / 50 / 3_600;
        assert_eq!(hours, 37);
    }
}
