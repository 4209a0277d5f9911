"""Category: engine. Streams whose far end is slow, silent, too fast or gone, over sockets that a test holds by hand."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from offhook.engine.ports import FetchFailed, SocketClosed
from offhook.engine.streams import MAX_AHEAD_SECONDS, MAX_WAITING, Streams
from offhook.engine.tapping import Taps
from offhook.media.commands import ClearFeed, Feed, Tap, Untap
from offhook.media.events import FeedPlayed, Tapped
from offhook.voice import effect
from offhook.voice.event import About
from offhook.voice.leg import LegIds, Party
from offhook.voice.signal import StreamEnded, StreamSignal, StreamUp
from offhook.voice.sound import Clip
from offhook.voice.stream import Card, Settings

ABOUT = About(LegIds("v3:leg", "session", "leg"), Party("a", "account", "1", "a"), "+1", "+2", "", "outgoing", 0.0)
CARD = Card("stream", Settings("wss://program.test/", mode="rtp"), ABOUT)
PORT = 7
SECOND = b"\xff" * 8000


class Socket:
    """A far end. It takes what is sent while it is `awake`; what it says is put into `says`."""

    def __init__(self) -> None:
        self.awake = asyncio.Event()
        self.awake.set()
        self.taken: list[dict[str, Any]] = []
        self.says: asyncio.Queue[str | SocketClosed] = asyncio.Queue()
        self._news = asyncio.Event()

    async def send(self, text: str) -> None:
        await self.awake.wait()
        self.taken.append(json.loads(text))
        self._news.set()

    async def receive(self) -> str:
        said = await self.says.get()
        if isinstance(said, SocketClosed):
            raise said
        return said

    async def close(self) -> None:
        """It is only a list."""

    def media(self, audio: bytes) -> None:
        self.says.put_nowait(json.dumps({"event": "media", "media": {"payload": base64.b64encode(audio).decode()}}))

    async def until(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """What came of one kind, once there is so much of it."""
        while len(found := [each for each in self.taken if each["event"] == event]) < count:
            self._news.clear()
            await self._news.wait()
        return found


class Program:
    """A leg's stream to a far end, and the media core that hears and plays it."""

    def __init__(self) -> None:
        self.socket = Socket()
        self.core: list[Any] = []
        self._news = asyncio.Event()
        self.told: asyncio.Queue[StreamSignal] = asyncio.Queue()
        self.taps = Taps(self)  # type: ignore[arg-type]
        self.streams = Streams(self, self.taps, self, _no_mp3, self.told.put_nowait)  # type: ignore[arg-type]

    def send(self, *commands: Any) -> None:
        """As the media core takes them."""
        self.core += commands
        self._news.set()

    async def open(self, url: str, headers: Any, seconds: float) -> Socket:
        if not url.startswith("wss://program.test"):
            raise FetchFailed("refused", "nobody is there")
        return self.socket

    async def begin(self) -> None:
        """The stream is up, and its answers are heard."""
        self.streams.perform(effect.OpenStream(CARD))
        self.streams.perform(effect.AttachStream(CARD.id, PORT, ABOUT))
        self.streams.perform(effect.AimStream(CARD.id, (PORT,)))
        assert isinstance(await self.told.get(), StreamUp)

    def heard(self, count: int, first: int = 0) -> None:
        """So many frames of the call, numbered by their time."""
        [tap] = [each for each in self.core if isinstance(each, Tap)]
        for at in range(first, first + count):
            self.taps.tapped(Tapped(PORT, tap.tap, at * 20, 8000, b"x", b""))

    async def until_fed(self, count: int) -> None:
        """So much came back that the core plays."""
        while len(self.fed) < count:
            self._news.clear()
            await self._news.wait()

    @property
    def fed(self) -> list[Feed]:
        return [each for each in self.core if isinstance(each, Feed)]


async def _no_mp3(content: bytes) -> Clip:
    raise AssertionError("this program sends raw audio")


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    made = Program()
    await made.begin()
    yield made
    await made.streams.stop()


async def test_to_a_slow_far_end_the_oldest_audio_gives_way_and_digits_come_first(program: Program) -> None:
    socket = program.socket
    await socket.until("start")
    socket.awake.clear()
    program.heard(MAX_WAITING * 3)
    program.streams.perform(effect.StreamDigit(CARD.id, "5"))
    socket.awake.set()
    media = await socket.until("media", MAX_WAITING)
    assert len(media) == MAX_WAITING
    times = [int(each["media"]["timestamp"]) for each in media]
    assert times[-1] == (MAX_WAITING * 3 - 1) * 20
    assert times == sorted(times)
    assert [each["event"] for each in socket.taken[2:4]] == ["dtmf", "media"]


async def test_a_far_end_that_sends_faster_than_it_is_heard_is_refused_and_the_rest_is_played(program: Program) -> None:
    socket = program.socket
    for _ in range(int(MAX_AHEAD_SECONDS) + 3):
        socket.media(SECOND)
    errors = await socket.until("error", 3)
    assert {each["payload"]["title"] for each in errors} == {"rate_limit_reached"}
    assert len(program.fed) == MAX_AHEAD_SECONDS
    program.taps.fed(FeedPlayed(PORT, program.fed[0].mark, 1000))
    socket.media(SECOND)
    socket.says.put_nowait('{"event":"mark","mark":{"name":"late"}}')
    await program.until_fed(int(MAX_AHEAD_SECONDS) + 2)
    for each in program.fed[1:]:
        program.taps.fed(FeedPlayed(PORT, each.mark, 1000))
    assert (await socket.until("mark"))[0]["mark"] == {"name": "late"}


async def test_a_silent_far_end_costs_nothing_and_hears_all(program: Program) -> None:
    program.heard(50)
    media = await program.socket.until("media", 50)
    assert [each["media"]["chunk"] for each in media] == [str(number) for number in range(1, 51)]
    assert program.fed == []


async def test_nonsense_however_deep_is_told_and_ends_nothing(program: Program) -> None:
    socket = program.socket
    deep = '{"event":"clear","x":' + "[" * 50_000 + "]" * 50_000 + "}"
    for nonsense in (deep, "[]", '{"event":"media"}'):
        socket.says.put_nowait(nonsense)
    assert len(await socket.until("error", 3)) == 3
    assert program.told.empty()


async def test_a_far_end_that_closes_in_good_order_has_ended_the_stream(program: Program) -> None:
    program.socket.says.put_nowait(SocketClosed("orderly"))
    assert isinstance(await program.told.get(), StreamEnded)
    assert [each for each in program.core if isinstance(each, Untap)]
    assert program.core[-1] == ClearFeed(PORT)
