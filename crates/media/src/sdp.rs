//! The audio part of SDP as it is read (RFC 8866, RFC 8829; writing is in `write`); refuses what is malformed before anything is built.

use std::net::{IpAddr, SocketAddr};

use crate::codec::CodecKind;
use crate::messages::RefusedCode;

mod security;
mod write;

pub use security::{Crypto, Security};
pub use write::{Local, LocalPlain, write};

const MAX_BYTES: usize = 64 * 1024;
const MAX_LINE: usize = 4 * 1024;
const MAX_MEDIA: usize = 64;
const MAX_CANDIDATES: usize = 200;
const MAX_FORMATS: usize = 64;
const MAX_KEYS: usize = 16;
const SHOWN_LINE: usize = 80;

/// Why an SDP cannot be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdpError {
    pub code: RefusedCode,
    pub detail: String,
    /// The offending line, cut short; empty where something is absent.
    pub line: String,
}

impl SdpError {
    fn absent(code: RefusedCode, detail: &str) -> Self {
        Self { code, detail: detail.into(), line: String::new() }
    }

    fn at(line: &str, code: RefusedCode, detail: &str) -> Self {
        let printable = line.chars().filter(|c| !c.is_control());
        Self { code, detail: detail.into(), line: printable.take(SHOWN_LINE).collect() }
    }

    fn syntax(line: &str, detail: &str) -> Self {
        Self::at(line, RefusedCode::SdpSyntax, detail)
    }
}

/// The DTLS role that a side asks for (RFC 8842).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setup {
    ActPass,
    Active,
    Passive,
}

impl Setup {
    const fn name(self) -> &'static str {
        match self {
            Self::ActPass => "actpass",
            Self::Active => "active",
            Self::Passive => "passive",
        }
    }
}

/// Which way a side wants media to flow, as that side sees it (RFC 3264 section 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// What the other side says to it (RFC 3264 section 6.1).
    pub const fn answered(self) -> Self {
        match self {
            Self::SendOnly => Self::RecvOnly,
            Self::RecvOnly => Self::SendOnly,
            same => same,
        }
    }
}

/// Payload types of one side; `None` where it does not take the format.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Formats {
    /// In that side's order of preference.
    pub codecs: Vec<(CodecKind, u8)>,
    pub comfort_noise: Option<u8>,
    pub events_48k: Option<u8>,
    pub events_8k: Option<u8>,
}

impl Formats {
    /// Whether packets of this payload type may come.
    pub fn has(&self, pt: u8) -> bool {
        let others = [self.comfort_noise, self.events_48k, self.events_8k];
        self.codec_of(pt).is_some() || others.contains(&Some(pt))
    }

    pub fn codec_of(&self, pt: u8) -> Option<CodecKind> {
        let found = self.codecs.iter().find(|(_, known)| *known == pt);
        found.map(|(kind, _)| *kind)
    }

    /// The telephone-event payload type to send beside a codec: that of its clock rate (RFC 4733 section 2.5.1.2).
    pub fn events_beside(&self, kind: CodecKind) -> Option<(u8, u32)> {
        let (same, other) = match kind {
            CodecKind::Opus => ((self.events_48k, 48_000), (self.events_8k, 8_000)),
            CodecKind::Pcmu | CodecKind::Pcma => ((self.events_8k, 8_000), (self.events_48k, 48_000)),
        };
        [same, other].into_iter().find_map(|(pt, rate)| pt.map(|pt| (pt, rate)))
    }
}

/// Where a far end without WebRTC wants its media and the reports about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    pub media: SocketAddr,
    pub reports: Option<SocketAddr>,
    pub is_muxed: bool,
}

