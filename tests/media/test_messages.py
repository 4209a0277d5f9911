"""Category: integration. Every message of the media core crosses to it and back; who is handed which event."""

import asyncio
import gc
import os
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from offhook.media import commands, events
from offhook.media.commands import (
    AcceptAnswer,
    AddCandidate,
    AnswerPort,
    AnswerReoffer,
    Audio,
    ClearFeed,
    ClosePort,
    Convene,
    CoreConfig,
    Denoise,
    EndCandidates,
    Feed,
    Hear,
    Listen,
    Meter,
    Mute,
    OfferPort,
    PauseRecord,
    Play,
    ReadCounters,
    ReadStats,
    Record,
    Reoffer,
    SendDigits,
    StopPlay,
    StopRecord,
    Tap,
    Tone,
    Tones,
    Untap,
)
from offhook.media.core import Core, MediaRefused
from offhook.media.events import Counters, Described, Done, Event, PortStats

MS = 1_000_000
SECOND = 1_000 * MS
ENDLESS = Tones([Tone([440.0], 1_000)])


def sdp(core: Core, request: commands.Request) -> str:
    reply = core.request(request)
    assert isinstance(reply, Described)
    return reply.sdp


def open_leg(core: Core, near: int, far: int) -> None:
    """`far` plays the phone on leg `near`."""
    answer = sdp(core, AnswerPort(near, sdp(core, OfferPort(far, ice="full", codecs=["opus"]))))
    assert core.request(AcceptAnswer(far, answer)) == Done("opus")


class Told:
    """A core that keeps what it was told."""

    def __init__(self, config: CoreConfig | None = None) -> None:
        self.events: list[Event] = []
        self.core = Core(config or CoreConfig(driven=True), self.events.append)

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, *_: object) -> None:
        self.core.close()

    def kinds(self) -> set[type]:
        return {type(event) for event in self.events}


# ---- messages --------------------------------------------------------------------------------------------------

PORT = 1
REQUESTS: list[commands.Request] = [
    AnswerPort(PORT, "v=0", "full", ["pcmu"], True),
    OfferPort(PORT, "lite", ["pcma"], True),
    AcceptAnswer(PORT, "v=0"),
    AnswerReoffer(PORT, "v=0"),
    Reoffer(PORT),
    ReadStats(PORT),
    ReadCounters(),
]
COMMANDS: list[commands.Command] = [
    AddCandidate(PORT, "candidate:1 1 udp 1 192.0.2.1 9 typ host"),
    EndCandidates(PORT),
    Hear(PORT, [2, 3]),
    Convene(2, [PORT], PORT, 100),
    Play(PORT, 1, ENDLESS, 2, True),
    Play(PORT, 2, Audio(8_000, b"\0\1")),
    StopPlay(PORT, 1),
    SendDigits(PORT, "1w#", 90, 50),
    Listen(PORT, 16_000),
    Tap(PORT, 1, 16_000, "inbound"),
    Untap(PORT, 1),
    Record(PORT, "r", "/nonexistent/r.wav", 16_000, "outbound", 2, 1_000, 500),
    PauseRecord(PORT, "r", True),
    StopRecord(PORT, "r"),
    Feed(PORT, 16_000, b"\0\1", 7, True),
    ClearFeed(PORT),
    Denoise(PORT, "both"),
    Denoise(PORT, "inbound", 12.0),
    Mute(PORT, True),
    Meter(PORT, 100),
    ClosePort(PORT),
]


def test_every_request_and_command_is_listed_here() -> None:
    assert {type(each) for each in REQUESTS} == set(get_args(commands.Request))
    assert {type(each) for each in COMMANDS} == set(get_args(commands.Command))


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: type(each).__name__)
def test_the_core_reads_every_request(request_: commands.Request) -> None:
    with Told() as told:
        assert isinstance(told.core.ask(request_), get_args(events.Reply))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda each: type(each).__name__)
def test_the_core_reads_every_command(command: commands.Command) -> None:
    with Told() as told:
        sdp(told.core, OfferPort(PORT))
        told.core.send(command)
        told.core.advance(SECOND)
        assert isinstance(told.core.request(ReadCounters()), Counters)


def test_a_message_that_is_none_is_refused_whole() -> None:
    with Told() as told:
        native = told.core._native  # pyright: ignore[reportPrivateUsage]
        for message in (b"", b"\xc1", msgspec.msgpack.encode({"t": "Nonsense"}), msgspec.msgpack.encode([1])):
            with pytest.raises(ValueError, match=r"\w"):
                native.request(message)
            with pytest.raises(ValueError, match=r"\w"):
                native.send(message)


