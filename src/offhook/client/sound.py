"""The sound of one call, both ways: what it plays, in turn, and who listens. Knows a port, no signalling."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing

from offhook.client.audio import Frame, Playable, source
from offhook.client.emitter import Subscription
from offhook.client.media import Port
from offhook.client.sinks import Listener, Sink, sink
from offhook.errors import MediaError

LISTEN_RATE = 48_000
FRAMES_KEPT = 500  # ten seconds for a reader that is slow; older frames are dropped


class _Reader(Subscription[Frame]):
    """A sink that an `async for` drains."""

    def write(self, frame: Frame) -> None:
        self.put(frame)


class Sound:
    """Plays and listens through `port`. `failed` is told of listeners that raise; they are not asked again."""

    def __init__(self, port: Port, failed: Callable[[Exception], None]) -> None:
        self._port = port
        self._failed = failed
        self._flowing = asyncio.Event()
        self._turn = asyncio.Lock()
        self._sinks: list[Sink] = []
        self._rate = 0
        self._closed = False

    # ---- out -------------------------------------------------------------------------------------------------

    async def play(self, playable: Playable) -> None:
        """Play to the end, after whatever plays already; cancelling it stops the sound at once."""
        await self._flowing.wait()
        async with self._turn:
            try:
                await self._pump(playable)
            except asyncio.CancelledError:
                self._port.playout.clear()
                raise

    async def _pump(self, playable: Playable) -> None:
        chosen = source(playable)
        async with aclosing(chosen.frames()) as frames:
            async for frame in frames:
                if self._closed:
                    return
                self._port.playout.write(frame.pcm, frame.rate)
                await self._port.playout.until(chosen.ahead_ms)
        await self._port.playout.until(0)

    def flows(self) -> None:
        """The port is connected and the call is answered: what waits may play."""
        self._port.playout.flow()
        self._flowing.set()

    # ---- in --------------------------------------------------------------------------------------------------

    def attach(self, listener: Listener, rate: int | None = None) -> Sink:
        """Give `listener` every frame from now on; MediaError where another already listens at another rate."""
        self._listen(rate)
        attached = sink(listener)
        self._sinks.append(attached)
        return attached

    def detach(self, attached: Sink) -> None:
        """Stop and close a sink; one that is not attached is no error."""
        if attached in self._sinks:
            self._sinks.remove(attached)
            self._close_sink(attached)

    def frames(self, rate: int | None = None) -> Subscription[Frame]:
        """What is heard from now on, as an async iterator that ends with the call."""
        reader = _Reader(FRAMES_KEPT)
        if self._closed:
            reader.close()
        else:
            self.attach(reader, rate)
        return reader

    def opened(self) -> None:
        """The port is open now: those who have attached already can be served."""
        if self._sinks:
            self._port.listen(self._rate, self._heard)

    def _listen(self, rate: int | None) -> None:
        if self._sinks and rate not in (None, self._rate):
            raise MediaError("rate", f"somebody listens already at {self._rate} Hz; leave the rate out to join")
        if not self._sinks:
            self._rate = rate or LISTEN_RATE
            self._port.listen(self._rate, self._heard)

    def _heard(self, frame: Frame) -> None:
        for attached in tuple(self._sinks):
            try:
                attached.write(frame)
            except Exception as error:  # the boundary to the user's listener
                self.detach(attached)
                self._failed(error)

    def _close_sink(self, attached: Sink) -> None:
        try:
            attached.close()
        except Exception as error:  # the same boundary
            self._failed(error)

    def close(self) -> None:
        """The call is over: nobody plays or listens any more."""
        self._closed = True
        self._flowing.set()
        self._port.close()
        for attached in tuple(self._sinks):
            self.detach(attached)
