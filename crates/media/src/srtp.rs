//! SRTP and SRTCP of one association (RFC 3711, RFC 6188, RFC 7714): keys in, packets sealed and opened. Knows no sockets or SDP.

use aws_lc_rs::aead::{AES_128_GCM, AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_128, AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;

use crate::rtp::{Extender, Fixed};

/// Streams of one far end whose indices are remembered; the oldest gives way.
const MAX_STREAMS: usize = 16;
/// Salts are this long where counters are made of them, and two octets shorter for GCM.
const SALT: usize = 14;
const GCM_SALT: usize = 12;
const GCM_TAG: usize = 16;
/// The authentication key of HMAC-SHA1 (RFC 3711 section 5.2).
const AUTH_KEY: usize = 20;
/// Reports are always authenticated with the long tag (RFC 3711 section 5.2, RFC 4568 section 6.2.2).
const REPORT_TAG: usize = 10;
const RTCP_HEADER: usize = 8;
const INDEX: usize = 4;
const ENCRYPTED: u32 = 1 << 31;

/// The ciphers that we know, in our order of preference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    AesCm128Sha80,
    AesCm128Sha32,
    AesCm256Sha80,
    AesCm256Sha32,
    AeadAes128Gcm,
    AeadAes256Gcm,
}

impl Suite {
    pub const ALL: [Self; 6] = [
        Self::AesCm128Sha80,
        Self::AesCm128Sha32,
        Self::AesCm256Sha80,
        Self::AesCm256Sha32,
        Self::AeadAes128Gcm,
        Self::AeadAes256Gcm,
    ];

    /// Its name in `a=crypto` (RFC 4568 section 10.2, RFC 6188 section 4, RFC 7714 section 14.1).
    pub const fn name(self) -> &'static str {
        match self {
            Self::AesCm128Sha80 => "AES_CM_128_HMAC_SHA1_80",
            Self::AesCm128Sha32 => "AES_CM_128_HMAC_SHA1_32",
            Self::AesCm256Sha80 => "AES_256_CM_HMAC_SHA1_80",
            Self::AesCm256Sha32 => "AES_256_CM_HMAC_SHA1_32",
            Self::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Self::AeadAes256Gcm => "AEAD_AES_256_GCM",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name().eq_ignore_ascii_case(name))
    }

    pub const fn key_length(self) -> usize {
        match self {
            Self::AesCm128Sha80 | Self::AesCm128Sha32 | Self::AeadAes128Gcm => 16,
            Self::AesCm256Sha80 | Self::AesCm256Sha32 | Self::AeadAes256Gcm => 32,
        }
    }

    pub const fn salt_length(self) -> usize {
        if self.is_gcm() { GCM_SALT } else { SALT }
    }

    const fn is_gcm(self) -> bool {
        matches!(self, Self::AeadAes128Gcm | Self::AeadAes256Gcm)
    }

    const fn tag_length(self) -> usize {
        match self {
            Self::AesCm128Sha80 | Self::AesCm256Sha80 => 10,
            Self::AesCm128Sha32 | Self::AesCm256Sha32 => 4,
            Self::AeadAes128Gcm | Self::AeadAes256Gcm => GCM_TAG,
        }
    }

    /// Octets of a master key and its salt.
    pub const fn master_length(self) -> usize {
        self.key_length() + self.salt_length()
    }
}

/// A master key with its salt, for one direction. Shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Master {
    pub suite: Suite,
    material: Vec<u8>,
}

impl std::fmt::Debug for Master {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.suite.name())
    }
}

impl Master {
    /// `None` where the material is not as long as the suite has it.
    pub fn new(suite: Suite, material: Vec<u8>) -> Option<Self> {
        (material.len() == suite.master_length()).then_some(Self { suite, material })
    }

    /// A new one, out of the crypto library's generator.
    pub fn random(suite: Suite) -> Self {
        let mut material = vec![0; suite.master_length()];
        aws_lc_rs::rand::fill(&mut material).expect("the crypto library has random numbers");
        Self { suite, material }
    }

    pub fn material(&self) -> &[u8] {
        &self.material
    }
}

/// What a session key is for (RFC 3711 section 4.3.2); that of reports is three more.
const ENCRYPTION: u8 = 0;
const AUTHENTICATION: u8 = 1;
const SALTING: u8 = 2;
const OF_REPORTS: u8 = 3;

