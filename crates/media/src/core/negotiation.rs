//! Offer and answer (RFC 3264, RFC 8829) of one port: what was described, and what it comes to. Opens nothing.

use str0m::IceCreds;

use super::{Refused, refused};
use crate::codec::CodecKind;
use crate::crypto;
use crate::messages::{Ice, Profile, RefusedCode, Reply};
use crate::port::{Agreed, Ends, Protection, Setup};
use crate::sdp::{self, Crypto, Description, Formats, Local, LocalPlain, Security};
use crate::srtp::{Master, Suite};

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
    /// Our keys, as our last description has them.
    security: Security,
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
        let is_plain = plain.is_some();
        Self {
            setup,
            session_id: fastrand::u64(1..1 << 62),
            version: 1,
            mid: "0".into(),
            candidates,
            plain,
            is_muxed: false,
            security: if is_plain { Security::Clear } else { Security::Dtls },
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

    /// What an offer of ours says.
    pub fn offer_security(&mut self, profile: Profile) {
        self.security = match profile {
            Profile::Webrtc | Profile::Dtls => Security::Dtls,
            Profile::Rtp => Security::Clear,
            Profile::Srtp => Security::Sdes(offered_keys()),
        };
    }

    /// What protects media after an answer to our offer. An answer keeps to how the offer protects.
    pub fn protected(&mut self, remote: &Description, active: bool) -> Result<Protection, Box<Refused>> {
        check_security(remote, &self.security)?;
        let (Security::Sdes(ours), Security::Sdes(theirs)) = (&self.security, &remote.security) else {
            return Ok(protection(remote, active));
        };
        let is_ours =
            |crypto: &&Crypto| ours.iter().any(|own| own.tag == crypto.tag && own.master.suite == crypto.master.suite);
        let chosen = theirs.iter().find(is_ours);
        let theirs = chosen.ok_or_else(|| refused(RefusedCode::NoAudio, "the answer takes none of our keys"))?.clone();
        let ours: Vec<Crypto> = ours.iter().filter(|own| own.tag == theirs.tag).cloned().collect();
        let protection = Protection::Keys { ours: ours[0].master.clone(), theirs: theirs.master };
        self.security = Security::Sdes(ours);
        Ok(protection)
    }

    /// What protects media after our answer: the first key of the offer, and one of ours. That stays while its suite does.
    fn protect(&mut self, remote: &Description, active: bool) -> Protection {
        let Security::Sdes(theirs) = &remote.security else {
            self.security = remote.security.clone();
            return protection(remote, active);
        };
        let Crypto { tag, master } = theirs[0].clone();
        let kept = match &self.security {
            Security::Sdes(ours) => ours.iter().find(|own| own.master.suite == master.suite),
            Security::Clear | Security::Dtls => None,
        };
        let ours = kept.map_or_else(|| Master::random(master.suite), |own| own.master.clone());
        self.security = Security::Sdes(vec![Crypto { tag, master: ours.clone() }]);
        Protection::Keys { ours, theirs: master }
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
        let protection = self.protect(&remote, active);
        let sdp = self.describe(&self.setup.creds, role(active), Some(&remote));
        let codec = self.formats.codecs.first().map(|(kind, _)| kind.name());
        let (sends, takes) = (self.formats.clone(), self.formats.clone());
        (Reply::Described { sdp, codec }, Agreed { remote, sends, takes, creds, active, protection })
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
                security: &self.security,
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

/// A later offer may protect what was in the clear, and never the other way round.
pub fn check_offered_security(remote: &Description, card: &Card) -> Result<(), Box<Refused>> {
    match card.security {
        Security::Clear => Ok(()),
        _ => check_security(remote, &card.security),
    }
}

fn check_security(remote: &Description, ours: &Security) -> Result<(), Box<Refused>> {
    // Keys beside a profile without encryption were not asked for.
    let is_unasked = *ours == Security::Clear && matches!(remote.security, Security::Sdes(_));
    if is_unasked || !remote.security.is_like(ours) {
        return Err(refused(RefusedCode::NoAudio, "media is protected otherwise than was offered"));
    }
    Ok(())
}

fn protection(remote: &Description, active: bool) -> Protection {
    match (&remote.security, &remote.destination) {
        (Security::Dtls, Some(_)) => Protection::Dtls { fingerprints: remote.fingerprints.clone(), active },
        _ => Protection::Clear,
    }
}

/// What every phone with SRTP knows, each with a key of its own (RFC 4568 section 5.1.1).
fn offered_keys() -> Vec<Crypto> {
    let suites = [Suite::AesCm128Sha80, Suite::AesCm128Sha32].into_iter();
    suites.zip(1..).map(|(suite, tag)| Crypto { tag, master: Master::random(suite) }).collect()
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
