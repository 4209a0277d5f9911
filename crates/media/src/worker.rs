//! The media thread: sockets, the 20 ms clock and the mailbox around one floor. Knows no SDP.

use std::collections::HashMap;
use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Events, Interest, Poll, Token, Waker};
use str0m::net::{Protocol, Transmit};

use crate::core::{CoreError, Job};
use crate::floor::{Floor, Limits, TICK};
use crate::messages::Event;

const SWEEP: Duration = Duration::from_millis(10);
const WAKE: Token = Token(0);
const BUFFER: usize = 2_048;
/// Datagrams taken from one socket before the clock is looked at again.
const BATCH: usize = 256;
/// Chunks taken from one connection in one turn.
const TCP_BATCH: usize = 16;
const TCP_INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);
const MAX_TCP: usize = 1_024;
/// A TCP peer that reads so slowly is cut off: audio that is seconds late helps nobody.
const MAX_TCP_BACKLOG: usize = 64 * 1_024;
/// A TCP connection that never passed an ICE check is closed after this.
const TCP_PATIENCE: Duration = Duration::from_secs(10);
/// How often connections are looked through for such.
const WEEDING: Duration = Duration::from_secs(1);
const PORT_TRIES: u32 = 64;
const SOCKET_BUFFER: libc::c_int = 4 * 1_024 * 1_024;

/// What the thread and its owner share.
struct Shared {
    jobs: Mutex<Vec<Job>>,
    events: Mutex<Vec<Event>>,
    /// Readable while events wait.
    bell: OwnedFd,
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
        let one: u64 = 1;
        // SAFETY: an eventfd takes exactly eight bytes; it can only fail when its counter is full, and then it rings.
        unsafe { libc::write(self.bell.as_raw_fd(), (&raw const one).cast(), 8) };
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
        // SAFETY: eventfd takes no pointer; the descriptor it returns is ours alone.
        let bell = unsafe { OwnedFd::from_raw_fd(libc::eventfd(0, libc::EFD_NONBLOCK | libc::EFD_CLOEXEC)) };
        let shared = Arc::new(Shared {
            jobs: Mutex::new(Vec::new()),
            events: Mutex::new(Vec::new()),
            bell,
            is_stopping: AtomicBool::new(false),
            is_dead: AtomicBool::new(false),
        });
        let unbound = SocketAddr::from(([127, 0, 0, 1], 0));
        let poll = Poll::new().map_err(|error| CoreError::Socket(unbound, error))?;
        let waker = Waker::new(poll.registry(), WAKE).map_err(|error| CoreError::Socket(unbound, error))?;
        let mut sockets = Sockets::new(poll);
        let mut bound = Vec::new();
        for address in addresses {
            bound.extend(sockets.open(*address, tcp).map_err(|error| CoreError::Socket(*address, error))?);
        }
        let thread = spawn(shared.clone(), sockets, limits).map_err(|error| CoreError::Socket(unbound, error))?;
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
        let mut count: u64 = 0;
        // SAFETY: reads the eight bytes of an eventfd into a u64; empty is EAGAIN, which is fine.
        unsafe { libc::read(self.shared.bell.as_raw_fd(), (&raw mut count).cast(), 8) };
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

fn spawn(shared: Arc<Shared>, sockets: Sockets, limits: Limits) -> std::io::Result<JoinHandle<()>> {
    quiet_panics();
    std::thread::Builder::new().name("offhook-media".into()).spawn(move || {
        let mut floor = Floor::new(limits);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&shared, sockets, &mut floor)));
        if outcome.is_err() && !shared.is_stopping.load(Ordering::Acquire) {
            shared.bury(&mut floor);
        }
    })
}

/// Symbolising a backtrace on the media thread stalls every call; the panic is told as an event instead.
fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if std::thread::current().name() != Some("offhook-media") {
                usual(info);
            }
        }));
    });
}

