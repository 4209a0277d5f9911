//! Unit and property tests of the outgoing stream: continuity under any interleaving of sources.

use super::*;
use proptest::prelude::*;

const OPUS: u32 = 48_000;
const G711: u32 = 8_000;

fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}

fn packet(source: u64, seq: u16, timestamp: u32) -> Incoming {
    Incoming { source, ssrc: source as u32 + 100, seq, timestamp, marker: false }
}

#[test]
fn gaps_and_order_of_a_forwarded_source_are_kept_and_duplicates_dropped() {
    let mut egress = Egress::new(7, 65_534, u32::MAX - 500);
    let order = [(0_u16, 0_u64), (1, 20), (4, 80), (3, 81), (3, 82), (0, 83), (5, 100)];
    let sent: Vec<_> =
        order.iter().map(|&(n, at)| egress.forward(packet(1, 65_000 + n, u32::from(n) * 960), OPUS, ms(at))).collect();
    let seqs: Vec<_> = sent.iter().map(|header| header.map(|h| h.seq)).collect();
    assert_eq!(seqs, [Some(65_534), Some(65_535), Some(2), Some(1), None, None, Some(3)]);
    let first = sent[0].unwrap();
    assert!(first.marker && !sent[1].unwrap().marker);
    assert_eq!(sent[3].unwrap().timestamp.wrapping_sub(first.timestamp), 3 * 960);
    assert_eq!(sent[6].unwrap().extended_seq, 65_539);
}

#[test]
fn a_switch_goes_on_where_media_time_is() {
    let mut egress = Egress::new(7, 0, 0);
    let frame = egress.frame(OPUS, 960, ms(0)).unwrap();
    let next = egress.frame(OPUS, 960, ms(20)).unwrap();
    assert_eq!((frame.timestamp, next.timestamp, next.marker), (0, 960, false));
    let forwarded = egress.forward(packet(1, 9, 123_456), OPUS, ms(200)).unwrap();
    assert_eq!((forwarded.seq, forwarded.timestamp, forwarded.marker), (2, 9_600, true));
    let back = egress.frame(OPUS, 960, ms(220)).unwrap();
    assert_eq!((back.seq, back.timestamp, back.marker), (3, 10_560, true));
    let late = egress.forward(packet(1, 8, 122_496), OPUS, ms(221)).unwrap();
    assert_eq!(late.seq, 4, "an old packet after a switch starts anew, its number is never used again");
}

#[test]
fn a_codec_change_counts_time_in_the_new_clock() {
    let mut egress = Egress::new(7, 0, 0);
    egress.frame(OPUS, 960, ms(0));
    let last = egress.frame(OPUS, 960, ms(20)).unwrap();
    let first = egress.frame(G711, 160, ms(40)).unwrap();
    let second = egress.frame(G711, 160, ms(60)).unwrap();
    assert_eq!(last.timestamp, 960);
    assert_eq!((first.timestamp, second.timestamp), (1_920, 2_080));
    let fast = egress.frame(OPUS, 960, ms(61)).unwrap();
    assert!(fast.timestamp > second.timestamp && fast.timestamp < second.timestamp + 1_200);
}

#[test]
fn an_event_holds_its_timestamp_and_everything_else_waits() {
    let mut egress = Egress::new(7, 0, 0);
    egress.frame(G711, 160, ms(0));
    let begin = egress.begin_event(G711, ms(20));
    assert_eq!((begin.timestamp, begin.marker), (160, true));
    assert_eq!(egress.frame(G711, 160, ms(40)), None);
    assert_eq!(egress.forward(packet(1, 1, 1), G711, ms(40)), None);
    let more = egress.continue_event().unwrap();
    assert_eq!((more.seq, more.timestamp, more.marker), (2, 160, false));
    egress.end_event();
    assert_eq!(egress.continue_event(), None);
    let audio = egress.frame(G711, 160, ms(120)).unwrap();
    assert_eq!((audio.seq, audio.timestamp, audio.marker), (3, 960, true));
}

