//! How the packets of a port without ICE are protected: not at all, by keys of the SDP, or by keys of a DTLS handshake (RFC 5763). Knows no sockets.

use std::borrow::Cow;
use std::time::Instant;

use str0m::crypto::dtls::{DtlsInstance, DtlsOutput, DtlsVersion, SrtpProfile};

use super::{Told, Unread};
use crate::crypto;
use crate::srtp::{Master, Opener, Sealed, Sealer, Suite};

/// Room for one record of a handshake.
const RECORD: usize = 2_048;

/// What two descriptions agreed on.
#[derive(Clone, PartialEq, Eq)]
pub enum Protection {
    Clear,
    Keys {
        ours: Master,
        theirs: Master,
    },
    /// The certificates that the far end may show, and whether we are its client.
    Dtls {
        fingerprints: Vec<Vec<u8>>,
        active: bool,
    },
}

impl From<Sealed> for Unread {
    fn from(sealed: Sealed) -> Self {
        match sealed {
            Sealed::Malformed => Self::Malformed,
            Sealed::Forged | Sealed::Replayed => Self::Unauthenticated,
        }
    }
}

/// See the module.
pub struct Guard {
    agreed: Protection,
    sealer: Option<Sealer>,
    opener: Option<Opener>,
    handshake: Option<Handshake>,
    /// Of the sequence numbers that these keys seal: the roll-over counter begins at 0 (RFC 3711 section 3.3.1).
    first: Option<u64>,
}

impl Guard {
    pub fn new() -> Self {
        Self { agreed: Protection::Clear, sealer: None, opener: None, handshake: None, first: None }
    }

    /// Both sides described themselves, for the first time or anew. Keys that stay go on where they were.
    pub fn agree(&mut self, agreed: Protection, now: Instant) {
        let before = std::mem::replace(&mut self.agreed, agreed);
        match &self.agreed {
            Protection::Clear => *self = Self::new(),
            Protection::Keys { ours, theirs } => {
                let (had_ours, had_theirs) = match &before {
                    Protection::Keys { ours, theirs } => (Some(ours), Some(theirs)),
                    _ => (None, None),
                };
                if had_ours != Some(ours) {
                    (self.sealer, self.first) = (Some(Sealer::new(ours)), None);
                }
                if had_theirs != Some(theirs) {
                    self.opener = Some(Opener::new(theirs));
                }
            }
            again @ Protection::Dtls { active, .. } if *again != before => {
                let handshake = Handshake::begin(*active, now);
                *self = Self { agreed: again.clone(), handshake, ..Self::new() };
            }
            Protection::Dtls { .. } => {}
        }
    }

    /// Whether media may go out: never in the clear where it was agreed otherwise.
    pub fn is_ready(&self) -> bool {
        self.agreed == Protection::Clear || self.sealer.is_some()
    }

