//! The messages that cross to whoever drives the core: MessagePack maps tagged by `t`, as Python defines them.

use serde::{Deserialize, Serialize};

use crate::codec::CodecKind;
use crate::encoding::Encoding;
use crate::play::EndReason;

fn all_codecs() -> Vec<String> {
    vec!["opus".into(), "pcmu".into(), "pcma".into()]
}

/// How much of ICE our side does (RFC 8445 section 2.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ice {
    #[default]
    Lite,
    Full,
}

/// What a far end is offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    #[default]
    Webrtc,
    Rtp,
    /// Keys in the SDP (RFC 4568).
    Srtp,
    /// Keys of a handshake (RFC 5763), without ICE.
    Dtls,
}

/// The network between the ports of a driven core.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Network {
    pub loss: f64,
    /// The mean number of packets of one direction that are lost in a row; up to 1 they are lost independently.
    pub burst: f64,
    pub delay_ms: f64,
    pub jitter_ms: f64,
    pub seed: u64,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct CoreConfig {
    pub workers: u32,
    pub bind: Vec<String>,
    pub udp_port: u16,
    pub tcp: bool,
    pub public_addresses: Vec<String>,
    pub driven: bool,
    pub network: Network,
    /// First and last UDP port for far ends without WebRTC; any where the last is 0.
    pub rtp_ports: (u16, u16),
    pub max_ports: usize,
    pub quality_every_ms: u64,
    pub media_timeout_ms: u64,
}

impl Default for CoreConfig {
    fn default() -> Self {
        Self {
            workers: 1,
            bind: vec!["127.0.0.1".into()],
            udp_port: 0,
            tcp: true,
            public_addresses: Vec::new(),
            driven: false,
            network: Network::default(),
            rtp_ports: (0, 0),
            max_ports: 10_000,
            quality_every_ms: 5_000,
            media_timeout_ms: 60_000,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "t")]
pub enum Request {
    AnswerPort {
        port: u32,
        offer: String,
        #[serde(default)]
        ice: Ice,
        #[serde(default = "all_codecs")]
        codecs: Vec<String>,
        #[serde(default)]
        trickle: bool,
    },
    OfferPort {
        port: u32,
        #[serde(default)]
        ice: Ice,
        #[serde(default = "all_codecs")]
        codecs: Vec<String>,
        #[serde(default)]
        trickle: bool,
        #[serde(default)]
        profile: Profile,
    },
    AcceptAnswer {
        port: u32,
        answer: String,
    },
    AnswerReoffer {
        port: u32,
        offer: String,
    },
    Reoffer {
        port: u32,
    },
    ReadStats {
        port: u32,
    },
    ReadCounters,
}

/// Why a request was refused; the names are the wire's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusedCode {
    SdpSyntax,
    NoAudio,
    NoCommonCodec,
    NoFingerprint,
    WeakFingerprint,
    RoleConflict,
    NoIce,
    UnknownPort,
    PortExists,
    TooManyPorts,
    NoRtpPort,
    WrongState,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Direction {
    pub packets: u64,
    pub bytes: u64,
    pub lost: u64,
    pub loss_percent: f32,
    pub jitter_ms: f32,
    pub mos: f32,
    pub concealed_ms: u64,
    pub discarded: u64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "t", rename = "PortStats")]
pub struct PortStats {
    pub port: u32,
    pub codec: Option<&'static str>,
    pub rtt_ms: Option<f32>,
    pub inbound: Direction,
    pub outbound: Direction,
    pub jitter_buffer_ms: f32,
}

/// What the core holds, and what it dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    pub ports: u64,
    pub routes: u64,
    pub streams: u64,
    pub connections: u64,
    pub strangers: u64,
    pub malformed: u64,
    pub unauthenticated: u64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "t")]
pub enum Reply {
    Described {
        sdp: String,
        codec: Option<&'static str>,
    },
    Done {
        codec: Option<&'static str>,
    },
    Refused {
        code: RefusedCode,
        detail: String,
        line: String,
    },
    Counters(Counters),
    #[serde(untagged)]
    Stats(PortStats),
}

#[derive(Clone, Debug, Deserialize)]
pub struct Tone {
    pub hz: Vec<f32>,
    pub ms: u32,
}

fn usual_level() -> f32 {
    -15.0
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "t")]
pub enum Source {
    Tones {
        tones: Vec<Tone>,
        #[serde(default = "usual_level")]
        level: f32,
    },
    Audio {
        rate: u32,
        #[serde(with = "serde_bytes")]
        pcm: Vec<u8>,
    },
}

/// Which directions of a port's audio: `inbound` is what its far end says, `outbound` what it is given to hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tracks {
    #[default]
    Both,
    Inbound,
    Outbound,
}

impl Tracks {
    pub fn has_inbound(self) -> bool {
        self != Self::Outbound
    }

    pub fn has_outbound(self) -> bool {
        self != Self::Inbound
    }
}

fn one_channel() -> u16 {
    1
}

fn once() -> u32 {
    1
}

fn digit_ms() -> u32 {
    100
}

fn gap_ms() -> u32 {
    60
}

