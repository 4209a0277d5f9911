//! The core as its owner drives it: requests answered at once, commands, events. Knows the messages, no Python.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use str0m::IceCreds;
use str0m::net::Protocol;

use crate::codec::CodecKind;
use crate::crypto;
pub use crate::driven::Datagram;
use crate::driven::Driven;
use crate::floor::Limits;
use crate::messages::{
    Command, CoreConfig, Counters, Event, Ice, PortStats, RefusedCode, Reply, Request, codecs_named,
};
use crate::port::{Agreed, Port, Setup};
use crate::sdp::{self, Description, Formats, Kind, Local, SdpError};
use crate::worker::Worker;

/// How long a request waits for the media thread, which looks at its mailbox at least every 20 ms.
const PATIENCE: Duration = Duration::from_secs(1);

/// How a core cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    #[error("{0} is not an address")]
    Address(String),
    #[error("cannot open {0}: {1}")]
    Socket(SocketAddr, std::io::Error),
    #[error("{0} names no address of this machine: bind the one that far ends reach")]
    Unspecified(IpAddr),
    #[error("one worker carries all ports for now, not {0}")]
    Workers(u32),
    #[error("a driven core has no clock to wait on, a running one cannot be advanced")]
    WrongMode,
}

/// What goes to whoever owns the floor.
pub enum Job {
    Open {
        port: Box<Port>,
        own: Vec<SocketAddr>,
        sockets: Vec<UdpSocket>,
    },
    Accept(u32, Box<Agreed>),
    Command(Command),
    Stats(u32, SyncSender<Option<PortStats>>),
    Counters(SyncSender<Counters>),
    /// The port panics at its next packet.
    #[cfg(test)]
    Curse(u32),
    #[cfg(test)]
    Panic,
}

/// What the far end said of itself that decides whether a later description begins something anew.
#[derive(Clone, PartialEq, Eq)]
struct Far {
    ufrag: String,
    pwd: String,
    fingerprints: Vec<Vec<u8>>,
}

impl Far {
    fn of(remote: &Description) -> Self {
        let Description { ufrag, pwd, fingerprints, .. } = remote;
        Self { ufrag: ufrag.clone(), pwd: pwd.clone(), fingerprints: fingerprints.clone() }
    }
}

/// What was described of a port, kept on the caller's side so that SDP never waits for the media thread.
struct Card {
    setup: Setup,
    session_id: u64,
    version: u32,
    mid: String,
    candidates: Vec<String>,
    /// The formats of our last description.
    formats: Formats,
    codecs: Vec<CodecKind>,
    dialogue: Dialogue,
    far: Option<Far>,
    /// Our DTLS role, once it is settled.
    active: Option<bool>,
}

/// Where offer and answer stand (RFC 3264).
#[derive(Clone, PartialEq, Eq)]
enum Dialogue {
    Offered(Option<IceCredentials>),
    Settled,
}

#[derive(Clone, PartialEq, Eq)]
struct IceCredentials {
    ufrag: String,
    pwd: String,
}

impl IceCredentials {
    fn of(creds: &IceCreds) -> Self {
        Self { ufrag: creds.ufrag.clone(), pwd: creds.pass.clone() }
    }

    fn creds(&self) -> IceCreds {
        IceCreds { ufrag: self.ufrag.clone(), pass: self.pwd.clone() }
    }
}

enum Mode {
    Running(Worker),
    Driven(Box<Mutex<Driven>>),
}

/// See the module. Every method may be called from any thread.
pub struct Core {
    config: CoreConfig,
    mode: Mode,
    cards: Mutex<HashMap<u32, Card>>,
}

type Refusal = (RefusedCode, String, String);

impl From<SdpError> for Box<Refused> {
    fn from(error: SdpError) -> Self {
        Box::new(Refused((error.code, error.detail, error.line)))
    }
}

/// Why a request is refused.
pub struct Refused(Refusal);

fn refused(code: RefusedCode, detail: &str) -> Box<Refused> {
    Box::new(Refused((code, detail.into(), String::new())))
}

impl Core {
    pub fn new(config: CoreConfig) -> Result<Self, CoreError> {
        if config.workers != 1 {
            return Err(CoreError::Workers(config.workers));
        }
        crypto::shared();
        let limits = Limits {
            quality_every: Duration::from_millis(config.quality_every_ms.max(100)),
            media_timeout: Duration::from_millis(config.media_timeout_ms.max(100)),
        };
        let mode = if config.driven {
            Mode::Driven(Box::new(Mutex::new(Driven::new(&config.network, limits))))
        } else {
            Mode::Running(Worker::start(&addresses(&config)?, config.tcp, limits)?)
        };
        Ok(Self { config, mode, cards: Mutex::new(HashMap::new()) })
    }

