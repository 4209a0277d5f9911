//! All ports of one worker, and how datagrams and commands reach them (what they hear is in `audio`); knows no sockets, threads or clocks: datagrams and time come in.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use str0m::Input;
use str0m::net::{Protocol, Receive, Transmit};

use crate::codec::FRAME_MS;
use crate::core::Job;
use crate::messages::{Command, Counters, Event, PortStats, Source, end_name};
use crate::play::{self, Played, Player};
use crate::port::{Agreed, Finishing, Listening, Metering, Port, Told, Unread};
use crate::scribe::Scribe;
use crate::tone::{Tone, Tones};

mod audio;
mod circle;
mod demux;
mod hearing;
mod taps;

use audio::Scratch;
use circle::Circle;
pub use demux::Route;
use demux::{Shape, shape, stun_ufrag};

pub const TICK: Duration = Duration::from_millis(FRAME_MS as u64);
/// Routes of one port that may speak to it; the oldest that carries no media gives way.
const MAX_ROUTES: usize = 16;
/// Why datagrams were dropped, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// From nowhere that passed an ICE check of ours, or a check that failed.
    pub strangers: u64,
    /// No protocol that we speak, or refused by the session of the port it came for.
    pub malformed: u64,
    /// RTP whose SRTP tag did not verify.
    pub unauthenticated: u64,
}

impl Drops {
    fn note(&mut self, outcome: Result<(), Unread>) {
        match outcome {
            Ok(()) => {}
            Err(Unread::Unauthenticated) => self.unauthenticated += 1,
            Err(Unread::Stranger) => self.strangers += 1,
            // A datagram that a checked far end got wrong is no reason to end the call.
            Err(Unread::Malformed) => self.malformed += 1,
        }
    }
}

/// What a floor needs to know of its configuration.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub quality_every: Duration,
    pub media_timeout: Duration,
}

/// See the module. Call `receive`, `command`, `tick` and `sweep`; then take `transmits` and `events`.
pub struct Floor {
    ports: HashMap<u32, Port>,
    circles: HashMap<u32, Circle>,
    /// Speakers of each listener, in order, and the other way round.
    hears: HashMap<u32, Vec<u32>>,
    heard_by: HashMap<u32, Vec<u32>>,
    /// Ports whose audio is decoded, as of the last tick.
    decoding: HashMap<u32, bool>,
    by_route: HashMap<Route, u32>,
    routes: HashMap<u32, VecDeque<Route>>,
    by_ufrag: HashMap<String, u32>,
    /// Addresses that belong to one port alone (full ICE, driven).
    by_address: HashMap<SocketAddr, u32>,
    pub transmits: Vec<Transmit>,
    pub events: Vec<Event>,
    pub drops: Drops,
    /// Ports that ended since their sockets were last looked after.
    pub gone: Vec<u32>,
    /// TCP connections that are open, proven or not; the worker counts them.
    pub connections: usize,
    limits: Limits,
    told: Vec<Told>,
    scratch: Scratch,
    ticks: u64,
    scribe: Scribe,
    /// Recordings that are over and still on their way to the disk.
    finishing: Vec<Finishing>,
}

impl Floor {
    pub fn new(limits: Limits, scribe: Scribe) -> Self {
        Self {
            ports: HashMap::new(),
            circles: HashMap::new(),
            hears: HashMap::new(),
            heard_by: HashMap::new(),
            decoding: HashMap::new(),
            by_route: HashMap::new(),
            routes: HashMap::new(),
            by_ufrag: HashMap::new(),
            by_address: HashMap::new(),
            transmits: Vec::new(),
            events: Vec::new(),
            drops: Drops::default(),
            gone: Vec::new(),
            connections: 0,
            limits,
            told: Vec::new(),
            scratch: Scratch::default(),
            ticks: 0,
            scribe,
            finishing: Vec::new(),
        }
    }

    // ---- ports come and go -----------------------------------------------------------------------------------

    /// A port begins. `own` are addresses on which nobody else is reached.
    pub fn open(&mut self, mut port: Port, own: &[SocketAddr], now: Instant) {
        self.by_address.extend(own.iter().map(|address| (*address, port.id)));
        port.next_quality = self.limits.quality_every;
        let id = port.id;
        if !port.is_plain() {
            self.by_ufrag.insert(port.ufrag.clone(), id);
        }
        self.ports.insert(id, port);
        self.drain(id, now);
    }