fn run(shared: &Shared, mut sockets: Sockets, floor: &mut Floor) {
    let mut events = Events::with_capacity(256);
    let mut next_tick = Instant::now() + TICK;
    let mut next_sweep = Instant::now() + SWEEP;
    while !shared.is_stopping.load(Ordering::Acquire) {
        let wait = next_tick.min(next_sweep).saturating_duration_since(Instant::now());
        sockets.wait(&mut events, wait);
        for job in std::mem::take(&mut *shared.lock(&shared.jobs)) {
            sockets.adopt(floor, job);
        }
        sockets.receive(floor, &events);
        let now = Instant::now();
        if now >= next_sweep {
            next_sweep = now + SWEEP;
            floor.sweep(now);
        }
        if now >= next_tick {
            next_tick = later(next_tick, now);
            floor.tick(now);
        }
        sockets.send(&mut floor.transmits);
        // After the goodbyes of the ports that are gone have left by them.
        sockets.forget(floor, now);
        shared.publish(&mut floor.events);
    }
    sockets.send(&mut floor.transmits);
}

/// The next beat after `now`; beats missed by more than one are skipped, not made up in a burst.
fn later(tick: Instant, now: Instant) -> Instant {
    let next = tick + TICK;
    if next + TICK < now { now + TICK } else { next }
}

/// One ICE-TCP connection (RFC 6544), framed as in RFC 4571.
struct Connection {
    stream: TcpStream,
    local: SocketAddr,
    remote: SocketAddr,
    opened: Instant,
    inbox: Vec<u8>,
    outbox: Vec<u8>,
}

enum Socket {
    Udp(UdpSocket, SocketAddr),
    Listener(TcpListener, SocketAddr),
    Connection(Box<Connection>),
}

struct Sockets {
    poll: Poll,
    open: HashMap<Token, Socket>,
    udp: HashMap<SocketAddr, Token>,
    /// Connections by our address and theirs.
    tcp: HashMap<(SocketAddr, SocketAddr), Token>,
    next_weeding: Instant,
    /// Sockets that belong to one port and close with it.
    own: HashMap<u32, Vec<Token>>,
    next: usize,
    buffer: Box<[u8; BUFFER]>,
}

impl Sockets {
    fn new(poll: Poll) -> Self {
        Self {
            poll,
            open: HashMap::new(),
            udp: HashMap::new(),
            tcp: HashMap::new(),
            next_weeding: Instant::now() + WEEDING,
            own: HashMap::new(),
            next: 1,
            buffer: Box::new([0; BUFFER]),
        }
    }

    fn open(&mut self, address: SocketAddr, tcp: bool) -> std::io::Result<Vec<(Protocol, SocketAddr)>> {
        let (socket, listener) = bind(address, tcp)?;
        enlarge(&socket);
        let address = self.add_udp(socket)?;
        let mut opened = vec![(Protocol::Udp, address)];
        if let Some(listener) = listener {
            listener.set_nonblocking(true)?;
            let mut listener = TcpListener::from_std(listener);
            let token = self.token();
            self.poll.registry().register(&mut listener, token, Interest::READABLE)?;
            self.open.insert(token, Socket::Listener(listener, address));
            opened.push((Protocol::Tcp, address));
        }
        Ok(opened)
    }

