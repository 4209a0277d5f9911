//! The core as its owner drives it: requests answered at once, commands, events. Knows the messages, no Python.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Mutex;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::{Duration, Instant};

use str0m::IceCreds;

use crate::codec::CodecKind;
use crate::crypto;
pub use crate::driven::Datagram;
use crate::driven::Driven;
use crate::floor::Limits;
use crate::messages::{
    Command, CoreConfig, Counters, Event, Ice, PortStats, Profile, RefusedCode, Reply, Request, codecs_named,
};
use crate::port::{Agreed, Ends, Port, Setup};
use crate::sdp::{self, Formats, Kind, SdpError};
use crate::worker::Worker;

mod negotiation;
mod place;

use negotiation::{
    Card, Dialogue, Far, IceCredentials, answered, check_ice, check_offered_security, check_profile, offered,
    offered_plainly,
};
use place::{Place, addresses, public_of};

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

enum Mode {
    Running(Worker),
    Driven(Box<Mutex<Driven>>),
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

/// See the module. Every method may be called from any thread.
pub struct Core {
    bind: Vec<IpAddr>,
    public: Vec<IpAddr>,
    rtp_ports: (u16, u16),
    max_ports: usize,
    mode: Mode,
    cards: Mutex<HashMap<u32, Card>>,
}

impl Core {
    pub fn new(config: CoreConfig) -> Result<Self, CoreError> {
        if config.workers != 1 {
            return Err(CoreError::Workers(config.workers));
        }
        crypto::shared();
        let (bind, public) = addresses(&config)?;
        let limits = Limits {
            quality_every: Duration::from_millis(config.quality_every_ms.max(100)),
            media_timeout: Duration::from_millis(config.media_timeout_ms.max(100)),
        };
        let mode = if config.driven {
            Mode::Driven(Box::new(Mutex::new(Driven::new(&config.network, limits))))
        } else {
            let shared: Vec<_> = bind.iter().map(|ip| SocketAddr::new(*ip, config.udp_port)).collect();
            Mode::Running(Worker::start(&shared, config.tcp, limits)?)
        };
        Ok(Self {
            bind,
            public,
            rtp_ports: config.rtp_ports,
            max_ports: config.max_ports,
            mode,
            cards: Mutex::new(HashMap::new()),
        })
    }

    /// Answer a request on the caller's thread. A refusal has changed nothing.
    pub fn request(&self, request: Request) -> Reply {
        let outcome = match request {
            Request::AnswerPort { port, offer, ice, codecs, trickle: _ } => self.answer(port, &offer, ice, &codecs),
            Request::OfferPort { port, ice, codecs, trickle: _, profile } => self.offer(port, ice, &codecs, profile),
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
        let place = match remote.destination {
            Some(far) => self.pair(port, Some(far.media.ip()))?,
            None => self.place(port, ice)?,
        };
        let setup = self.setup(ice, remote.ice_lite, formats.clone(), &place);
        let mut card = self.card(&setup, &place, formats, codecs);
        let (reply, agreed) = card.answer(remote, None);
        self.open(port, card, setup, place)?;
        self.post(Job::Accept(port, Box::new(agreed)));
        Ok(reply)
    }

    fn offer(&self, port: u32, ice: Ice, codecs: &[String], profile: Profile) -> Result<Reply, Box<Refused>> {
        self.check_new(port)?;
        let codecs = codecs_named(codecs);
        if codecs.is_empty() {
            return Err(refused(RefusedCode::NoCommonCodec, "no codec to offer"));
        }
        let (formats, place) = match profile {
            Profile::Webrtc => (offered(&codecs), self.place(port, ice)?),
            Profile::Rtp | Profile::Srtp | Profile::Dtls => (offered_plainly(&codecs), self.pair(port, None)?),
        };
        let setup = self.setup(ice, ice == Ice::Full, formats.clone(), &place);
        let mut card = self.card(&setup, &place, formats, codecs);
        card.offer_security(profile);
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
        check_profile(&remote, &card.setup)?;
        check_ice(&remote, card.setup.ice)?;
        let sends = answered(&remote.formats, &card.codecs)?;
        let active = card.role(&remote);
        let protection = card.protected(&remote, active)?;
        card.settle(&remote, active);
        let codec = sends.codecs.first().map(|(kind, _)| kind.name());
        let creds = restart.map(|creds| creds.creds());
        if let Some(creds) = &creds {
            card.setup.creds = creds.clone();
        }
        let takes = card.formats.clone();
        self.post(Job::Accept(port, Box::new(Agreed { remote, sends, takes, creds, active, protection })));
        Ok(Reply::Done { codec })
    }

    fn answer_reoffer(&self, port: u32, offer: &str) -> Result<Reply, Box<Refused>> {
        let mut cards = self.lock();
        let card = cards.get_mut(&port).ok_or_else(unknown)?;
        if card.dialogue != Dialogue::Settled {
            return Err(refused(RefusedCode::WrongState, "an offer of ours is open"));
        }
        let remote = sdp::read(offer, Kind::Offer)?;
        check_profile(&remote, &card.setup)?;
        check_ice(&remote, card.setup.ice)?;
        check_offered_security(&remote, card)?;
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
        if cards.len() >= self.max_ports {
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
            plain: place.plain,
        }
    }

    fn card(&self, setup: &Setup, place: &Place, formats: Formats, codecs: Vec<CodecKind>) -> Card {
        let seen = |address: SocketAddr| SocketAddr::new(public_of(&self.public, address.ip()), address.port());
        let plain = place.plain.map(|ends| Ends { media: seen(ends.media), reports: seen(ends.reports) });
        Card::new(setup.clone(), place.candidates(&self.public), plain, formats, codecs)
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

    /// Where the port is reached.
    fn place(&self, port: u32, ice: Ice) -> Result<Place, Box<Refused>> {
        match (&self.mode, ice) {
            (Mode::Driven(_), _) => Ok(Place::virtual_of(port)),
            (Mode::Running(_), Ice::Full) => Place::alone(&self.bind)
                .map_err(|error| refused(RefusedCode::TooManyPorts, &format!("no socket: {error}"))),
            (Mode::Running(worker), Ice::Lite) => Ok(Place::shared(worker.addresses())),
        }
    }

    /// The same for a far end without WebRTC, at an address of the same family as `far`.
    fn pair(&self, port: u32, far: Option<IpAddr>) -> Result<Place, Box<Refused>> {
        if let Mode::Driven(_) = &self.mode {
            return Ok(Place::virtual_pair_of(port));
        }
        let is_like = |ip: &&IpAddr| far.is_none_or(|far| far.is_ipv6() == ip.is_ipv6());
        let ip = self
            .bind
            .iter()
            .find(is_like)
            .ok_or_else(|| refused(RefusedCode::NoRtpPort, "no address of this kind is bound"))?;
        Place::pair(*ip, self.rtp_ports)
            .map_err(|error| refused(RefusedCode::NoRtpPort, &format!("no pair of ports: {error}")))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What a panic may have left in it belongs to a port that is dropped for that panic.
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn unknown() -> Box<Refused> {
    refused(RefusedCode::UnknownPort, "there is no such port")
}