/// `length` octets for one purpose (RFC 3711 section 4.3.3, RFC 6188 section 3; the key derivation rate is 0).
fn derive(master: &Master, label: u8, length: usize) -> Vec<u8> {
    let (key, salt) = master.material.split_at(master.suite.key_length());
    let mut iv = [0; 16];
    iv[..salt.len()].copy_from_slice(salt);
    iv[7] ^= label;
    let mut out = vec![0; length];
    counter_mode(&block_cipher(key), &iv, &mut out);
    out
}

fn block_cipher(key: &[u8]) -> EncryptingKey {
    let algorithm = if key.len() == 32 { &AES_256 } else { &AES_128 };
    // Both fail only for keys of another length.
    let unbound = UnboundCipherKey::new(algorithm, key).expect("a key of this cipher's length");
    EncryptingKey::ctr(unbound).expect("AES has a counter mode")
}

fn counter_mode(cipher: &EncryptingKey, iv: &[u8; 16], data: &mut [u8]) {
    let context = EncryptionContext::Iv128(FixedLength::from(*iv));
    // It fails only where the context is that of another mode.
    cipher.less_safe_encrypt(data, context).expect("a counter of 16 octets");
}

enum Cipher {
    Counter { cipher: Box<EncryptingKey>, auth: Box<hmac::Key>, tag: usize },
    Gcm(LessSafeKey),
}

/// The session keys of one kind of packets.
struct Keys {
    cipher: Cipher,
    salt: [u8; SALT],
}

impl Keys {
    fn new(master: &Master, of: u8, tag: usize) -> Self {
        let suite = master.suite;
        let key = derive(master, of + ENCRYPTION, suite.key_length());
        let mut salt = [0; SALT];
        salt[..suite.salt_length()].copy_from_slice(&derive(master, of + SALTING, suite.salt_length()));
        let cipher = if suite.is_gcm() {
            let algorithm = if key.len() == 32 { &AES_256_GCM } else { &AES_128_GCM };
            Cipher::Gcm(LessSafeKey::new(UnboundKey::new(algorithm, &key).expect("a key of this cipher's length")))
        } else {
            let auth = derive(master, of + AUTHENTICATION, AUTH_KEY);
            let auth = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &auth);
            Cipher::Counter { cipher: Box::new(block_cipher(&key)), auth: Box::new(auth), tag }
        };
        Self { cipher, salt }
    }

    fn tag(&self) -> usize {
        match &self.cipher {
            Cipher::Counter { tag, .. } => *tag,
            Cipher::Gcm(_) => GCM_TAG,
        }
    }

    /// RFC 3711 section 4.1.1.
    fn counter(&self, ssrc: u32, index: u64) -> [u8; 16] {
        let mut iv = [0; 16];
        iv[..SALT].copy_from_slice(&self.salt);
        exclusive_or(&mut iv[4..8], &ssrc.to_be_bytes());
        exclusive_or(&mut iv[8..14], &index.to_be_bytes()[2..]);
        iv
    }

    /// RFC 7714 sections 8.1 and 9.1: for RTP the index is roll-over counter and sequence number, as here.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut iv = [0; GCM_SALT];
        iv.copy_from_slice(&self.salt[..GCM_SALT]);
        exclusive_or(&mut iv[2..6], &ssrc.to_be_bytes());
        exclusive_or(&mut iv[6..12], &index.to_be_bytes()[2..]);
        Nonce::assume_unique_for_key(iv)
    }
}

fn exclusive_or(data: &mut [u8], mask: &[u8]) {
    for (byte, mask) in data.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

fn sign(auth: &hmac::Key, data: &[u8], more: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(auth);
    context.update(data);
    context.update(more);
    context.sign()
}

/// What the roll-over counter adds to a packet where it is signed: its upper bits (RFC 3711 section 4.2).
fn roll_over(index: u64) -> [u8; 4] {
    ((index >> 16) as u32).to_be_bytes()
}

/// Compares in a time that tells nothing about where a difference is.
fn is_same(tag: &[u8], expected: &[u8]) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(tag, expected).is_ok()
}