    fn add_udp(&mut self, socket: std::net::UdpSocket) -> std::io::Result<SocketAddr> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let mut socket = UdpSocket::from_std(socket);
        let token = self.token();
        self.poll.registry().register(&mut socket, token, Interest::READABLE)?;
        self.open.insert(token, Socket::Udp(socket, address));
        self.udp.insert(address, token);
        Ok(address)
    }

    fn token(&mut self) -> Token {
        self.next += 1;
        Token(self.next)
    }

    fn wait(&mut self, events: &mut Events, wait: Duration) {
        if let Err(error) = self.poll.poll(events, Some(wait)) {
            // Interrupted by a signal: the loop goes round and waits again.
            debug_assert_eq!(error.kind(), ErrorKind::Interrupted);
        }
    }

    /// Pass a job to the floor, keeping the sockets that come with a port.
    fn adopt(&mut self, floor: &mut Floor, mut job: Job) {
        if let Job::Open { port, sockets, .. } = &mut job {
            let id = port.id;
            for socket in std::mem::take(sockets) {
                if let Ok(address) = self.add_udp(socket) {
                    self.own.entry(id).or_default().push(self.udp[&address]);
                }
            }
        }
        floor.perform(job, Instant::now());
    }

    /// Close what belongs to ports that are gone, and TCP connections that proved nothing.
    fn forget(&mut self, floor: &mut Floor, now: Instant) {
        for id in floor.gone.drain(..) {
            for token in self.own.remove(&id).unwrap_or_default() {
                self.close(token);
            }
        }
        if now >= self.next_weeding {
            self.next_weeding = now + WEEDING;
            self.weed(floor, now);
        }
        floor.connections = self.tcp.len();
    }

    fn weed(&mut self, floor: &Floor, now: Instant) {
        let is_idle = |connection: &Connection| {
            let route = (Protocol::Tcp, connection.remote, connection.local);
            now.saturating_duration_since(connection.opened) > TCP_PATIENCE && !floor.knows(&route)
        };
        let is_weed = |token: &&Token| matches!(self.open.get(token), Some(Socket::Connection(it)) if is_idle(it));
        let weeds: Vec<Token> = self.tcp.values().filter(is_weed).copied().collect();
        for token in weeds {
            self.close(token);
        }
    }

    fn close(&mut self, token: Token) {
        match self.open.remove(&token) {
            Some(Socket::Udp(mut socket, address)) => {
                self.udp.remove(&address);
                let _ = self.poll.registry().deregister(&mut socket);
            }
            Some(Socket::Connection(mut connection)) => {
                self.tcp.remove(&(connection.local, connection.remote));
                let _ = self.poll.registry().deregister(&mut connection.stream);
            }
            Some(Socket::Listener(..)) | None => {}
        }
    }

    // ---- in --------------------------------------------------------------------------------------------------

    fn receive(&mut self, floor: &mut Floor, events: &Events) {
        for event in events {
            match self.open.get(&event.token()) {
                Some(Socket::Udp(..)) => self.receive_udp(floor, event.token()),
                Some(Socket::Listener(..)) => self.accept(event.token()),
                Some(Socket::Connection(_)) => self.receive_tcp(floor, event.token()),
                None => {}
            }
        }
    }

    fn receive_udp(&mut self, floor: &mut Floor, token: Token) {
        for _ in 0..BATCH {
            let Some(Socket::Udp(socket, local)) = self.open.get(&token) else { return };
            let (local, outcome) = (*local, socket.recv_from(&mut self.buffer[..]));
            match outcome {
                Ok((length, source)) => {
                    let route = (Protocol::Udp, source, local);
                    floor.receive(Instant::now(), route, &self.buffer[..length]);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // ICMP errors of earlier datagrams surface here; there may be more to read.
                Err(_) => {}
            }
        }
        // More waits, and an edge-triggered poll will not say so again.
        self.again(token);
    }

    fn again(&mut self, token: Token) {
        let registry = self.poll.registry();
        let _ = match self.open.get_mut(&token) {
            Some(Socket::Udp(socket, _)) => registry.reregister(socket, token, Interest::READABLE),
            Some(Socket::Connection(it)) => registry.reregister(&mut it.stream, token, TCP_INTEREST),
            Some(Socket::Listener(..)) | None => Ok(()),
        };
    }

    fn accept(&mut self, token: Token) {
        loop {
            let Some(Socket::Listener(listener, local)) = self.open.get(&token) else { return };
            let local = *local;
            let Ok((mut stream, remote)) = listener.accept() else { return };
            if self.tcp.len() >= MAX_TCP {
                continue;
            }
            let _ = stream.set_nodelay(true);
            let token = self.token();
            if self.poll.registry().register(&mut stream, token, TCP_INTEREST).is_ok() {
                let opened = Instant::now();
                let connection = Connection { stream, local, remote, opened, inbox: Vec::new(), outbox: Vec::new() };
                self.tcp.insert((local, remote), token);
                self.open.insert(token, Socket::Connection(Box::new(connection)));
            }
        }
    }

    fn receive_tcp(&mut self, floor: &mut Floor, token: Token) {
        let Some(Socket::Connection(connection)) = self.open.get_mut(&token) else { return };
        let read = connection.read(floor);
        if read == Progress::Ended || !connection.flush() {
            self.close(token);
        } else if read == Progress::Part {
            self.again(token);
        }
    }

    // ---- out -------------------------------------------------------------------------------------------------

    fn send(&mut self, transmits: &mut Vec<Transmit>) {
        for transmit in transmits.drain(..) {
            if transmit.proto == Protocol::Tcp {
                self.send_tcp(&transmit);
                continue;
            }
            let token = self.udp.get(&transmit.source);
            if let Some(Socket::Udp(socket, _)) = token.and_then(|token| self.open.get(token)) {
                // A full send buffer loses the datagram, as a full queue in any router would.
                let _ = socket.send_to(&transmit.contents, transmit.destination);
            }
        }
    }

    fn send_tcp(&mut self, transmit: &Transmit) {
        let Some(token) = self.tcp.get(&(transmit.source, transmit.destination)).copied() else { return };
        let Some(Socket::Connection(connection)) = self.open.get_mut(&token) else { return };
        connection.queue(&transmit.contents);
        if !connection.flush() {
            self.close(token);
        }
    }
}