    /// Answer a request on the caller's thread. A refusal has changed nothing.
    pub fn request(&self, request: Request) -> Reply {
        let outcome = match request {
            Request::AnswerPort { port, offer, ice, codecs, trickle: _ } => self.answer(port, &offer, ice, &codecs),
            Request::OfferPort { port, ice, codecs, trickle: _ } => self.offer(port, ice, &codecs),
            Request::AcceptAnswer { port, answer } => self.accept_answer(port, &answer),
            Request::AnswerReoffer { port, offer } => self.answer_reoffer(port, &offer),
            Request::Reoffer { port } => self.reoffer(port),
            Request::ReadStats { port } => self.read_stats(port),
            Request::ReadCounters => self.read_counters(),
        };
        outcome.unwrap_or_else(|refused| {
            let (code, detail, line) = refused.0;
            Reply::Refused { code, detail, line }
        })
    }

    pub fn send(&self, commands: Vec<Command>) {
        for command in commands {
            if let Command::ClosePort { port } = &command {
                self.lock().remove(port);
            }
            self.post(Job::Command(command));
        }
    }

    /// The events since the last call.
    pub fn take_events(&self) -> Vec<Event> {
        let events = match &self.mode {
            Mode::Running(worker) => worker.take_events(),
            Mode::Driven(driven) => lock(driven).take_events(),
        };
        for event in &events {
            if let Event::PortFailed { port, .. } = event {
                self.lock().remove(port);
            }
        }
        events
    }

    /// A file descriptor that is readable while events wait; none for a driven core.
    pub fn fileno(&self) -> Option<i32> {
        match &self.mode {
            Mode::Running(worker) => Some(worker.fileno()),
            Mode::Driven(_) => None,
        }
    }

    /// Move a driven core's time on.
    pub fn advance(&self, by: Duration) -> Result<(), CoreError> {
        match &self.mode {
            Mode::Running(_) => Err(CoreError::WrongMode),
            Mode::Driven(driven) => {
                lock(driven).advance(by);
                Ok(())
            }
        }
    }

    /// A driven core's time; a running one's is the clock's.
    pub fn now(&self) -> Instant {
        match &self.mode {
            Mode::Running(_) => Instant::now(),
            Mode::Driven(driven) => lock(driven).now(),
        }
    }

    /// Give a driven core a datagram of a far end outside of it (see [`Datagram`]).
    pub fn deliver(&self, datagram: &Datagram) -> Result<(), CoreError> {
        let Mode::Driven(driven) = &self.mode else { return Err(CoreError::WrongMode) };
        lock(driven).deliver(datagram);
        Ok(())
    }

    /// What has arrived at far ends outside of a driven core since the last call.
    pub fn take_outside(&self) -> Vec<Datagram> {
        match &self.mode {
            Mode::Running(_) => Vec::new(),
            Mode::Driven(driven) => lock(driven).take_outside(),
        }
    }

    /// Whether events wait to be taken.
    pub fn is_busy(&self) -> bool {
        match &self.mode {
            Mode::Running(worker) => worker.has_events(),
            Mode::Driven(driven) => lock(driven).has_events(),
        }
    }

