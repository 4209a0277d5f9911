//! DTMF: telephone-events of RFC 4733 in and out, and dual tones for far ends without them. Knows no ports or sockets.

use std::collections::VecDeque;
use std::time::Duration;

use crate::tone::{Tone, ToneGenerator, Tones};

const DIGITS: &[u8; 16] = b"0123456789*#ABCD";
const TICK_MS: u32 = 20;
/// Shorter presses are not recognised by many far ends.
const MIN_DURATION_MS: u32 = 40;
/// Pauses of the dial string: `w` and `W`.
const SHORT_PAUSE_MS: u32 = 500;
const LONG_PAUSE_MS: u32 = 1_000;

// ---- receiving ---------------------------------------------------------------------------------------------

/// Without packets for so long a press has ended: six of them at the usual 20 ms.
const TIMEOUT: Duration = Duration::from_millis(120);
/// Presses remembered, so that their late and repeated packets are not told again.
const MEMORY: usize = 8;
/// Where the duration field saturates and the next segment begins (RFC 4733 section 2.5.1.3).
const SEGMENT: u32 = 0xffff;

/// One key press of the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Press {
    pub digit: char,
    pub duration_ms: u32,
}

#[derive(Clone, Copy)]
enum Phase {
    Pressed,
    /// Released, but the caller had to be told of another press first.
    Released,
}

#[derive(Clone, Copy)]
struct Key {
    event: u8,
    timestamp: u32,
    /// Of the segments before this one, in timestamp units.
    earlier: u32,
    duration: u32,
    last_at: Duration,
    phase: Phase,
}

/// Tells each press once, in order, when it has ended. Feed it every telephone-event packet and every tick.
pub struct DtmfReceiver {
    clock_rate: u32,
    key: Option<Key>,
    /// Newest last: timestamp and event of presses already told.
    told: VecDeque<(u32, u8)>,
}

impl DtmfReceiver {
    /// `clock_rate` is that of the telephone-event payload type.
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate, key: None, told: VecDeque::with_capacity(MEMORY + 1) }
    }

    /// Take a telephone-event payload; returns the press that this packet completes. Malformed ones and events
    /// other than the sixteen keys are ignored.
    pub fn push(&mut self, timestamp: u32, payload: &[u8], now: Duration) -> Option<Press> {
        let &[event, flags, high, low, ..] = payload else {
            return None;
        };
        let (is_end, duration) = (flags & 0x80 != 0, u32::from(u16::from_be_bytes([high, low])));
        if usize::from(event) >= DIGITS.len() || self.told.contains(&(timestamp, event)) {
            return self.tick(now);
        }
        match self.key {
            Some(key) if key.event == event && key.timestamp == timestamp => self.hold(key, duration, is_end, now),
            Some(key) if key.goes_on_at(event, timestamp) => {
                let next = Key { timestamp, earlier: key.earlier + SEGMENT, duration: 0, ..key };
                self.hold(next, duration, is_end, now)
            }
            Some(key) if (timestamp.wrapping_sub(key.timestamp) as i32) < 0 => self.tick(now),
            before => self.press(before, event, timestamp, duration, is_end, now),
        }
    }

    /// Call on each tick: a press whose end packets were all lost ends after 120 ms without packets.
    pub fn tick(&mut self, now: Duration) -> Option<Press> {
        let key = self.key?;
        match key.phase {
            Phase::Pressed if now.saturating_sub(key.last_at) < TIMEOUT => None,
            Phase::Pressed | Phase::Released => {
                self.key = None;
                Some(self.tell(key))
            }
        }
    }

    fn press(
        &mut self,
        before: Option<Key>,
        event: u8,
        timestamp: u32,
        duration: u32,
        is_end: bool,
        now: Duration,
    ) -> Option<Press> {
        let told = before.map(|key| self.tell(key));
        let key = Key { event, timestamp, earlier: 0, duration: 0, last_at: now, phase: Phase::Pressed };
        self.key = Some(key);
        match told {
            Some(press) => {
                let phase = if is_end { Phase::Released } else { Phase::Pressed };
                self.key = Some(Key { duration, phase, ..key });
                Some(press)
            }
            None => self.hold(key, duration, is_end, now),
        }
    }

    fn hold(&mut self, key: Key, duration: u32, is_end: bool, now: Duration) -> Option<Press> {
        // A sender that neither saturates nor starts a segment lets the field wrap.
        let wrapped = key.duration % (SEGMENT + 1) > duration + SEGMENT / 2;
        let base = key.duration - key.duration % (SEGMENT + 1) + if wrapped { SEGMENT + 1 } else { 0 };
        let held = Key { duration: key.duration.max(base + duration), last_at: now, ..key };
        self.key = (!is_end).then_some(held);
        is_end.then(|| self.tell(held))
    }

    fn tell(&mut self, key: Key) -> Press {
        self.told.push_back((key.timestamp, key.event));
        if self.told.len() > MEMORY {
            self.told.pop_front();
        }
        let ticks = u64::from(key.earlier) + u64::from(key.duration);
        let duration_ms = (ticks * 1_000 / u64::from(self.clock_rate)) as u32;
        Press { digit: char::from(DIGITS[usize::from(key.event)]), duration_ms }
    }
}