/// Seals what we send.
pub struct Sealer {
    packets: Keys,
    reports: Keys,
    report_index: u32,
}

impl Sealer {
    pub fn new(master: &Master) -> Self {
        Self {
            packets: Keys::new(master, 0, master.suite.tag_length()),
            reports: Keys::new(master, OF_REPORTS, REPORT_TAG),
            report_index: 0,
        }
    }

    /// Seal a packet in place. `index` is its sequence number with the roll-overs since the keys began.
    pub fn seal(&self, packet: &mut Vec<u8>, index: u64) {
        let Some(Fixed { start, ssrc, .. }) = Fixed::read(packet) else { return };
        match &self.packets.cipher {
            Cipher::Counter { cipher, auth, tag } => {
                counter_mode(cipher, &self.packets.counter(ssrc, index), &mut packet[start..]);
                let signature = sign(auth, packet, &roll_over(index));
                packet.extend_from_slice(&signature.as_ref()[..*tag]);
            }
            Cipher::Gcm(key) => {
                let (header, payload) = packet.split_at_mut(start);
                let nonce = self.packets.nonce(ssrc, index);
                // It fails only for more octets than a datagram has.
                let tag = key.seal_in_place_separate_tag(nonce, Aad::from(header), payload).expect("a datagram");
                packet.extend_from_slice(tag.as_ref());
            }
        }
    }

    /// Seal a compound report in place.
    pub fn seal_report(&mut self, packet: &mut Vec<u8>) {
        self.report_index = (self.report_index + 1) & !ENCRYPTED;
        let index = self.report_index;
        let ssrc = u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]);
        let trailer = (index | ENCRYPTED).to_be_bytes();
        match &self.reports.cipher {
            Cipher::Counter { cipher, auth, tag } => {
                let iv = self.reports.counter(ssrc, u64::from(index));
                counter_mode(cipher, &iv, &mut packet[RTCP_HEADER..]);
                packet.extend(trailer);
                let signature = sign(auth, packet, &[]);
                packet.extend_from_slice(&signature.as_ref()[..*tag]);
            }
            Cipher::Gcm(key) => {
                let (header, body) = packet.split_at_mut(RTCP_HEADER);
                let aad = Aad::from([&*header, &trailer].concat());
                let nonce = self.reports.nonce(ssrc, u64::from(index));
                let tag = key.seal_in_place_separate_tag(nonce, aad, body).expect("a datagram");
                packet.extend_from_slice(tag.as_ref());
                packet.extend(trailer);
            }
        }
    }
}

/// Which indices have come (RFC 3711 section 3.3.2).
#[derive(Clone, Copy, Default)]
struct Window {
    /// Where the next one is expected.
    extender: Extender,
    /// Bit n: the index n before the highest came.
    seen: u128,
}

impl Window {
    fn is_fresh(&self, index: u64) -> bool {
        let Some(behind) = self.extender.highest().checked_sub(index) else { return true };
        self.seen == 0 || behind < 128 && self.seen >> behind & 1 == 0
    }

    fn note(&mut self, index: u64) {
        match index.checked_sub(self.extender.highest()) {
            Some(ahead) => self.seen = if ahead < 128 { self.seen << ahead | 1 } else { 1 },
            None => self.seen |= 1 << (self.extender.highest() - index),
        }
        self.extender.note(index);
    }
}

/// Why a packet is not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sealed {
    /// It is too short to be a packet of this suite.
    Malformed,
    /// Its tag is another: it was altered, or is of somebody without the keys.
    Forged,
    /// It came before.
    Replayed,
}

/// Opens what a far end sends. What does not open leaves nothing behind.
pub struct Opener {
    packets: Keys,
    reports: Keys,
    /// By their SSRC, the newest last.
    streams: Vec<(u32, Window)>,
    report_window: Window,
}

impl Opener {
    pub fn new(master: &Master) -> Self {
        Self {
            packets: Keys::new(master, 0, master.suite.tag_length()),
            reports: Keys::new(master, OF_REPORTS, REPORT_TAG),
            streams: Vec::new(),
            report_window: Window::default(),
        }
    }

