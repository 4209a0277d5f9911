"""The media end of calls: one core for each event loop, shared by its clients, and a port of it for each call.

Knows SDP as text that goes in and out, frames and marks. Knows no signalling.
"""

from __future__ import annotations

import asyncio
import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from offhook.client.audio import Frame
from offhook.client.playout import Playout
from offhook.errors import MediaError
from offhook.media import commands, events

R = TypeVar("R", bound=events.Reply)


class MediaCore(Protocol):
    """What the client needs of a media core; `media.core.Core` is one."""

    def request(self, request: commands.Request) -> events.Reply: ...
    def send(self, *batch: commands.Command) -> None: ...
    def subscribe(self, handler: Callable[[Sequence[events.Event]], None]) -> None: ...
    async def close(self) -> None: ...


class Hub:
    """Hands out ports of one core and takes each event to its port."""

    def __init__(self, core: MediaCore) -> None:
        self.core = core
        self._numbers = itertools.count(1)
        self._ports: dict[int, Port] = {}
        core.subscribe(self._dispatch)

    def port(self, heard: Callable[[events.Event], None]) -> Port:
        """A new port; `heard` is told its events, PCM and play-out reports excepted."""
        port = Port(self, next(self._numbers), heard)
        self._ports[port.number] = port
        return port

    def forget(self, port: Port) -> None:
        self._ports.pop(port.number, None)

    def _dispatch(self, batch: Sequence[events.Event]) -> None:
        for event in batch:
            if (port := self._ports.get(_port_of(event))) is not None:
                port.receive(event)


def _port_of(event: events.Event) -> int:
    match event:
        case events.QualityMeasured(stats=stats) | events.PortClosed(stats=stats):
            return stats.port
        case events.WorkerDied():
            return 0
        case _:
            return event.port


class Port:
    """One call's media end. Ports are made by `Hub.port`, opened by `offer` or `answer`, and must be closed."""

    def __init__(self, hub: Hub, number: int, heard: Callable[[events.Event], None]) -> None:
        self._hub = hub
        self.number = number
        self._heard = heard
        self._listener: Callable[[Frame], None] | None = None
        self._opened = False
        self.playout = Playout(number, self._send)

    # ---- SDP -------------------------------------------------------------------------------------------------

    def offer(self, codecs: Sequence[commands.Codec], trickle: bool) -> str:
        """Open with an offer of ours; MediaError where the core has no room."""
        offer = self._ask(commands.OfferPort(self.number, "full", list(codecs), trickle), events.Described)
        self._opened = True
        return offer.sdp

    def accept(self, answer: str) -> None:
        """The far end's answer to our offer; MediaError where it cannot be followed."""
        self._ask(commands.AcceptAnswer(self.number, answer), events.Done)

    def answer(self, offer: str, codecs: Sequence[commands.Codec], trickle: bool) -> str:
        """Open on the far end's offer; MediaError where it cannot be followed."""
        answer = self._ask(commands.AnswerPort(self.number, offer, "full", list(codecs), trickle), events.Described)
        self._opened = True
        return answer.sdp

    def reoffer(self) -> str:
        """A new offer with fresh ICE credentials."""
        return self._ask(commands.Reoffer(self.number), events.Described).sdp

    def candidate(self, line: str) -> None:
        """A candidate of the far end that came by itself."""
        self._send(commands.AddCandidate(self.number, line))

    def end_candidates(self) -> None:
        self._send(commands.EndCandidates(self.number))

    # ---- audio -----------------------------------------------------------------------------------------------

    def listen(self, rate: int, listener: Callable[[Frame], None]) -> None:
        """From now on give every 20 ms of what is heard to `listener`, at `rate` Hz."""
        self._listener = listener
        self._send(commands.Listen(self.number, rate))

    def mute(self, muted: bool) -> None:
        self._send(commands.Mute(self.number, muted))

    def stats(self) -> events.PortStats:
        """The counters, now."""
        return self._ask(commands.ReadStats(self.number), events.PortStats)

    def close(self) -> None:
        """Let the port go. A second time does nothing."""
        self._send(commands.ClosePort(self.number))
        self._opened = False
        self.playout.close()
        self._hub.forget(self)

    # ---- the core --------------------------------------------------------------------------------------------

    def receive(self, event: events.Event) -> None:
        """One event of this port, from the hub."""
        match event:
            case events.PcmHeard():
                if self._listener is not None:
                    self._listener(Frame(event.pcm, event.rate, event.at_ms))
            case events.FeedPlayed():
                self.playout.played(event)
            case _:
                self._heard(event)

    def _send(self, command: commands.Command) -> None:
        if self._opened:
            self._hub.core.send(command)

    def _ask(self, request: commands.Request, wanted: type[R]) -> R:
        match reply := self._hub.core.request(request):
            case events.Refused():
                raise MediaError(reply.code, reply.detail)
            case _ if isinstance(reply, wanted):
                return reply
            case _:
                raise MediaError("protocol", f"{type(reply).__name__} is no answer to {type(request).__name__}")


# ---- one core for each event loop ----------------------------------------------------------------------------


class _Shared:
    """A hub and how many clients use it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.users = 0


_shared: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]] = weakref.WeakKeyDictionary()


def acquire(address: str) -> Hub:
    """The running loop's hub whose sockets are on `address`, made at first use. Give it back with `release`."""
    hubs = _shared.setdefault(asyncio.get_running_loop(), {})
    if address not in hubs:
        hubs[address] = _Shared(Hub(_core(address)))
    hubs[address].users += 1
    return hubs[address].hub


async def release(address: str) -> None:
    """One client less; the last one closes the core."""
    hubs = _shared[asyncio.get_running_loop()]
    shared = hubs[address]
    shared.users -= 1
    if not shared.users:
        del hubs[address]
        await shared.hub.core.close()


def _core(address: str) -> MediaCore:
    from offhook.media.core import Core  # loads the native module: only who makes calls pays for it

    return Core(commands.CoreConfig(bind=[address]))
