//! Every port in use, and far ends that vanish: what is refused, what comes back, and that nothing is left behind.
//!
//! Case RTP-15.

mod abroad;
mod far_end;
mod house;

use std::time::{Duration, Instant};

use abroad::{Abroad, CODECS};
use house::{House, SECOND, names};
use offhook_media::messages::{Command, CoreConfig, Counters, Event, Ice, Profile, RefusedCode, Reply, Request};

const LIMIT: Duration = Duration::from_secs(20);
const ROUNDS: u32 = 100;
const PORTS: u32 = 8;

fn counters(house: &House) -> Counters {
    match house.core.request(Request::ReadCounters) {
        Reply::Counters(counters) => counters,
        other => panic!("{other:?}"),
    }
}

/// The UDP sockets of this process that are bound to `ports`, as the kernel lists them.
fn still_bound(ports: &[u16]) -> usize {
    let table = std::fs::read_to_string("/proc/self/net/udp").expect("a Linux");
    let local = |line: &str| u16::from_str_radix(line.split_whitespace().nth(1)?.rsplit(':').next()?, 16).ok();
    table.lines().filter_map(local).filter(|port| ports.contains(port)).count()
}

fn own_port(sdp: &str) -> u16 {
    let line = sdp.lines().find(|line| line.starts_with("a=candidate:") && line.contains(" udp "));
    line.and_then(|line| line.split(' ').nth(5)?.parse().ok()).expect("a candidate")
}

#[test]
fn rtp_15_one_port_too_many_is_refused_and_a_hundred_rounds_leak_no_port_and_no_socket() {
    let mut house = House::with(CoreConfig { max_ports: PORTS as usize, ..CoreConfig::default() });
    let mut last_ports = Vec::new();
    for round in 0..ROUNDS {
        let first = round * 100 + 1;
        // Full agents have sockets of their own, which are the dearer thing to leak.
        let offers: Vec<String> = (0..PORTS).map(|index| house.offer(first + index, Ice::Full, CODECS)).collect();
        let request = Request::OfferPort {
            port: 99,
            ice: Ice::Full,
            codecs: names(CODECS),
            trickle: false,
            profile: Profile::Webrtc,
        };
        assert_eq!(house.refusal(request), RefusedCode::TooManyPorts);
        assert_eq!(counters(&house).ports, u64::from(PORTS));
        last_ports = offers.iter().map(|offer| own_port(offer)).collect();
        assert_eq!(still_bound(&last_ports), PORTS as usize);
        house.core.send((0..PORTS).map(|index| Command::ClosePort { port: first + index }).collect());
    }
    let until = Instant::now() + LIMIT;
    while counters(&house).ports > 0 || still_bound(&last_ports) > 0 {
        assert!(Instant::now() < until, "{} sockets are left", still_bound(&last_ports));
    }
    house.events.extend(house.core.take_events());
    let closed = house.count(|event| matches!(event, Event::PortClosed { .. }));
    assert_eq!(closed, (ROUNDS * PORTS) as usize);
    house.offer(1, Ice::Full, CODECS);
}

/// The core tells silence; whoever drives it ends the call and closes the port. Nothing of the far end stays.
#[test]
fn rtp_15_a_far_end_that_is_killed_is_told_in_time_and_gives_everything_back() {
    let mut abroad = Abroad::connected();
    let before = abroad.counters();
    assert_eq!((before.ports, before.routes), (1, 1));
    abroad.house.pass(61 * SECOND);
    let told = abroad.house.count(|event| matches!(event, Event::MediaStopped { port: 1 }));
    assert_eq!(told, 1, "{:?}", abroad.house.events);
    abroad.house.send([Command::ClosePort { port: 1 }]);
    let after = abroad.counters();
    assert_eq!((after.ports, after.routes, after.streams), (0, 0, 0));
}