    /// The packet in the clear, without its tag.
    pub fn open(&mut self, data: &[u8]) -> Result<Vec<u8>, Sealed> {
        let Fixed { start, ssrc, seq, .. } = Fixed::read(data).ok_or(Sealed::Malformed)?;
        let end = data.len().checked_sub(self.packets.tag()).filter(|end| *end >= start).ok_or(Sealed::Malformed)?;
        let known = self.streams.iter().position(|(known, _)| *known == ssrc);
        let window = known.map_or_else(Window::default, |at| self.streams[at].1);
        let index = window.extender.guess(seq);
        if !window.is_fresh(index) {
            return Err(Sealed::Replayed);
        }
        let opened = self.unseal(data, start, end, ssrc, index)?;
        self.note(known, ssrc, index);
        Ok(opened)
    }

    fn unseal(&self, data: &[u8], start: usize, end: usize, ssrc: u32, index: u64) -> Result<Vec<u8>, Sealed> {
        let (packet, tag) = data.split_at(end);
        let mut opened = packet.to_vec();
        match &self.packets.cipher {
            Cipher::Counter { cipher, auth, .. } => {
                let signature = sign(auth, packet, &roll_over(index));
                if !is_same(tag, &signature.as_ref()[..tag.len()]) {
                    return Err(Sealed::Forged);
                }
                counter_mode(cipher, &self.packets.counter(ssrc, index), &mut opened[start..]);
            }
            Cipher::Gcm(key) => {
                let nonce = self.packets.nonce(ssrc, index);
                let (header, sealed) = packet.split_at(start);
                key.open_separate_gather(nonce, Aad::from(header), sealed, tag, &mut opened[start..])
                    .map_err(|_| Sealed::Forged)?;
            }
        }
        Ok(opened)
    }

    fn note(&mut self, known: Option<usize>, ssrc: u32, index: u64) {
        let at = known.unwrap_or_else(|| {
            if self.streams.len() == MAX_STREAMS {
                self.streams.remove(0);
            }
            self.streams.push((ssrc, Window::default()));
            self.streams.len() - 1
        });
        self.streams[at].1.note(index);
    }

    /// The compound report in the clear.
    pub fn open_report(&mut self, data: &[u8]) -> Result<Vec<u8>, Sealed> {
        let tag = self.reports.tag();
        let end = data.len().checked_sub(tag + INDEX).filter(|end| *end >= RTCP_HEADER).ok_or(Sealed::Malformed)?;
        let at = if matches!(self.reports.cipher, Cipher::Gcm(_)) { data.len() - INDEX } else { end };
        let trailer = [data[at], data[at + 1], data[at + 2], data[at + 3]];
        let is_encrypted = u32::from_be_bytes(trailer) & ENCRYPTED != 0;
        let index = u64::from(u32::from_be_bytes(trailer) & !ENCRYPTED);
        if !self.report_window.is_fresh(index) {
            return Err(Sealed::Replayed);
        }
        let ssrc = u32::from_be_bytes([data[4], data[5], data[6], data[7]]);
        let opened = match &self.reports.cipher {
            Cipher::Counter { cipher, auth, .. } => {
                let (signed, tag) = data.split_at(end + INDEX);
                let signature = sign(auth, signed, &[]);
                if !is_same(tag, &signature.as_ref()[..tag.len()]) {
                    return Err(Sealed::Forged);
                }
                let mut opened = data[..end].to_vec();
                if is_encrypted {
                    counter_mode(cipher, &self.reports.counter(ssrc, index), &mut opened[RTCP_HEADER..]);
                }
                opened
            }
            Cipher::Gcm(key) if is_encrypted => {
                let aad = Aad::from([&data[..RTCP_HEADER], &trailer].concat());
                let mut opened = data[..end].to_vec();
                let (sealed, tag) = (&data[RTCP_HEADER..end], &data[end..at]);
                let nonce = self.reports.nonce(ssrc, index);
                key.open_separate_gather(nonce, aad, sealed, tag, &mut opened[RTCP_HEADER..])
                    .map_err(|_| Sealed::Forged)?;
                opened
            }
            // Reports that are authenticated and not encrypted are nobody's with GCM.
            Cipher::Gcm(_) => return Err(Sealed::Malformed),
        };
        self.report_window.note(index);
        Ok(opened)
    }
}

#[cfg(test)]
#[path = "srtp_tests.rs"]
mod tests;
