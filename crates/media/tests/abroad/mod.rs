//! A far end that is not ours on a leg of a driven core, with everything that passes between them in the test's hands.
#![allow(dead_code, reason = "every test program uses a part of it")]

use std::net::SocketAddr;
use std::time::Duration;

use offhook_media::core::Datagram;
use offhook_media::messages::{Counters, Ice, Reply, Request};
use str0m::net::Protocol;

use crate::far_end::FarEnd;
use crate::house::{House, SECOND};

pub const STEP: Duration = Duration::from_millis(5);
pub const CODECS: &[&str] = &["opus", "pcmu"];
/// The one leg.
pub const LEG: u32 = 1;

/// See the module.
pub struct Abroad {
    pub house: House,
    pub far: FarEnd,
    /// Where the leg is reached.
    pub core: SocketAddr,
    /// Our answer to the far end's offer.
    pub answer: String,
}

impl Abroad {
    /// A far end that has offered and been answered; nothing has passed yet. `rewrite` is what becomes of its offer.
    pub fn answered(rewrite: impl Fn(String) -> String) -> Self {
        let house = House::driven();
        let address: SocketAddr = "192.0.2.1:5000".parse().expect("an address");
        let (mut far, offer) = FarEnd::new(address, Protocol::Udp, house.core.now());
        let answer = house.answer(LEG, rewrite(offer), Ice::Lite, CODECS);
        far.accept(&answer);
        let core = SocketAddr::from(([10, 0, 0, 1], 4_000));
        Self { house, far, core, answer }
    }

    /// A far end that is connected.
    pub fn connected() -> Self {
        let mut abroad = Self::answered(|offer| offer);
        abroad.pass(SECOND);
        assert!(abroad.far.is_connected && abroad.house.is_connected(LEG));
        abroad
    }

    /// Take what is on its way, and forget what came.
    pub fn forget(&mut self) {
        self.pass(STEP);
        self.far.packets.clear();
    }

    pub fn pass(&mut self, by: Duration) {
        self.pass_but(by, |_| true);
    }

    /// As `pass`, without those datagrams of the far end that `may_leave` holds back.
    pub fn pass_but(&mut self, by: Duration, may_leave: impl Fn(&[u8]) -> bool) {
        let until = self.house.core.now() + by;
        while self.house.core.now() < until {
            for transmit in self.far.step(self.house.core.now()) {
                if may_leave(&transmit.contents) {
                    self.deliver(transmit.source, &transmit.contents);
                }
            }
            self.house.pass(STEP);
            for datagram in self.house.core.take_outside() {
                self.far.receive(datagram.source, &datagram.data, self.house.core.now());
            }
        }
    }

    /// Send the leg a datagram in the name of `source`.
    pub fn deliver(&self, source: SocketAddr, data: &[u8]) {
        let datagram = Datagram { source, destination: self.core, data: data.to_vec() };
        self.house.core.deliver(&datagram).expect("a driven core");
    }

    /// The datagrams that have left for far ends since the last look.
    pub fn sent_back(&mut self) -> Vec<Vec<u8>> {
        self.house.pass(STEP);
        self.house.core.take_outside().into_iter().map(|datagram| datagram.data).collect()
    }

    pub fn counters(&self) -> Counters {
        match self.house.core.request(Request::ReadCounters) {
            Reply::Counters(counters) => counters,
            other => panic!("{other:?}"),
        }
    }
}

/// A value of the SDP's audio section.
pub fn attribute<'a>(sdp: &'a str, name: &str) -> &'a str {
    let start = format!("a={name}:");
    sdp.lines().find_map(|line| line.strip_prefix(start.as_str())).unwrap_or_else(|| panic!("no {start}"))
}
