//! The running core on real sockets: strangers get nothing and leave nothing, while a call goes on beside them.
//!
//! Cases RTP-06 to RTP-09. Waiting is for datagrams, with a limit, never for time to pass.

mod far_end;
mod house;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use far_end::FarEnd;
use house::{House, hear};
use offhook_media::messages::{Command, CoreConfig, Counters, Event, Ice, Reply, Request};
use str0m::net::Protocol;

const LIMIT: Duration = Duration::from_secs(10);
const CODECS: &[&str] = &["opus", "pcmu"];

fn counters(house: &House) -> Counters {
    match house.core.request(Request::ReadCounters) {
        Reply::Counters(counters) => counters,
        other => panic!("{other:?}"),
    }
}

/// Where the core's candidates of this transport point.
fn reached(sdp: &str, transport: &str) -> SocketAddr {
    let is_it = |line: &&str| line.starts_with("a=candidate:") && line.contains(&format!(" 1 {transport} "));
    let fields: Vec<&str> = sdp.lines().find(is_it).expect("a candidate").split(' ').collect();
    format!("{}:{}", fields[4], fields[5]).parse().expect("an address")
}

/// How a far end's datagrams travel.
enum Wire {
    Udp(UdpSocket),
    /// RFC 4571 framing.
    Tcp(TcpStream, Vec<u8>),
}

impl Wire {
    fn send(&mut self, data: &[u8], destination: SocketAddr) {
        match self {
            Self::Udp(socket) => drop(socket.send_to(data, destination)),
            Self::Tcp(stream, _) => {
                let frame = [&(data.len() as u16).to_be_bytes()[..], data].concat();
                // In two parts, so that the core has to put frames together.
                let (head, tail) = frame.split_at(frame.len() / 3);
                stream.write_all(head).and_then(|()| stream.write_all(tail)).expect("the core reads");
            }
        }
    }

    /// The next datagram, if one comes within a moment.
    fn receive(&mut self) -> Option<Vec<u8>> {
        let mut buffer = [0; 2_048];
        match self {
            Self::Udp(socket) => socket.recv(&mut buffer).ok().map(|length| buffer[..length].to_vec()),
            Self::Tcp(stream, inbox) => {
                if let Ok(length) = stream.read(&mut buffer) {
                    inbox.extend_from_slice(&buffer[..length]);
                }
                let length = usize::from(u16::from_be_bytes([*inbox.first()?, *inbox.get(1)?]));
                let frame = inbox.get(2..2 + length)?.to_vec();
                inbox.drain(..2 + length);
                Some(frame)
            }
        }
    }
}

/// A foreign far end with a real call on leg 1.
struct Caller {
    far: FarEnd,
    wire: Wire,
    core: SocketAddr,
    said: u64,
}

impl Caller {
    fn over_udp(house: &House, port: u32) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(5))).expect("a timeout");
        let address = socket.local_addr().expect("an address");
        let (mut far, offer) = FarEnd::new(address, Protocol::Udp, Instant::now());
        let answer = house.answer(port, offer, Ice::Lite, CODECS);
        far.accept(&answer);
        Self { far, wire: Wire::Udp(socket), core: reached(&answer, "udp"), said: 0 }
    }

    fn over_tcp(house: &House, port: u32) -> Self {
        let probe = house.answer(
            900,
            FarEnd::new("127.0.0.1:9".parse().expect("an address"), Protocol::Tcp, Instant::now()).1,
            Ice::Lite,
            CODECS,
        );
        house.send([Command::ClosePort { port: 900 }]);
        let core = reached(&probe, "tcp");
        let stream = TcpStream::connect(core).expect("a listener");
        stream.set_read_timeout(Some(Duration::from_millis(5))).expect("a timeout");
        stream.set_nodelay(true).expect("no delay");
        let address = stream.local_addr().expect("an address");
        let (mut far, offer) = FarEnd::new(address, Protocol::Tcp, Instant::now());
        let answer = house.answer(port, offer, Ice::Lite, CODECS);
        // This far end speaks TCP only.
        let only: Vec<&str> = answer.lines().filter(|line| !line.contains(" 1 udp ")).collect();
        far.accept(&(only.join("\r\n") + "\r\n"));
        Self { far, wire: Wire::Tcp(stream, Vec::new()), core, said: 0 }
    }

    /// Go on until it is so.
    fn until(&mut self, house: &mut House, is_so: impl Fn(&Self, &House) -> bool) {
        let limit = Instant::now() + LIMIT;
        while !is_so(self, house) {
            assert!(Instant::now() < limit, "it never came to that: {:?}", house.events);
            self.turn();
            house.events.extend(house.core.take_events());
        }
    }

    fn turn(&mut self) {
        if self.far.is_connected {
            self.said += 1;
            self.far.say(self.said, self.said as u32 * 960, Instant::now());
        }
        for transmit in self.far.step(Instant::now()) {
            self.wire.send(&transmit.contents, transmit.destination);
        }
        if let Some(data) = self.wire.receive() {
            self.far.receive(self.core, &data, Instant::now());
        }
    }
}

fn house() -> House {
    House::with(CoreConfig::default())
}

