//! Fuzz: RTCP behind its SRTCP tag, as a far end that has the keys may send it (RFC 3550 section 6, RFC 4585, RFC 3611).
//!
//! The session takes a compound apart as `parts` does and hands each part to the parser that is called here.

mod fuzzing;

use str0m::rtp::rtcp::Rtcp;

/// The packets of a compound, each without its padding, up to the first whose length cannot be.
fn parts(mut input: &[u8]) -> Vec<&[u8]> {
    let mut found = Vec::new();
    while let [first, _, high, low, ..] = *input {
        let length = 4 * (usize::from(u16::from_be_bytes([high, low])) + 1);
        let Some(packet) = input.get(..length) else { break };
        let padding = if first & 0x20 == 0 { 0 } else { usize::from(packet[length - 1]) };
        let Some(packet) = packet.get(..length.saturating_sub(padding)).filter(|_| padding <= length) else { break };
        found.push(packet);
        input = &input[length..];
    }
    found
}

fn read(packet: &[u8]) -> Option<Rtcp> {
    Rtcp::try_from(packet).ok()
}

#[test]
fn any_compound_is_read_or_refused_and_alike_twice() {
    fuzzing::fuzz("rtcp", |input| {
        for packet in parts(input) {
            let first = read(packet).map(|rtcp| format!("{rtcp:?}"));
            assert_eq!(first, read(packet).map(|rtcp| format!("{rtcp:?}")));
            // What a packet of a few words says may be long, but never without bound.
            assert!(first.is_none_or(|text| text.len() < 400 * (packet.len() + 64)), "{packet:02x?}");
        }
    });
}

#[test]
fn every_kind_of_packet_of_the_corpus_is_read() {
    for (name, file) in [
        ("SenderReport", &include_bytes!("corpus/rtcp/sender_report")[..]),
        ("ReceiverReport", include_bytes!("corpus/rtcp/receiver_report")),
        ("ExtendedReport", include_bytes!("corpus/rtcp/extended_report")),
        ("Goodbye", include_bytes!("corpus/rtcp/goodbye_reason")),
        ("Nack", include_bytes!("corpus/rtcp/nack")),
        ("Pli", include_bytes!("corpus/rtcp/pli")),
        ("Fir", include_bytes!("corpus/rtcp/fir")),
        ("Twcc", include_bytes!("corpus/rtcp/twcc")),
    ] {
        let read = parts(file).into_iter().find_map(read);
        assert!(read.as_ref().is_some_and(|rtcp| format!("{rtcp:?}").starts_with(name)), "{name}: {read:?}");
    }
    assert_eq!(parts(include_bytes!("corpus/rtcp/compound")).len(), 3);
    assert_eq!(parts(include_bytes!("corpus/rtcp/compound_overflow")).len(), 1);
}
