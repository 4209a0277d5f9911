"""What the media core is told: requests (answered at once) and commands (carried out soon). Plain data.

A *port* is the media end of a leg. Its number is chosen by the caller, unique for the life of the core.
Everything here crosses to the native core as MessagePack maps whose `t` key is the class name, so that the
same core can run in this process or in one of its own. Times are milliseconds, levels dBov (RFC 6465: 0 is
the loudest, -127 silence), PCM is int16 little-endian mono.
"""

from typing import Literal

import msgspec

Codec = Literal["opus", "pcmu", "pcma"]
Ice = Literal["lite", "full"]
# What a far end is offered: ICE and DTLS-SRTP, plain RTP (RTP/AVP), SRTP with keys in the SDP (RFC 4568), or with keys
# of a handshake and without ICE (RFC 5763). What it offers itself is seen by its SDP.
Profile = Literal["webrtc", "rtp", "srtp", "dtls"]
# What a port's far end says, what it is given to hear, or both.
Tracks = Literal["both", "inbound", "outbound"]
# How audio looks outside of RTP: PCM as above; the samples of the others are at 8, 8, 16 and 48 kHz; a frame or chunk
# of Opus is one packet.
Encoding = Literal["pcm", "pcmu", "pcma", "g722", "opus"]
CODECS: tuple[Codec, ...] = ("opus", "pcmu", "pcma")


class _Message(msgspec.Struct, frozen=True, tag_field="t", tag=True, omit_defaults=False):
    """A message to the core; its tag is the class name."""


# ---- the core itself -------------------------------------------------------------------------------------


class Network(msgspec.Struct, frozen=True):
    """The network that a driven core simulates between its own ports (every port is a host of its own).

    `loss` is the share of packets lost, 0 to 1, in runs of `burst` on the mean; up to 1, each is lost by itself.
    """

    loss: float = 0.0
    burst: float = 1.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    seed: int = 0


class CoreConfig(msgspec.Struct, frozen=True):
    """How a core is built.

    One worker, which is one thread, carries all ports for now: any other number of `workers` is refused (OSError).
    `bind` are the addresses whose sockets it opens (a UDP port on each and, where `tcp`, a listener of the same
    number for ICE over TCP, RFC 4571 framing); `0.0.0.0` and `::` are refused, because candidates have to name an
    address. `public_addresses` replace them in candidates behind a 1:1 NAT. `driven` cores have no threads,
    sockets or clock: `Core.advance` moves them and packets between their ports travel through `network`. Far ends
    without WebRTC get a pair of UDP ports each, out of `rtp_ports`, first and last; any where the last is 0.
    """

    workers: int = 1
    bind: list[str] = msgspec.field(default_factory=lambda: ["127.0.0.1"])
    udp_port: int = 0
    tcp: bool = True
    public_addresses: list[str] = []
    driven: bool = False
    network: Network = Network()
    rtp_ports: tuple[int, int] = (0, 0)
    max_ports: int = 10_000
    quality_every_ms: int = 5_000
    media_timeout_ms: int = 60_000


# ---- requests: SDP in, SDP out, on the caller's thread -------------------------------------------------------


class AnswerPort(_Message, frozen=True):
    """Open `port` on a far end's offer; the reply is `Described` with our answer, or `Refused`.

    `trickle`: the far end's candidates come later by `AddCandidate`; ours are always complete in the SDP.
    """

    port: int
    offer: str
    ice: Ice = "lite"
    codecs: list[Codec] = msgspec.field(default_factory=lambda: list(CODECS))
    trickle: bool = False


class OfferPort(_Message, frozen=True):
    """Open `port` with an offer of ours (`Described`); `AcceptAnswer` completes it. `ice` is for WebRTC only."""

    port: int
    ice: Ice = "lite"
    codecs: list[Codec] = msgspec.field(default_factory=lambda: list(CODECS))
    trickle: bool = False
    profile: Profile = "webrtc"


class AcceptAnswer(_Message, frozen=True):
    """The far end's answer to the offer of `port`; the reply is `Done` or `Refused`."""

    port: int
    answer: str


class AnswerReoffer(_Message, frozen=True):
    """A new offer on a live port (ICE restart, direction, codecs); the reply is `Described`.

    Media goes on: the port keeps its SSRC, sequence numbers and keys unless the fingerprint changed, which
    makes a new DTLS association on the same port number.
    """

    port: int
    offer: str


class Reoffer(_Message, frozen=True):
    """Make a new offer with fresh ICE credentials on a live port (`Described`); `AcceptAnswer` completes it."""

    port: int


class ReadStats(_Message, frozen=True):
    """Ask for the port's counters now; the reply is `PortStats`."""

    port: int


class ReadCounters(_Message, frozen=True):
    """Ask what the core holds and what it dropped; the reply is `Counters`."""


Request = AnswerPort | OfferPort | AcceptAnswer | AnswerReoffer | Reoffer | ReadStats | ReadCounters


# ---- commands: no reply, events tell what came of them -----------------------------------------------------


class AddCandidate(_Message, frozen=True):
    """A trickled candidate of the far end, with or without `candidate:`; unresolvable names are ignored."""

    port: int
    candidate: str


class EndCandidates(_Message, frozen=True):
    """The far end has no more candidates."""

    port: int


class Hear(_Message, frozen=True):
    """From now on the far end of `port` hears exactly these ports: none (silence frames go on), one (forwarded
    or transcoded) or many (mixed). A port never hears itself. A circle counts as all who speak on it (`Convene`)."""

    port: int
    speakers: list[int]