/// What a description says of the one audio stream that we take.
#[derive(Clone, Debug, PartialEq)]
pub struct Description {
    /// Without WebRTC: what belongs to that is empty then.
    pub destination: Option<Destination>,
    /// How what has no ICE is protected.
    pub security: Security,
    pub ufrag: String,
    pub pwd: String,
    pub ice_lite: bool,
    /// SHA-256 of the certificates that the far end may show (RFC 8122 section 5): at least one.
    pub fingerprints: Vec<Vec<u8>>,
    pub setup: Setup,
    pub direction: Direction,
    pub mid: String,
    pub formats: Formats,
    /// Candidate lines without `a=`, unparsed; those with names that are no addresses are left out.
    pub candidates: Vec<String>,
    /// Position of the audio m-line and how many there are: an answer must have as many.
    pub index: usize,
    pub media: Vec<String>,
}

/// Whether a text is a description of the one who asks or of the one who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Offer,
    Answer,
}

/// Read a description. Changes nothing and allocates in proportion to the text, which is bounded.
pub fn read(text: &str, kind: Kind) -> Result<Description, SdpError> {
    let lines = split(text)?;
    let first_media = lines
        .iter()
        .position(|line| line.starts_with("m="))
        .ok_or_else(|| SdpError::absent(RefusedCode::NoAudio, "there is no m= line"))?;
    let session = &lines[..first_media];
    let sections = sections(&lines[first_media..])?;
    let media = || sections.iter().map(|section| section[0].to_owned()).collect();
    let scopes = || sections.iter().map(|audio| Scope { session, audio }).enumerate();
    // What is protected better is preferred, whatever comes first.
    let found = Carriage::ALL.iter().find_map(|wanted| scopes().find(|(_, scope)| carriage(scope) == Some(*wanted)));
    let Some((index, scope)) = found else {
        return Err(SdpError::at(sections[0][0], RefusedCode::NoAudio, "no audio m-line that can be taken"));
    };
    let audio = scope.audio;
    match carriage(&scope) {
        Some(Carriage::Web) => {}
        _ => return plain(&scope, kind, index, media()),
    }
    Ok(Description {
        destination: None,
        security: Security::Dtls,
        ufrag: scope.bounded("ice-ufrag", 4, 256)?,
        pwd: scope.bounded("ice-pwd", 22, 256)?,
        ice_lite: session.contains(&"a=ice-lite"),
        fingerprints: fingerprints(&scope)?,
        setup: setup(&scope, kind)?,
        direction: direction(&scope),
        mid: scope.value("mid").unwrap_or("0").chars().take(32).collect(),
        formats: formats(audio)?,
        candidates: candidates(&lines)?,
        index,
        media: media(),
    })
}

/// A description without WebRTC.
fn plain(scope: &Scope<'_>, kind: Kind, index: usize, media: Vec<String>) -> Result<Description, SdpError> {
    let destination = destination(scope)?;
    // The way in which calls were put on hold before there were directions (RFC 2543 appendix B.5).
    let is_held = destination.media.ip().is_unspecified();
    let (security, fingerprints, setup) = match carriage(scope) {
        Some(Carriage::Dtls) => (Security::Dtls, fingerprints(scope)?, setup(scope, kind)?),
        _ => (keys(scope), Vec::new(), Setup::ActPass),
    };
    Ok(Description {
        destination: Some(destination),
        security,
        ufrag: String::new(),
        pwd: String::new(),
        ice_lite: false,
        fingerprints,
        setup,
        direction: if is_held { Direction::SendOnly } else { direction(scope) },
        mid: scope.value("mid").unwrap_or("").chars().take(32).collect(),
        formats: formats(scope.audio)?,
        candidates: Vec::new(),
        index,
        media,
    })
}

fn destination(scope: &Scope<'_>) -> Result<Destination, SdpError> {
    let line = scope.audio[0];
    let lines = scope.audio.iter().chain(scope.session);
    let connection = lines
        .copied()
        .find(|line| line.starts_with("c="))
        .ok_or_else(|| SdpError::absent(RefusedCode::NoAudio, "there is no c= line"))?;
    let address = connection.rsplit(' ').next().unwrap_or("");
    let ip: IpAddr =
        address.parse().map_err(|_| SdpError::at(connection, RefusedCode::NoAudio, "names no IP address"))?;
    let port = line[2..].split(' ').nth(1).and_then(|port| port.split('/').next()?.parse().ok()).unwrap_or(0);
    if ip.is_multicast() {
        return Err(SdpError::at(connection, RefusedCode::NoAudio, "is a multicast address"));
    }
    let media = SocketAddr::new(ip, port);
    let is_muxed = scope.audio.contains(&"a=rtcp-mux");
    let named = scope.value("rtcp").and_then(|value| value.split(' ').next()?.parse().ok());
    let reports =
        if is_muxed { Some(media) } else { named.or(port.checked_add(1)).map(|port| SocketAddr::new(ip, port)) };
    Ok(Destination { media, reports, is_muxed })
}

