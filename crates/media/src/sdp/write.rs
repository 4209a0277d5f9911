//! The audio part of SDP as we write it (RFC 8866, RFC 8829). Reads nothing.

use std::fmt::Write as _;
use std::net::{IpAddr, SocketAddr};

use super::{Direction, Formats, Security, Setup};
use crate::codec::CodecKind;

/// What we say of ourselves.
pub struct Local<'a> {
    pub session_id: u64,
    pub version: u32,
    pub ufrag: &'a str,
    pub pwd: &'a str,
    pub ice_lite: bool,
    /// Hex with colons, SHA-256.
    pub fingerprint: &'a str,
    pub setup: Setup,
    pub direction: Direction,
    pub mid: &'a str,
    pub formats: &'a Formats,
    pub candidates: &'a [String],
    pub ssrc: u32,
    /// The m-lines of the offer that is answered, and which of them is ours; empty for an offer.
    pub media: &'a [String],
    pub index: usize,
    /// Where media comes in, where the far end speaks no WebRTC.
    pub plain: Option<LocalPlain<'a>>,
}

/// Our side without WebRTC.
#[derive(Clone, Copy, Debug)]
pub struct LocalPlain<'a> {
    pub security: &'a Security,
    pub media: SocketAddr,
    pub reports: SocketAddr,
    pub is_muxed: bool,
    pub has_mid: bool,
}

/// Write a description: one audio stream, every other m-line of the offer rejected (RFC 8829 section 5.3.1).
pub fn write(local: &Local<'_>) -> String {
    let mut sdp = beginning(local);
    for (index, line) in local.media.iter().enumerate() {
        if index == local.index {
            write_section(&mut sdp, local);
        } else {
            write_rejected(&mut sdp, line);
        }
    }
    if local.media.is_empty() {
        write_section(&mut sdp, local);
    }
    sdp
}

fn beginning(local: &Local<'_>) -> String {
    let Local { session_id, version, mid, .. } = local;
    if let Some(plain) = &local.plain {
        let address = named(plain.media.ip());
        return format!("v=0\r\no=- {session_id} {version} IN {address}\r\ns=-\r\nc=IN {address}\r\nt=0 0\r\n");
    }
    let mut sdp = format!(
        "v=0\r\no=- {session_id} {version} IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE {mid}\r\n\
         a=msid-semantic:WMS *\r\n"
    );
    if local.ice_lite {
        sdp.push_str("a=ice-lite\r\n");
    }
    sdp
}

fn named(ip: IpAddr) -> String {
    format!("IP{} {ip}", if ip.is_ipv6() { 6 } else { 4 })
}

fn write_section(sdp: &mut String, local: &Local<'_>) {
    match &local.plain {
        Some(plain) => write_plain(sdp, local, plain),
        None => write_audio(sdp, local),
    }
}

/// The same profile that the far end has said; in an offer, the one that every far end of its kind takes.
fn write_plain(sdp: &mut String, local: &Local<'_>, plain: &LocalPlain<'_>) {
    let said = local.media.get(local.index).and_then(|line| line.split(' ').nth(2));
    let profile = said.unwrap_or(match plain.security {
        Security::Clear => "RTP/AVP",
        Security::Sdes(_) => "RTP/SAVP",
        Security::Dtls => "UDP/TLS/RTP/SAVP",
    });
    let _ = write!(sdp, "m=audio {} {profile} {}\r\n", plain.media.port(), numbers(local.formats));
    write_formats(sdp, local.formats);
    write_security(sdp, local, plain.security);
    if plain.has_mid {
        let _ = write!(sdp, "a=mid:{}\r\n", local.mid);
    }
    if plain.is_muxed {
        sdp.push_str("a=rtcp-mux\r\n");
    } else {
        let _ = write!(sdp, "a=rtcp:{}\r\n", plain.reports.port());
    }
    let _ = write!(sdp, "a={}\r\na=ptime:20\r\n", local.direction.name());
}

