"""The streams of all legs: each a task that keeps a websocket to a customer's program and passes audio both ways.

Knows frames and sockets, no rules of calls. Nothing that a far end does or fails to do makes memory grow: what cannot
be sent in time is dropped, what is sent to us faster than it can be heard is refused.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Literal

import structlog

from offhook.engine.ports import FetchFailed, Headers, MediaCore, MediaSocket, MediaSockets, NoAudio, SocketClosed
from offhook.engine.tapping import Taps
from offhook.media.commands import ClearFeed, Encoding, Tracks
from offhook.media.events import Tapped
from offhook.voice import effect
from offhook.voice.event import About
from offhook.voice.signal import StreamEnded, StreamFailed, StreamSignal, StreamUp
from offhook.voice.sound import Clip
from offhook.voice.stream import Card, Codec, Form, Track
from offhook.wire.mediastream import Audio, Clear, Malformed, Mark, Started, Writer, read

_log = structlog.get_logger("offhook.engine")

CONNECT_SECONDS = 5.0
# How long to wait before each attempt; when the last has failed the stream has. One that was up for
# `STEADY_SECONDS` begins a new series.
ATTEMPTS = (0.0, 0.25, 1.0, 2.0)
SEND_SECONDS = 10.0
STEADY_SECONDS = 10.0
# 5 s of two tracks, if nothing can be sent meanwhile.
MAX_WAITING = 500
MAX_ASIDE = 256
# Of what comes back, so much may wait to be heard, and so many chunks.
MAX_AHEAD_SECONDS = 300.0
MAX_AHEAD_CHUNKS = 20_000
MAX_CHUNK_SECONDS = 30.0
# An MP3 is decoded in a process, so one is taken a second, and a burst of a few.
MP3_SECONDS, MP3_BURST = 1.0, 4
STOP_SECONDS = 2.0

Decode = Callable[[bytes], Awaitable[Clip]]
Tell = Callable[[StreamSignal], None]

_ENCODINGS: dict[Codec, Encoding] = {"PCMU": "pcmu", "PCMA": "pcma", "G722": "g722", "OPUS": "opus", "L16": "pcm"}
_TRACKS: dict[Track, Tracks] = {"inbound_track": "inbound", "outbound_track": "outbound", "both_tracks": "both"}


class Outbox:
    """What waits to be sent: audio, of which the oldest gives way, and everything else before it."""

    def __init__(self) -> None:
        self._audio: deque[str] = deque(maxlen=MAX_WAITING)
        self._aside: deque[str] = deque(maxlen=MAX_ASIDE)
        self._there = asyncio.Event()

    def put(self, text: str, kind: Literal["audio", "aside"] = "aside") -> None:
        (self._audio if kind == "audio" else self._aside).append(text)
        self._there.set()

    async def get(self) -> str:
        while not self._audio and not self._aside:
            self._there.clear()
            await self._there.wait()
        return (self._aside or self._audio).popleft()

    def clear(self) -> None:
        """What was meant for a connection that is lost would come too late."""
        self._audio.clear()


class Stream:
    """One stream. `run` is its task; the rest are told by the leg's owner."""

    def __init__(
        self, card: Card, core: MediaCore, taps: Taps, sockets: MediaSockets, decode: Decode, tell: Tell
    ) -> None:
        self._card = card
        self._core = core
        self._taps = taps
        self._sockets = sockets
        self._tell = tell
        self._writer = Writer(card.id)
        self._outbox = Outbox()
        self._attached = asyncio.Event()
        self._about: About = card.about
        self._port = 0
        self._tap: int | None = None
        self._began_ms: int | None = None
        self._told: Literal["nothing", "up"] = "nothing"
        self._up_at: float | None = None
        self.back = Back(card, core, taps, decode, self._outbox, self._writer)

    # ---- from the leg's owner --------------------------------------------------------------------------------

    def attach(self, port: int, about: About) -> None:
        """Carry the audio of this port."""
        self._port, self._about = port, about
        self._attached.set()

    def digit(self, digit: str) -> None:
        self._outbox.put(self._writer.dtmf(digit))

    # ---- the task --------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Until the far end closes in good order, or cannot be reached any more. Cancel it when the stream is over for
        another reason: it then says `stop` and closes."""
        leg = self._card.about.ids.call_control_id
        attempt, why = 0, ""
        while attempt < len(ATTEMPTS):
            await asyncio.sleep(ATTEMPTS[attempt])
            lost = await self._converse()
            if lost is None:
                self._tell(StreamEnded(leg, self._card.id))
                return
            why = lost
            attempt = 1 if self._was_steady() else attempt + 1
        self._tell(StreamFailed(leg, self._card.id, why))

    async def _converse(self) -> str | None:
        """One connection, to its end: why it was lost, or None where the far end closed it in good order."""
        self._up_at = None
        try:
            socket = await self._open()
        except FetchFailed as error:
            return str(error)
        ways = [asyncio.create_task(way(socket)) for way in (self._send, self._receive)]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.wait(ways)
            await self._say_stop(socket)
        match done.pop().exception():
            case SocketClosed(manner="orderly"):
                return None
            case SocketClosed() | TimeoutError() as failure:
                return str(failure) or f"nothing could be sent for {SEND_SECONDS:.0f} seconds"
            case bug:
                assert bug is not None  # neither way ends by itself
                raise bug

    def _was_steady(self) -> bool:
        """Whether the last connection was up so long that the next attempts are a new series."""
        return self._up_at is not None and self._now() - self._up_at >= STEADY_SECONDS

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _open(self) -> MediaSocket:
        settings = self._card.settings
        headers: Headers = (("authorization", f"Bearer {settings.token}"),) if settings.token else ()
        return await self._sockets.open(settings.url, headers, CONNECT_SECONDS)

    async def _send(self, socket: MediaSocket) -> None:
        await self._write(socket, self._writer.connected())
        await self._attached.wait()
        await self._write(socket, self._writer.start(self._started()))
        self._up_at = self._now()
        if self._told == "nothing":
            self._told = "up"
            self._tell(StreamUp(self._card.about.ids.call_control_id, self._card.id))
        self._listen()
        while True:
            await self._write(socket, await self._outbox.get())

    async def _write(self, socket: MediaSocket, text: str) -> None:
        async with asyncio.timeout(SEND_SECONDS):
            await socket.send(text)

    async def _receive(self, socket: MediaSocket) -> None:
        while True:
            await self.back.take(await socket.receive())

    async def _say_stop(self, socket: MediaSocket) -> None:
        """Say goodbye, to whoever may still listen."""
        self._quiet()
        ids = self._card.about
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await socket.send(self._writer.stop(ids.party.account_id, ids.ids.call_control_id))
        except (SocketClosed, TimeoutError):
            pass
        await socket.close()

    # ---- audio -----------------------------------------------------------------------------------------------

    def _listen(self) -> None:
        form = self._card.settings.sends
        tracks = _TRACKS[self._card.settings.track]
        self._tap = self._taps.begin(self._port, tracks, self._heard, _ENCODINGS[form.codec], form.rate)

    def _quiet(self) -> None:
        tap, self._tap = self._tap, None
        if tap is not None:
            self._taps.end(tap)
        self._outbox.clear()

    def _heard(self, event: Tapped) -> None:
        if self._began_ms is None:
            self._began_ms = event.at_ms
        at = event.at_ms - self._began_ms
        if event.inbound:
            self._outbox.put(self._writer.media("inbound", at, event.inbound), "audio")
        if event.outbound:
            self._outbox.put(self._writer.media("outbound", at, event.outbound), "audio")

    def _started(self) -> Started:
        about, form = self._about, self._card.settings.sends
        return Started(
            user_id=about.party.account_id,
            call_control_id=about.ids.call_control_id,
            call_session_id=about.ids.call_session_id,
            caller=about.caller,
            called=about.called,
            client_state=about.client_state,
            encoding=form.codec,
            sample_rate=form.rate,
            parameters=self._card.settings.parameters,
        )


class Back:
    """What comes back over a stream: heard by the legs at which it is aimed."""

    def __init__(self, card: Card, core: MediaCore, taps: Taps, decode: Decode, outbox: Outbox, writer: Writer) -> None:
        self._settings = card.settings
        self._core = core
        self._taps = taps
        self._decode = decode
        self._outbox = outbox
        self._writer = writer
        self._ports: tuple[int, ...] = ()
        self._seconds_ahead = 0.0
        self._chunks_ahead = 0
        self._mp3s_at: deque[float] = deque(maxlen=MP3_BURST)

    def aim(self, ports: tuple[int, ...]) -> None:
        """Whoever is not meant any more stops hearing what it was sent."""
        self._core.send(*(ClearFeed(port) for port in self._ports if port not in ports))
        self._ports = ports

    async def take(self, text: str) -> None:
        """Do what a frame says; the far end is told what is wrong with it."""
        try:
            frame = read(text)
            match frame:
                case Audio():
                    await self._hear(frame.payload)
                case Mark():
                    self._mark(frame.name)
                case Clear():
                    self._core.send(*(ClearFeed(port) for port in self._ports))
                case None:
                    pass
        except Malformed as error:
            self._outbox.put(self._writer.error(error.title, str(error)))

    async def _hear(self, payload: bytes) -> None:
        form = self._settings.takes
        if self._settings.mode == "mp3":
            clip = await self._mp3(payload)
            self._feed(clip.pcm, "pcm", clip.rate, len(clip.pcm) / 2 / clip.rate)
            return
        seconds = _seconds(payload, form)
        if seconds > MAX_CHUNK_SECONDS:
            raise Malformed(f"A chunk has at most {MAX_CHUNK_SECONDS:.0f} seconds.", "invalid_media")
        self._feed(payload, _ENCODINGS[form.codec], form.rate, seconds)

    async def _mp3(self, content: bytes) -> Clip:
        now = asyncio.get_running_loop().time()
        if len(self._mp3s_at) == MP3_BURST and now - self._mp3s_at[0] < MP3_BURST * MP3_SECONDS:
            raise Malformed("One MP3 a second is taken.", "rate_limit_reached")
        self._mp3s_at.append(now)
        try:
            return await self._decode(content)
        except NoAudio as error:
            raise Malformed(f"The payload cannot be played: {error}.", "invalid_media") from None

    def _feed(self, audio: bytes, encoding: Encoding, rate: int, seconds: float) -> None:
        if self._seconds_ahead + seconds > MAX_AHEAD_SECONDS or self._chunks_ahead == MAX_AHEAD_CHUNKS:
            raise Malformed("Too much waits to be heard already.", "rate_limit_reached")
        for port in self._ports[:1]:
            self._seconds_ahead += seconds
            self._chunks_ahead += 1
            self._taps.feed(port, audio, encoding, rate, lambda: self._heard(seconds))
        for port in self._ports[1:]:
            self._taps.feed(port, audio, encoding, rate, _nothing)

    def _heard(self, seconds: float) -> None:
        self._seconds_ahead -= seconds
        self._chunks_ahead -= 1

    def _mark(self, name: str) -> None:
        """It comes back when what was sent before has been heard, or thrown away."""
        if self._chunks_ahead == MAX_AHEAD_CHUNKS:
            raise Malformed("Too much waits to be heard already.", "rate_limit_reached")
        self._chunks_ahead += 1

        def reached() -> None:
            self._heard(0.0)
            self._outbox.put(self._writer.mark(name))

        if self._ports:
            self._taps.feed(self._ports[0], b"", "pcm", 8000, reached)
        else:
            reached()


class Streams:
    """All streams, by their ids. `tell` takes what becomes of them."""

    def __init__(self, core: MediaCore, taps: Taps, sockets: MediaSockets, decode: Decode, tell: Tell) -> None:
        self._core = core
        self._taps = taps
        self._sockets = sockets
        self._decode = decode
        self._tell = tell
        self._streams: dict[str, Stream] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def perform(self, it: effect.Stream) -> None:
        """What a leg's owner has decided; what is for a stream that is over is of no interest."""
        if isinstance(it, effect.OpenStream):
            self._begin(it.card)
            return
        stream = self._streams.get(it.stream)
        if stream is None:
            return
        match it:
            case effect.AttachStream():
                stream.attach(it.port, it.about)
            case effect.AimStream():
                stream.back.aim(it.ports)
            case effect.StreamDigit():
                stream.digit(it.digit)
            case effect.CloseStream():
                stream.back.aim(())
                self._tasks[it.stream].cancel()

    async def stop(self) -> None:
        """End them all."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _begin(self, card: Card) -> None:
        stream = self._streams[card.id] = Stream(card, self._core, self._taps, self._sockets, self._decode, self._tell)
        self._tasks[card.id] = asyncio.create_task(self._run(card, stream), name=f"stream {card.id}")

    async def _run(self, card: Card, stream: Stream) -> None:
        try:
            await stream.run()
        except Exception:
            _log.exception("a stream failed", stream=card.id)
            self._tell(StreamFailed(card.about.ids.call_control_id, card.id, "internal error"))
        finally:
            stream.back.aim(())
            del self._streams[card.id], self._tasks[card.id]


def _seconds(payload: bytes, form: Form) -> float:
    """How long a chunk is. An Opus packet has at most 120 ms."""
    if form.codec == "OPUS":
        return 0.12
    return len(payload) / (form.rate * 2 if form.codec == "L16" else 8000)


def _nothing() -> None: ...