    /// End every port and the threads. Later calls do nothing.
    pub fn close(&self) {
        self.lock().clear();
        if let Mode::Running(worker) = &self.mode {
            worker.stop();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Card>> {
        lock(&self.cards)
    }

    pub(crate) fn post(&self, job: Job) {
        match &self.mode {
            Mode::Running(worker) => worker.post(job),
            Mode::Driven(driven) => lock(driven).take(job),
        }
    }

    // ---- requests --------------------------------------------------------------------------------------------

    fn answer(&self, port: u32, offer: &str, ice: Ice, codecs: &[String]) -> Result<Reply, Box<Refused>> {
        self.check_new(port)?;
        let remote = sdp::read(offer, Kind::Offer)?;
        check_ice(&remote, ice)?;
        let codecs = codecs_named(codecs);
        let formats = answered(&remote.formats, &codecs)?;
        let (candidates, place) = self.place(port, ice)?;
        let setup = self.setup(ice, remote.ice_lite, formats.clone(), &place);
        let mut card = Card::new(setup.clone(), candidates, formats, codecs);
        let (reply, agreed) = card.answer(remote, None);
        self.open(port, card, setup, place)?;
        self.post(Job::Accept(port, Box::new(agreed)));
        Ok(reply)
    }

    fn offer(&self, port: u32, ice: Ice, codecs: &[String]) -> Result<Reply, Box<Refused>> {
        self.check_new(port)?;
        let codecs = codecs_named(codecs);
        if codecs.is_empty() {
            return Err(refused(RefusedCode::NoCommonCodec, "no codec to offer"));
        }
        let formats = offered(&codecs);
        let (candidates, place) = self.place(port, ice)?;
        let setup = self.setup(ice, ice == Ice::Full, formats.clone(), &place);
        let card = Card::new(setup.clone(), candidates, formats, codecs);
        let text = card.describe(&setup.creds, sdp::Setup::ActPass, None);
        self.open(port, card, setup, place)?;
        Ok(Reply::Described { sdp: text, codec: None })
    }

    fn accept_answer(&self, port: u32, answer: &str) -> Result<Reply, Box<Refused>> {
        let mut cards = self.lock();
        let card = cards.get_mut(&port).ok_or_else(unknown)?;
        let Dialogue::Offered(restart) = card.dialogue.clone() else {
            return Err(refused(RefusedCode::WrongState, "there is no offer to answer"));
        };
        let remote = sdp::read(answer, Kind::Answer)?;
        check_ice(&remote, card.setup.ice)?;
        let sends = answered(&remote.formats, &card.codecs)?;
        let active = card.role(&remote);
        card.settle(&remote, active);
        let codec = sends.codecs.first().map(|(kind, _)| kind.name());
        let creds = restart.map(|creds| creds.creds());
        if let Some(creds) = &creds {
            card.setup.creds = creds.clone();
        }
        let takes = card.formats.clone();
        self.post(Job::Accept(port, Box::new(Agreed { remote, sends, takes, creds, active })));
        Ok(Reply::Done { codec })
    }

    fn answer_reoffer(&self, port: u32, offer: &str) -> Result<Reply, Box<Refused>> {
        let mut cards = self.lock();
        let card = cards.get_mut(&port).ok_or_else(unknown)?;
        if card.dialogue != Dialogue::Settled {
            return Err(refused(RefusedCode::WrongState, "an offer of ours is open"));
        }
        let remote = sdp::read(offer, Kind::Offer)?;
        check_ice(&remote, card.setup.ice)?;
        card.formats = answered(&remote.formats, &card.codecs)?;
        let is_same = |far: &Far| (&far.ufrag, &far.pwd) == (&remote.ufrag, &remote.pwd);
        let creds = (!card.far.as_ref().is_some_and(is_same)).then(IceCreds::new);
        card.version += 1;
        let (reply, agreed) = card.answer(remote, creds);
        self.post(Job::Accept(port, Box::new(agreed)));
        Ok(reply)
    }

    fn reoffer(&self, port: u32) -> Result<Reply, Box<Refused>> {
        let mut cards = self.lock();
        let card = cards.get_mut(&port).ok_or_else(unknown)?;
        if card.dialogue != Dialogue::Settled {
            return Err(refused(RefusedCode::WrongState, "an offer is open already"));
        }
        let creds = IceCreds::new();
        card.version += 1;
        card.dialogue = Dialogue::Offered(Some(IceCredentials::of(&creds)));
        let text = card.describe(&creds, sdp::Setup::ActPass, None);
        Ok(Reply::Described { sdp: text, codec: None })
    }

    fn read_stats(&self, port: u32) -> Result<Reply, Box<Refused>> {
        let (tell, told) = sync_channel(1);
        self.post(Job::Stats(port, tell));
        let stats = told.recv_timeout(PATIENCE).ok().flatten();
        stats.map(Reply::Stats).ok_or_else(unknown)
    }

    fn read_counters(&self) -> Result<Reply, Box<Refused>> {
        let (tell, told) = sync_channel(1);
        self.post(Job::Counters(tell));
        let counters = told.recv_timeout(PATIENCE);
        counters.map(Reply::Counters).map_err(|_| refused(RefusedCode::WrongState, "the worker is gone"))
    }

    fn check_new(&self, port: u32) -> Result<(), Box<Refused>> {
        let cards = self.lock();
        if cards.contains_key(&port) {
            return Err(refused(RefusedCode::PortExists, "the port is open already"));
        }
        if cards.len() >= self.config.max_ports {
            return Err(refused(RefusedCode::TooManyPorts, "every port is in use"));
        }
        Ok(())
    }

    fn setup(&self, ice: Ice, controlling: bool, formats: Formats, place: &Place) -> Setup {
        Setup {
            ice,
            controlling: controlling && ice == Ice::Full,
            creds: IceCreds::new(),
            addresses: place.addresses.clone(),
            formats,
            ssrc: fastrand::u32(1..),
        }
    }

    fn open(&self, id: u32, card: Card, setup: Setup, place: Place) -> Result<(), Box<Refused>> {
        let port = Box::new(Port::new(id, setup, self.now()));
        match self.lock().entry(id) {
            Entry::Occupied(_) => return Err(refused(RefusedCode::PortExists, "the port is open already")),
            Entry::Vacant(free) => free.insert(card),
        };
        self.post(Job::Open { port, own: place.own, sockets: place.sockets });
        Ok(())
    }

    /// Where the port is reached: its candidates as text, and its addresses.
    fn place(&self, port: u32, ice: Ice) -> Result<(Vec<String>, Place), Box<Refused>> {
        let place = match (&self.mode, ice) {
            (Mode::Driven(_), _) => Place::virtual_of(port),
            (Mode::Running(_), Ice::Full) => self.own_sockets()?,
            (Mode::Running(worker), Ice::Lite) => Place::shared(worker.addresses()),
        };
        Ok((self.candidates(&place.addresses), place))
    }

    /// Far ends tell two of our full ports apart by their addresses, so each has sockets of its own.
    fn own_sockets(&self) -> Result<Place, Box<Refused>> {
        let mut place = Place::default();
        for text in &self.config.bind {
            let address: IpAddr = text.parse().map_err(|_| refused(RefusedCode::TooManyPorts, "no address"))?;
            let opened = UdpSocket::bind((address, 0)).and_then(|socket| Ok((socket.local_addr()?, socket)));
            let (address, socket) =
                opened.map_err(|error| refused(RefusedCode::TooManyPorts, &format!("no socket: {error}")))?;
            place.addresses.push((Protocol::Udp, address));
            place.own.push(address);
            place.sockets.push(socket);
        }
        Ok(place)
    }

    /// Host candidates (RFC 8445 section 5.1.2.1), behind a 1:1 NAT with the public address in their place.
    fn candidates(&self, addresses: &[(Protocol, SocketAddr)]) -> Vec<String> {
        let mut lines = Vec::new();
        for (index, (proto, address)) in addresses.iter().enumerate() {
            let shown = shown_addresses(&self.config.public_addresses, address.ip());
            for ip in shown {
                let (name, kind, preference) = match proto {
                    Protocol::Tcp => ("tcp", " tcptype passive", 90_u32),
                    _ => ("udp", "", 126),
                };
                let priority = (preference << 24) | ((65_535 - index as u32) << 8) | 255;
                let port = address.port();
                lines.push(format!("candidate:{} 1 {name} {priority} {ip} {port} typ host{kind}", index + 1));
            }
        }
        lines
    }
}

fn shown_addresses(public: &[String], bound: IpAddr) -> Vec<String> {
    let same_family = |text: &&String| text.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv6() == bound.is_ipv6());
    let shown: Vec<String> = public.iter().filter(same_family).cloned().collect();
    if shown.is_empty() { vec![bound.to_string()] } else { shown }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What a panic may have left in it belongs to a port that is dropped for that panic.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn unknown() -> Box<Refused> {
    refused(RefusedCode::UnknownPort, "there is no such port")
}

fn check_ice(remote: &Description, ours: Ice) -> Result<(), Box<Refused>> {
    if remote.ice_lite && ours == Ice::Lite {
        return Err(refused(RefusedCode::RoleConflict, "both sides are ICE lite"));
    }
    Ok(())
}

const fn role(active: bool) -> sdp::Setup {
    if active { sdp::Setup::Active } else { sdp::Setup::Passive }
}

/// What we send and take in answer to what the far end takes: the common codecs, its payload types, its order.
fn answered(remote: &Formats, codecs: &[CodecKind]) -> Result<Formats, Box<Refused>> {
    let common = sdp::common(remote, codecs);
    if common.is_empty() {
        return Err(refused(RefusedCode::NoCommonCodec, "no codec that both sides take"));
    }
    Ok(Formats { codecs: common, ..remote.clone() })
}

fn offered(codecs: &[CodecKind]) -> Formats {
    let has_narrow = codecs.iter().any(|kind| kind.clock_rate() == 8_000);
    Formats {
        codecs: codecs.iter().map(|kind| (*kind, kind.default_pt())).collect(),
        comfort_noise: has_narrow.then_some(13),
        events_48k: codecs.contains(&CodecKind::Opus).then_some(110),
        events_8k: Some(126),
    }
}

/// The addresses of a port.
#[derive(Default)]
struct Place {
    addresses: Vec<(Protocol, SocketAddr)>,
    own: Vec<SocketAddr>,
    sockets: Vec<UdpSocket>,
}

impl Place {
    fn shared(addresses: &[(Protocol, SocketAddr)]) -> Self {
        Self { addresses: addresses.to_vec(), ..Self::default() }
    }

    /// In a driven core every port is a host of its own in 10.0.0.0/8.
    fn virtual_of(port: u32) -> Self {
        let [_, b, c, d] = port.to_be_bytes();
        let address = SocketAddr::from(([10, b, c, d], 4_000));
        Self { addresses: vec![(Protocol::Udp, address)], own: vec![address], sockets: Vec::new() }
    }
}

fn addresses(config: &CoreConfig) -> Result<Vec<SocketAddr>, CoreError> {
    let parse = |text: &String| text.parse().map_err(|_| CoreError::Address(text.clone()));
    let bound: Vec<IpAddr> = config.bind.iter().map(parse).collect::<Result<_, _>>()?;
    if let Some(any) = bound.iter().find(|ip| ip.is_unspecified()) {
        return Err(CoreError::Unspecified(*any));
    }
    for text in &config.public_addresses {
        parse(text)?;
    }
    Ok(bound.into_iter().map(|ip| SocketAddr::new(ip, config.udp_port)).collect())
}

impl Card {
    fn new(setup: Setup, candidates: Vec<String>, formats: Formats, codecs: Vec<CodecKind>) -> Self {
        Self {
            setup,
            session_id: fastrand::u64(1..1 << 62),
            version: 1,
            mid: "0".into(),
            candidates,
            formats,
            codecs,
            dialogue: Dialogue::Offered(None),
            far: None,
            active: None,
        }
    }

    /// Our DTLS role: the one that the far end's description leaves us, and where it leaves the choice, the one we have, or
    /// the server's. RFC 8842 section 5.3 recommends `active` to answerers, which saves half a round trip where both sides
    /// do full ICE. A lite side is different: which pair is good is found out by the far end, which can begin at that very
    /// moment, while we would begin on the first pair that was checked and start timers for far ends that never come.
    fn role(&self, remote: &Description) -> bool {
        let is_same = self.far.as_ref().is_some_and(|far| far.fingerprints == remote.fingerprints);
        match remote.setup {
            sdp::Setup::Passive => true,
            sdp::Setup::Active => false,
            sdp::Setup::ActPass => is_same && self.active.unwrap_or(false),
        }
    }

    fn settle(&mut self, remote: &Description, active: bool) {
        self.far = Some(Far::of(remote));
        self.active = Some(active);
        self.dialogue = Dialogue::Settled;
    }

    /// Answer an offer whose common formats are noted. `creds` are new ones of ours, where ICE restarts.
    fn answer(&mut self, remote: Description, creds: Option<IceCreds>) -> (Reply, Agreed) {
        let active = self.role(&remote);
        self.settle(&remote, active);
        self.mid.clone_from(&remote.mid);
        if let Some(creds) = &creds {
            self.setup.creds = creds.clone();
        }
        let sdp = self.describe(&self.setup.creds, role(active), Some(&remote));
        let codec = self.formats.codecs.first().map(|(kind, _)| kind.name());
        let (sends, takes) = (self.formats.clone(), self.formats.clone());
        (Reply::Described { sdp, codec }, Agreed { remote, sends, takes, creds, active })
    }

    fn describe(&self, creds: &IceCreds, setup: sdp::Setup, answering: Option<&Description>) -> String {
        sdp::write(&Local {
            session_id: self.session_id,
            version: self.version,
            ufrag: &creds.ufrag,
            pwd: &creds.pass,
            ice_lite: self.setup.ice == Ice::Lite,
            fingerprint: &crypto::shared().fingerprint,
            setup,
            direction: answering.map_or(sdp::Direction::SendRecv, |remote| remote.direction.answered()),
            mid: &self.mid,
            formats: &self.formats,
            candidates: &self.candidates,
            ssrc: self.setup.ssrc,
            media: answering.map_or(&[], |remote| &remote.media),
            index: answering.map_or(0, |remote| remote.index),
        })
    }
}