def test_every_event_of_a_call_arrives_in_its_type(tmp_path: Path) -> None:
    """All but those of faults: PortFailed and WorkerDied are planted in the core's own tests."""
    with Told(CoreConfig(driven=True, media_timeout_ms=2_000, quality_every_ms=500)) as told:
        core = told.core
        open_leg(core, 1, 11)
        core.send(Meter(11, 100), Listen(1, 8_000), Feed(1, 8_000, b"\0\1" * 800, 5), SendDigits(11, "7"))
        core.send(Play(1, 9, Tones([Tone([440.0], 100)])))
        core.send(Play(11, 9, ENDLESS, loop=0), Convene(50, [1], levels_ms=200))
        core.send(Tap(1, 3, 16_000), Record(1, "r", str(tmp_path / "r.wav"), 16_000))
        core.advance(2 * SECOND)
        core.send(StopRecord(1, "r"), ClosePort(11))
        core.advance(4 * SECOND)
        assert told.kinds() == set(get_args(Event)) - {events.PortFailed, events.WorkerDied}
        pressed = [event for event in told.events if isinstance(event, events.DigitReceived)]
        assert [(event.port, event.digit) for event in pressed] == [(1, "7")]
        frames = [event for event in told.events if isinstance(event, events.PcmHeard)]
        assert [event for event in told.events if isinstance(event, events.RecordEnded)] == [
            events.RecordEnded(1, "r", 2_000, "stopped")
        ]
        assert all(len(frame.pcm) in range(300, 341) and frame.rate == 8_000 for frame in frames)


# ---- refusals --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda text: text[:0], "sdp_syntax"),
        (lambda text: text.replace("v=0", "v=1"), "sdp_syntax"),
        (lambda text: text.replace("m=audio", "m=video"), "no_audio"),
        (lambda text: text.replace("opus/48000", "speex/48000"), "no_common_codec"),
        (lambda text: text.replace("a=fingerprint", "a=nothing"), "no_fingerprint"),
        (lambda text: text.replace("a=fingerprint:sha-256", "a=fingerprint:sha-1"), "weak_fingerprint"),
        (lambda text: text.replace("a=setup:actpass", "a=setup:holdconn"), "role_conflict"),
        (lambda text: text.replace("a=ice-pwd", "a=nothing"), "no_ice"),
    ],
)
def test_an_offer_that_cannot_be_is_refused_and_changes_nothing(spoil: object, code: str) -> None:
    assert callable(spoil)
    with Told() as told:
        offer = sdp(told.core, OfferPort(1, ice="full", codecs=["opus"]))
        with pytest.raises(MediaRefused) as refused:
            told.core.request(AnswerPort(2, spoil(offer), codecs=["opus"]))
        assert refused.value.code == code
        assert isinstance(told.core.request(AnswerPort(2, offer)), Described)


def test_ports_that_cannot_be_are_refused() -> None:
    with Told(CoreConfig(driven=True, max_ports=1)) as told:
        offer = sdp(told.core, OfferPort(1, ice="full"))

        def code(request: commands.Request) -> str:
            with pytest.raises(MediaRefused) as refused:
                told.core.request(request)
            return refused.value.code

        assert code(OfferPort(1)) == "port_exists"
        assert code(OfferPort(2)) == "too_many_ports"
        assert code(ReadStats(2)) == "unknown_port"
        assert code(AnswerReoffer(1, offer)) == "wrong_state"


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        (CoreConfig(workers=2), "one worker"),
        (CoreConfig(bind=["0.0.0.0"]), "names no address"),
        (CoreConfig(bind=["nowhere"]), "is not an address"),
        (CoreConfig(bind=["192.0.2.1"]), "cannot open"),
    ],
)
def test_a_core_that_cannot_be_says_so(config: CoreConfig, reason: str) -> None:
    with pytest.raises(OSError, match=reason):
        Core(config)


# ---- dispatch --------------------------------------------------------------------------------------------------


def test_events_go_to_whoever_is_attached_until_the_port_closes() -> None:
    with Told() as told:
        mine: list[Event] = []
        told.core.attach(1, mine.append)
        open_leg(told.core, 1, 11)
        told.core.advance(SECOND)
        told.core.send(ClosePort(1))
        told.core.advance(SECOND)
        assert [type(event) for event in mine] == [events.PortConnected, events.PortClosed]
        assert {event.port for event in told.events if isinstance(event, events.PortConnected)} == {11}
        sdp(told.core, OfferPort(1))
        told.core.send(ClosePort(1))
        told.core.advance(SECOND)
        assert len(mine) == 2


def test_a_handler_that_raises_keeps_nobody_from_their_events() -> None:
    with Told() as told:

        def broken(event: Event) -> None:
            raise RuntimeError(type(event).__name__)

        told.core.attach(1, broken)
        told.core.attach(11, broken)
        open_leg(told.core, 2, 12)
        open_leg(told.core, 1, 11)
        with pytest.raises(ExceptionGroup) as group:
            told.core.advance(SECOND)
        assert len(group.value.exceptions) == 2
        assert {event.port for event in told.events if isinstance(event, events.PortConnected)} == {2, 12}


async def test_a_running_core_tells_its_loop() -> None:
    connected = asyncio.Event()
    seen: set[int] = set()

    def note(event: Event) -> None:
        if isinstance(event, events.PortConnected):
            seen.add(event.port)
        if seen == {1, 11}:
            connected.set()

    with Core(CoreConfig(), note) as core:
        core.start(asyncio.get_running_loop())
        open_leg(core, 1, 11)
        await asyncio.wait_for(connected.wait(), 10)
        stats = core.request(ReadStats(1))
        assert isinstance(stats, PortStats)
        assert stats.port == 1
        with pytest.raises(ValueError, match="cannot be advanced"):
            core.advance(SECOND)


def test_a_closed_core_keeps_no_descriptor() -> None:
    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    Core(CoreConfig()).close()
    gc.collect()
    before = descriptors()
    for _ in range(5):
        with Core(CoreConfig()) as core:
            open_leg(core, 1, 11)
        del core
    gc.collect()
    assert descriptors() <= before