    pub fn open<'a>(&mut self, data: &'a [u8]) -> Result<Cow<'a, [u8]>, Unread> {
        match (&self.agreed, &mut self.opener) {
            (Protection::Clear, _) => Ok(data.into()),
            (_, Some(opener)) => Ok(opener.open(data)?.into()),
            (_, None) => Err(Unread::Unauthenticated),
        }
    }

    pub fn open_report<'a>(&mut self, data: &'a [u8]) -> Result<Cow<'a, [u8]>, Unread> {
        match (&self.agreed, &mut self.opener) {
            (Protection::Clear, _) => Ok(data.into()),
            (_, Some(opener)) => Ok(opener.open_report(data)?.into()),
            (_, None) => Err(Unread::Unauthenticated),
        }
    }

    /// The packet as it may go out; `None` where it may not.
    pub fn seal(&mut self, mut packet: Vec<u8>, extended_seq: u64) -> Option<Vec<u8>> {
        match (&self.agreed, &self.sealer) {
            (Protection::Clear, _) => Some(packet),
            (_, Some(sealer)) => {
                let first = *self.first.get_or_insert(extended_seq & !0xffff);
                // A straggler of the roll-over before these keys began cannot be sealed with them.
                sealer.seal(&mut packet, extended_seq.checked_sub(first)?);
                Some(packet)
            }
            (_, None) => None,
        }
    }

    pub fn seal_report(&mut self, mut packet: Vec<u8>) -> Option<Vec<u8>> {
        match (&self.agreed, &mut self.sealer) {
            (Protection::Clear, _) => Some(packet),
            (_, Some(sealer)) => {
                sealer.seal_report(&mut packet);
                Some(packet)
            }
            (_, None) => None,
        }
    }

    // ---- the handshake ---------------------------------------------------------------------------------------

    /// A record of the far end.
    pub fn shake(&mut self, data: &[u8]) -> Result<(), Unread> {
        let handshake = self.handshake.as_mut().ok_or(Unread::Malformed)?;
        handshake.dtls.handle_packet(data).map_err(|_| Unread::Malformed)
    }

    /// When the handshake has something to do next.
    pub fn deadline(&self) -> Option<Instant> {
        self.handshake.as_ref().map(|handshake| handshake.deadline)
    }

    /// Do what is due; `drain` tells where the handshake has failed.
    pub fn timeout(&mut self, now: Instant) {
        if let Some(handshake) = &mut self.handshake
            && let Err(error) = handshake.dtls.handle_timeout(now)
        {
            handshake.failure = Some(error.to_string());
        }
    }

    /// Say goodbye.
    pub fn close(&mut self) {
        if let Some(handshake) = &mut self.handshake {
            // It fails where the association has ended already.
            let _ = handshake.dtls.close();
        }
    }

    /// What the handshake wants sent, and what it came to.
    pub fn drain(&mut self, mut send: impl FnMut(Vec<u8>), told: &mut Vec<Told>) {
        let Some(handshake) = &mut self.handshake else { return };
        if let Some(detail) = handshake.failure.take() {
            self.handshake = None;
            told.push(Told::Failed { reason: "dtls_failed", detail });
            return;
        }
        let mut record = [0; RECORD];
        loop {
            match handshake.dtls.poll_output(&mut record) {
                DtlsOutput::Packet(packet) => send(packet.to_vec()),
                DtlsOutput::PeerCert(certificate) => handshake.shown = Some(digest(certificate)),
                DtlsOutput::KeyingMaterial(material, profile) => {
                    handshake.keys = masters(&material, profile, handshake.active);
                }
                DtlsOutput::Connected => handshake.is_over = true,
                DtlsOutput::Timeout(at) => {
                    handshake.deadline = at;
                    break;
                }
                DtlsOutput::CloseNotify => told.push(Told::Closed),
                DtlsOutput::ApplicationData(_) => {}
                // No room: but records are cut to what fits into a datagram, which is less.
                _ => break,
            }
        }
        if handshake.is_over && self.sealer.is_none() {
            told.push(self.connected());
        }
    }

    /// The handshake is done: nothing may be exchanged but with a certificate that the signalling named.
    fn connected(&mut self) -> Told {
        let (Protection::Dtls { fingerprints, .. }, Some(handshake)) = (&self.agreed, &mut self.handshake) else {
            return Told::Closed;
        };
        if !handshake.shown.as_ref().is_some_and(|shown| fingerprints.contains(shown)) {
            let detail = "the certificate is none of those that the SDP named".into();
            return Told::Failed { reason: "fingerprint_mismatch", detail };
        }
        let Some((ours, theirs)) = handshake.keys.take() else {
            let detail = "the handshake agreed on no SRTP profile".into();
            return Told::Failed { reason: "dtls_failed", detail };
        };
        (self.sealer, self.opener) = (Some(Sealer::new(&ours)), Some(Opener::new(&theirs)));
        Told::Connected
    }
}

struct Handshake {
    dtls: Box<dyn DtlsInstance>,
    active: bool,
    deadline: Instant,
    shown: Option<Vec<u8>>,
    keys: Option<(Master, Master)>,
    is_over: bool,
    failure: Option<String>,
}

impl Handshake {
    /// `None` only where the crypto library cannot allocate.
    fn begin(active: bool, now: Instant) -> Option<Self> {
        let shared = crypto::shared();
        let mut dtls =
            shared.provider.dtls_provider.new_dtls(&shared.certificate, now, DtlsVersion::Dtls12, None).ok()?;
        dtls.set_active(active);
        Some(Self { dtls, active, deadline: now, shown: None, keys: None, is_over: false, failure: None })
    }
}

fn digest(certificate: &[u8]) -> Vec<u8> {
    crypto::shared().provider.sha256_provider.sha256(certificate).to_vec()
}

/// Ours and the far end's, of what the handshake exported: both keys, then both salts, the client's first (RFC 5764
/// section 4.2).
fn masters(material: &[u8], profile: SrtpProfile, active: bool) -> Option<(Master, Master)> {
    let suite = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => Suite::AesCm128Sha80,
        SrtpProfile::AEAD_AES_128_GCM => Suite::AeadAes128Gcm,
        SrtpProfile::AEAD_AES_256_GCM => Suite::AeadAes256Gcm,
        _ => return None,
    };
    let (key, salt) = (suite.key_length(), suite.salt_length());
    let part = |at: usize, length: usize| material.get(at..at + length);
    let master = |number: usize| {
        let parts = [part(number * key, key)?, part(2 * key + number * salt, salt)?];
        Master::new(suite, parts.concat())
    };
    let (client, server) = (master(0)?, master(1)?);
    Some(if active { (client, server) } else { (server, client) })
}
