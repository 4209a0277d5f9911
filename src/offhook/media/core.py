"""The media core in Python's types: requests, commands, and events handed to whoever attached to a port.

The only importer of the native module. Knows no calls.
"""

import asyncio
from collections.abc import Callable
from typing import Final

import msgspec

from offhook._media import Core as Native
from offhook.media.commands import Command, CoreConfig, Request
from offhook.media.events import (
    Counters,
    Described,
    Done,
    Event,
    PortClosed,
    PortFailed,
    PortStats,
    QualityMeasured,
    Refused,
    Reply,
    WorkerDied,
)

Handler = Callable[[Event], None]

_encode: Final = msgspec.msgpack.Encoder().encode
_reply: Final = msgspec.msgpack.Decoder(Reply).decode
_events: Final = msgspec.msgpack.Decoder(list[Event]).decode


class MediaRefused(Exception):
    """The core refused a request and changed nothing. `code` is one of `events.RefusedCode`."""

    def __init__(self, refused: Refused) -> None:
        super().__init__(f"{refused.code}: {refused.detail}" + (f" ({refused.line})" if refused.line else ""))
        self.code = refused.code
        self.detail = refused.detail
        self.line = refused.line


class Core:
    """One media core. `start` it in the loop that is to receive its events, or `advance` a driven one; `close` it.

    Handlers run in the loop. What they raise comes out of `dispatch` as one ExceptionGroup after every event was handed
    out. Events of a port nobody is attached to go to `fallback`.
    Raises OSError where a socket cannot be opened.
    """

    def __init__(self, config: CoreConfig | None = None, fallback: Handler | None = None) -> None:
        self._native = Native(_encode(config or CoreConfig()))
        self._handlers: dict[int, Handler] = {}
        self.fallback = fallback
        self._last_port = 0
        self._loop: asyncio.AbstractEventLoop | None = None

    # ---- ports -------------------------------------------------------------------------------------------------

    def new_port(self) -> int:
        """A port number that was never used on this core."""
        self._last_port += 1
        return self._last_port

    def attach(self, port: int, handler: Handler) -> None:
        """Hand the port's events to `handler`, until `detach` or until the port has closed or failed."""
        self._handlers[port] = handler

    def detach(self, port: int) -> None:
        self._handlers.pop(port, None)

    # ---- messages ----------------------------------------------------------------------------------------------

    def ask(self, request: Request) -> Reply:
        """Answer a request at once; a `Refused` among the replies has changed nothing."""
        return _reply(self._native.request(_encode(request)))

    def request(self, request: Request) -> Described | Done | PortStats | Counters:
        """As `ask`, but a refusal raises `MediaRefused`."""
        reply = self.ask(request)
        if isinstance(reply, Refused):
            raise MediaRefused(reply)
        return reply

    def send(self, *commands: Command) -> None:
        """Order something; events tell what came of it. Commands for a port that is gone are ignored."""
        self._native.send(_encode(commands))

    # ---- events ------------------------------------------------------------------------------------------------

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Dispatch events in `loop` as they come. A driven core dispatches when it is advanced."""
        fileno = self._native.fileno()
        if fileno >= 0:
            loop.add_reader(fileno, self.dispatch)
            self._loop = loop

    def stop(self) -> None:
        """Dispatch no more."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._native.fileno())
        self._loop = None

    def advance(self, ns: int) -> None:
        """Let `ns` nanoseconds pass in a driven core, and dispatch what happened."""
        self._native.advance(ns)
        self.dispatch()

    def busy(self) -> bool:
        """Whether events wait to be dispatched."""
        return self._native.busy()

    def dispatch(self) -> None:
        """Hand out the events that wait. Raises ExceptionGroup of what handlers raised."""
        failures: list[Exception] = []
        for event in _events(self._native.poll()):
            try:
                self._hand_out(event)
            except Exception as error:
                failures.append(error)
        if failures:
            raise ExceptionGroup("handlers of media events failed", failures)

    def _hand_out(self, event: Event) -> None:
        port = _port_of(event)
        handler = self.fallback if port is None else self._handlers.get(port, self.fallback)
        if port is not None and isinstance(event, PortClosed | PortFailed):
            self.detach(port)
        if handler is not None:
            handler(event)

    def close(self) -> None:
        """End every port and the thread; no event follows."""
        self.stop()
        self._handlers.clear()
        self._native.close()

    def __enter__(self) -> "Core":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _port_of(event: Event) -> int | None:
    match event:
        case PortClosed() | QualityMeasured():
            return event.stats.port
        case WorkerDied():
            return None
        case _:
            return event.port
