//! RTP packets as they are passed on, read from and written to bytes (RFC 3550 section 5.1). Knows no sockets or keys.

use std::sync::Arc;

use str0m::rtp::RtpPacket;

use crate::egress::Header;

const VERSION: u8 = 2;
const FIXED: usize = 12;

/// A packet that has come from a far end.
#[derive(Clone, Debug)]
pub struct Packet {
    pub ssrc: u32,
    pub pt: u8,
    pub seq: u16,
    /// With its roll-overs counted.
    pub extended_seq: u64,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Arc<[u8]>,
}

impl From<RtpPacket> for Packet {
    fn from(packet: RtpPacket) -> Self {
        let header = &packet.header;
        Self {
            ssrc: *header.ssrc,
            pt: *header.payload_type,
            seq: header.sequence_number,
            extended_seq: *packet.seq_no,
            timestamp: header.timestamp,
            marker: header.marker,
            payload: packet.payload,
        }
    }
}

/// What the fixed header of a packet says, and where its payload lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fixed {
    pub ssrc: u32,
    pub pt: u8,
    pub seq: u16,
    pub timestamp: u32,
    pub marker: bool,
    /// Where the payload begins: after the contributing sources and the header extension.
    pub start: usize,
    /// Whether the last octet counts padding.
    pub is_padded: bool,
}

impl Fixed {
    /// The header of a packet; `None` where it is none.
    pub fn read(data: &[u8]) -> Option<Self> {
        let fixed: &[u8; FIXED] = data.first_chunk()?;
        if fixed[0] >> 6 != VERSION {
            return None;
        }
        let sources = FIXED + usize::from(fixed[0] & 0x0f) * 4;
        let start = if fixed[0] & 0x10 == 0 {
            sources
        } else {
            let words: [u8; 2] = data.get(sources + 2..sources + 4)?.try_into().ok()?;
            sources + 4 + usize::from(u16::from_be_bytes(words)) * 4
        };
        (start <= data.len()).then(|| Self {
            ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
            pt: fixed[1] & 0x7f,
            seq: u16::from_be_bytes([fixed[2], fixed[3]]),
            timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
            marker: fixed[1] & 0x80 != 0,
            start,
            is_padded: fixed[0] & 0x20 != 0,
        })
    }

    /// The payload of a packet in the clear; `None` where its padding is longer than that.
    pub fn payload<'a>(&self, data: &'a [u8]) -> Option<&'a [u8]> {
        let padding = if self.is_padded { usize::from(*data.last()?) } else { 0 };
        let end = data.len().checked_sub(padding)?;
        if self.is_padded && padding == 0 {
            return None;
        }
        data.get(self.start..end)
    }
}

/// A packet in the clear.
pub fn write(header: &Header, pt: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(FIXED + payload.len() + 16);
    packet.push(VERSION << 6);
    packet.push(pt | u8::from(header.marker) << 7);
    packet.extend(header.seq.to_be_bytes());
    packet.extend(header.timestamp.to_be_bytes());
    packet.extend(header.ssrc.to_be_bytes());
    packet.extend_from_slice(payload);
    packet
}

/// Counts the roll-overs of one stream's sequence numbers (RFC 3711 section 3.3.1).
#[derive(Clone, Copy, Debug, Default)]
pub struct Extender {
    highest: Option<u64>,
}

impl Extender {
    /// The extended number that a packet of this number most likely has.
    pub fn guess(&self, seq: u16) -> u64 {
        let Some(highest) = self.highest else { return u64::from(seq) };
        let behind = (highest as u16).wrapping_sub(seq);
        if behind < 0x8000 {
            highest.saturating_sub(u64::from(behind))
        } else {
            highest + u64::from(seq.wrapping_sub(highest as u16))
        }
    }

    /// The highest number so far.
    pub fn highest(&self) -> u64 {
        self.highest.unwrap_or(0)
    }

    /// A packet of this number has come.
    pub fn note(&mut self, extended: u64) {
        self.highest = Some(self.highest.map_or(extended, |highest| highest.max(extended)));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header(seq: u16, marker: bool) -> Header {
        Header { ssrc: 7, seq, extended_seq: u64::from(seq), timestamp: 160, marker }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let packet = write(&header(65_535, true), 8, &[1, 2, 3]);
        let read = Fixed::read(&packet).expect("a packet");
        assert_eq!((read.ssrc, read.pt, read.seq, read.timestamp, read.marker), (7, 8, 65_535, 160, true));
        assert_eq!(read.payload(&packet), Some(&[1, 2, 3][..]));
    }

    #[test]
    fn sources_extensions_and_padding_are_no_payload() {
        let mut packet = write(&header(1, false), 0, &[]);
        packet[0] |= 0x20 | 0x10 | 2;
        packet.extend([0; 8]); // two contributing sources
        packet.extend([0xbe, 0xde, 0, 1, 1, 2, 3, 4]);
        packet.extend([9, 9, 0, 0, 3]);
        let read = Fixed::read(&packet).expect("a packet");
        assert_eq!(read.payload(&packet), Some(&[9, 9][..]));
    }

    #[test]
    fn what_is_cut_short_is_no_packet() {
        let mut packet = write(&header(1, false), 0, &[1]);
        assert_eq!(Fixed::read(&packet[..11]), None);
        packet[0] |= 0x0f;
        assert_eq!(Fixed::read(&packet), None);
        packet[0] = 0x90;
        assert_eq!(Fixed::read(&packet), None);
        packet[0] = 0xa0;
        packet.push(200);
        let read = Fixed::read(&packet).expect("a header");
        assert_eq!(read.payload(&packet), None);
    }

    #[test]
    fn roll_overs_are_counted_both_ways() {
        let mut extender = Extender::default();
        for (seq, extended) in [(65_534, 65_534), (1, 65_537), (65_535, 65_535), (2, 65_538)] {
            assert_eq!(extender.guess(seq), extended);
            extender.note(extended);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_packet_or_none(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            if let Some(read) = Fixed::read(&data) {
                prop_assert!(read.start <= data.len());
                prop_assert!(read.payload(&data).is_none_or(|payload| payload.len() <= data.len() - 12));
            }
        }
    }
}