impl Key {
    /// Whether a packet at `timestamp` is the next segment of this long press.
    fn goes_on_at(&self, event: u8, timestamp: u32) -> bool {
        let is_pressed = matches!(self.phase, Phase::Pressed);
        is_pressed && self.event == event && timestamp.wrapping_sub(self.timestamp) == SEGMENT
    }
}

// ---- sending -----------------------------------------------------------------------------------------------

/// One thing of a dial string.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dial {
    Key { event: u8, duration_ms: u32, gap_ms: u32 },
    Pause { ms: u32 },
}

fn dial(digits: &str, duration_ms: u32, gap_ms: u32) -> impl Iterator<Item = Dial> {
    digits.bytes().filter_map(move |byte| match byte {
        b'w' => Some(Dial::Pause { ms: SHORT_PAUSE_MS }),
        b'W' => Some(Dial::Pause { ms: LONG_PAUSE_MS }),
        key => event_of(key).map(|event| Dial::Key { event, duration_ms, gap_ms }),
    })
}

fn event_of(key: u8) -> Option<u8> {
    DIGITS.iter().position(|&digit| digit == key.to_ascii_uppercase()).map(|event| event as u8)
}

/// What the sender wants done on this tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfStep {
    /// Nothing is queued: audio goes on as usual.
    Idle,
    /// A pause before or after a digit: audio goes on as usual.
    Pause,
    /// `Egress::begin_event`, with this payload.
    Begin([u8; 4]),
    /// `Egress::continue_event`, with this payload.
    Continue([u8; 4]),
    /// As `Continue`, then `Egress::end_event`.
    Finish([u8; 4]),
}

/// Packets that carry the end of a press (RFC 4733 section 2.5.1.4).
const END_PACKETS: u32 = 3;
const END_FLAG: u8 = 0x80;
/// Power of the tone in -dBm0 that the far end is to make of it.
const VOLUME: u8 = 10;

#[derive(Clone, Copy)]
enum Sending {
    Nothing,
    Pausing {
        ticks: u32,
    },
    /// `ticks` is how many packets of the press were sent, ends included.
    Pressing {
        event: u8,
        length: u32,
        gap: u32,
        ticks: u32,
    },
}

/// Sends digits as telephone-events, one step for each 20 ms tick. The two repetitions of the end take ticks of the gap.
pub struct DtmfSender {
    clock_rate: u32,
    queue: VecDeque<Dial>,
    sending: Sending,
}

impl DtmfSender {
    pub fn new(clock_rate: u32) -> Self {
        Self { clock_rate, queue: VecDeque::new(), sending: Sending::Nothing }
    }

    /// Queue digits; `w` pauses 0.5 s and `W` 1 s; other characters are ignored. Durations are rounded up to 20 ms, at
    /// least 40 ms and at most what one segment holds (8.1 s at 8 kHz, 1.3 s at 48 kHz).
    pub fn send(&mut self, digits: &str, duration_ms: u32, gap_ms: u32) {
        self.queue.extend(dial(digits, duration_ms, gap_ms));
    }

    pub fn is_idle(&self) -> bool {
        self.queue.is_empty() && matches!(self.sending, Sending::Nothing)
    }