fn split(text: &str) -> Result<Vec<&str>, SdpError> {
    if text.len() > MAX_BYTES {
        return Err(SdpError::absent(RefusedCode::SdpSyntax, "longer than 64 KiB"));
    }
    let lines: Vec<&str> =
        text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)).filter(|line| !line.is_empty()).collect();
    for line in &lines {
        check_line(line)?;
    }
    match lines.first() {
        Some(&"v=0") => Ok(lines),
        Some(line) => Err(SdpError::syntax(line, "does not begin with v=0")),
        None => Err(SdpError::absent(RefusedCode::SdpSyntax, "empty")),
    }
}

fn check_line(line: &str) -> Result<(), SdpError> {
    let bytes = line.as_bytes();
    if bytes.contains(&0) {
        return Err(SdpError::syntax(line, "holds a NUL"));
    }
    if bytes.len() > MAX_LINE {
        return Err(SdpError::syntax(line, "longer than 4 KiB"));
    }
    if bytes.len() < 2 || bytes[1] != b'=' || !bytes[0].is_ascii_lowercase() {
        return Err(SdpError::syntax(line, "is not of the form x=…"));
    }
    if let Some(connection) = line.strip_prefix("c=") {
        let address = connection.rsplit(' ').next().unwrap_or("");
        if connection.split(' ').count() != 3 || address.len() > 255 {
            return Err(SdpError::syntax(line, "is not a connection address"));
        }
    }
    Ok(())
}

/// The lines of each m-section, the m-line first.
fn sections<'a>(lines: &'a [&'a str]) -> Result<Vec<&'a [&'a str]>, SdpError> {
    let starts: Vec<usize> = (0..lines.len()).filter(|&at| lines[at].starts_with("m=")).collect();
    if starts.len() > MAX_MEDIA {
        return Err(SdpError::syntax(lines[starts[MAX_MEDIA]], "too many m-lines"));
    }
    let ends = starts.iter().skip(1).copied().chain([lines.len()]);
    let found: Vec<_> = starts.iter().zip(ends).map(|(&start, end)| &lines[start..end]).collect();
    for section in &found {
        check_media(section[0])?;
    }
    Ok(found)
}

fn check_media(line: &str) -> Result<(), SdpError> {
    let fields: Vec<&str> = line[2..].split(' ').collect();
    let [kind, port, ..] = fields[..] else {
        return Err(SdpError::syntax(line, "is not a media line"));
    };
    let port = port.split('/').next().unwrap_or("");
    if fields.len() < 4 || kind.len() > 32 || port.parse::<u16>().is_err() {
        return Err(SdpError::syntax(line, "is not a media line"));
    }
    Ok(())
}

/// How an m-section wants its audio carried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Carriage {
    Web,
    Dtls,
    Sdes,
    Clear,
}

impl Carriage {
    /// The best first.
    const ALL: [Self; 4] = [Self::Web, Self::Dtls, Self::Sdes, Self::Clear];
}

/// `None` where it is no audio, is rejected, or in no profile that we speak.
fn carriage(scope: &Scope<'_>) -> Option<Carriage> {
    let fields: Vec<&str> = scope.audio[0][2..].split(' ').collect();
    if fields[0] != "audio" || fields[1] == "0" {
        return None;
    }
    let has = |name| scope.all(name).next().is_some();
    match fields[2] {
        "RTP/AVP" | "RTP/AVPF" => Some(Carriage::Clear),
        "RTP/SAVP" | "RTP/SAVPF" if has("crypto") => matches!(keys(scope), Security::Sdes(_)).then_some(Carriage::Sdes),
        "UDP/TLS/RTP/SAVP" | "UDP/TLS/RTP/SAVPF" if has("fingerprint") && !speaks_ice(scope) => Some(Carriage::Dtls),
        "UDP/TLS/RTP/SAVPF" | "UDP/TLS/RTP/SAVP" | "RTP/SAVPF" | "TCP/TLS/RTP/SAVPF" => Some(Carriage::Web),
        _ => None,
    }
}

