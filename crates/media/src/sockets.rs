//! The sockets of one worker: one UDP port for all, UDP ports of single ports, ICE over TCP. Knows no SDP or audio.

use std::collections::HashMap;
use std::io::{ErrorKind, Result};
use std::net::{SocketAddr, UdpSocket as StdUdpSocket};
use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use mio::event::Source;
use mio::net::{TcpListener, TcpStream, UdpSocket};
use mio::{Events, Interest, Registry, Token};
use str0m::net::{Protocol, Transmit};

use crate::batch::{self, BATCH, Inbox};
use crate::floor::Floor;
use crate::tcp::{Connection, Fate};

/// Batches taken from one socket before the clock is looked at again.
const ROUNDS: usize = 8;
const MAX_TCP: usize = 1_024;
/// A TCP connection that never passed an ICE check is closed after this.
const TCP_PATIENCE: Duration = Duration::from_secs(10);
/// How often connections are looked through for such.
const WEEDING: Duration = Duration::from_secs(1);
const TCP_INTEREST: Interest = Interest::READABLE.add(Interest::WRITABLE);
/// Ports tried for one that is free for UDP and TCP alike.
const PORT_TRIES: u32 = 64;
const SOCKET_BUFFER: libc::c_int = 4 * 1_024 * 1_024;
/// Tokens below are the worker's own.
const FIRST_TOKEN: usize = 16;

enum Socket {
    Udp(UdpSocket, SocketAddr),
    Listener(TcpListener, SocketAddr),
    Connection(Box<Connection>),
}

/// See the module.
pub struct Sockets {
    registry: Registry,
    open: HashMap<Token, Socket>,
    udp: HashMap<SocketAddr, Token>,
    /// Connections by our address and theirs.
    tcp: HashMap<(SocketAddr, SocketAddr), Token>,
    next_weeding: Instant,
    /// Sockets that belong to one port and close with it.
    own: HashMap<u32, Vec<Token>>,
    next: usize,
    inbox: Inbox,
}

impl Sockets {
    /// Sockets whose readiness is told to the poll of `registry`.
    pub fn new(registry: Registry) -> Self {
        Self {
            registry,
            open: HashMap::new(),
            udp: HashMap::new(),
            tcp: HashMap::new(),
            next_weeding: Instant::now() + WEEDING,
            own: HashMap::new(),
            next: FIRST_TOKEN,
            inbox: Inbox::new(),
        }
    }

    /// Open an address for everybody; with port 0 any free one, the same for UDP and TCP.
    pub fn open(&mut self, address: SocketAddr, tcp: bool) -> Result<Vec<(Protocol, SocketAddr)>> {
        let (socket, listener) = bind(address, tcp)?;
        enlarge(&socket);
        let address = socket.local_addr()?;
        self.add_udp(socket)?;
        let mut opened = vec![(Protocol::Udp, address)];
        if let Some(listener) = listener {
            listener.set_nonblocking(true)?;
            let mut listener = TcpListener::from_std(listener);
            let token = self.register(&mut listener, Interest::READABLE)?;
            self.open.insert(token, Socket::Listener(listener, address));
            opened.push((Protocol::Tcp, address));
        }
        Ok(opened)
    }

    /// Keep a port's own sockets, to be closed when it is gone.
    pub fn adopt(&mut self, port: u32, sockets: Vec<StdUdpSocket>) {
        // A socket that cannot be watched leaves its port unreachable, which ends it as `ice_failed`.
        let tokens: Vec<Token> = sockets.into_iter().filter_map(|socket| self.add_udp(socket).ok()).collect();
        if !tokens.is_empty() {
            self.own.insert(port, tokens);
        }
    }

    fn add_udp(&mut self, socket: StdUdpSocket) -> Result<Token> {
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let mut socket = UdpSocket::from_std(socket);
        let token = self.register(&mut socket, Interest::READABLE)?;
        self.open.insert(token, Socket::Udp(socket, address));
        self.udp.insert(address, token);
        Ok(token)
    }

    fn register(&mut self, socket: &mut impl Source, interest: Interest) -> Result<Token> {
        self.next += 1;
        let token = Token(self.next);
        self.registry.register(socket, token, interest)?;
        Ok(token)
    }

    /// Close what belongs to ports that are gone, and TCP connections that proved nothing.
    pub fn forget(&mut self, floor: &mut Floor, now: Instant) {
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
        // Closing a descriptor takes it out of the poll; deregistering first keeps mio's own books.
        match self.open.remove(&token) {
            Some(Socket::Udp(mut socket, address)) => {
                self.udp.remove(&address);
                let _ = self.registry.deregister(&mut socket);
            }
            Some(Socket::Connection(mut connection)) => {
                self.tcp.remove(&(connection.local, connection.remote));
                let _ = self.registry.deregister(&mut connection.stream);
            }
            Some(Socket::Listener(..)) | None => {}
        }
    }