    /// The far end described itself, for the first time or anew (see [`Port::accept`]).
    pub fn accept(&mut self, id: u32, agreed: Agreed, now: Instant) {
        self.guarded(id, now, |floor| {
            let Some(port) = floor.ports.get_mut(&id) else { return };
            let before = port.ufrag.clone();
            port.accept(agreed, now);
            // The session works out what to do next, and when, only when it is told the time.
            let _ = port.timeout(now);
            if port.ufrag != before {
                let after = port.ufrag.clone();
                floor.by_ufrag.remove(&before);
                floor.by_ufrag.insert(after, id);
            }
        });
    }

    fn remove(&mut self, id: u32) -> Option<Port> {
        let port = self.ports.remove(&id)?;
        if !port.is_plain() {
            self.by_ufrag.remove(&port.ufrag);
        }
        self.by_address.retain(|_, owner| *owner != id);
        for route in self.routes.remove(&id).unwrap_or_default() {
            self.unbind(&route, id);
        }
        self.unhear(id);
        self.decoding.remove(&id);
        self.gone.push(id);
        Some(port)
    }

    fn close(&mut self, id: u32) {
        let Some(mut port) = self.remove(id) else { return };
        self.close_recorders(&mut port);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            end_plays(&mut port, &mut self.events);
            port.close(&mut self.transmits);
            port.stats()
        }));
        self.events.push(match outcome {
            Ok(stats) => Event::PortClosed { stats },
            Err(panic) => Event::PortFailed { port: id, reason: "panic", detail: said(&*panic) },
        });
    }

    fn fail(&mut self, id: u32, reason: &'static str, detail: String) {
        self.close_circle(id);
        let Some(mut port) = self.remove(id) else { return };
        self.close_recorders(&mut port);
        // A port that has panicked once may do so again while its plays are ended; it has failed either way.
        let _ = catch_unwind(AssertUnwindSafe(|| end_plays(&mut port, &mut self.events)));
        self.events.push(Event::PortFailed { port: id, reason, detail });
    }

    /// Whether a port may be spoken to on this route.
    pub fn knows(&self, route: &Route) -> bool {
        self.by_route.contains_key(route)
    }

    /// Do what the core wants done.
    pub fn perform(&mut self, job: Job, now: Instant) {
        match job {
            Job::Open { port, own, .. } => self.open(*port, &own, now),
            Job::Accept(port, agreed) => self.accept(port, *agreed, now),
            Job::Command(command) => self.command(command, now),
            // Where nobody waits any more there is nothing to tell.
            Job::Stats(id, tell) => drop(tell.try_send(self.stats(id))),
            Job::Counters(tell) => drop(tell.try_send(self.counters())),
            #[cfg(test)]
            Job::Curse(id) => self.ports.get_mut(&id).expect("a port").is_cursed = true,
            #[cfg(test)]
            Job::Panic => panic!("planted"),
        }
    }

    fn counters(&self) -> Counters {
        Counters {
            ports: self.ports.len() as u64,
            routes: self.by_route.len() as u64,
            streams: self.ports.values().map(|port| port.streams() as u64).sum(),
            connections: self.connections as u64,
            strangers: self.drops.strangers,
            malformed: self.drops.malformed,
            unauthenticated: self.drops.unauthenticated,
        }
    }

    pub fn stats(&self, id: u32) -> Option<PortStats> {
        self.ports.get(&id).map(Port::stats)
    }

    /// Every port fails with the worker that carried it.
    pub fn abandon(&mut self, detail: &str) {
        let ids: Vec<u32> = self.ports.keys().chain(self.circles.keys()).copied().collect();
        for id in ids {
            self.fail(id, "worker_died", detail.to_owned());
        }
        self.end_finishing();
    }

    /// Run work on behalf of one port, then drain it. A panic in it ends that port and no other.
    fn guarded(&mut self, id: u32, now: Instant, work: impl FnOnce(&mut Self)) {
        // What a panic leaves half done belongs to the port that is dropped for it.
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            work(self);
            self.drain_one(id);
        }));
        if let Err(panic) = outcome {
            self.told.clear();
            self.fail(id, "panic", said(&*panic));
            return;
        }
        self.tell(id, now);
    }

    /// As [`Self::guarded`], for work that gives the session nothing: asking every session costs more than such work.
    fn shielded(&mut self, id: u32, work: impl FnOnce(&mut Self)) {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| work(self))) {
            self.fail(id, "panic", said(&*panic));
        }
    }

    fn drain(&mut self, id: u32, now: Instant) {
        self.guarded(id, now, |_| {});
    }

    fn drain_one(&mut self, id: u32) {
        if let Some(port) = self.ports.get_mut(&id) {
            port.drain(&mut self.transmits, &mut self.told);
        }
    }

    /// Act on what a port told. Forwarding makes other ports tell, so they are drained in turn.
    fn tell(&mut self, id: u32, now: Instant) {
        let told = std::mem::take(&mut self.told);
        for fact in told {
            match fact {
                Told::Connected => self.connected(id, now),
                Told::Packet(packet) => self.guarded(id, now, |floor| floor.arrived(id, &packet, now)),
                // Its signalling will follow; until then it counts as silent.
                Told::Closed => {}
                Told::Failed { reason, detail } => self.fail(id, reason, detail),
            }
        }
    }

    fn connected(&mut self, id: u32, now: Instant) {
        let Some(port) = self.ports.get_mut(&id) else { return };
        port.mark_connected(port.since_opened(now));
        let Some((proto, source, destination)) = port.route else { return };
        self.events.push(Event::PortConnected {
            port: id,
            transport: if proto == Protocol::Udp { "udp" } else { "tcp" },
            local: destination.to_string(),
            remote: source.to_string(),
        });
    }

    // ---- datagrams -------------------------------------------------------------------------------------------

    /// Take a datagram. From a route that passed no STUN check nothing but such a check is looked at.
    pub fn receive(&mut self, now: Instant, route: Route, data: &[u8]) {
        let (proto, source, destination) = route;
        let own = self.by_address.get(&destination).copied();
        if let Some(id) = own.filter(|id| self.ports.get(id).is_some_and(Port::is_plain)) {
            self.guarded(id, now, |floor| floor.receive_plain(id, now, route, data));
            return;
        }
        let shape = shape(data);
        let known = self.by_route.get(&route).copied();
        let named = || stun_ufrag(data).and_then(|ufrag| self.by_ufrag.get(ufrag).copied());
        let id = match shape {
            Shape::Stun => own.or_else(named),
            _ => known,
        };
        let Some(id) = id else {
            self.drops.strangers += 1;
            return;
        };
        let received = Receive::new(proto, source, destination, data).ok().filter(|_| shape != Shape::Unknown);
        let Some(received) = received else {
            self.drops.malformed += 1;
            return;
        };
        self.guarded(id, now, |floor| floor.receive_for(id, now, route, shape, received, data));
    }

    fn receive_for(&mut self, id: u32, now: Instant, route: Route, shape: Shape, received: Receive<'_>, data: &[u8]) {
        let Some(port) = self.ports.get_mut(&id) else { return };
        let input = Input::Receive(now, received);
        if shape == Shape::Stun && !(port.accepts(&input) && port.verifies(data)) {
            self.drops.strangers += 1;
            return;
        }
        let Input::Receive(_, received) = input else { return };
        let outcome = match shape {
            Shape::Rtp(ssrc) => port.receive_rtp(now, received, ssrc, &mut self.transmits, &mut self.told),
            _ => port.receive(now, received),
        };
        self.drops.note(outcome);
        if shape == Shape::Stun {
            let is_back = port.route_confirmed(route, now);
            self.bind(id, route);
            if is_back {
                self.told.push(Told::Connected);
            }
        }
    }

    fn receive_plain(&mut self, id: u32, now: Instant, route: Route, data: &[u8]) {
        let Some(port) = self.ports.get_mut(&id) else { return };
        let outcome = port.receive_plain(now, route.1, route.2, data, &mut self.told);
        self.drops.note(outcome);
    }

    fn bind(&mut self, id: u32, route: Route) {
        if self.by_route.insert(route, id) == Some(id) {
            return;
        }
        let routes = self.routes.entry(id).or_default();
        routes.push_back(route);
        if routes.len() <= MAX_ROUTES {
            return;
        }
        let path = self.ports.get(&id).and_then(|port| port.path);
        let idle = routes.iter().position(|known| Some(*known) != path).unwrap_or(0);
        if let Some(oldest) = routes.remove(idle) {
            self.unbind(&oldest, id);
        }
    }

    /// A route that has become another port's stays that port's.
    fn unbind(&mut self, route: &Route, id: u32) {
        if self.by_route.get(route) == Some(&id) {
            self.by_route.remove(route);
        }
    }

    // ---- commands --------------------------------------------------------------------------------------------

    pub fn command(&mut self, command: Command, now: Instant) {
        let id = command.port();
        if matches!(command, Command::Convene { .. }) || self.circles.contains_key(&id) {
            self.command_circle(command, now);
            return;
        }
        if !self.ports.contains_key(&id) {
            self.events.extend(taps::unrecorded(command));
            return;
        }
        if let Command::ClosePort { port } = command {
            self.close(port);
            return;
        }
        self.guarded(id, now, |floor| floor.obey(command, now));
        self.report_plays(id);
    }

    fn obey(&mut self, command: Command, now: Instant) {
        if let Command::Hear { port, speakers } = command {
            self.hear(port, speakers);
            return;
        }
        let Some(port) = self.ports.get_mut(&command.port()) else { return };
        let out = &mut port.out;
        match command {
            Command::AddCandidate { candidate, .. } => {
                port.add_candidate(&candidate);
                let _ = port.timeout(now);
            }
            Command::Play { play, source, rounds, overlay, .. } => {
                out.player.play(play, playable(source), rounds, overlay);
            }
            Command::StopPlay { play, .. } => out.player.stop(play),
            Command::SendDigits { digits, duration_ms, gap_ms, .. } => port.send_digits(&digits, duration_ms, gap_ms),
            Command::Listen { rate, .. } => port.listening = (rate > 0).then(|| Listening::new(rate)),
            Command::Feed { rate, pcm, mark, overlay, encoding, .. } => out.feed(rate, &pcm, mark, overlay, encoding),
            Command::ClearFeed { .. } => out.player.clear_feed(),
            Command::Mute { muted, .. } => out.muted = muted,
            Command::Denoise { tracks, limit_db, .. } => port.denoise(tracks, limit_db),
            Command::Meter { every_ms, .. } => {
                port.metering = (every_ms > 0).then(|| Metering::new(every_ms, port));
            }
            tap @ (Command::Tap { .. }
            | Command::Untap { .. }
            | Command::Record { .. }
            | Command::PauseRecord { .. }
            | Command::StopRecord { .. }) => self.obey_tap(tap),
            Command::EndCandidates { .. }
            | Command::Hear { .. }
            | Command::Convene { .. }
            | Command::ClosePort { .. } => {}
        }
    }

    fn report_plays(&mut self, id: u32) {
        if let Some(port) = self.ports.get_mut(&id) {
            push_reports(id, &mut port.out.player, &mut self.events);
        }
    }

    // ---- time ------------------------------------------------------------------------------------------------

    /// Let every session do what is due (ICE checks, DTLS retransmissions, reports). Every 10 ms is enough.
    pub fn sweep(&mut self, now: Instant) {
        let due: Vec<u32> = self.ports.values().filter(|port| port.deadline <= now).map(|port| port.id).collect();
        for id in due {
            self.guarded(id, now, |floor| {
                if let Some(port) = floor.ports.get_mut(&id) {
                    let _ = port.timeout(now);
                }
            });
        }
    }
}

/// What a panic said.
fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

fn end_plays(port: &mut Port, events: &mut Vec<Event>) {
    port.out.player.close();
    push_reports(port.id, &mut port.out.player, events);
}

fn push_reports(port: u32, player: &mut Player, events: &mut Vec<Event>) {
    while let Some(played) = player.poll_report() {
        events.push(match played {
            Played::Ended { play, reason } => Event::PlayEnded { port, play, reason: end_name(reason) },
            Played::Fed { mark, played_ms, cleared } => Event::FeedPlayed { port, mark, played_ms, cleared },
        });
    }
}

fn playable(source: Source) -> play::Source {
    match source {
        Source::Audio { rate, pcm } => play::Source::Audio { rate, pcm: samples(&pcm) },
        Source::Tones { tones, level } => {
            let tones = tones.into_iter().map(|tone| Tone { hz: tone.hz, ms: tone.ms }).collect();
            play::Source::Tones(Tones { tones, level })
        }
    }
}

fn samples(pcm: &[u8]) -> Vec<i16> {
    pcm.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}
