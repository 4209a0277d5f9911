//! RTCP of a port without WebRTC: reports in the clear, written and read (RFC 3550 section 6.4). Knows no sockets or keys.

use std::time::Duration;

const VERSION: u8 = 2;
const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BLOCK: usize = 24;
const CNAME: &[u8] = b"offhook";
/// Units of 1/65536 s, as the middle of an NTP timestamp has them.
const SHORT: f64 = 65_536.0;

/// What is told of a stream that we receive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Heard {
    pub ssrc: u32,
    pub fraction_lost: u8,
    pub lost: u32,
    pub highest_seq: u32,
    pub jitter: u32,
}

/// What is told of the stream that we send.
#[derive(Clone, Copy, Debug)]
pub struct Said {
    pub ssrc: u32,
    /// The RTP timestamp of now.
    pub timestamp: u32,
    pub packets: u32,
    pub octets: u32,
}

/// What a far end's report says of the stream that we send.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reported {
    pub fraction_lost: u8,
    pub lost: u32,
    /// In units of the RTP clock.
    pub jitter: u32,
    pub round_trip: Option<Duration>,
}

/// The reports of one association. Times are since a beginning of ours, which is all that a far end needs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reports {
    /// The middle of the far end's last sender report's timestamp, and when that came.
    last: Option<(u32, Duration)>,
}

impl Reports {
    /// A compound packet: what we have sent, what has come, who we are.
    pub fn write(&self, said: Said, heard: Option<Heard>, now: Duration) -> Vec<u8> {
        let mut packet = Vec::with_capacity(80);
        let blocks = u8::from(heard.is_some());
        packet.extend([VERSION << 6 | blocks, SENDER_REPORT, 0, 6 + blocks * 6]);
        packet.extend(said.ssrc.to_be_bytes());
        packet.extend((now.as_secs() as u32).to_be_bytes());
        packet.extend(((f64::from(now.subsec_nanos()) / 1e9 * f64::from(u32::MAX)) as u32).to_be_bytes());
        for number in [said.timestamp, said.packets, said.octets] {
            packet.extend(number.to_be_bytes());
        }
        if let Some(heard) = heard {
            self.write_block(&mut packet, heard, now);
        }
        write_description(&mut packet, said.ssrc);
        packet
    }

    fn write_block(&self, packet: &mut Vec<u8>, heard: Heard, now: Duration) {
        packet.extend(heard.ssrc.to_be_bytes());
        packet.push(heard.fraction_lost);
        packet.extend_from_slice(&heard.lost.min(0x7f_ffff).to_be_bytes()[1..]);
        packet.extend(heard.highest_seq.to_be_bytes());
        packet.extend(heard.jitter.to_be_bytes());
        let (middle, since) = self.last.map_or((0, 0), |(middle, at)| (middle, short(now.saturating_sub(at))));
        packet.extend(middle.to_be_bytes());
        packet.extend(since.to_be_bytes());
    }

    /// Take a compound packet; what it says of our stream `ours`. `None` where it is no RTCP; what it has beside reports
    /// is passed over, a goodbye too: signalling ends calls.
    pub fn read(&mut self, data: &[u8], ours: u32, now: Duration) -> Option<Option<Reported>> {
        let mut found = None;
        let mut rest = data;
        if rest.is_empty() {
            return None;
        }
        while !rest.is_empty() {
            let [first, kind, high, low, ..] = *rest else { return None };
            let length = (usize::from(u16::from_be_bytes([high, low])) + 1) * 4;
            if first >> 6 != VERSION || length > rest.len() {
                return None;
            }
            let (packet, others) = rest.split_at(length);
            rest = others;
            let blocks = match kind {
                SENDER_REPORT => self.note_sender(packet, now)?,
                RECEIVER_REPORT => packet.get(8..)?,
                _ => continue,
            };
            let count = usize::from(first & 0x1f);
            if blocks.len() < count * BLOCK {
                return None;
            }
            found = blocks.chunks_exact(BLOCK).take(count).find_map(|block| about(block, ours, now)).or(found);
        }
        Some(found)
    }

    /// The report blocks of a sender report.
    fn note_sender<'a>(&mut self, packet: &'a [u8], now: Duration) -> Option<&'a [u8]> {
        let blocks = packet.get(28..)?;
        self.last = Some((number(packet, 10), now));
        Some(blocks)
    }
}

fn about(block: &[u8], ours: u32, now: Duration) -> Option<Reported> {
    if number(block, 0) != ours {
        return None;
    }
    let (middle, since) = (number(block, 16), number(block, 20));
    let trip = middle_of(now).wrapping_sub(middle).wrapping_sub(since);
    Some(Reported {
        fraction_lost: block[4],
        lost: number(block, 4) & 0xff_ffff,
        jitter: number(block, 12),
        // A stale or forged report would make it longer than anybody waits.
        round_trip: (middle != 0 && trip < 0x10_0000).then(|| Duration::from_secs_f64(f64::from(trip) / SHORT)),
    })
}

fn write_description(packet: &mut Vec<u8>, ssrc: u32) {
    let start = packet.len();
    packet.extend([VERSION << 6 | 1, DESCRIPTION, 0, 0]);
    packet.extend(ssrc.to_be_bytes());
    packet.extend([1, CNAME.len() as u8]);
    packet.extend_from_slice(CNAME);
    packet.push(0);
    while !(packet.len() - start).is_multiple_of(4) {
        packet.push(0);
    }
    packet[start + 3] = ((packet.len() - start) / 4 - 1) as u8;
}

fn number(data: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([data[at], data[at + 1], data[at + 2], data[at + 3]])
}

fn middle_of(now: Duration) -> u32 {
    short(now)
}

fn short(duration: Duration) -> u32 {
    (duration.as_secs_f64() * SHORT) as u64 as u32
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn said(ssrc: u32) -> Said {
        Said { ssrc, timestamp: 8_000, packets: 50, octets: 8_000 }
    }

    #[test]
    fn a_round_trip_is_known_after_a_report_of_each_side() {
        let (mut here, mut there) = (Reports::default(), Reports::default());
        let first = here.write(said(1), None, 10 * SECOND);
        assert_eq!(there.read(&first, 2, 100 * SECOND), Some(None));
        let heard = Heard { ssrc: 1, fraction_lost: 64, lost: 5, highest_seq: 9, jitter: 80 };
        let second = there.write(said(2), Some(heard), 101 * SECOND);
        let reported = here.read(&second, 1, 11 * SECOND + SECOND / 20).expect("RTCP").expect("a report");
        assert_eq!((reported.fraction_lost, reported.lost, reported.jitter), (64, 5, 80));
        let trip = reported.round_trip.expect("a round trip").as_secs_f64();
        assert!((trip - 0.05).abs() < 0.001, "{trip}");
    }

    #[test]
    fn rtp_07_what_is_no_report_is_refused_and_what_is_beside_reports_passed_over() {
        let mut reports = Reports::default();
        let bye = [0x81, 203, 0, 1, 0, 0, 0, 1];
        assert_eq!(reports.read(&bye, 1, SECOND), Some(None));
        let with_31_blocks = [0x9f, 200, 0, 6, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for broken in [&[][..], &[0x80, 200, 0, 0], &with_31_blocks, &[0x80, 201, 255, 255, 0, 0, 0, 0], &[0; 8]] {
            assert_eq!(reports.read(broken, 1, SECOND), None, "{broken:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_reports_or_none(data in proptest::collection::vec(any::<u8>(), 0..120)) {
            Reports::default().read(&data, 1, SECOND);
        }
    }
}