    // ---- in --------------------------------------------------------------------------------------------------

    /// Hand what has come to the floor.
    pub fn receive(&mut self, floor: &mut Floor, events: &Events) {
        for event in events {
            match self.open.get_mut(&event.token()) {
                Some(Socket::Udp(..)) => self.receive_udp(floor, event.token()),
                Some(Socket::Listener(..)) => self.accept(event.token()),
                Some(Socket::Connection(connection)) => match exchange(connection, floor) {
                    Fate::Open => {}
                    Fate::Unread => again(&self.registry, &mut connection.stream, event.token(), TCP_INTEREST),
                    Fate::Over => self.close(event.token()),
                },
                None => {}
            }
        }
    }

    fn receive_udp(&mut self, floor: &mut Floor, token: Token) {
        let Some(Socket::Udp(socket, local)) = self.open.get_mut(&token) else { return };
        for _ in 0..ROUNDS {
            let count = match self.inbox.receive(socket) {
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // ICMP errors of earlier datagrams surface here; there may be more to read.
                Err(_) => continue,
            };
            let now = Instant::now();
            for (source, data) in (0..count).filter_map(|index| self.inbox.datagram(index)) {
                floor.receive(now, (Protocol::Udp, source, *local), data);
            }
            if count < BATCH {
                return;
            }
        }
        again(&self.registry, socket, token, Interest::READABLE);
    }

    fn accept(&mut self, token: Token) {
        while let Some(Socket::Listener(listener, local)) = self.open.get(&token) {
            let local = *local;
            match listener.accept() {
                Ok((stream, remote)) if self.tcp.len() < MAX_TCP => self.welcome(stream, local, remote),
                Ok(_) => {}
                // One that was reset before we came to it: there may be others behind it.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => return,
            }
        }
    }

    fn welcome(&mut self, mut stream: TcpStream, local: SocketAddr, remote: SocketAddr) {
        let _ = stream.set_nodelay(true);
        if let Ok(token) = self.register(&mut stream, TCP_INTEREST) {
            let connection = Connection::new(stream, local, remote, Instant::now());
            self.tcp.insert((local, remote), token);
            self.open.insert(token, Socket::Connection(Box::new(connection)));
        }
    }

    // ---- out -------------------------------------------------------------------------------------------------

    /// Send everything, in order for each socket.
    pub fn send(&mut self, transmits: &mut Vec<Transmit>) {
        let mut rest = transmits.as_slice();
        while let Some(first) = rest.first() {
            let alike = |other: &Transmit| other.proto == first.proto && other.source == first.source;
            let count = rest.iter().take_while(|other| alike(other)).count();
            let (run, others) = rest.split_at(count);
            match first.proto {
                Protocol::Tcp => run.iter().for_each(|transmit| self.send_tcp(transmit)),
                _ => self.send_udp(first.source, run),
            }
            rest = others;
        }
        transmits.clear();
    }

    fn send_udp(&self, source: SocketAddr, run: &[Transmit]) {
        let Some(socket) = self.descriptor(source) else { return };
        for part in run.chunks(BATCH) {
            batch::send(socket, part.iter().map(|transmit| (transmit.destination, &transmit.contents[..])));
        }
    }

    fn descriptor(&self, source: SocketAddr) -> Option<RawFd> {
        match self.open.get(self.udp.get(&source)?)? {
            Socket::Udp(socket, _) => Some(socket.as_raw_fd()),
            Socket::Listener(..) | Socket::Connection(_) => None,
        }
    }

    fn send_tcp(&mut self, transmit: &Transmit) {
        let Some(&token) = self.tcp.get(&(transmit.source, transmit.destination)) else { return };
        let Some(Socket::Connection(connection)) = self.open.get_mut(&token) else { return };
        if connection.send(&transmit.contents) == Fate::Over {
            self.close(token);
        }
    }
}

/// More may wait, and an edge-triggered poll would not say so again.
fn again(registry: &Registry, socket: &mut impl Source, token: Token, interest: Interest) {
    // It fails only for a socket that is not registered, and then nothing is lost.
    let _ = registry.reregister(socket, token, interest);
}

fn exchange(connection: &mut Connection, floor: &mut Floor) -> Fate {
    let route = (Protocol::Tcp, connection.remote, connection.local);
    let read = connection.read(|data| floor.receive(Instant::now(), route, data));
    match (read, connection.flush()) {
        (Fate::Over, _) | (_, Fate::Over) => Fate::Over,
        (read, _) => read,
    }
}

/// A UDP socket and, if wanted, a TCP listener of the same port. A port that UDP found free may be taken for TCP, so
/// where any port will do, others are tried.
fn bind(address: SocketAddr, tcp: bool) -> Result<(StdUdpSocket, Option<std::net::TcpListener>)> {
    for tries_left in (0..PORT_TRIES).rev() {
        let socket = StdUdpSocket::bind(address)?;
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
fn enlarge(socket: &StdUdpSocket) {
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