    /// Forget what is queued. A press that is under way is finished by further ticks.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// Call every 20 ms, while not idle.
    pub fn tick(&mut self) -> DtmfStep {
        if matches!(self.sending, Sending::Nothing) {
            self.sending = self.next();
        }
        match self.sending {
            Sending::Nothing => DtmfStep::Idle,
            Sending::Pausing { ticks } => {
                self.sending = pausing(ticks.saturating_sub(1));
                DtmfStep::Pause
            }
            Sending::Pressing { event, length, gap, ticks } => self.press(event, length, gap, ticks),
        }
    }

    fn next(&mut self) -> Sending {
        match self.queue.pop_front() {
            None => Sending::Nothing,
            Some(Dial::Pause { ms }) => Sending::Pausing { ticks: ms.div_ceil(TICK_MS) },
            Some(Dial::Key { event, duration_ms, gap_ms }) => {
                let longest = SEGMENT / self.ticks_per_packet();
                let length = duration_ms.max(MIN_DURATION_MS).div_ceil(TICK_MS).min(longest);
                Sending::Pressing { event, length, gap: gap_ms.div_ceil(TICK_MS), ticks: 0 }
            }
        }
    }

    fn press(&mut self, event: u8, length: u32, gap: u32, ticks: u32) -> DtmfStep {
        let sent = ticks + 1;
        let duration = (sent.min(length) * self.ticks_per_packet()) as u16;
        let flags = if sent >= length { END_FLAG | VOLUME } else { VOLUME };
        let [high, low] = duration.to_be_bytes();
        let payload = [event, flags, high, low];
        self.sending = Sending::Pressing { event, length, gap, ticks: sent };
        match sent {
            1 => DtmfStep::Begin(payload),
            _ if sent + 1 == length + END_PACKETS => {
                self.sending = pausing(gap.saturating_sub(END_PACKETS - 1));
                DtmfStep::Finish(payload)
            }
            _ => DtmfStep::Continue(payload),
        }
    }

    const fn ticks_per_packet(&self) -> u32 {
        self.clock_rate / 1_000 * TICK_MS
    }
}

const fn pausing(ticks: u32) -> Sending {
    if ticks == 0 { Sending::Nothing } else { Sending::Pausing { ticks } }
}

// ---- tones -------------------------------------------------------------------------------------------------

const LOW_HZ: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const HIGH_HZ: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYPAD: &[u8; 16] = b"123A456B789C*0#D";
/// Of the two tones together; about -9 dBm0 each, the middle of what ITU-T Q.24 lets receivers expect.
const LEVEL_DBOV: f32 = -12.0;

fn dual_tone(event: u8) -> Vec<f32> {
    let place = KEYPAD.iter().position(|&key| key == DIGITS[usize::from(event)]).unwrap_or(0);
    vec![LOW_HZ[place / 4], HIGH_HZ[place % 4]]
}

/// Sends digits as dual tones in band.
pub struct DtmfTones {
    rate: u32,
    queue: VecDeque<ToneGenerator>,
}

impl DtmfTones {
    pub fn new(rate: u32) -> Self {
        Self { rate, queue: VecDeque::new() }
    }

    /// As [`DtmfSender::send`]; durations are exact, and at least 40 ms.
    pub fn send(&mut self, digits: &str, duration_ms: u32, gap_ms: u32) {
        let parts = dial(digits, duration_ms.max(MIN_DURATION_MS), gap_ms).flat_map(|part| match part {
            Dial::Pause { ms } => vec![Tone { hz: Vec::new(), ms }],
            Dial::Key { event, duration_ms: ms, gap_ms } => {
                vec![Tone { hz: dual_tone(event), ms }, Tone { hz: Vec::new(), ms: gap_ms }]
            }
        });
        let cadence = Tones { tones: parts.collect(), level: LEVEL_DBOV };
        self.queue.push_back(ToneGenerator::new(cadence, self.rate, 1));
    }

    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// Forget what is queued.
    pub fn clear(&mut self) {
        self.queue.clear();
    }

    /// Replace `frame` by tones, with silence in the gaps; false, and `frame` untouched, when idle.
    pub fn render(&mut self, frame: &mut [i16]) -> bool {
        if self.is_idle() {
            return false;
        }
        frame.fill(0);
        let mut done = 0;
        while let Some(generator) = self.queue.front_mut() {
            done += generator.render(&mut frame[done..]);
            if done == frame.len() {
                break;
            }
            self.queue.pop_front();
        }
        true
    }
}

#[cfg(test)]
#[path = "dtmf_tests.rs"]
mod tests;