#[test]
fn a_jump_of_the_sources_timeline_is_not_passed_on() {
    let mut egress = Egress::new(7, 0, 0);
    egress.forward(packet(1, 1, 0), OPUS, ms(0));
    let jumped = egress.forward(packet(1, 2, 1 << 31), OPUS, ms(20)).unwrap();
    assert_eq!((jumped.seq, jumped.timestamp), (1, 960));
    let wild = egress.forward(packet(1, 40_000, (1 << 31) + 960), OPUS, ms(40)).unwrap();
    assert!(wild.seq <= 2);
}

#[test]
fn a_fast_source_is_followed_so_that_a_later_switch_has_no_gap() {
    let mut egress = Egress::new(7, 0, 0);
    let mut newest = 0;
    for index in 0..180_000_u64 {
        // 500 ppm slow: each 20 ms of media takes 20.01 ms.
        let at = Duration::from_micros(index * 20_010);
        newest = egress.forward(packet(1, index as u16, (index * 960) as u32), OPUS, at).unwrap().timestamp;
    }
    let switched = egress.frame(OPUS, 960, Duration::from_micros(180_000 * 20_010)).unwrap();
    assert!(switched.timestamp - newest <= 3 * 960, "a gap of {}", switched.timestamp - newest);
}

// ---- continuity, whatever happens -------------------------------------------------------------------------

/// One thing that happens on a port; times are ms after the one before.
#[derive(Clone, Debug)]
enum Step {
    /// Packets of one source: which arrive, and each one's displacement in the order.
    Forward {
        source: u64,
        opus: bool,
        packets: Vec<(bool, u8)>,
        duplicates: bool,
    },
    Encode {
        opus: bool,
        frames: u8,
    },
    /// Sources that take turns packet by packet, quicker than packets last: (source 3 is the encoder, opus, ms between).
    TakeTurns {
        turns: Vec<(u64, bool, u8)>,
    },
    Event {
        packets: u8,
    },
    Pause {
        ms: u16,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let forward =
        (0..3_u64, any::<bool>(), prop::collection::vec((prop::bool::weighted(0.85), 0..4_u8), 1..40), any::<bool>())
            .prop_map(|(source, opus, packets, duplicates)| Step::Forward { source, opus, packets, duplicates });
    let encode = (any::<bool>(), 1..30_u8).prop_map(|(opus, frames)| Step::Encode { opus, frames });
    let turns = prop::collection::vec((0..4_u64, any::<bool>(), 1..25_u8), 1..20);
    let take_turns = turns.prop_map(|turns| Step::TakeTurns { turns });
    let event = (1..10_u8).prop_map(|packets| Step::Event { packets });
    let pause = (0..3_000_u16).prop_map(|ms| Step::Pause { ms });
    prop::collection::vec(prop_oneof![3 => forward, 3 => encode, 2 => take_turns, 1 => event, 1 => pause], 1..25)
}

/// What the test drives: the real egress, or one with a planted fault.
trait Stream {
    fn forward(&mut self, packet: Incoming, rate: u32, now: Duration) -> Option<Header>;
    fn frame(&mut self, rate: u32, now: Duration) -> Option<Header>;
    fn event(&mut self, packets: u8, now: Duration) -> Vec<Header>;
}

impl Stream for Egress {
    fn forward(&mut self, packet: Incoming, rate: u32, now: Duration) -> Option<Header> {
        Egress::forward(self, packet, rate, now)
    }

    fn frame(&mut self, rate: u32, now: Duration) -> Option<Header> {
        Egress::frame(self, rate, rate / 50, now)
    }

