//! What is heard on a floor: packets forwarded as they come, frames composed every 20 ms. Knows no datagrams.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::circle::Voices;
use super::{Floor, push_reports};
use crate::codec::{CodecKind, FRAME_MS};
use crate::messages::{Event, Sound, Tracks};
use crate::mix::{Mixer, overlay};
use crate::port::{Port, Stage, measure};
use crate::rtp::Packet;

/// How a port's far end got this tick's audio.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    Nothing,
    Forwarded,
    Composed,
}

/// Buffers that are used on every tick.
#[derive(Default)]
pub struct Scratch {
    pub frame: Vec<i16>,
    replace: Vec<i16>,
    over: Vec<i16>,
    mixer: Mixer,
}

impl Floor {
    // ---- packets ---------------------------------------------------------------------------------------------

    pub(super) fn arrived(&mut self, id: u32, packet: &Packet, now: Instant) {
        let is_decoding = self.decoding.get(&id).copied().unwrap_or(false);
        let Some(port) = self.ports.get_mut(&id) else { return };
        let at = port.since_opened(now);
        let press = port.arrived(packet, is_decoding, at);
        port.silences_told = 0;
        let codec = port.codec_of(packet);
        if let Some(press) = press {
            self.events.push(Event::DigitReceived { port: id, digit: press.digit, duration_ms: press.duration_ms });
        }
        let Some(codec) = codec.filter(|_| port.ingress.denoiser.is_none()) else { return };
        for listener in self.audience_of(id) {
            if self.ports.get(&listener).is_some_and(|port| port.may_forward(codec)) {
                self.forward(id, listener, packet, codec, now);
            }
        }
    }

    fn forward(&mut self, speaker: u32, listener: u32, packet: &Packet, codec: CodecKind, now: Instant) {
        let told = std::mem::take(&mut self.told);
        self.guarded(listener, now, |floor| {
            if let Some(port) = floor.ports.get_mut(&listener) {
                port.forward(speaker, packet, codec, now);
                // str0m stamps and releases what was written when it is told the time.
                let _ = port.timeout(now);
            }
        });
        self.told = told;
    }

    // ---- every 20 ms -----------------------------------------------------------------------------------------

    /// 20 ms have passed: decode what is needed, send everybody who is not forwarded to a frame.
    pub fn tick(&mut self, now: Instant) {
        self.ticks += 1;
        let ids: Vec<u32> = self.ports.keys().copied().collect();
        self.choose_decoding(&ids, now);
        for &id in &ids {
            self.shielded(id, |floor| floor.pull(id, now));
        }
        for &id in &ids {
            let sent = self.send(id, now);
            self.shielded(id, |floor| floor.tap(id, sent, now));
            self.shielded(id, |floor| floor.watch(id, now));
        }
        self.attend_circles(now);
        self.finish_recordings();
    }

    /// A port's audio is decoded if somebody who hears it is not forwarded to, if it is listened to, measured or tapped,
    /// or if its circle is.
    fn choose_decoding(&mut self, ids: &[u32], now: Instant) {
        let mut needed: HashMap<u32, bool> = HashMap::with_capacity(ids.len());
        for &id in ids {
            let port = &self.ports[&id];
            let by_itself = port.listening.is_some() || port.metering.is_some() || port.is_tapped(Tracks::has_inbound);
            *needed.entry(id).or_default() |= by_itself;
            let is_composed =
                !self.is_forwarded_to(id, now) || port.metering.is_some() || port.is_tapped(Tracks::has_outbound);
            for speaker in self.hears.get(&id).into_iter().flatten() {
                *needed.entry(*speaker).or_default() |= is_composed;
            }
        }
        for (id, circle) in &self.circles {
            if needed.remove(id) == Some(true) || circle.is_attended() {
                needed.extend(self.hears.get(id).into_iter().flatten().map(|speaker| (*speaker, true)));
            }
        }
        for (id, port) in &mut self.ports {
            if !needed.get(id).copied().unwrap_or(false) {
                port.ingress.stop_decoding();
            }
        }
        self.decoding = needed;
    }

