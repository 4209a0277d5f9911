//! Taps and recordings of a floor's ports, and the recordings of its circles: how they begin, what ports' are given every
//! 20 ms, how they end. Knows no datagrams.

use std::mem;
use std::time::Instant;

use super::Floor;
use super::audio::Sent;
use crate::messages::{Command, Event, Tracks};
use crate::port::{Finishing, Frame, Port, Recorder, Report, Stage, Wanted, Why};
use crate::scribe::Scribe;

/// The end of a recording that is asked for of a port that is gone.
pub fn unrecorded(command: Command) -> Option<Event> {
    let Command::Record { port, recording, .. } = command else { return None };
    Some(Event::RecordEnded { port, recording, ms: 0, reason: "closed", detail: "there is no such port".into() })
}

impl Floor {
    pub(super) fn obey_tap(&mut self, command: Command) {
        let Some(port) = self.ports.get_mut(&command.port()) else { return };
        match command {
            Command::Tap { tap, rate, tracks, encoding, .. } => {
                port.reports.retain(|report| report.number != tap);
                port.reports.push(Report::new(tap, rate, tracks, encoding));
            }
            Command::Untap { tap, .. } => port.reports.retain(|report| report.number != tap),
            record => obey_record(port.id, &mut port.recorders, record, &mut self.scribe, &mut self.finishing),
        }
    }

    /// Give a port's taps and recordings this tick's audio. What its far end hears is in the scratch buffer if it was
    /// composed; what was forwarded to it is composed now, for the taps alone.
    pub(super) fn tap(&mut self, id: u32, sent: Sent, now: Instant) {
        let Some(port) = self.ports.get(&id) else { return };
        if port.reports.is_empty() && port.recorders.is_empty() {
            return;
        }
        let mut scratch = mem::take(&mut self.scratch);
        if sent == Sent::Forwarded && port.is_tapped(Tracks::has_outbound) {
            self.compose(id, &mut scratch);
        }
        if let Some(port) = self.ports.get_mut(&id) {
            let heard: &[i16] = if sent == Sent::Nothing { &[] } else { &scratch.frame };
            let outbound = Frame { pcm: heard, rate: port.out.codec.clock_rate() };
            let said = mem::take(&mut port.ingress.pcm);
            let is_there = port.stage == Stage::Connected;
            let inbound = Frame { pcm: if is_there { &said } else { &[] }, rate: port.ingress.rate };
            report(port, inbound, outbound, now, &mut self.events);
            let at = port.since_opened(now);
            port.recorders.iter_mut().for_each(|each| each.take(inbound, outbound, at, &self.scribe));
            self.finishing.extend(extract_over(id, &mut port.recorders));
            port.ingress.pcm = said;
        }
        self.scratch = scratch;
    }

    /// The port ends, and so do its recordings.
    pub(super) fn close_recorders(&mut self, port: &mut Port) {
        let id = port.id;
        self.finishing.extend(port.recorders.drain(..).map(|each| each.finish(id, Why::from("closed"))));
    }

    /// Tell of recordings that are on the disk now.
    pub(super) fn finish_recordings(&mut self) {
        let (scribe, events) = (&self.scribe, &mut self.events);
        self.finishing.retain_mut(|each| match each.poll(scribe) {
            Some(ended) => {
                events.push(ended);
                false
            }
            None => true,
        });
    }

    /// Tell of all recordings that are over: nobody will ask again.
    pub(super) fn end_finishing(&mut self) {
        self.finish_recordings();
        self.events.extend(self.finishing.drain(..).map(|each| each.event()));
    }
}

/// Begin, pause or end a recording of a port.
pub fn obey_record(
    port: u32,
    recorders: &mut Vec<Recorder>,
    command: Command,
    scribe: &mut Scribe,
    finishing: &mut Vec<Finishing>,
) {
    match command {
        Command::Record { recording, path, rate, tracks, channels, max_ms, silence_ms, .. } => {
            let wanted = Wanted { recording, path, rate, tracks, channels, max_ms, silence_ms };
            recorders.push(Recorder::new(&wanted, scribe));
        }
        Command::PauseRecord { recording, paused, .. } => {
            recorders.iter_mut().filter(|each| each.recording == recording).for_each(|each| each.pause(paused));
        }
        Command::StopRecord { recording, .. } => {
            let stopped = recorders.extract_if(.., |each| each.recording == recording);
            finishing.extend(stopped.map(|each| each.finish(port, Why::from("stopped"))));
        }
        _ => {}
    }
}

/// The recordings of a port that are over by themselves.
pub fn extract_over(port: u32, recorders: &mut Vec<Recorder>) -> impl Iterator<Item = Finishing> {
    recorders.extract_if(.., |each| each.over().is_some()).map(move |each| {
        let why = each.over().unwrap_or(Why::from("stopped"));
        each.finish(port, why)
    })
}

fn report(port: &mut Port, inbound: Frame<'_>, outbound: Frame<'_>, now: Instant, events: &mut Vec<Event>) {
    let at_ms = port.since_opened(now).as_millis() as u64;
    for report in &mut port.reports {
        report.tap.take(inbound, outbound);
        events.push(report.event(port.id, at_ms));
    }
}