class Convene(_Message, frozen=True):
    """From now on exactly these ports speak on the circle `port`: a port without a far end, which is made by the first
    `Convene` and ended by `ClosePort`, of which nothing is told. Whoever hears it hears all who speak on it but itself;
    that is one sum for all, where listing them costs a sum for each.

    A circle takes `Record` (`inbound` is then the port `apart`, `outbound` all others and what is played), and `Play`,
    which its recordings alone hear. Every `levels_ms` it tells by `Loudest` who was; 0 stops that, which like every
    recording costs a decode of all who speak.
    """

    port: int
    speakers: list[int]
    apart: int | None = None
    levels_ms: int = 0


class Tone(msgspec.Struct, frozen=True, tag=True, tag_field="t"):
    """One stretch of a cadence: the sum of `hz` (none is a pause) for `ms`."""

    hz: list[float]
    ms: int


class Tones(msgspec.Struct, frozen=True, tag=True, tag_field="t"):
    """A cadence of tones at `level` dBov."""

    tones: list[Tone]
    level: float = -15.0


class Audio(msgspec.Struct, frozen=True, tag=True, tag_field="t"):
    """Decoded audio: int16 mono PCM at `rate` Hz."""

    rate: int
    pcm: bytes


class Play(_Message, frozen=True):
    """Play to the far end of `port`, `loop` times (0 for ever). Ends with `PlayEnded`.

    Without `overlay` it replaces what the port hears while it plays; plays on one port queue in order.
    With `overlay` it is mixed over what the port hears.
    """

    port: int
    play: int
    source: Tones | Audio
    loop: int = 1
    overlay: bool = False


class StopPlay(_Message, frozen=True):
    """Stop one play, or, with `play` 0, all of them."""

    port: int
    play: int = 0


class SendDigits(_Message, frozen=True):
    """Send DTMF to the far end: RFC 4733 where negotiated, else tones in band. `w` pauses 0.5 s, `W` 1 s."""

    port: int
    digits: str
    duration_ms: int = 100
    gap_ms: int = 60


class Listen(_Message, frozen=True):
    """Report the far end's decoded audio as `PcmHeard` every 20 ms, resampled to `rate`; 0 stops it."""

    port: int
    rate: int


class Tap(_Message, frozen=True):
    """Report both directions of the port's audio as `Tapped` every 20 ms: what its far end says (`inbound`) and what
    it is given to hear (`outbound`: whom it hears, mixed, and what is played to it), aligned in time, silence where
    there is nothing, resampled to `rate` (a multiple of 50), as `encoding` has it. `rate` is for PCM only.

    For whoever streams, forks or transcribes a leg. A port has any number of taps; the same `tap` again replaces the
    former. Costs a decode of each direction that would otherwise be forwarded, once for all taps and recordings.
    """

    port: int
    tap: int
    rate: int
    tracks: Tracks = "both"
    encoding: Encoding = "pcm"


class Untap(_Message, frozen=True):
    """Take a tap away."""

    port: int
    tap: int


class Record(_Message, frozen=True):
    """Write the port's audio, as a `Tap` has it, to the new file `path` as it goes: a WAV file of 16-bit PCM at `rate`
    whose lengths in the header stay unknown (0xFFFFFFFF), appended to once a second by a thread that writes nothing
    else. So whatever becomes of the process, all but the last second is there.

    With two `channels` inbound is the first and outbound the second, else they are mixed; of one track there is one.
    It ends with `RecordEnded`: by `StopRecord`, with its port, after `max_ms`, or when nobody has been louder than
    -45 dBov for `silence_ms` since somebody was (0: never). A port has any number of recordings, each with a name of
    its own.
    """

    port: int
    recording: str
    path: str
    rate: int
    tracks: Tracks = "both"
    channels: Literal[1, 2] = 1
    max_ms: int = 0
    silence_ms: int = 0


class PauseRecord(_Message, frozen=True):
    """Record silence in place of the audio, or the audio again: the file keeps its timeline."""

    port: int
    recording: str
    paused: bool


class StopRecord(_Message, frozen=True):
    """End a recording."""

    port: int
    recording: str


class Feed(_Message, frozen=True):
    """Append audio to the queue that plays to the far end in place of what it hears (`overlay`: mixed over it).

    `pcm` is as `encoding` has it; chunks of one encoding are one stream to its decoder, and what cannot be decoded
    counts as empty. `rate` is for PCM only.

    When the last sample of this chunk has been sent, `FeedPlayed` comes back with `mark`.
    """

    port: int
    rate: int
    pcm: bytes
    mark: int = 0
    overlay: bool = False
    encoding: Encoding = "pcm"


class ClearFeed(_Message, frozen=True):
    """Throw away what has not been sent of the feed; the cleared marks come back as `FeedPlayed(cleared)`."""

    port: int


class Denoise(_Message, frozen=True):
    """Take the noise from these directions of the port's audio from now on, None from neither: from what its far end
    says before anybody hears it, from what it hears before it is sent. Costs a decode and an encode of packets that
    would otherwise be forwarded, and 10 to 13 ms of delay. It is made fainter by `limit_db` at most, None for no limit.
    """

    port: int
    tracks: Tracks | None
    limit_db: float | None = None


class Mute(_Message, frozen=True):
    """Send the far end digital silence whatever it would hear (a client's microphone mute)."""

    port: int
    muted: bool


class Meter(_Message, frozen=True):
    """Report `Metered` every `every_ms` of media time; 0 stops it. Costs a decode of forwarded audio."""

    port: int
    every_ms: int


class ClosePort(_Message, frozen=True):
    """End the port; `PortClosed` with the last counters follows."""

    port: int


Command = (
    AddCandidate
    | EndCandidates
    | Hear
    | Convene
    | Play
    | StopPlay
    | SendDigits
    | Listen
    | Tap
    | Untap
    | Record
    | PauseRecord
    | StopRecord
    | Feed
    | ClearFeed
    | Denoise
    | Mute
    | Meter
    | ClosePort
)