fn speaks_ice(scope: &Scope<'_>) -> bool {
    ["ice-ufrag", "ice-pwd", "candidate"].into_iter().any(|name| scope.all(name).next().is_some())
}

/// Keys beside a profile without encryption are an offer to encrypt all the same, as some phones make it.
fn keys(scope: &Scope<'_>) -> Security {
    let found: Vec<Crypto> = scope.all("crypto").take(MAX_KEYS).filter_map(|(_, value)| Crypto::read(value)).collect();
    if found.is_empty() { Security::Clear } else { Security::Sdes(found) }
}

/// The audio section over the session: an attribute is looked for in that order.
struct Scope<'a> {
    session: &'a [&'a str],
    audio: &'a [&'a str],
}

impl<'a> Scope<'a> {
    fn all(&self, name: &'a str) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.audio.iter().chain(self.session).filter_map(move |line| {
            let value = line.strip_prefix("a=")?.strip_prefix(name)?;
            Some((*line, value.strip_prefix(':')?))
        })
    }

    fn value(&self, name: &'a str) -> Option<&'a str> {
        self.all(name).next().map(|(_, value)| value)
    }

    fn bounded(&self, name: &'a str, least: usize, most: usize) -> Result<String, SdpError> {
        let (line, value) = self
            .all(name)
            .next()
            .ok_or_else(|| SdpError::absent(RefusedCode::NoIce, &format!("a={name} is absent")))?;
        let is_ice = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
        if !(least..=most).contains(&value.len()) || !value.chars().all(is_ice) {
            return Err(SdpError::at(line, RefusedCode::NoIce, "is not an ICE credential"));
        }
        Ok(value.to_owned())
    }
}