/// Every recorded datagram of a stranger, and some garbage of every first byte.
fn stranger_datagrams() -> Vec<(String, Vec<u8>)> {
    let corpus = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus/datagram")).expect("a corpus");
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        (path.display().to_string(), std::fs::read(path).expect("a file"))
    };
    let garbage = (0..=255_u8).map(|first| (format!("garbage {first}"), [&[first][..], &[0x5a; 63]].concat()));
    corpus.map(read).chain(garbage).collect()
}

#[test]
fn rtp_06_strangers_get_no_byte_back_and_leave_no_state_while_a_call_goes_on() {
    let mut house = house();
    let mut caller = Caller::over_udp(&house, 1);
    caller.until(&mut house, |caller, house| caller.far.is_connected && house.is_connected(1));
    let before = counters(&house);
    let stranger = UdpSocket::bind("127.0.0.1:0").expect("a socket");
    stranger.set_nonblocking(true).expect("a mode");
    let datagrams = stranger_datagrams();
    let rounds = 20;
    for _ in 0..rounds {
        for (_, data) in &datagrams {
            stranger.send_to(data, caller.core).expect("a datagram");
        }
        caller.turn();
    }
    let sent = (rounds * datagrams.len()) as u64;
    // Every one was looked at by now, or the kernel would have had to drop some.
    caller.until(&mut house, |_, house| {
        let now = counters(house);
        now.strangers + now.malformed - before.strangers - before.malformed == sent
    });
    let mut buffer = [0; 2_048];
    let answer = stranger.recv_from(&mut buffer);
    assert!(matches!(&answer, Err(error) if error.kind() == ErrorKind::WouldBlock), "{answer:?}");
    let after = counters(&house);
    assert_eq!((after.ports, after.routes, after.connections), (before.ports, before.routes, before.connections));
    assert_eq!(after.streams, 1);
    let heard = caller.far.packets.len();
    caller.until(&mut house, |caller, _| caller.far.packets.len() > heard + 10);
    assert_eq!(house.events.iter().filter(|event| matches!(event, Event::PortFailed { .. })).count(), 0);
}

#[test]
fn rtp_06_a_known_address_without_the_keys_changes_nothing() {
    let mut house = house();
    let mut caller = Caller::over_udp(&house, 1);
    caller.until(&mut house, |caller, house| caller.far.is_connected && house.is_connected(1));
    let core = caller.core;
    for (_, data) in stranger_datagrams() {
        // What comes from the far end's own address may be forged: a BYE, a close_notify, checks without integrity.
        caller.wire.send(&data, core);
        caller.turn();
    }
    let heard = caller.far.packets.len();
    caller.until(&mut house, |caller, _| caller.far.packets.len() > heard + 20);
    let after = counters(&house);
    assert_eq!((after.ports, after.routes, after.streams), (1, 1, 1));
    assert_eq!(house.connections(1), 1);
}

#[test]
fn ice_over_tcp_connects_and_carries_audio_both_ways() {
    let mut house = house();
    let mut caller = Caller::over_tcp(&house, 1);
    let mut listener = Caller::over_udp(&house, 2);
    house.send([hear(1, &[2]), hear(2, &[1])]);
    caller.until(&mut house, |caller, house| caller.far.is_connected && house.is_connected(1));
    listener.until(&mut house, |caller, house| caller.far.is_connected && house.is_connected(2));
    let is_tcp = |event: &Event| matches!(event, Event::PortConnected { port: 1, transport: "tcp", .. });
    assert_eq!(house.count(is_tcp), 1);
    caller.until(&mut house, |caller, house| caller.far.packets.len() > 20 && house.stats(1).inbound.packets > 20);
    house.send([Command::ClosePort { port: 1 }]);
    let is_closed = |event: &Event| matches!(event, Event::PortClosed { stats } if stats.port == 1);
    listener.until(&mut house, |_, house| house.count(is_closed) == 1);
}

#[test]
fn a_tcp_stranger_that_breaks_the_framing_is_cut_off() {
    let mut house = house();
    let caller = Caller::over_tcp(&house, 1);
    let mut stranger = TcpStream::connect(caller.core).expect("a listener");
    stranger.set_read_timeout(Some(LIMIT)).expect("a timeout");
    stranger.write_all(&[0xff; 4_096]).expect("the core reads");
    let mut buffer = [0; 64];
    let outcome = stranger.read(&mut buffer);
    let is_reset = |error: &std::io::Error| error.kind() == ErrorKind::ConnectionReset;
    assert!(matches!(&outcome, Ok(0)) || outcome.as_ref().is_err_and(is_reset), "{outcome:?}");
    house.events.extend(house.core.take_events());
    assert_eq!(house.count(|event| matches!(event, Event::WorkerDied { .. })), 0);
}

#[test]
fn two_full_agents_of_one_running_core_meet_on_sockets_of_their_own() {
    let mut house = house();
    let offer = house.offer(1, Ice::Full, CODECS);
    let answer = house.answer(2, offer, Ice::Full, CODECS);
    house.accept(1, answer);
    let mut beside = Caller::over_udp(&house, 3);
    beside.until(&mut house, |_, house| house.is_connected(1) && house.is_connected(2));
    house.send([Command::ClosePort { port: 1 }, Command::ClosePort { port: 2 }]);
    beside.until(&mut house, |_, house| house.count(|event| matches!(event, Event::PortClosed { .. })) == 2);
}