#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "t")]
pub enum Command {
    AddCandidate {
        port: u32,
        candidate: String,
    },
    EndCandidates {
        port: u32,
    },
    Hear {
        port: u32,
        speakers: Vec<u32>,
    },
    Convene {
        port: u32,
        speakers: Vec<u32>,
        #[serde(default)]
        apart: Option<u32>,
        #[serde(default)]
        levels_ms: u32,
    },
    Play {
        port: u32,
        play: u64,
        source: Source,
        #[serde(default = "once", rename = "loop")]
        rounds: u32,
        #[serde(default)]
        overlay: bool,
    },
    StopPlay {
        port: u32,
        #[serde(default)]
        play: u64,
    },
    SendDigits {
        port: u32,
        digits: String,
        #[serde(default = "digit_ms")]
        duration_ms: u32,
        #[serde(default = "gap_ms")]
        gap_ms: u32,
    },
    Listen {
        port: u32,
        rate: u32,
    },
    Tap {
        port: u32,
        tap: u64,
        rate: u32,
        #[serde(default)]
        tracks: Tracks,
        #[serde(default)]
        encoding: Encoding,
    },
    Untap {
        port: u32,
        tap: u64,
    },
    Record {
        port: u32,
        recording: String,
        path: String,
        rate: u32,
        #[serde(default)]
        tracks: Tracks,
        #[serde(default = "one_channel")]
        channels: u16,
        #[serde(default)]
        max_ms: u64,
        #[serde(default)]
        silence_ms: u64,
    },
    PauseRecord {
        port: u32,
        recording: String,
        paused: bool,
    },
    StopRecord {
        port: u32,
        recording: String,
    },
    Feed {
        port: u32,
        rate: u32,
        #[serde(with = "serde_bytes")]
        pcm: Vec<u8>,
        #[serde(default)]
        mark: u64,
        #[serde(default)]
        overlay: bool,
        #[serde(default)]
        encoding: Encoding,
    },
    ClearFeed {
        port: u32,
    },
    Denoise {
        port: u32,
        tracks: Option<Tracks>,
        #[serde(default)]
        limit_db: Option<f32>,
    },
    Mute {
        port: u32,
        muted: bool,
    },
    Meter {
        port: u32,
        every_ms: u32,
    },
    ClosePort {
        port: u32,
    },
}

impl Command {
    pub fn port(&self) -> u32 {
        match self {
            Self::AddCandidate { port, .. }
            | Self::EndCandidates { port }
            | Self::Hear { port, .. }
            | Self::Convene { port, .. }
            | Self::Play { port, .. }
            | Self::StopPlay { port, .. }
            | Self::SendDigits { port, .. }
            | Self::Listen { port, .. }
            | Self::Tap { port, .. }
            | Self::Untap { port, .. }
            | Self::Record { port, .. }
            | Self::PauseRecord { port, .. }
            | Self::StopRecord { port, .. }
            | Self::Feed { port, .. }
            | Self::ClearFeed { port }
            | Self::Denoise { port, .. }
            | Self::Mute { port, .. }
            | Self::Meter { port, .. }
            | Self::ClosePort { port } => *port,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sound {
    pub level: f32,
    pub tone_hz: f32,
    pub packets: u64,
}

#[derive(Clone, Debug, Serialize)]
#[serde(tag = "t")]
pub enum Event {
    PortConnected {
        port: u32,
        transport: &'static str,
        local: String,
        remote: String,
    },
    PortFailed {
        port: u32,
        reason: &'static str,
        detail: String,
    },
    PortClosed {
        stats: PortStats,
    },
    MediaStopped {
        port: u32,
    },
    DigitReceived {
        port: u32,
        digit: char,
        duration_ms: u32,
    },
    PlayEnded {
        port: u32,
        play: u64,
        reason: &'static str,
    },
    FeedPlayed {
        port: u32,
        mark: u64,
        played_ms: u64,
        cleared: bool,
    },
    PcmHeard {
        port: u32,
        at_ms: u64,
        rate: u32,
        #[serde(with = "serde_bytes")]
        pcm: Vec<u8>,
    },
    Tapped {
        port: u32,
        tap: u64,
        at_ms: u64,
        rate: u32,
        #[serde(with = "serde_bytes")]
        inbound: Vec<u8>,
        #[serde(with = "serde_bytes")]
        outbound: Vec<u8>,
    },
    RecordEnded {
        port: u32,
        recording: String,
        ms: u64,
        reason: &'static str,
        detail: String,
    },
    Metered {
        port: u32,
        at_ms: u64,
        inbound: Sound,
        outbound: Sound,
    },
    Loudest {
        port: u32,
        at_ms: u64,
        speaker: Option<u32>,
        level: f32,
    },
    QualityMeasured {
        stats: PortStats,
    },
    WorkerDied {
        worker: u32,
        detail: String,
    },
}

/// The name of an end, as `PlayEnded` carries it.
pub fn end_name(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Completed => "completed",
        EndReason::Stopped => "stopped",
        EndReason::Closed => "closed",
    }
}

/// The codecs of those names, in that order; unknown names are left out.
pub fn codecs_named(names: &[String]) -> Vec<CodecKind> {
    names.iter().filter_map(|name| CodecKind::from_name(name)).collect()
}
