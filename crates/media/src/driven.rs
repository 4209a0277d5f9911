//! A core without threads, sockets or clock: its ports talk through a network made of numbers. For tests.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use str0m::net::Protocol;

use crate::core::Job;
use crate::floor::{Floor, Limits, TICK};
use crate::messages::{Event, Network};
use crate::scribe::Scribe;

const SWEEP: Duration = Duration::from_millis(10);

/// Far ends outside of a driven core live in the addresses for documentation (RFC 5737, TEST-NET-1).
fn is_outside(address: SocketAddr) -> bool {
    matches!(address.ip(), IpAddr::V4(ip) if ip.octets()[..3] == [192, 0, 2])
}

/// What leaves a driven core for a far end outside of it, or comes from there.
#[derive(Clone, Debug)]
pub struct Datagram {
    pub source: SocketAddr,
    pub destination: SocketAddr,
    pub data: Vec<u8>,
}

/// From where to where.
type Way = (SocketAddr, SocketAddr);

/// A datagram on its way.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Flight {
    arrives: Instant,
    /// Breaks ties: what was sent first arrives first.
    number: u64,
    source: SocketAddr,
    destination: SocketAddr,
    data: Vec<u8>,
}

/// See the module.
pub struct Driven {
    floor: Floor,
    network: Network,
    chance: fastrand::Rng,
    flights: BinaryHeap<Reverse<Flight>>,
    /// The ways on which the last packet was lost.
    lossy: HashSet<Way>,
    /// Arrived outside; whoever drives far ends there takes them.
    outside: Vec<Datagram>,
    sent: u64,
    now: Instant,
    next_tick: Instant,
    next_sweep: Instant,
}

impl Driven {
    pub fn new(network: &Network, limits: Limits) -> Self {
        let now = Instant::now();
        Self {
            floor: Floor::new(limits, Scribe::at_once()),
            network: network.clone(),
            chance: fastrand::Rng::with_seed(network.seed),
            flights: BinaryHeap::new(),
            lossy: HashSet::new(),
            outside: Vec::new(),
            sent: 0,
            now,
            next_tick: now + TICK,
            next_sweep: now + SWEEP,
        }
    }

    pub fn now(&self) -> Instant {
        self.now
    }

    pub fn take(&mut self, job: Job) {
        self.floor.perform(job, self.now);
        self.launch();
    }

    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.floor.events)
    }

    pub fn has_events(&self) -> bool {
        !self.floor.events.is_empty()
    }

    /// A datagram from outside arrives now.
    pub fn deliver(&mut self, datagram: &Datagram) {
        self.floor.receive(self.now, (Protocol::Udp, datagram.source, datagram.destination), &datagram.data);
        self.launch();
    }

    /// What has arrived outside since the last call.
    pub fn take_outside(&mut self) -> Vec<Datagram> {
        std::mem::take(&mut self.outside)
    }

    /// Let `by` pass: datagrams arrive, sessions do what is due, every 20 ms a tick.
    pub fn advance(&mut self, by: Duration) {
        let until = self.now + by;
        loop {
            let arrival = self.flights.peek().map_or(until, |Reverse(flight)| flight.arrives);
            let next = arrival.min(self.next_tick).min(self.next_sweep);
            if next > until {
                break;
            }
            self.now = self.now.max(next);
            self.step();
            if next == until && self.is_quiet_until(until) {
                break;
            }
        }
        self.now = until;
    }

    fn is_quiet_until(&self, until: Instant) -> bool {
        let arrival = self.flights.peek().is_none_or(|Reverse(flight)| flight.arrives > until);
        arrival && self.next_tick > until && self.next_sweep > until
    }

    fn step(&mut self) {
        while self.flights.peek().is_some_and(|Reverse(flight)| flight.arrives <= self.now) {
            let Some(Reverse(flight)) = self.flights.pop() else { break };
            if is_outside(flight.destination) {
                let Flight { source, destination, data, .. } = flight;
                self.outside.push(Datagram { source, destination, data });
                continue;
            }
            let route = (Protocol::Udp, flight.source, flight.destination);
            self.floor.receive(self.now, route, &flight.data);
            self.launch();
        }
        if self.next_sweep <= self.now {
            self.next_sweep += SWEEP;
            self.floor.sweep(self.now);
        }
        if self.next_tick <= self.now {
            self.next_tick += TICK;
            self.floor.tick(self.now);
        }
        self.launch();
    }

    /// The model of Gilbert: losses come in runs whose lengths and distances are geometrically distributed.
    fn is_lost(&mut self, way: Way) -> bool {
        let Network { loss, burst, .. } = self.network;
        if loss <= 0.0 {
            return false;
        }
        let run = burst.max(1.0 / (1.0 - loss).max(f64::EPSILON));
        let begins = loss / (run * (1.0 - loss).max(f64::EPSILON));
        let chance = if self.lossy.contains(&way) { 1.0 - 1.0 / run } else { begins };
        if self.chance.f64() >= chance {
            self.lossy.remove(&way);
            return false;
        }
        self.lossy.insert(way);
        true
    }

    fn launch(&mut self) {
        // Nobody has sockets here that would have to be closed.
        self.floor.gone.clear();
        for transmit in std::mem::take(&mut self.floor.transmits) {
            if self.is_lost((transmit.source, transmit.destination)) {
                continue;
            }
            let late = self.network.delay_ms + self.network.jitter_ms * self.chance.f64();
            self.sent += 1;
            self.flights.push(Reverse(Flight {
                arrives: self.now + Duration::from_secs_f64(late / 1_000.0),
                number: self.sent,
                source: transmit.source,
                destination: transmit.destination,
                data: transmit.contents.to_vec(),
            }));
        }
    }
}

#[cfg(test)]
#[path = "driven_tests.rs"]
mod tests;