    fn event(&mut self, packets: u8, now: Duration) -> Vec<Header> {
        let mut sent = vec![self.begin_event(G711, now)];
        sent.extend((1..packets).filter_map(|_| self.continue_event()));
        self.end_event();
        sent
    }
}

/// A packet as the far end saw it, with what media time was then.
struct Sent {
    header: Header,
    rate: u32,
    now: Duration,
    is_event: bool,
}

/// Plays `steps` with sources whose clocks are exact and whose numbers wrap; returns all that was sent.
fn play(stream: &mut dyn Stream, steps: &[Step]) -> Vec<Sent> {
    let (mut sent, mut now) = (Vec::new(), Duration::ZERO);
    let mut next = [65_500_u16, 0, 30_000];
    let bases = [u32::MAX - 20_000, 0, 1 << 31];
    for step in steps {
        match step {
            Step::Forward { source, opus, packets, duplicates } => {
                let rate = if *opus { OPUS } else { G711 };
                let seq = &mut next[*source as usize];
                let timestamp = bases[*source as usize].wrapping_add(now.as_millis() as u32 * (rate / 1_000));
                let mut arrivals: Vec<_> = packets
                    .iter()
                    .enumerate()
                    .map(|(n, &(arrives, moved))| {
                        let index = n as u16;
                        let media = timestamp.wrapping_add(u32::from(index) * (rate / 50));
                        (n * 20 + usize::from(moved) * 15, arrives, packet(*source, seq.wrapping_add(index), media))
                    })
                    .filter(|&(_, arrives, _)| arrives)
                    .collect();
                arrivals.sort_by_key(|&(at, ..)| at);
                for (at, _, packet) in arrivals {
                    let now = now + ms(at as u64);
                    for _ in 0..=u8::from(*duplicates) {
                        let header = stream.forward(packet, rate, now);
                        sent.extend(header.map(|header| Sent { header, rate, now, is_event: false }));
                    }
                }
                // A source counts on while it is not forwarded, so that coming back to it is a jump.
                *seq = seq.wrapping_add(packets.len() as u16 + 7);
                now += ms(packets.len() as u64 * 20 + 60);
            }
            Step::Encode { opus, frames } => {
                let rate = if *opus { OPUS } else { G711 };
                for _ in 0..*frames {
                    let header = stream.frame(rate, now);
                    sent.extend(header.map(|header| Sent { header, rate, now, is_event: false }));
                    now += ms(20);
                }
            }
            Step::TakeTurns { turns } => {
                for &(source, opus, pause) in turns {
                    let rate = if opus { OPUS } else { G711 };
                    let header = match next.get_mut(source as usize) {
                        None => stream.frame(rate, now),
                        Some(seq) => {
                            *seq = seq.wrapping_add(1);
                            let timestamp =
                                bases[source as usize].wrapping_add(now.as_millis() as u32 * (rate / 1_000));
                            stream.forward(packet(source, *seq, timestamp), rate, now)
                        }
                    };
                    sent.extend(header.map(|header| Sent { header, rate, now, is_event: false }));
                    now += ms(u64::from(pause));
                }
            }
            Step::Event { packets } => {
                let headers = stream.event(*packets, now);
                sent.extend(headers.into_iter().map(|header| Sent { header, rate: G711, now, is_event: true }));
                now += ms(u64::from(*packets) * 20);
            }
            Step::Pause { ms: pause } => now += ms(u64::from(*pause)),
        }
    }
    sent
}

/// Jitter and displacement that the sources of `play` have, in ms, and a frame.
const TOLERANCE_MS: f64 = 45.0 + 20.0;

/// The three promises of the module; `Err` says which was broken.
fn check_continuity(sent: &[Sent]) -> Result<(), String> {
    check_numbers(sent)?;
    check_media_time(sent)
}

fn check_numbers(sent: &[Sent]) -> Result<(), String> {
    let mut order: Vec<&Sent> = sent.iter().collect();
    order.sort_by_key(|sent| sent.header.extended_seq);
    for pair in order.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        if a.header.extended_seq == b.header.extended_seq {
            return Err(format!("sequence {} was used twice", a.header.seq));
        }
        let step = b.header.timestamp.wrapping_sub(a.header.timestamp) as i32;
        if step < 0 || (step == 0 && !(a.is_event && b.is_event)) {
            return Err(format!("timestamp moved by {step} at sequence {}", b.header.seq));
        }
    }
    Ok(())
}