/// Any of several fingerprints may match (RFC 8122 section 5). Those of SHA-256 are enough: a client that offers several
/// hashes of one certificate always includes it.
fn fingerprints(scope: &Scope<'_>) -> Result<Vec<Vec<u8>>, SdpError> {
    let (mut found, mut weak, mut malformed) = (Vec::new(), None, None);
    for (line, value) in scope.all("fingerprint") {
        let (hash, digits) = value.split_once(' ').unwrap_or((value, ""));
        match hash.to_ascii_lowercase().as_str() {
            "sha-256" => match hex(digits, 32) {
                Some(bytes) => found.push(bytes),
                None => malformed = Some(line),
            },
            "sha-384" | "sha-512" => malformed = malformed.or(Some(line)),
            _ => weak = Some(line),
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    match (malformed, weak) {
        (Some(line), _) => Err(SdpError::at(line, RefusedCode::NoFingerprint, "is not a SHA-256 fingerprint")),
        (None, Some(line)) => {
            Err(SdpError::at(line, RefusedCode::WeakFingerprint, "uses a hash that RFC 8122 forbids"))
        }
        (None, None) => Err(SdpError::absent(RefusedCode::NoFingerprint, "a=fingerprint is absent")),
    }
}

fn hex(text: &str, bytes: usize) -> Option<Vec<u8>> {
    let parsed: Option<Vec<u8>> =
        text.split(':').map(|pair| (pair.len() == 2).then(|| u8::from_str_radix(pair, 16).ok()).flatten()).collect();
    parsed.filter(|found| found.len() == bytes)
}

fn setup(scope: &Scope<'_>, kind: Kind) -> Result<Setup, SdpError> {
    let Some((line, value)) = scope.all("setup").next() else {
        // RFC 8842 section 5.1: an offer without it is taken for actpass; an answer must have it.
        return match kind {
            Kind::Offer => Ok(Setup::ActPass),
            Kind::Answer => Err(SdpError::absent(RefusedCode::RoleConflict, "a=setup is absent from an answer")),
        };
    };
    match (value, kind) {
        ("actpass", Kind::Offer) => Ok(Setup::ActPass),
        ("active", _) => Ok(Setup::Active),
        ("passive", _) => Ok(Setup::Passive),
        _ => Err(SdpError::at(line, RefusedCode::RoleConflict, "is not a role that this side can have")),
    }
}

fn direction(scope: &Scope<'_>) -> Direction {
    let lines = scope.audio.iter().chain(scope.session);
    let mut said = lines.filter_map(|line| line.strip_prefix("a="));
    said.find_map(|name| Direction::ALL.into_iter().find(|known| known.name() == name)).unwrap_or_default()
}

fn formats(audio: &[&str]) -> Result<Formats, SdpError> {
    let line = audio[0];
    let numbers: Vec<u8> = line[2..]
        .split(' ')
        .skip(3)
        .map(|text| text.parse::<u8>().ok().filter(|pt| *pt < 128))
        .collect::<Option<_>>()
        .ok_or_else(|| SdpError::syntax(line, "has a payload type that is none"))?;
    if numbers.len() > MAX_FORMATS {
        return Err(SdpError::syntax(line, "has too many payload types"));
    }
    let mut found = Formats::default();
    for pt in numbers {
        note_format(&mut found, pt, encoding(audio, pt)?);
    }
    Ok(found)
}

/// Encoding name and clock rate of a payload type: mapped, or static (RFC 3551 table 4).
fn encoding<'a>(audio: &[&'a str], pt: u8) -> Result<Option<(&'a str, u32)>, SdpError> {
    let prefix = format!("a=rtpmap:{pt} ");
    let Some(line) = audio.iter().find(|line| line.starts_with(&prefix)) else {
        return Ok(match pt {
            0 => Some(("PCMU", 8_000)),
            8 => Some(("PCMA", 8_000)),
            13 => Some(("CN", 8_000)),
            _ => None,
        });
    };
    let mut parts = line[prefix.len()..].split('/');
    let name = parts.next().unwrap_or("");
    let rate = parts.next().and_then(|text| text.parse().ok());
    rate.map(|rate| Some((name, rate))).ok_or_else(|| SdpError::syntax(line, "has no clock rate"))
}

fn note_format(found: &mut Formats, pt: u8, encoding: Option<(&str, u32)>) {
    let Some((name, rate)) = encoding else { return };
    match (name.to_ascii_lowercase().as_str(), rate) {
        ("telephone-event", 48_000) => found.events_48k = Some(pt),
        ("telephone-event", 8_000) => found.events_8k = Some(pt),
        ("cn", 8_000) => found.comfort_noise = Some(pt),
        (codec, rate) => {
            let known = CodecKind::from_name(codec).filter(|kind| kind.clock_rate() == rate);
            let is_new = |kind: &CodecKind| found.codecs.iter().all(|(seen, _)| seen != kind);
            if let Some(kind) = known.filter(is_new) {
                found.codecs.push((kind, pt));
            }
        }
    }
}

fn candidates(lines: &[&str]) -> Result<Vec<String>, SdpError> {
    let all: Vec<&str> =
        lines.iter().filter_map(|line| line.strip_prefix("a=")).filter(|line| line.starts_with("candidate:")).collect();
    if all.len() > MAX_CANDIDATES {
        return Err(SdpError::syntax(all[MAX_CANDIDATES], "is one candidate too many"));
    }
    Ok(all.into_iter().map(str::to_owned).collect())
}

/// The codecs both sides take, in the far end's order, with the far end's payload types; empty where none.
pub fn common(remote: &Formats, ours: &[CodecKind]) -> Vec<(CodecKind, u8)> {
    let taken = |(kind, _): &&(CodecKind, u8)| ours.contains(kind);
    remote.codecs.iter().filter(taken).copied().collect()
}

#[cfg(test)]
#[path = "sdp_tests.rs"]
mod tests;