    /// Whether packets of its one speaker go to this port as they are.
    fn is_forwarded_to(&self, id: u32, now: Instant) -> bool {
        let Some(speaker) = self.only_heard_by(id) else { return false };
        let port = &self.ports[&id];
        let ingress = self.ports.get(&speaker).map(|speaker| &speaker.ingress);
        let codec = ingress.filter(|ingress| ingress.denoiser.is_none()).and_then(|ingress| ingress.codec);
        codec.is_some_and(|codec| port.may_forward(codec)) && port.is_fed_by_forwarding(port.since_opened(now))
    }

    fn pull(&mut self, id: u32, now: Instant) {
        let is_decoding = self.decoding.get(&id).copied().unwrap_or(false);
        let Some(port) = self.ports.get_mut(&id) else { return };
        let at = port.since_opened(now);
        if let Some(press) = port.ingress.overdue_press(at) {
            self.events.push(Event::DigitReceived { port: id, digit: press.digit, duration_ms: press.duration_ms });
        }
        if !is_decoding || port.stage != Stage::Connected {
            port.ingress.rest();
            return;
        }
        port.ingress.pull(at);
        let (pcm, rate) = (&port.ingress.pcm, port.ingress.rate);
        if let Some(metering) = &mut port.metering {
            measure(&mut metering.inbound, rate, pcm);
        }
        if let Some(listening) = &mut port.listening {
            let pcm = listening.convert(pcm, rate);
            self.events.push(Event::PcmHeard { port: id, at_ms: at.as_millis() as u64, rate: listening.rate, pcm });
        }
    }

    fn send(&mut self, id: u32, now: Instant) -> Sent {
        if self.ports.get(&id).is_none_or(|port| !port.may_send()) {
            return Sent::Nothing;
        }
        if self.is_forwarded_to(id, now) {
            self.shielded(id, |floor| floor.measure_forwarded(id));
            return Sent::Forwarded;
        }
        self.guarded(id, now, |floor| floor.send_frame(id, now));
        Sent::Composed
    }

