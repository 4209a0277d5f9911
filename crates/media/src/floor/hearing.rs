//! Who hears whom on a floor: ports hear ports and circles, circles hear ports. Knows no audio.

use std::time::Instant;

use super::Floor;
use super::circle::{Circle, Voices};
use crate::messages::Command;

impl Floor {
    /// From now on the port or circle hears exactly these, and never itself.
    pub(super) fn hear(&mut self, listener: u32, mut speakers: Vec<u32>) {
        speakers.retain(|speaker| *speaker != listener);
        speakers.sort_unstable();
        speakers.dedup();
        for speaker in self.hears.insert(listener, speakers.clone()).unwrap_or_default() {
            let Some(listeners) = self.heard_by.get_mut(&speaker) else { continue };
            listeners.retain(|known| *known != listener);
            if listeners.is_empty() {
                self.heard_by.remove(&speaker);
            }
        }
        for speaker in speakers {
            self.heard_by.entry(speaker).or_default().push(listener);
        }
    }

    /// A port or circle is gone: nobody hears it, and it hears nobody.
    pub(super) fn unhear(&mut self, id: u32) {
        self.hear(id, Vec::new());
        for listener in self.heard_by.remove(&id).unwrap_or_default() {
            if let Some(speakers) = self.hears.get_mut(&listener) {
                speakers.retain(|speaker| *speaker != id);
            }
        }
        self.hears.remove(&id);
    }

    /// The one port that a listener hears, directly or on its circle; `None` if there are more, or none.
    pub(super) fn only_heard_by(&self, listener: u32) -> Option<u32> {
        let [ear] = self.hears.get(&listener)?.as_slice() else { return None };
        if !self.circles.contains_key(ear) {
            return Some(*ear);
        }
        let mut others = self.hears.get(ear)?.iter().filter(|speaker| **speaker != listener);
        others.next().copied().filter(|_| others.next().is_none())
    }

    /// Those who hear this port and nobody else.
    pub(super) fn audience_of(&self, speaker: u32) -> Vec<u32> {
        let listeners = |of: &u32| self.heard_by.get(of).into_iter().flatten();
        // Where three speak everybody hears two of them.
        let is_small = |circle: &&u32| self.hears.get(circle).is_some_and(|speakers| speakers.len() < 3);
        let circles = listeners(&speaker).filter(|ear| self.circles.contains_key(ear)).filter(is_small);
        let heard_by = listeners(&speaker).chain(circles.flat_map(listeners));
        heard_by.copied().filter(|listener| self.only_heard_by(*listener) == Some(speaker)).collect()
    }

    // ---- circles ---------------------------------------------------------------------------------------------

    /// Do what is wanted of a circle; the first `Convene` makes it.
    pub(super) fn command_circle(&mut self, command: Command, now: Instant) {
        let id = command.port();
        match command {
            Command::Convene { speakers, apart, levels_ms, .. } => {
                self.circles.entry(id).or_insert_with(|| Circle::new(id, now)).convene(apart, levels_ms);
                self.hear(id, speakers);
            }
            Command::ClosePort { .. } => self.close_circle(id),
            command => {
                if let Some(circle) = self.circles.get_mut(&id) {
                    circle.obey(command, &mut self.scribe, &mut self.finishing);
                }
            }
        }
    }

    pub(super) fn close_circle(&mut self, id: u32) {
        if let Some(mut circle) = self.circles.remove(&id) {
            circle.close(&mut self.finishing);
            self.unhear(id);
        }
    }

    /// Everybody has been sent this tick's audio: now circles record and compare.
    pub(super) fn attend_circles(&mut self, now: Instant) {
        let ids: Vec<u32> = self.circles.keys().copied().collect();
        for id in ids {
            self.shielded(id, |floor| floor.attend_circle(id, now));
        }
    }

    fn attend_circle(&mut self, id: u32, now: Instant) {
        let Some(circle) = self.circles.get_mut(&id) else { return };
        let speakers = self.hears.get(&id).map_or(&[][..], Vec::as_slice);
        let mut voices = Voices { tick: self.ticks, speakers, ports: &mut self.ports };
        circle.attend(now, &mut voices, &self.scribe, &mut self.finishing, &mut self.events);
    }
}