/// How far a TCP connection was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    All,
    /// More waits, and others have to get their turn.
    Part,
    Ended,
}

impl Connection {
    /// Read frame by frame, as much as one turn allows.
    fn read(&mut self, floor: &mut Floor) -> Progress {
        let mut chunk = [0; BUFFER];
        for _ in 0..TCP_BATCH {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Progress::Ended,
                Ok(length) => self.inbox.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Progress::All,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => return Progress::Ended,
            }
            if !self.frames(floor) {
                return Progress::Ended;
            }
        }
        Progress::Part
    }

    fn frames(&mut self, floor: &mut Floor) -> bool {
        let mut at = 0;
        while let Some([high, low]) = self.inbox.get(at..at + 2) {
            let length = usize::from(u16::from_be_bytes([*high, *low]));
            if length > BUFFER {
                return false;
            }
            let Some(frame) = self.inbox.get(at + 2..at + 2 + length) else { break };
            floor.receive(Instant::now(), (Protocol::Tcp, self.remote, self.local), frame);
            at += 2 + length;
        }
        self.inbox.drain(..at);
        true
    }

    fn queue(&mut self, data: &[u8]) {
        self.outbox.extend_from_slice(&(data.len() as u16).to_be_bytes());
        self.outbox.extend_from_slice(data);
    }

    /// Write what can be written; false when the connection is over or hopelessly behind.
    fn flush(&mut self) -> bool {
        let mut at = 0;
        while at < self.outbox.len() {
            match self.stream.write(&self.outbox[at..]) {
                Ok(written) => at += written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
        self.outbox.drain(..at);
        self.outbox.len() <= MAX_TCP_BACKLOG
    }
}

/// A UDP socket and, if wanted, a TCP listener of the same port. A port that UDP found free may be taken for TCP, so
/// where any port will do, others are tried.
fn bind(address: SocketAddr, tcp: bool) -> std::io::Result<(std::net::UdpSocket, Option<std::net::TcpListener>)> {
    for tries_left in (0..PORT_TRIES).rev() {
        let socket = std::net::UdpSocket::bind(address)?;
        if !tcp {
            return Ok((socket, None));
        }
        match std::net::TcpListener::bind(socket.local_addr()?) {
            Ok(listener) => return Ok((socket, Some(listener))),
            Err(error) if address.port() != 0 || tries_left == 0 => return Err(error),
            Err(_) => {}
        }
    }
    Err(ErrorKind::AddrInUse.into())
}

/// Bursts of thousands of legs fit; the kernel may grant less.
fn enlarge(socket: &std::net::UdpSocket) {
    for option in [libc::SO_RCVBUF, libc::SO_SNDBUF] {
        let size = SOCKET_BUFFER;
        // SAFETY: passes an int by address with its size, as these two options want it.
        unsafe {
            libc::setsockopt(
                socket.as_raw_fd(),
                libc::SOL_SOCKET,
                option,
                (&raw const size).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            );
        }
    }
}
