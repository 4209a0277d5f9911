//! The media thread: the 20 ms clock and the mailbox around one floor and its sockets. Knows no SDP.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};
use str0m::net::Protocol;

use crate::bell::{Bell, Metronome};
use crate::core::{CoreError, Job};
use crate::floor::{Floor, Limits};
use crate::messages::Event;
use crate::scribe::Scribe;
use crate::sockets::Sockets;

/// Sessions are told the time on every beat; every second one is a tick.
const BEAT: Duration = Duration::from_millis(10);
const BEATS_PER_TICK: u64 = 2;
const WAKE: Token = Token(0);
const CLOCK: Token = Token(1);
const THREAD: &str = "offhook-media";

/// What the thread and its owner share.
struct Shared {
    jobs: Mutex<Vec<Job>>,
    events: Mutex<Vec<Event>>,
    /// Readable while events wait.
    bell: Bell,
    is_stopping: AtomicBool,
    is_dead: AtomicBool,
}

impl Shared {
    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A job for a thread that is gone: whoever waits for an answer sees the channel close.
    fn refuse(&self, job: Job) {
        if let Job::Open { port, .. } = job {
            let detail = String::from("the media thread ended");
            self.publish(&mut vec![Event::PortFailed { port: port.id, reason: "worker_died", detail }]);
        }
    }

    /// The thread has panicked: tell the end of every port it carried, and of those that were on their way to it.
    fn bury(&self, floor: &mut Floor) {
        floor.abandon("the media thread ended");
        floor.events.push(Event::WorkerDied { worker: 0, detail: "panic".into() });
        self.publish(&mut floor.events);
        let mut jobs = self.lock(&self.jobs);
        self.is_dead.store(true, Ordering::Release);
        for job in jobs.drain(..) {
            self.refuse(job);
        }
    }

    fn publish(&self, events: &mut Vec<Event>) {
        if events.is_empty() {
            return;
        }
        self.lock(&self.events).append(events);
        self.bell.ring();
    }
}

/// The owner's end of the thread.
pub struct Worker {
    shared: Arc<Shared>,
    waker: Waker,
    addresses: Vec<(Protocol, SocketAddr)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Open the sockets and start. With port 0 every address gets a free port, the same for UDP and TCP.
    pub fn start(addresses: &[SocketAddr], tcp: bool, limits: Limits) -> Result<Self, CoreError> {
        let unbound = SocketAddr::from(([127, 0, 0, 1], 0));
        let failed = |error| CoreError::Socket(unbound, error);
        let (mut seat, waker) = Seat::new().map_err(failed)?;
        let mut bound = Vec::new();
        for address in addresses {
            bound.extend(seat.sockets.open(*address, tcp).map_err(|error| CoreError::Socket(*address, error))?);
        }
        let shared = Arc::new(Shared {
            jobs: Mutex::new(Vec::new()),
            events: Mutex::new(Vec::new()),
            bell: Bell::new().map_err(failed)?,
            is_stopping: AtomicBool::new(false),
            is_dead: AtomicBool::new(false),
        });
        let thread = spawn(shared.clone(), seat, limits).map_err(failed)?;
        Ok(Self { shared, waker, addresses: bound, thread: Mutex::new(Some(thread)) })
    }

    pub fn addresses(&self) -> &[(Protocol, SocketAddr)] {
        &self.addresses
    }

    pub fn post(&self, job: Job) {
        let mut jobs = self.shared.lock(&self.shared.jobs);
        // Under the mailbox's lock, so that no job comes in after the thread has emptied it for the last time.
        if self.shared.is_dead.load(Ordering::Acquire) {
            self.shared.refuse(job);
            return;
        }
        jobs.push(job);
        drop(jobs);
        // It fails only when the thread is gone, which has been told as WorkerDied.
        let _ = self.waker.wake();
    }

    pub fn fileno(&self) -> i32 {
        self.shared.bell.as_raw_fd()
    }

    pub fn take_events(&self) -> Vec<Event> {
        self.shared.bell.hush();
        std::mem::take(&mut *self.shared.lock(&self.shared.events))
    }

    pub fn has_events(&self) -> bool {
        !self.shared.lock(&self.shared.events).is_empty()
    }

    pub fn stop(&self) {
        self.shared.is_stopping.store(true, Ordering::Release);
        let _ = self.waker.wake();
        if let Some(thread) = self.shared.lock(&self.thread).take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

/// What the thread starts with.
struct Seat {
    poll: Poll,
    metronome: Metronome,
    sockets: Sockets,
}

impl Seat {
    fn new() -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let metronome = Metronome::new(BEAT)?;
        poll.registry().register(&mut SourceFd(&metronome.as_raw_fd()), CLOCK, Interest::READABLE)?;
        let sockets = Sockets::new(poll.registry().try_clone()?);
        Ok((Self { poll, metronome, sockets }, waker))
    }
}

fn spawn(shared: Arc<Shared>, seat: Seat, limits: Limits) -> io::Result<JoinHandle<()>> {
    quiet_panics();
    std::thread::Builder::new().name(THREAD.into()).spawn(move || {
        let mut floor = Floor::new(limits, Scribe::threaded());
        let outcome = catch_unwind(AssertUnwindSafe(|| run(&shared, seat, &mut floor)));
        if outcome.is_err() && !shared.is_stopping.load(Ordering::Acquire) {
            shared.bury(&mut floor);
        }
    })
}

/// Symbolising a backtrace on the media thread stalls every call; the panic is told as an event instead.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some(THREAD) {
                usual(info);
            }
        }));
    });
}

fn run(shared: &Shared, mut seat: Seat, floor: &mut Floor) {
    let Seat { poll, metronome, sockets } = &mut seat;
    let mut events = Events::with_capacity(256);
    let mut beats = 0;
    while !shared.is_stopping.load(Ordering::Acquire) {
        // It fails only when a signal interrupts it; the loop goes round and waits again.
        let _ = poll.poll(&mut events, None);
        for job in std::mem::take(&mut *shared.lock(&shared.jobs)) {
            take(job, sockets, floor);
        }
        sockets.receive(floor, &events);
        let passed = metronome.beats();
        beat(floor, beats, passed);
        beats += passed;
        sockets.send(&mut floor.transmits);
        // After the goodbyes of the ports that are gone have left by them.
        sockets.forget(floor, Instant::now());
        shared.publish(&mut floor.events);
    }
    sockets.send(&mut floor.transmits);
}

/// Pass a job to the floor, keeping the sockets that come with a port.
fn take(mut job: Job, sockets: &mut Sockets, floor: &mut Floor) {
    if let Job::Open { port, sockets: own, .. } = &mut job {
        sockets.adopt(port.id, std::mem::take(own));
    }
    floor.perform(job, Instant::now());
}

/// The clock has beaten `passed` times after `before`. Ticks that were missed are skipped, not made up in a burst.
fn beat(floor: &mut Floor, before: u64, passed: u64) {
    if passed == 0 {
        return;
    }
    let now = Instant::now();
    floor.sweep(now);
    if before / BEATS_PER_TICK != (before + passed) / BEATS_PER_TICK {
        floor.tick(now);
    }
}
