//! A circle: a port without a far end, on which some speak. Whoever hears it hears all of them but itself, by one sum for
//! all; what is played to it only its recordings hear. Knows no datagrams, nor who may speak.

use std::collections::HashMap;
use std::mem;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{playable, push_reports, taps};
use crate::codec::{CodecKind, Encoder, FRAME_MS, MAX_PACKET_BYTES};
use crate::messages::{Command, Event};
use crate::mix::Mixer;
use crate::play::Player;
use crate::port::{Finishing, Frame, Port, Recorder, Why};
use crate::scribe::Scribe;
use crate::tone::{energy, level_of};

const NARROW: u32 = 8_000;
/// What is louder than this is speech, in dBov.
const SPEECH_DBOV: f32 = -45.0;

/// Who speaks on a circle in a tick.
pub struct Voices<'a> {
    pub tick: u64,
    pub speakers: &'a [u32],
    pub ports: &'a mut HashMap<u32, Port>,
}

/// The sum of all who speak, at one rate, as of one tick.
#[derive(Default)]
struct Mix {
    tick: u64,
    mixer: Mixer,
    /// As PCMU and as PCMA, once somebody has asked.
    payloads: [Option<Arc<[u8]>>; 2],
}

/// How loud everybody has been since the last report: mean squares, summed over its ticks.
#[derive(Default)]
struct Levels {
    every_ms: u32,
    elapsed_ms: u32,
    energies: HashMap<u32, u64>,
    told: Option<u32>,
}

/// See the module.
pub struct Circle {
    id: u32,
    opened: Instant,
    /// Who has the first channel of recordings alone.
    apart: Option<u32>,
    narrow: Mix,
    wide: Mix,
    recorders: Vec<Recorder>,
    player: Player,
    /// Of recordings: the highest rate of those who have spoken.
    rate: u32,
    levels: Levels,
    frame: Vec<i16>,
    /// What is played, in place of nothing and over nothing.
    played: [Vec<i16>; 2],
}

impl Circle {
    pub fn new(id: u32, now: Instant) -> Self {
        Self {
            id,
            opened: now,
            apart: None,
            narrow: Mix::default(),
            wide: Mix::default(),
            recorders: Vec::new(),
            player: Player::new(NARROW),
            rate: NARROW,
            levels: Levels::default(),
            frame: Vec::new(),
            played: [Vec::new(), Vec::new()],
        }
    }

    /// Tell the loudest of every `levels_ms` (0: never).
    pub fn convene(&mut self, apart: Option<u32>, levels_ms: u32) {
        self.apart = apart;
        self.levels.every_ms = levels_ms;
    }

    /// Whether all who speak must be decoded, whoever hears them.
    pub fn is_attended(&self) -> bool {
        self.levels.every_ms > 0 || !self.recorders.is_empty()
    }

    pub fn obey(&mut self, command: Command, scribe: &mut Scribe, finishing: &mut Vec<Finishing>) {
        match command {
            Command::Play { play, source, rounds, overlay, .. } => {
                self.player.play(play, playable(source), rounds, overlay);
            }
            Command::StopPlay { play, .. } => self.player.stop(play),
            record => taps::obey_record(self.id, &mut self.recorders, record, scribe, finishing),
        }
    }

    /// It ends, and so do its recordings.
    pub fn close(&mut self, finishing: &mut Vec<Finishing>) {
        finishing.extend(self.recorders.drain(..).map(|each| each.finish(self.id, Why::from("closed"))));
    }

    // ---- what its members hear -------------------------------------------------------------------------------

    /// The sum of all who speak in this tick, at a rate of ours.
    pub fn sum(&mut self, rate: u32, voices: &mut Voices<'_>) -> &Mixer {
        let mix = if rate == NARROW { &mut self.narrow } else { &mut self.wide };
        if mix.tick != voices.tick {
            (mix.tick, mix.payloads) = (voices.tick, [None, None]);
            mix.mixer.clear();
            for speaker in voices.speakers {
                if let Some(port) = voices.ports.get_mut(speaker) {
                    mix.mixer.add(port.ingress.at(rate));
                }
            }
        }
        &mix.mixer
    }

