//! What a panic costs: the port that it happened in, and no other; or the worker, and everybody is told.

use std::time::{Duration, Instant};

use crate::core::{Core, Job};
use crate::messages::{Command, CoreConfig, Event, Ice, Profile, RefusedCode, Reply, Request};

const SECOND: Duration = Duration::from_secs(1);

fn described(core: &Core, request: Request) -> String {
    match core.request(request) {
        Reply::Described { sdp, .. } => sdp,
        other => panic!("{other:?}"),
    }
}

fn leg(core: &Core, near: u32, far: u32) {
    let codecs = vec!["opus".to_owned()];
    let offer = described(
        core,
        Request::OfferPort {
            port: far,
            ice: Ice::Full,
            codecs: codecs.clone(),
            trickle: false,
            profile: Profile::Webrtc,
        },
    );
    let request = Request::AnswerPort { port: near, offer, ice: Ice::Lite, codecs, trickle: false };
    let answer = described(core, request);
    assert!(matches!(core.request(Request::AcceptAnswer { port: far, answer }), Reply::Done { .. }));
}

#[test]
fn a_port_that_panics_is_dropped_and_the_others_go_on() {
    let core = Core::new(CoreConfig { driven: true, ..CoreConfig::default() }).expect("a core");
    for port in [1, 2, 3] {
        leg(&core, port, 10 + port);
    }
    core.send(vec![
        Command::Hear { port: 1, speakers: vec![2] },
        Command::Hear { port: 3, speakers: vec![1, 2] },
        Command::Meter { port: 13, every_ms: 200 },
    ]);
    core.advance(SECOND).expect("a driven core");
    assert_eq!(core.take_events().iter().filter(|event| matches!(event, Event::PortConnected { .. })).count(), 6);
    core.post(Job::Curse(1));
    core.advance(SECOND).expect("a driven core");
    let events = core.take_events();
    let failed: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::PortFailed { port, reason, detail } => Some((*port, *reason, detail.as_str())),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [(1, "panic", "cursed")]);
    let metered = events.iter().rev().find_map(|event| match event {
        Event::Metered { port: 13, inbound, .. } => Some(inbound.packets),
        _ => None,
    });
    assert_eq!(metered, Some(10));
    let gone = core.request(Request::ReadStats { port: 1 });
    assert!(matches!(gone, Reply::Refused { code: RefusedCode::UnknownPort, .. }), "{gone:?}");
}

#[test]
fn a_worker_that_dies_tells_every_port_and_refuses_the_next() {
    let core = Core::new(CoreConfig::default()).expect("a core");
    leg(&core, 1, 11);
    core.post(Job::Panic);
    let limit = Instant::now() + 10 * SECOND;
    let mut events = Vec::new();
    let is_dead = |event: &Event| matches!(event, Event::WorkerDied { worker: 0, .. });
    while !events.iter().any(is_dead) {
        assert!(Instant::now() < limit, "{events:?}");
        // Answered at once or, once the worker is gone, refused at once: it paces the loop without a clock.
        core.request(Request::ReadCounters);
        events.extend(core.take_events());
    }
    let is_end = |event: &&Event| matches!(event, Event::PortFailed { reason: "worker_died", .. });
    assert_eq!(events.iter().filter(is_end).count(), 2);
    let counted = core.request(Request::ReadCounters);
    assert!(matches!(counted, Reply::Refused { code: RefusedCode::WrongState, .. }), "{counted:?}");
    leg(&core, 2, 12);
    assert_eq!(core.take_events().iter().filter(is_end).count(), 2);
}