/// Timestamps equal elapsed time, or are ahead of it by the audio that was sent faster than it lasts. All in ticks of the
/// clock of the moment: what is ahead stays ahead by as many ticks when the clock changes, for time cannot go back.
fn check_media_time(sent: &[Sent]) -> Result<(), String> {
    let Some(first) = sent.first() else { return Ok(()) };
    let (mut ticks, mut now, mut rate, mut surplus) = (0.0, first.now, first.rate, 0.0_f64);
    let mut newest = first.header.extended_seq;
    for packet in sent {
        let elapsed = (packet.now.as_secs_f64() - now.as_secs_f64()) * f64::from(rate);
        ticks += elapsed;
        (now, rate) = (packet.now, packet.rate);
        surplus = (surplus - elapsed).max(0.0) + if packet.is_event { 0.0 } else { f64::from(rate) / 50.0 };
        if packet.header.extended_seq < newest {
            continue;
        }
        newest = packet.header.extended_seq;
        let ahead = f64::from(packet.header.timestamp.wrapping_sub(first.header.timestamp) as i32) - ticks;
        // A change of clock leaves up to a tolerance of the faster clock behind, in the ticks of that clock.
        let slack = 2.0 * TOLERANCE_MS * f64::from(OPUS) / 1_000.0;
        if ahead > surplus + slack || ahead < -slack {
            return Err(format!("sequence {} is {ahead:.0} ticks off media time", packet.header.seq));
        }
    }
    Ok(())
}

/// An egress with one fault each, to see the checker reject it.
struct Faulty {
    inner: Egress,
    fault: Fault,
    forwarded: u16,
}

#[derive(Clone, Copy)]
enum Fault {
    /// Forwards the source's own timestamps.
    SourceTimestamps,
    /// Numbers a forwarded packet by the source again after a switch.
    SourceSequence,
    /// Encoded frames do not count the time that other sources took.
    FrozenClock,
}

impl Stream for Faulty {
    fn forward(&mut self, packet: Incoming, rate: u32, now: Duration) -> Option<Header> {
        let mut header = self.inner.forward(packet, rate, now)?;
        match self.fault {
            Fault::SourceTimestamps => header.timestamp = packet.timestamp,
            Fault::SourceSequence => header.extended_seq = u64::from(packet.seq),
            Fault::FrozenClock => {}
        }
        self.forwarded += 1;
        Some(header)
    }

    fn frame(&mut self, rate: u32, now: Duration) -> Option<Header> {
        let mut header = Stream::frame(&mut self.inner, rate, now)?;
        if matches!(self.fault, Fault::FrozenClock) {
            header.timestamp = header.timestamp.wrapping_sub(u32::from(self.forwarded) * rate / 50);
        }
        Some(header)
    }

    fn event(&mut self, packets: u8, now: Duration) -> Vec<Header> {
        Stream::event(&mut self.inner, packets, now)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]
    #[test]
    fn any_interleaving_of_sources_is_one_continuous_stream(steps in steps(), seq: u16, timestamp: u32) {
        let mut egress = Egress::new(1, seq, timestamp);
        let sent = play(&mut egress, &steps);
        prop_assert_eq!(check_continuity(&sent), Ok(()));
        prop_assert!(sent.iter().all(|packet| packet.header.seq == packet.header.extended_seq as u16));
    }
}

#[test]
fn the_continuity_check_rejects_planted_faults() {
    let talk = || Step::Forward { source: 2, opus: true, packets: vec![(true, 0); 20], duplicates: false };
    let steps = [talk(), Step::Encode { opus: true, frames: 5 }, talk(), Step::Encode { opus: true, frames: 5 }];
    assert_eq!(check_continuity(&play(&mut Egress::new(1, 9, 9), &steps)), Ok(()));
    for fault in [Fault::SourceTimestamps, Fault::SourceSequence, Fault::FrozenClock] {
        let mut faulty = Faulty { inner: Egress::new(1, 9, 9), fault, forwarded: 0 };
        assert!(check_continuity(&play(&mut faulty, &steps)).is_err());
    }
}