fn write_security(sdp: &mut String, local: &Local<'_>, security: &Security) {
    match security {
        Security::Clear => {}
        Security::Sdes(keys) => keys.iter().for_each(|crypto| {
            let _ = write!(sdp, "{}\r\n", crypto.line());
        }),
        Security::Dtls => {
            let _ = write!(sdp, "a=fingerprint:sha-256 {}\r\na=setup:{}\r\n", local.fingerprint, local.setup.name());
        }
    }
}

/// The payload types, in order.
fn numbers(formats: &Formats) -> String {
    let codecs = formats.codecs.iter().map(|(_, pt)| *pt);
    let others = [formats.comfort_noise, formats.events_48k, formats.events_8k];
    let all: Vec<String> = codecs.chain(others.into_iter().flatten()).map(|pt| pt.to_string()).collect();
    all.join(" ")
}

fn write_rejected(sdp: &mut String, line: &str) {
    let mut fields = line[2..].split(' ');
    let kind = fields.next().unwrap_or("audio");
    let rest: Vec<&str> = fields.skip(1).collect();
    let _ = write!(sdp, "m={kind} 0 {}\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n", rest.join(" "));
}

fn write_audio(sdp: &mut String, local: &Local<'_>) {
    let (port, address) = default_destination(local.candidates);
    let formats = local.formats;
    let _ = write!(
        sdp,
        "m=audio {port} UDP/TLS/RTP/SAVPF {}\r\nc=IN {address}\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
         a=ice-ufrag:{}\r\na=ice-pwd:{}\r\na=fingerprint:sha-256 {}\r\na=setup:{}\r\na=mid:{}\r\n\
         a={}\r\na=msid:offhook audio\r\na=rtcp-mux\r\n",
        numbers(formats),
        local.ufrag,
        local.pwd,
        local.fingerprint,
        local.setup.name(),
        local.mid,
        local.direction.name(),
    );
    write_formats(sdp, formats);
    let _ = write!(sdp, "a=ptime:20\r\na=ssrc:{} cname:offhook\r\n", local.ssrc);
    for candidate in local.candidates {
        let _ = write!(sdp, "a={candidate}\r\n");
    }
    sdp.push_str("a=end-of-candidates\r\n");
}

fn write_formats(sdp: &mut String, formats: &Formats) {
    for (kind, pt) in &formats.codecs {
        let _ = match kind {
            CodecKind::Opus => {
                write!(sdp, "a=rtpmap:{pt} opus/48000/2\r\na=fmtp:{pt} minptime=10;useinbandfec=1\r\n")
            }
            CodecKind::Pcmu => write!(sdp, "a=rtpmap:{pt} PCMU/8000\r\n"),
            CodecKind::Pcma => write!(sdp, "a=rtpmap:{pt} PCMA/8000\r\n"),
        };
    }
    if let Some(pt) = formats.comfort_noise {
        let _ = write!(sdp, "a=rtpmap:{pt} CN/8000\r\n");
    }
    for (pt, rate) in [(formats.events_48k, 48_000), (formats.events_8k, 8_000)] {
        if let Some(pt) = pt {
            let _ = write!(sdp, "a=rtpmap:{pt} telephone-event/{rate}\r\na=fmtp:{pt} 0-15\r\n");
        }
    }
}

/// Port and `c=` address of the first UDP candidate (RFC 8839 section 4.2.1.2).
fn default_destination(candidates: &[String]) -> (u16, String) {
    let udp = candidates.iter().find_map(|line| {
        let fields: Vec<&str> = line.split(' ').collect();
        let is_udp = fields.get(2).is_some_and(|name| name.eq_ignore_ascii_case("udp"));
        is_udp.then(|| (fields[5].parse().ok(), fields[4].to_owned()))
    });
    match udp {
        Some((Some(port), address)) if address.contains(':') => (port, format!("IP6 {address}")),
        Some((Some(port), address)) => (port, format!("IP4 {address}")),
        _ => (9, "IP4 0.0.0.0".into()),
    }
}
