"""What the media core says: replies to requests, and events. Plain data, as in `commands`."""

from typing import Literal

import msgspec


class _Message(msgspec.Struct, frozen=True, tag_field="t", tag=True):
    """A message from the core; its tag is the class name."""


# ---- replies -----------------------------------------------------------------------------------------------

RefusedCode = Literal[
    "sdp_syntax",  # the text is not an SDP, or a line of it is out of bounds; `line` says which
    "no_audio",  # no audio m-line that can be taken, or of another kind than before
    "no_common_codec",
    "no_fingerprint",  # a=fingerprint absent, malformed
    "weak_fingerprint",  # only hashes that RFC 8122 forbids
    "role_conflict",  # a=setup that cannot be (RFC 8842)
    "no_ice",  # no ice-ufrag or ice-pwd
    "unknown_port",
    "port_exists",
    "too_many_ports",
    "no_rtp_port",  # no pair of UDP ports is free for a far end without WebRTC
    "wrong_state",  # an answer without an offer, and the like
]


class Described(_Message, frozen=True):
    """Our SDP. `codec` is the one that will be sent first, None while unknown (an offer)."""

    sdp: str
    codec: str | None = None


class Done(_Message, frozen=True):
    """Accepted; `codec` is the one that will be sent first."""

    codec: str | None = None


class Refused(_Message, frozen=True):
    """Nothing was changed. `line` is the offending SDP line (cut to 80 characters) where there is one."""

    code: RefusedCode
    detail: str
    line: str = ""


class Direction(msgspec.Struct, frozen=True):
    """One direction of a port's media. MOS by the E-model (G.107) from delay, loss and codec."""

    packets: int = 0
    bytes: int = 0
    lost: int = 0
    loss_percent: float = 0.0
    jitter_ms: float = 0.0
    mos: float = 0.0
    concealed_ms: int = 0
    discarded: int = 0


class PortStats(_Message, frozen=True):
    """Counters since the port was opened: `inbound` from the far end, `outbound` to it (as it reports)."""

    port: int
    codec: str | None
    rtt_ms: float | None
    inbound: Direction
    outbound: Direction
    jitter_buffer_ms: float = 0.0


class Counters(_Message, frozen=True):
    """What the core holds now, and the datagrams that it dropped since it began.

    `routes` may speak to a port, having passed an ICE check; `streams` have sent a packet that verified;
    `connections` are TCP connections, proven or not. `strangers` spoke out of turn or failed a check, `malformed`
    is no protocol of ours, `unauthenticated` is RTP whose SRTP tag did not verify.
    """

    ports: int
    routes: int
    streams: int
    connections: int
    strangers: int
    malformed: int
    unauthenticated: int


Reply = Described | Done | Refused | PortStats | Counters


# ---- events ------------------------------------------------------------------------------------------------


class PortConnected(_Message, frozen=True):
    """ICE and DTLS are up; audio flows. Comes again after an ICE restart. `transport`: udp or tcp."""

    port: int
    transport: str
    local: str
    remote: str


class PortFailed(_Message, frozen=True):
    """The port is dead and has been closed: ice_failed, dtls_failed, fingerprint_mismatch, panic, worker_died."""

    port: int
    reason: str
    detail: str = ""


class PortClosed(_Message, frozen=True):
    """The answer to `ClosePort`: the last word about the port."""

    stats: PortStats


class MediaStopped(_Message, frozen=True):
    """No valid packet for `media_timeout_ms` from a far end that may send (its SDP's direction). Told again each time
    that as much silence has passed: who disregards it for a while (a call on hold) hears of it later."""

    port: int


class DigitReceived(_Message, frozen=True):
    """One key press of the far end (RFC 4733), told once, when it ended or its duration is known."""

    port: int
    digit: str
    duration_ms: int


class PlayEnded(_Message, frozen=True):
    """completed, stopped or closed."""

    port: int
    play: int
    reason: Literal["completed", "stopped", "closed"]


class FeedPlayed(_Message, frozen=True):
    """The chunk with `mark` was sent, or cleared. `played_ms` counts fed audio sent since the port opened."""

    port: int
    mark: int
    played_ms: int
    cleared: bool = False


class PcmHeard(_Message, frozen=True):
    """20 ms of the far end's audio. `at_ms` is the port's media time, so gaps can be seen."""

    port: int
    at_ms: int
    rate: int
    pcm: bytes


class Tapped(_Message, frozen=True):
    """20 ms of a tapped port's audio as the tap's encoding has it; `rate` is that of the samples. A direction that was
    not asked for is empty. `at_ms` is the port's media time."""

    port: int
    tap: int
    at_ms: int
    rate: int
    inbound: bytes
    outbound: bytes


class RecordEnded(_Message, frozen=True):
    """A recording's file is complete, or will take no more: told once for each `Record`, maybe after its port's end.

    `ms` is its length. `reason` is that of its end; `closed` is its port's, after `no_space` and `failed` the file has
    less than `ms`, or is not there.
    """

    port: int
    recording: str
    ms: int
    reason: Literal["stopped", "closed", "max_length", "silence", "no_space", "failed"]
    detail: str = ""


class Sound(msgspec.Struct, frozen=True):
    """What was heard in one direction over the metering interval.

    `tone_hz` is the strongest single frequency where it holds most of the energy, else 0. `packets` says
    whether anything came at all.
    """

    level: float
    tone_hz: float
    packets: int


class Metered(_Message, frozen=True):
    """`inbound` came from the far end (after decoding and concealment), `outbound` was sent to it."""

    port: int
    at_ms: int
    inbound: Sound
    outbound: Sound


class Loudest(_Message, frozen=True):
    """The port that was the loudest on the circle `port` since the last report, in dBov; None where nobody was louder
    than -45, which is told once."""

    port: int
    at_ms: int
    speaker: int | None
    level: float


class QualityMeasured(_Message, frozen=True):
    """Every `quality_every_ms` for each connected port."""

    stats: PortStats


class WorkerDied(_Message, frozen=True):
    """A worker's thread ended; its ports failed, each with its own `PortFailed`."""

    worker: int
    detail: str


Event = (
    PortConnected
    | PortFailed
    | PortClosed
    | MediaStopped
    | DigitReceived
    | PlayEnded
    | FeedPlayed
    | PcmHeard
    | Tapped
    | RecordEnded
    | Metered
    | Loudest
    | QualityMeasured
    | WorkerDied
)
