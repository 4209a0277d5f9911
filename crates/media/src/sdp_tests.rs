//! Descriptions as browsers write them, and the malformed ones of which nothing may come.

use super::*;

const OFFER: &str = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
m=audio 35956 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 192.0.2.2\r\na=rtcp:9 IN IP4 0.0.0.0\r\n\
a=candidate:350776667 1 udp 2122194687 192.0.2.2 35956 typ host generation 0\r\n\
a=candidate:3930241487 1 tcp 1518214911 192.0.2.2 9 typ host tcptype active generation 0\r\n\
a=ice-ufrag:5NOT\r\na=ice-pwd:xK8rlIAFSS8lXo7aR1Rm/ppK\r\na=ice-options:trickle\r\n\
a=fingerprint:sha-256 00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF\r\n\
a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n\
a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\n\
a=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n\
a=rtpmap:126 telephone-event/8000\r\n";

fn refusal(text: &str, kind: Kind) -> RefusedCode {
    read(text, kind).unwrap_err().code
}

fn without(start: &str) -> String {
    let kept = OFFER.split_inclusive("\r\n").filter(|line| !line.starts_with(start));
    kept.collect()
}

fn with(start: &str, line: &str) -> String {
    let lines = OFFER.split_inclusive("\r\n");
    lines.map(|known| if known.starts_with(start) { format!("{line}\r\n") } else { known.to_owned() }).collect()
}

#[test]
fn a_browser_offer_is_read() {
    let read = read(OFFER, Kind::Offer).unwrap();
    assert_eq!((read.ufrag.as_str(), read.setup, read.ice_lite), ("5NOT", Setup::ActPass, false));
    assert_eq!(read.formats.codecs, [(CodecKind::Opus, 111), (CodecKind::Pcmu, 0), (CodecKind::Pcma, 8)]);
    assert_eq!(read.formats.events_48k, Some(110));
    assert_eq!(read.formats.events_8k, Some(126));
    assert_eq!(read.formats.comfort_noise, Some(13));
    assert_eq!(read.candidates.len(), 2);
}

#[test]
fn what_we_write_we_can_read() {
    let offer = read(OFFER, Kind::Offer).unwrap();
    let text = write(&Local {
        session_id: 1,
        version: 1,
        ufrag: "abcd",
        pwd: "0123456789012345678901",
        ice_lite: true,
        fingerprint: &["AB"; 32].join(":"),
        setup: Setup::Passive,
        direction: Direction::SendRecv,
        mid: "0",
        formats: &offer.formats,
        candidates: &["candidate:1 1 udp 2130706431 127.0.0.1 4000 typ host".to_owned()],
        ssrc: 7,
        media: &offer.media,
        index: offer.index,
        plain: None,
    });
    let answer = read(&text, Kind::Answer).unwrap();
    assert!(answer.ice_lite);
    assert_eq!(answer.setup, Setup::Passive);
    assert_eq!(answer.formats, offer.formats);
    assert!(text.contains("m=audio 4000 UDP/TLS/RTP/SAVPF 111 0 8 13 110 126\r\nc=IN IP4 127.0.0.1\r\n"));
}

#[test]
fn an_extra_m_line_is_rejected_in_its_place() {
    let offer = format!("{OFFER}m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 VP8/90000\r\n");
    let read = read(&offer, Kind::Offer).unwrap();
    assert_eq!((read.media.len(), read.index), (2, 0));
}

#[test]
fn malformed_descriptions_are_refused_by_what_is_wrong() {
    let m = "m=audio";
    let cases = [
        (String::new(), RefusedCode::SdpSyntax),
        ("hello".into(), RefusedCode::SdpSyntax),
        (format!("{OFFER}{}", "a=x:y\r\n".repeat(20_000)), RefusedCode::SdpSyntax),
        (format!("{OFFER}{}", "m=audio 9 RTP/UNKNOWN 0\r\n".repeat(1_000)), RefusedCode::SdpSyntax),
        (format!("{OFFER}{}", "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n".repeat(400)), RefusedCode::SdpSyntax),
        (with(m, "m=audio 9 UDP/TLS/RTP/SAVPF 4294967296"), RefusedCode::SdpSyntax),
        (with("a=fmtp", "a=fmtp:111 \0"), RefusedCode::SdpSyntax),
        (with(m, &format!("m={} 9 UDP/TLS/RTP/SAVPF 0", "A".repeat(1_024))), RefusedCode::SdpSyntax),
        (with("c=", &format!("c=IN IP4 {}", "1".repeat(512))), RefusedCode::SdpSyntax),
        (with(m, "m=audio 9 RTP/UNKNOWN 0"), RefusedCode::NoAudio),
        (without("a=fingerprint"), RefusedCode::NoFingerprint),
        (with("a=fingerprint", "a=fingerprint:sha-256 00:11"), RefusedCode::NoFingerprint),
        (with("a=fingerprint", "a=fingerprint:sha-1 00:11"), RefusedCode::WeakFingerprint),
        (with("a=setup", "a=setup:holdconn"), RefusedCode::RoleConflict),
        (without("a=ice-pwd"), RefusedCode::NoIce),
        (with("a=ice-ufrag", "a=ice-ufrag:a"), RefusedCode::NoIce),
    ];
    for (text, code) in cases {
        assert_eq!(refusal(&text, Kind::Offer), code, "{}", &text[..text.len().min(200)]);
    }
    assert_eq!(refusal(OFFER, Kind::Answer), RefusedCode::RoleConflict);
}

#[test]
fn the_right_fingerprint_of_several_is_taken() {
    let two = with("a=setup", "a=fingerprint:sha-1 00:11\r\na=setup:actpass");
    assert_eq!(read(&two, Kind::Offer).unwrap().fingerprints, read(OFFER, Kind::Offer).unwrap().fingerprints);
}

#[test]
fn a_refusal_names_the_line_without_control_characters() {
    let error = read(&with("a=fmtp", "a=fmtp:111 \0x"), Kind::Offer).unwrap_err();
    assert_eq!(error.line, "a=fmtp:111 x");
}
