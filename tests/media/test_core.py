"""Category: media. The core through its Python face: requests, commands, events, in life and in virtual time."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise
from typing import TypeVar

import pytest

from offhook._media import Core as Native
from offhook.media.commands import (
    AcceptAnswer,
    AnswerPort,
    AnswerReoffer,
    Audio,
    ClearFeed,
    ClosePort,
    CoreConfig,
    Feed,
    Ice,
    Listen,
    Mute,
    Network,
    OfferPort,
    Play,
    ReadStats,
    Reoffer,
    Request,
    SendDigits,
    StopPlay,
)
from offhook.media.core import Core, MediaRefused
from offhook.media.events import (
    Described,
    DigitReceived,
    Event,
    FeedPlayed,
    Metered,
    PcmHeard,
    PlayEnded,
    PortClosed,
    PortConnected,
    PortStats,
    QualityMeasured,
)

from .ends import Ends, seconds, tone

E = TypeVar("E")
SILENCE = bytes(2 * 48_000)


@pytest.fixture
def driven() -> Iterator[Core]:
    with Core(CoreConfig(driven=True, network=Network(delay_ms=20))) as core:
        yield core


@pytest.fixture
def ends(driven: Core) -> Ends:
    """A call that is up, in virtual time."""
    ends = Ends(driven, driven)
    driven.advance(seconds(2))
    return ends


def of(kind: type[E], events: Sequence[Event]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


def last_tone(events: Sequence[Event]) -> int:
    return round(of(Metered, events)[-1].inbound.tone_hz)


def stats_of(core: Core, port: int) -> PortStats:
    stats = core.request(ReadStats(port))
    assert isinstance(stats, PortStats)
    return stats


# ---- in life -----------------------------------------------------------------------------------------------------


@asynccontextmanager
async def living() -> AsyncIterator[tuple[Core, Core]]:
    loop = asyncio.get_running_loop()
    with Core(CoreConfig()) as calling, Core(CoreConfig()) as called:
        calling.start(loop)
        called.start(loop)
        yield calling, called


def both(*handlers: Callable[[Event], None]) -> Callable[[Event], None]:
    def hand(event: Event) -> None:
        for handler in handlers:
            handler(event)

    return hand


async def until(is_so: Callable[[], bool], events: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        while not is_so():
            events.clear()
            await events.wait()


@pytest.mark.parametrize("ice", ["lite", "full"])
async def test_two_cores_on_loopback_hear_each_others_tone(ice: Ice) -> None:
    async with living() as (calling, called):
        ends = Ends(calling, called, ice)
        ends.play_tones(every_ms=200)
        happened = asyncio.Event()
        for core, port, seen in (
            (calling, ends.caller, ends.caller_events),
            (called, ends.callee, ends.callee_events),
        ):
            core.attach(port, both(seen.append, lambda _: happened.set()))

        def heard(events: Sequence[Event], hz: int) -> bool:
            return any(round(metered.inbound.tone_hz) == hz for metered in of(Metered, events))

        await until(lambda: heard(ends.callee_events, 440) and heard(ends.caller_events, 600), happened)
        assert [it.transport for it in of(PortConnected, ends.caller_events)] == ["udp"]
        assert stats_of(calling, ends.caller).outbound.packets > 0


async def test_what_a_handler_raises_keeps_no_event_from_the_others(driven: Core) -> None:
    ends = Ends(driven, driven)
    seen: list[Event] = []

    def fail(_: Event) -> None:
        raise LookupError("not mine")

    driven.attach(ends.caller, fail)
    driven.attach(ends.callee, seen.append)
    with pytest.raises(ExceptionGroup) as raised:
        driven.advance(seconds(2))
    assert raised.group_contains(LookupError)
    assert of(PortConnected, seen)


# ---- in virtual time ---------------------------------------------------------------------------------------------


def test_ten_virtual_minutes_lose_nothing(driven: Core, ends: Ends) -> None:
    before = stats_of(driven, ends.caller).inbound.packets
    driven.advance(seconds(600))
    stats = stats_of(driven, ends.caller)
    assert stats.inbound.packets - before == 600 * 50
    assert (stats.inbound.lost, stats.inbound.discarded) == (0, 0)
    assert stats.rtt_ms == pytest.approx(40, abs=1)
    assert len(of(QualityMeasured, ends.caller_events)) == pytest.approx(120, abs=1)


def test_digits_arrive_once_and_in_order(driven: Core, ends: Ends) -> None:
    driven.send(SendDigits(ends.caller, "0123456789*#ABCDw5"))
    driven.advance(seconds(6))
    pressed = of(DigitReceived, ends.callee_events)
    assert "".join(press.digit for press in pressed) == "0123456789*#ABCD5"
    assert all(press.duration_ms == pytest.approx(100, abs=40) for press in pressed)


def test_a_tenth_lost_is_concealed_and_counted() -> None:
    with Core(CoreConfig(driven=True, network=Network(loss=0.1, delay_ms=40, jitter_ms=10, seed=3))) as core:
        ends = Ends(core, core)
        core.advance(seconds(5))
        ends.play_tones(every_ms=1_000)
        core.advance(seconds(30))
        stats = stats_of(core, ends.callee)
        assert 7 < stats.inbound.loss_percent < 13
        assert stats.inbound.concealed_ms > 1_000
        assert stats.inbound.mos < 4.0
        assert last_tone(ends.callee_events) == pytest.approx(440, abs=5)


def test_the_close_tells_the_last_counters(driven: Core, ends: Ends) -> None:
    driven.send(Play(ends.callee, 7, tone(600), loop=0), ClosePort(ends.callee))
    driven.advance(seconds(0.1))
    assert of(PlayEnded, ends.callee_events) == [PlayEnded(ends.callee, 7, "closed")]
    (closed,) = of(PortClosed, ends.callee_events)
    assert closed.stats.port == ends.callee
    assert closed.stats.codec == "opus"
    assert closed.stats.inbound.packets > 0
    with pytest.raises(MediaRefused, match="unknown_port"):
        driven.request(ReadStats(ends.callee))


def test_fed_audio_is_heard_and_its_marks_come_back(driven: Core, ends: Ends) -> None:
    driven.send(
        Listen(ends.callee, 16_000), Feed(ends.caller, 48_000, SILENCE, mark=1), Feed(ends.caller, 8_000, b"", mark=2)
    )
    driven.advance(seconds(2))
    assert of(FeedPlayed, ends.caller_events) == [
        FeedPlayed(ends.caller, 1, 1_000),
        FeedPlayed(ends.caller, 2, 1_000),
    ]
    heard = of(PcmHeard, ends.callee_events)
    assert {(frame.rate, len(frame.pcm)) for frame in heard} == {(16_000, 640)}
    assert {later.at_ms - earlier.at_ms for earlier, later in pairwise(heard)} == {20}


def test_a_cleared_feed_says_how_much_was_heard(driven: Core, ends: Ends) -> None:
    driven.send(Feed(ends.caller, 48_000, SILENCE, mark=1), Feed(ends.caller, 48_000, SILENCE, mark=2))
    driven.advance(seconds(1.5))
    driven.send(ClearFeed(ends.caller))
    driven.advance(seconds(1))
    first, second = of(FeedPlayed, ends.caller_events)
    assert first == FeedPlayed(ends.caller, 1, 1_000)
    assert second == FeedPlayed(ends.caller, 2, 1_500, cleared=True)


def test_plays_queue_and_stop(driven: Core, ends: Ends) -> None:
    driven.send(
        Play(ends.caller, 1, Audio(48_000, SILENCE)),
        Play(ends.caller, 2, tone(440), loop=0),
        Play(ends.caller, 3, tone(500), loop=0),
    )
    driven.advance(seconds(2))
    driven.send(StopPlay(ends.caller, 2))
    driven.advance(seconds(1))
    driven.send(StopPlay(ends.caller))
    driven.advance(seconds(1))
    ended = [(it.play, it.reason) for it in of(PlayEnded, ends.caller_events)]
    assert ended == [(1, "completed"), (2, "stopped"), (3, "stopped")]


def test_a_muted_port_sends_silence_and_its_frames_go_on(driven: Core, ends: Ends) -> None:
    ends.play_tones(every_ms=500)
    driven.send(Mute(ends.caller, True))
    driven.advance(seconds(2))
    muted = of(Metered, ends.callee_events)[-1].inbound
    assert muted.level < -60
    assert muted.packets == 25
    driven.send(Mute(ends.caller, False))
    driven.advance(seconds(2))
    assert last_tone(ends.callee_events) == 440


def test_an_ice_restart_connects_again_and_loses_nothing(driven: Core, ends: Ends) -> None:
    ends.play_tones(every_ms=500)
    offer = driven.request(Reoffer(ends.caller))
    assert isinstance(offer, Described)
    answer = driven.request(AnswerReoffer(ends.callee, offer.sdp))
    assert isinstance(answer, Described)
    driven.request(AcceptAnswer(ends.caller, answer.sdp))
    driven.advance(seconds(3))
    for events in (ends.caller_events, ends.callee_events):
        assert len(of(PortConnected, events)) == 2
    assert stats_of(driven, ends.callee).inbound.lost == 0
    assert last_tone(ends.callee_events) == 440


# ---- refusals ----------------------------------------------------------------------------------------------------


def offer_of(core: Core) -> str:
    offer = core.request(OfferPort(core.new_port(), "full"))
    assert isinstance(offer, Described)
    return offer.sdp


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("v=0", "v=1"), "sdp_syntax"),
        (("m=audio", "m=video"), "no_audio"),
        (("opus/48000/2", "speex/16000"), "no_common_codec"),
        (("a=fingerprint", "a=x-fingerprint"), "no_fingerprint"),
        (("a=fingerprint:sha-256", "a=fingerprint:sha-1"), "weak_fingerprint"),
        (("a=setup:actpass", "a=setup:holdconn"), "role_conflict"),
        (("a=ice-ufrag", "a=x-ufrag"), "no_ice"),
    ],
)
def test_an_offer_that_cannot_be_followed_is_refused_by_name(driven: Core, change: tuple[str, str], code: str) -> None:
    port = driven.new_port()
    with pytest.raises(MediaRefused) as refused:
        driven.request(AnswerPort(port, offer_of(driven).replace(*change), codecs=["opus"]))
    assert refused.value.code == code
    driven.request(AnswerPort(port, offer_of(driven)))


def test_requests_at_the_wrong_time_are_refused(driven: Core, ends: Ends) -> None:
    offer = offer_of(driven)
    wrong: list[tuple[Request, str]] = [
        (OfferPort(ends.caller), "port_exists"),
        (AcceptAnswer(ends.caller, offer.replace("actpass", "active")), "wrong_state"),
        (AnswerReoffer(99, offer), "unknown_port"),
        (Reoffer(99), "unknown_port"),
    ]
    for request, code in wrong:
        with pytest.raises(MediaRefused, match=code):
            driven.request(request)


def test_a_full_core_refuses_another_port() -> None:
    with Core(CoreConfig(driven=True, max_ports=1)) as core:
        offer_of(core)
        with pytest.raises(MediaRefused, match="too_many_ports"):
            offer_of(core)


def test_bytes_that_are_no_message_raise_value_error() -> None:
    with pytest.raises(ValueError, match="msgpack"):
        Native(b"\xc1")
