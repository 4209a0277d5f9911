//! What a datagram is and whom it names, by its first bytes. Knows no ports.

use std::net::SocketAddr;

use str0m::net::Protocol;

/// RFC 8489 section 5: header, then attributes.
const STUN_HEADER: usize = 20;
const STUN_COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];
const STUN_USERNAME: u16 = 0x0006;
/// RTCP header, index and the shortest tag in use (RFC 3711 section 3.4).
const SRTCP_LEAST: usize = 8 + 4 + 10;

/// Where a datagram came from and to.
pub type Route = (Protocol, SocketAddr, SocketAddr);

/// The protocols that share a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Stun,
    Dtls,
    /// With its SSRC.
    Rtp(u32),
    Rtcp,
    Unknown,
}

/// RFC 7983: what a datagram is, by its first byte.
pub fn shape(data: &[u8]) -> Shape {
    match data {
        [0..=3, ..] if data.len() >= STUN_HEADER && data[4..8] == STUN_COOKIE => Shape::Stun,
        [20..=63, ..] => Shape::Dtls,
        [128..=191, 192..=223, ..] if data.len() >= SRTCP_LEAST => Shape::Rtcp,
        [128..=191, 192..=223, ..] => Shape::Unknown,
        // SSRC 0 marks bandwidth probes, for which the session would keep state before it has checked anything.
        [128..=191, ..] if data.len() >= 12 && data[8..12] != [0; 4] => {
            Shape::Rtp(u32::from_be_bytes([data[8], data[9], data[10], data[11]]))
        }
        _ => Shape::Unknown,
    }
}

/// The part of a STUN USERNAME that names our port: what stands before the colon.
pub fn stun_ufrag(data: &[u8]) -> Option<&str> {
    let mut at = STUN_HEADER;
    while at + 4 <= data.len() {
        let kind = u16::from_be_bytes([data[at], data[at + 1]]);
        let length = usize::from(u16::from_be_bytes([data[at + 2], data[at + 3]]));
        let value = data.get(at + 4..at + 4 + length)?;
        if kind == STUN_USERNAME {
            return std::str::from_utf8(value).ok()?.split(':').next();
        }
        at += 4 + length.next_multiple_of(4);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stun(attributes: &[u8]) -> Vec<u8> {
        let mut message = vec![0, 1, 0, attributes.len() as u8];
        message.extend(STUN_COOKIE);
        message.extend([7; 12]);
        message.extend(attributes);
        message
    }

    #[test]
    fn protocols_are_told_apart_by_their_first_bytes() {
        assert_eq!(shape(&stun(&[])), Shape::Stun);
        assert_eq!(shape(&stun(&[])[..19]), Shape::Unknown);
        assert_eq!(shape(&[22, 254, 253]), Shape::Dtls);
        assert_eq!(shape(&[&[128, 200, 0, 0][..], &[0; 18]].concat()), Shape::Rtcp);
        assert_eq!(shape(&[128, 200, 0, 0]), Shape::Unknown);
        assert_eq!(shape(&[128, 111, 0, 1, 0, 0, 0, 0, 0, 0, 1, 2]), Shape::Rtp(258));
        assert_eq!(shape(&[128, 111, 0, 1]), Shape::Unknown);
        assert_eq!(shape(&[128, 111, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]), Shape::Unknown);
        assert_eq!(shape(&[]), Shape::Unknown);
    }

    #[test]
    fn the_ufrag_stands_before_the_colon_after_any_other_attribute() {
        let message = stun(&[0x80, 0x22, 0, 3, 1, 2, 3, 0, 0, 6, 0, 4, b'u', b's', b':', b't']);
        assert_eq!(stun_ufrag(&message), Some("us"));
    }

    #[test]
    fn attributes_that_end_too_early_name_nobody() {
        for broken in [&[0, 6, 0, 200, b'u'][..], &[0, 6, 0], &[0x80, 0x22, 255, 255, 0, 6, 0, 1, b'u']] {
            assert_eq!(stun_ufrag(&stun(broken)), None);
        }
        assert_eq!(stun_ufrag(&stun(&[0, 6, 0, 1, 0xff])), None);
    }
}
