//! What the tests of whole calls share: a driven core with ports on it, told and heard by messages only.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::time::Duration;

use offhook_media::core::Core;
use offhook_media::messages::{
    Command, CoreConfig, Event, Ice, Network, PortStats, Profile, RefusedCode, Reply, Request, Sound, Source, Tone,
};

pub const SECOND: Duration = Duration::from_secs(1);
pub const METER_MS: u32 = 200;

/// A core and everything that it has told.
pub struct House {
    pub core: Core,
    pub events: Vec<Event>,
}

pub fn names(codecs: &[&str]) -> Vec<String> {
    codecs.iter().map(|name| (*name).to_owned()).collect()
}

impl House {
    pub fn driven() -> Self {
        Self::with(CoreConfig { driven: true, ..CoreConfig::default() })
    }

    pub fn on(network: Network) -> Self {
        Self::with(CoreConfig { driven: true, network, ..CoreConfig::default() })
    }

    pub fn with(config: CoreConfig) -> Self {
        Self { core: Core::new(config).expect("a core"), events: Vec::new() }
    }

    /// The SDP that a request is answered with; panics where it is refused.
    pub fn described(&self, request: Request) -> String {
        match self.core.request(request) {
            Reply::Described { sdp, .. } => sdp,
            other => panic!("{other:?}"),
        }
    }

    pub fn refusal(&self, request: Request) -> RefusedCode {
        match self.core.request(request) {
            Reply::Refused { code, .. } => code,
            other => panic!("{other:?}"),
        }
    }

    pub fn offer(&self, port: u32, ice: Ice, codecs: &[&str]) -> String {
        self.described(Request::OfferPort {
            port,
            ice,
            codecs: names(codecs),
            trickle: false,
            profile: Profile::Webrtc,
        })
    }

    pub fn answer(&self, port: u32, offer: String, ice: Ice, codecs: &[&str]) -> String {
        self.described(Request::AnswerPort { port, offer, ice, codecs: names(codecs), trickle: false })
    }

    pub fn accept(&self, port: u32, answer: String) {
        let reply = self.core.request(Request::AcceptAnswer { port, answer });
        assert!(matches!(reply, Reply::Done { .. }), "{reply:?}");
    }

    /// Two ports that are each other's far end: `far` plays the phone, full in ICE, `near` the platform's leg.
    pub fn leg(&mut self, near: u32, far: u32, codecs: &[&str]) {
        let offer = self.offer(far, Ice::Full, codecs);
        let answer = self.answer(near, offer, Ice::Lite, codecs);
        self.accept(far, answer);
        for _ in 0..10 {
            self.pass(SECOND);
            if self.is_connected(near) && self.is_connected(far) {
                return;
            }
        }
        panic!("leg {near} of {far} did not connect: {:?}", self.events);
    }

    /// Two phones (11, 12) on two legs (1, 2) that hear each other.
    pub fn bridge(&mut self, first: &[&str], second: &[&str]) {
        self.leg(1, 11, first);
        self.leg(2, 12, second);
        self.send([hear(1, &[2]), hear(2, &[1])]);
    }

    pub fn send<const N: usize>(&self, commands: [Command; N]) {
        self.core.send(commands.into());
    }

    pub fn pass(&mut self, by: Duration) {
        self.core.advance(by).expect("a driven core");
        self.events.extend(self.core.take_events());
    }

    pub fn is_connected(&self, port: u32) -> bool {
        self.connections(port) > 0
    }

    pub fn connections(&self, of: u32) -> usize {
        self.count(|event| matches!(event, Event::PortConnected { port, .. } if *port == of))
    }

    pub fn count(&self, is_it: impl Fn(&Event) -> bool) -> usize {
        self.events.iter().filter(|event| is_it(event)).count()
    }

    /// What the far end of `port` sent in the last metering interval; metering must be on.
    pub fn inbound(&self, of: u32) -> Sound {
        let heard = self.events.iter().rev().find_map(|event| match event {
            Event::Metered { port, inbound, .. } if *port == of => Some(inbound.clone()),
            _ => None,
        });
        heard.unwrap_or_else(|| panic!("port {of} was never metered"))
    }

    pub fn stats(&self, port: u32) -> PortStats {
        match self.core.request(Request::ReadStats { port }) {
            Reply::Stats(stats) => stats,
            other => panic!("{other:?}"),
        }
    }

    pub fn digits(&self, of: u32) -> String {
        let told = self.events.iter().filter_map(|event| match event {
            Event::DigitReceived { port, digit, .. } if *port == of => Some(*digit),
            _ => None,
        });
        told.collect()
    }
}

pub fn hear(port: u32, speakers: &[u32]) -> Command {
    Command::Hear { port, speakers: speakers.to_vec() }
}

pub fn meter(port: u32) -> Command {
    Command::Meter { port, every_ms: METER_MS }
}

/// A tone for ever.
pub fn sing(port: u32, hz: f32) -> Command {
    play(port, 1, hz, 0, false)
}

/// A tone of `ms`, or, with 0, for ever.
pub fn play(port: u32, play: u64, hz: f32, ms: u32, overlay: bool) -> Command {
    let tones = vec![Tone { hz: vec![hz], ms: if ms == 0 { 1_000 } else { ms } }];
    Command::Play { port, play, source: Source::Tones { tones, level: -15.0 }, rounds: u32::from(ms > 0), overlay }
}

#[track_caller]
pub fn assert_tone(sound: &Sound, hz: f32) {
    assert!((sound.tone_hz - hz).abs() < 15.0 && sound.level > -45.0, "{sound:?} is no tone of {hz} Hz");
}

#[track_caller]
pub fn assert_silent(sound: &Sound) {
    assert!(sound.level < -60.0, "{sound:?} is not silent");
}
