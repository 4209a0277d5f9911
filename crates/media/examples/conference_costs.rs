//! What conferences cost the media thread: CPU milliseconds per participant and second, over real sockets.
//!
//! `cargo run --release --example conference_costs -- [codec] [size…]`: conferences of so many fill 60 legs, or more.
//! Their phones, in a core of their own, all send a tone (`talking`), or one of each conference does and the others send
//! silence (`listening`). `listed` is as `talking`, but without circles: everybody has a list, and so a sum, of his own.
//! Only the platform's media thread counts.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use offhook_media::core::Core;
use offhook_media::messages::{Command, CoreConfig, Event, Ice, Profile, Reply, Request, Source, Tone};

const PHONES: u32 = 10_000;
const CIRCLES: u32 = 20_000;
const LEGS: u32 = 60;
const SECONDS: u64 = 4;

type Error = Box<dyn std::error::Error>;

/// A running core and the id of its media thread.
struct Running {
    core: Core,
    thread: String,
}

impl Running {
    fn start() -> Result<Self, Error> {
        let before = media_threads()?;
        let core = Core::new(CoreConfig { max_ports: 20_000, ..CoreConfig::default() })?;
        // A thread gives itself its name.
        let thread = wait_for(|| Ok(media_threads()?.difference(&before).next().cloned()))?;
        Ok(Self { core, thread })
    }

    /// CPU time that the media thread has used, in milliseconds.
    fn cpu_ms(&self) -> Result<f64, Error> {
        let used = std::fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.thread))?;
        let nanoseconds: u64 = used.split(' ').next().ok_or("no figure")?.parse()?;
        Ok(nanoseconds as f64 / 1e6)
    }
}

fn wait_for<T>(mut found: impl FnMut() -> Result<Option<T>, Error>) -> Result<T, Error> {
    let until = Instant::now() + Duration::from_secs(30);
    while Instant::now() < until {
        if let Some(it) = found()? {
            return Ok(it);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err("it took too long".into())
}

fn media_threads() -> Result<HashSet<String>, Error> {
    let mut found = HashSet::new();
    for entry in std::fs::read_dir("/proc/self/task")? {
        let id = entry?.file_name().to_string_lossy().into_owned();
        if std::fs::read_to_string(format!("/proc/self/task/{id}/comm"))?.trim() == "offhook-media" {
            found.insert(id);
        }
    }
    Ok(found)
}

fn sdp(reply: Reply) -> Result<String, Error> {
    match reply {
        Reply::Described { sdp, .. } => Ok(sdp),
        other => Err(format!("{other:?}").into()),
    }
}

/// A phone of `phones` on a leg of `platform`, of the same number.
fn connect(platform: &Core, phones: &Core, leg: u32, codec: &str) -> Result<(), Error> {
    let codecs = vec![codec.to_owned()];
    let port = PHONES + leg;
    let offer = sdp(phones.request(Request::OfferPort {
        port,
        ice: Ice::Full,
        codecs: codecs.clone(),
        trickle: false,
        profile: Profile::Webrtc,
    }))?;
    let answer =
        sdp(platform.request(Request::AnswerPort { port: leg, offer, ice: Ice::Lite, codecs, trickle: false }))?;
    phones.request(Request::AcceptAnswer { port, answer });
    Ok(())
}

fn wait_for_all(platform: &Core, legs: u32) -> Result<(), Error> {
    let mut connected = 0;
    wait_for(|| {
        connected += platform.take_events().iter().filter(|it| matches!(it, Event::PortConnected { .. })).count();
        Ok((connected >= legs as usize).then_some(()))
    })
}

fn talk(phones: &Core, leg: u32) {
    let tones = vec![Tone { hz: vec![300.0 + 10.0 * leg as f32], ms: 1_000 }];
    let source = Source::Tones { tones, level: -20.0 };
    phones.send(vec![Command::Play { port: PHONES + leg, play: 1, source, rounds: 0, overlay: false }]);
}

/// How participants are told whom they hear.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    Circle,
    List,
}

fn meet(platform: &Core, members: std::ops::Range<u32>, told: Told) {
    let circle = CIRCLES + members.start;
    for port in members.clone() {
        let others = members.clone().filter(|other| *other != port).collect();
        let speakers = if told == Told::List { others } else { vec![circle] };
        platform.send(vec![Command::Hear { port, speakers }]);
    }
    if told == Told::Circle {
        let speakers = members.collect();
        platform.send(vec![Command::Convene { port: circle, speakers, apart: None, levels_ms: 200 }]);
    }
}

/// CPU milliseconds per participant and second in conferences of `size`, of whom so many talk.
fn cost(codec: &str, size: u32, talkers: u32, told: Told) -> Result<f64, Error> {
    let legs = LEGS.max(size);
    let (platform, phones) = (Running::start()?, Running::start()?);
    for leg in 0..legs {
        connect(&platform.core, &phones.core, leg, codec)?;
    }
    wait_for_all(&platform.core, legs)?;
    for first in (0..legs).step_by(size as usize) {
        let members = first..(first + size).min(legs);
        members.clone().take(talkers as usize).for_each(|leg| talk(&phones.core, leg));
        meet(&platform.core, members, told);
    }
    std::thread::sleep(Duration::from_secs(1));
    let (before, start) = (platform.cpu_ms()?, Instant::now());
    std::thread::sleep(Duration::from_secs(SECONDS));
    Ok((platform.cpu_ms()? - before) / start.elapsed().as_secs_f64() / f64::from(legs))
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let codec = arguments.next().unwrap_or_else(|| "pcmu".into());
    let sizes: Vec<u32> = arguments.map(|size| size.parse()).collect::<Result<_, _>>()?;
    for size in if sizes.is_empty() { vec![3, 10, LEGS] } else { sizes } {
        let (talking, listening) = (cost(&codec, size, size, Told::Circle)?, cost(&codec, size, 1, Told::Circle)?);
        let listed = cost(&codec, size, size, Told::List)?;
        println!(
            "{codec}, conferences of {size}: {talking:.2} ms talking, {listening:.2} listening, {listed:.2} listed"
        );
    }
    Ok(())
}
