//! Offer and answer (RFC 3264, RFC 8829) of one port: what was described, and what it comes to. Opens nothing.

use str0m::IceCreds;

use super::{Refused, refused};
use crate::codec::CodecKind;
use crate::crypto;
use crate::messages::{Ice, RefusedCode, Reply};
use crate::port::{Agreed, Ends, Setup};
use crate::sdp::{self, Description, Formats, Local, LocalPlain};

/// What the far end said of itself that decides whether a later description begins something anew.
#[derive(Clone, PartialEq, Eq)]
pub struct Far {
    pub ufrag: String,
    pub pwd: String,
    fingerprints: Vec<Vec<u8>>,
}

impl Far {
    fn of(remote: &Description) -> Self {
        let Description { ufrag, pwd, fingerprints, .. } = remote;
        Self { ufrag: ufrag.clone(), pwd: pwd.clone(), fingerprints: fingerprints.clone() }
    }
}

/// What was described of a port, kept on the caller's side so that SDP never waits for the media thread.
pub struct Card {
    pub setup: Setup,
    session_id: u64,
    pub version: u32,
    mid: String,
    candidates: Vec<String>,
    /// Where our media comes in, as far ends without WebRTC are told.
    plain: Option<Ends>,
    is_muxed: bool,
    /// The formats of our last description.
    pub formats: Formats,
    pub codecs: Vec<CodecKind>,
    pub dialogue: Dialogue,
    pub far: Option<Far>,
    /// Our DTLS role, once it is settled.
    active: Option<bool>,
}

/// Where offer and answer stand (RFC 3264).
#[derive(Clone, PartialEq, Eq)]
pub enum Dialogue {
    Offered(Option<IceCredentials>),
    Settled,
}

#[derive(Clone, PartialEq, Eq)]
pub struct IceCredentials {
    ufrag: String,
    pwd: String,
}

impl IceCredentials {
    pub fn of(creds: &IceCreds) -> Self {
        Self { ufrag: creds.ufrag.clone(), pwd: creds.pass.clone() }
    }

    pub fn creds(&self) -> IceCreds {
        IceCreds { ufrag: self.ufrag.clone(), pass: self.pwd.clone() }
    }
}

impl Card {
    /// `plain` is where media comes in of a far end without WebRTC, as that is told.
    pub fn new(
        setup: Setup,
        candidates: Vec<String>,
        plain: Option<Ends>,
        formats: Formats,
        codecs: Vec<CodecKind>,
    ) -> Self {
        Self {
            setup,
            session_id: fastrand::u64(1..1 << 62),
            version: 1,
            mid: "0".into(),
            candidates,
            plain,
            is_muxed: false,
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
    pub fn role(&self, remote: &Description) -> bool {
        let is_same = self.far.as_ref().is_some_and(|far| far.fingerprints == remote.fingerprints);
        match remote.setup {
            sdp::Setup::Passive => true,
            sdp::Setup::Active => false,
            sdp::Setup::ActPass => is_same && self.active.unwrap_or(false),
        }
    }

    pub fn settle(&mut self, remote: &Description, active: bool) {
        self.far = Some(Far::of(remote));
        self.active = Some(active);
        self.dialogue = Dialogue::Settled;
    }

    /// Answer an offer whose common formats are noted. `creds` are new ones of ours, where ICE restarts.
    pub fn answer(&mut self, remote: Description, creds: Option<IceCreds>) -> (Reply, Agreed) {
        let active = self.role(&remote);
        self.settle(&remote, active);
        self.mid.clone_from(&remote.mid);
        self.is_muxed = remote.destination.is_some_and(|far| far.is_muxed);
        if let Some(creds) = &creds {
            self.setup.creds = creds.clone();
        }
        let sdp = self.describe(&self.setup.creds, role(active), Some(&remote));
        let codec = self.formats.codecs.first().map(|(kind, _)| kind.name());
        let (sends, takes) = (self.formats.clone(), self.formats.clone());
        (Reply::Described { sdp, codec }, Agreed { remote, sends, takes, creds, active })
    }

    pub fn describe(&self, creds: &IceCreds, setup: sdp::Setup, answering: Option<&Description>) -> String {
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
            plain: self.plain.map(|ends| LocalPlain {
                media: ends.media,
                reports: ends.reports,
                is_muxed: self.is_muxed,
                has_mid: answering.is_some_and(|remote| !remote.mid.is_empty()),
            }),
        })
    }
}

/// A far end keeps to the kind of media with which its port was opened.
pub fn check_profile(remote: &Description, setup: &Setup) -> Result<(), Box<Refused>> {
    if remote.destination.is_some() != setup.plain.is_some() {
        return Err(refused(RefusedCode::NoAudio, "the profile is another than before"));
    }
    Ok(())
}

pub fn check_ice(remote: &Description, ours: Ice) -> Result<(), Box<Refused>> {
    if remote.ice_lite && ours == Ice::Lite {
        return Err(refused(RefusedCode::RoleConflict, "both sides are ICE lite"));
    }
    Ok(())
}

const fn role(active: bool) -> sdp::Setup {
    if active { sdp::Setup::Active } else { sdp::Setup::Passive }
}

/// What we send and take in answer to what the far end takes: the common codecs, its payload types, its order.
pub fn answered(remote: &Formats, codecs: &[CodecKind]) -> Result<Formats, Box<Refused>> {
    let common = sdp::common(remote, codecs);
    if common.is_empty() {
        return Err(refused(RefusedCode::NoCommonCodec, "no codec that both sides take"));
    }
    Ok(Formats { codecs: common, ..remote.clone() })
}

/// What we offer to a far end without WebRTC: telephone-events are where old phones look for them.
pub fn offered_plainly(codecs: &[CodecKind]) -> Formats {
    Formats { comfort_noise: None, events_8k: Some(101), events_48k: None, ..offered(codecs) }
}

pub fn offered(codecs: &[CodecKind]) -> Formats {
    let has_narrow = codecs.iter().any(|kind| kind.clock_rate() == 8_000);
    Formats {
        codecs: codecs.iter().map(|kind| (*kind, kind.default_pt())).collect(),
        comfort_noise: has_narrow.then_some(13),
        events_48k: codecs.contains(&CodecKind::Opus).then_some(110),
        events_8k: Some(126),
    }
}