    fn send_frame(&mut self, id: u32, now: Instant) {
        if let Some(payload) = self.shared_payload(id)
            && let Some(port) = self.ports.get_mut(&id)
        {
            port.send_payload(payload, now);
            let _ = port.timeout(now);
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        self.compose(id, &mut scratch);
        if let Some(port) = self.ports.get_mut(&id) {
            if let Some(metering) = &mut port.metering {
                measure(&mut metering.outbound, port.out.codec.clock_rate(), &scratch.frame);
            }
            port.send_frame(&scratch.frame, now);
            let _ = port.timeout(now);
        }
        self.scratch = scratch;
    }

    /// What is sent alike to all who hear a circle, and nothing else, and add nothing to it in this tick.
    fn shared_payload(&mut self, id: u32) -> Option<Arc<[u8]>> {
        let [ear] = self.hears.get(&id)?.as_slice() else { return None };
        let circle = self.circles.get_mut(ear)?;
        let speakers = self.hears.get(ear)?;
        let port = self.ports.get_mut(&id)?;
        let codec = port.out.codec;
        let is_plain = port.may_forward(codec) && port.metering.is_none() && !port.is_tapped(Tracks::has_outbound);
        let adds = speakers.binary_search(&id).is_ok() && !port.ingress.at(codec.clock_rate()).is_empty();
        if !is_plain || adds {
            return None;
        }
        circle.payload(codec, &mut Voices { tick: self.ticks, speakers, ports: &mut self.ports })
    }

    fn measure_forwarded(&mut self, id: u32) {
        let Some(mut metering) = self.ports.get_mut(&id).and_then(|port| port.metering.take()) else { return };
        if let Some(speaker) = self.only_heard_by(id).and_then(|speaker| self.ports.get(&speaker)) {
            measure(&mut metering.outbound, speaker.ingress.rate, &speaker.ingress.pcm);
        }
        if let Some(port) = self.ports.get_mut(&id) {
            port.metering = Some(metering);
        }
    }

    /// Make the frame that this port's far end hears, at the rate of its codec.
    pub(super) fn compose(&mut self, id: u32, scratch: &mut Scratch) {
        let Some(port) = self.ports.get(&id) else { return };
        let rate = port.out.codec.clock_rate();
        let samples = (rate / 1_000 * FRAME_MS) as usize;
        self.sum(id, rate, &mut scratch.mixer);
        scratch.mixer.mix(&mut scratch.frame);
        scratch.frame.resize(samples, 0);
        let Some(port) = self.ports.get_mut(&id) else { return };
        port.out.player.render(&mut scratch.replace, &mut scratch.over);
        if !scratch.replace.is_empty() {
            scratch.frame.clone_from(&scratch.replace);
        }
        overlay(&mut scratch.frame, &scratch.over);
        port.out.render_tones(&mut scratch.frame);
        if let Some(denoiser) = &mut port.out.denoiser {
            denoiser.clean(&mut scratch.frame, rate);
        }
        if port.out.muted {
            scratch.frame.fill(0);
        }
    }

    /// Everybody whom a port hears, at one rate.
    fn sum(&mut self, id: u32, rate: u32, mixer: &mut Mixer) {
        mixer.clear();
        for ear in self.hears.get(&id).into_iter().flatten() {
            if let Some(circle) = self.circles.get_mut(ear) {
                let speakers = self.hears.get(ear).map_or(&[][..], Vec::as_slice);
                let mut voices = Voices { tick: self.ticks, speakers, ports: &mut self.ports };
                mixer.add_all(circle.sum(rate, &mut voices));
                if speakers.binary_search(&id).is_ok()
                    && let Some(port) = self.ports.get_mut(&id)
                {
                    mixer.remove(port.ingress.at(rate));
                }
            } else if let Some(port) = self.ports.get_mut(ear) {
                mixer.add(port.ingress.at(rate));
            }
        }
    }

    /// Reports that are due: plays, levels, quality, silence on the wire.
    fn watch(&mut self, id: u32, now: Instant) {
        let limits = self.limits;
        let Some(port) = self.ports.get_mut(&id) else { return };
        push_reports(id, &mut port.out.player, &mut self.events);
        if port.stage == Stage::Connecting {
            return;
        }
        let at = port.since_opened(now);
        if let Some(metered) = metered(port, at) {
            self.events.push(metered);
        }
        if at >= port.next_quality {
            port.next_quality = at + limits.quality_every;
            port.adapt();
            self.events.push(Event::QualityMeasured { stats: port.stats() });
        }
        if port.is_missed_for(limits.media_timeout * (port.silences_told + 1), at) {
            port.silences_told += 1;
            self.events.push(Event::MediaStopped { port: id });
        }
    }
}

/// The measurement of an interval that has passed.
fn metered(port: &mut Port, at: Duration) -> Option<Event> {
    let (received, sent) = (port.ingress.packets, port.out.packets);
    let metering = port.metering.as_mut()?;
    metering.elapsed_ms += FRAME_MS;
    if metering.elapsed_ms < metering.every_ms {
        return None;
    }
    metering.elapsed_ms = 0;
    let (heard, said) = (metering.inbound.take(), metering.outbound.take());
    let inbound = Sound { level: heard.level, tone_hz: heard.tone_hz, packets: received - metering.in_packets };
    let outbound = Sound { level: said.level, tone_hz: said.tone_hz, packets: sent - metering.out_packets };
    (metering.in_packets, metering.out_packets) = (received, sent);
    Some(Event::Metered { port: port.id, at_ms: at.as_millis() as u64, inbound, outbound })
}