    /// The sum as a payload for all who add nothing to it. Of G.711 only: an Opus packet builds on those before it, so
    /// whoever begins or ceases to talk would change encoders in mid-stream, and hear that.
    pub fn payload(&mut self, codec: CodecKind, voices: &mut Voices<'_>) -> Option<Arc<[u8]>> {
        let law = [CodecKind::Pcmu, CodecKind::Pcma].iter().position(|law| *law == codec)?;
        self.sum(codec.clock_rate(), voices);
        if self.narrow.payloads[law].is_none() {
            self.narrow.mixer.mix(&mut self.frame);
            self.frame.resize(codec.frame_samples(), 0);
            let mut payload = [0; MAX_PACKET_BYTES];
            let length = Encoder::new(codec).ok()?.encode(&self.frame, &mut payload).ok()?;
            self.narrow.payloads[law] = Some(payload[..length].into());
        }
        self.narrow.payloads[law].clone()
    }

    // ---- every 20 ms -----------------------------------------------------------------------------------------

    /// Everybody has been sent this tick's audio: play, record, compare.
    pub fn attend(
        &mut self,
        now: Instant,
        voices: &mut Voices<'_>,
        scribe: &Scribe,
        finishing: &mut Vec<Finishing>,
        events: &mut Vec<Event>,
    ) {
        let at = now.saturating_duration_since(self.opened);
        let [replace, over] = &mut self.played;
        self.player.render(replace, over);
        push_reports(self.id, &mut self.player, events);
        if !self.recorders.is_empty() {
            self.record(at, voices, scribe);
            finishing.extend(taps::extract_over(self.id, &mut self.recorders));
        }
        self.rise(voices);
        events.extend(self.compare(at, voices));
    }

    fn record(&mut self, at: Duration, voices: &mut Voices<'_>, scribe: &Scribe) {
        let rate = self.rate;
        let mut rest = Mixer::default();
        rest.add_all(self.sum(rate, voices));
        let apart = self.apart.filter(|apart| voices.speakers.contains(apart));
        let first = apart.and_then(|apart| voices.ports.get_mut(&apart)).map_or(&[][..], |port| port.ingress.at(rate));
        rest.remove(first);
        self.played.iter().for_each(|played| rest.add(played));
        rest.mix(&mut self.frame);
        let (first, rest) = (Frame { pcm: first, rate }, Frame { pcm: &self.frame, rate });
        self.recorders.iter_mut().for_each(|each| each.take(first, rest, at, scribe));
    }

    fn rise(&mut self, voices: &Voices<'_>) {
        let codecs = voices.speakers.iter().filter_map(|speaker| voices.ports.get(speaker)?.ingress.codec);
        let highest = codecs.map(CodecKind::clock_rate).max().unwrap_or(NARROW);
        if highest > self.rate {
            self.rate = highest;
            self.player.set_rate(highest);
        }
    }

    /// Who has been the loudest since the last report. Where nobody was, that is told once.
    fn compare(&mut self, at: Duration, voices: &Voices<'_>) -> Option<Event> {
        let levels = &mut self.levels;
        if levels.every_ms == 0 {
            return None;
        }
        for speaker in voices.speakers {
            let pcm = voices.ports.get(speaker).map_or(&[][..], |port| &port.ingress.pcm);
            *levels.energies.entry(*speaker).or_default() += energy(pcm) / pcm.len().max(1) as u64;
        }
        levels.elapsed_ms += FRAME_MS;
        if levels.elapsed_ms < levels.every_ms {
            return None;
        }
        let ticks = mem::take(&mut levels.elapsed_ms) / FRAME_MS;
        let (loudest, sum) = levels.energies.drain().max_by_key(|(_, sum)| *sum)?;
        let level = level_of(sum, ticks as usize);
        let speaker = (level > SPEECH_DBOV).then_some(loudest);
        let before = mem::replace(&mut levels.told, speaker);
        let loudest = Event::Loudest { port: self.id, at_ms: at.as_millis() as u64, speaker, level };
        (before.is_some() || speaker.is_some()).then_some(loudest)
    }
}
