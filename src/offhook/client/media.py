"""The media end of calls: one core for each event loop, shared by its clients, and a port of it for each call.

Knows SDP as text that goes in and out, frames and marks. Knows no signalling.
"""

from __future__ import annotations

import asyncio
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

    def new_port(self) -> int: ...
    def attach(self, port: int, handler: Callable[[events.Event], None]) -> None: ...
    def detach(self, port: int) -> None: ...
    def ask(self, request: commands.Request) -> events.Reply: ...
    def send(self, *batch: commands.Command) -> None: ...
    def close(self) -> None: ...


class Port:
    """One call's media end. It is opened by `offer` or `answer`, and must be closed.

    `heard` is told the port's events, PCM and play-out reports excepted.
    """

    def __init__(self, core: MediaCore, heard: Callable[[events.Event], None]) -> None:
        self._core = core
        self._heard = heard
        self._listener: Callable[[Frame], None] | None = None
        self._opened = False
        self.number = core.new_port()
        self.playout = Playout(self.number, self._send)
        core.attach(self.number, self._receive)

    # ---- SDP -------------------------------------------------------------------------------------------------

    def offer(self, codecs: Sequence[commands.Codec], trickle: bool, profile: commands.Profile = "webrtc") -> str:
        """Open with an offer of ours; MediaError where the core has no room."""
        request = commands.OfferPort(self.number, "full", list(codecs), trickle, profile)
        offer = self._ask(request, events.Described)
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

    def press(self, digits: str) -> None:
        """Send DTMF."""
        self._send(commands.SendDigits(self.number, digits))

    def stats(self) -> events.PortStats:
        """The counters, now."""
        return self._ask(commands.ReadStats(self.number), events.PortStats)

    def close(self) -> None:
        """Let the port go. A second time does nothing."""
        self._send(commands.ClosePort(self.number))
        self._opened = False
        self.playout.close()
        self._core.detach(self.number)

    # ---- the core --------------------------------------------------------------------------------------------

    def _receive(self, event: events.Event) -> None:
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
            self._core.send(command)

    def _ask(self, request: commands.Request, wanted: type[R]) -> R:
        match reply := self._core.ask(request):
            case events.Refused():
                raise MediaError(reply.code, reply.detail)
            case _ if isinstance(reply, wanted):
                return reply
            case _:
                raise MediaError("protocol", f"{type(reply).__name__} is no answer to {type(request).__name__}")


# ---- one core for each event loop ----------------------------------------------------------------------------


class _Shared:
    """A core and how many clients use it."""

    def __init__(self, core: MediaCore) -> None:
        self.core = core
        self.users = 0


_shared: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, _Shared]] = weakref.WeakKeyDictionary()


def acquire(address: str) -> MediaCore:
    """The running loop's core whose sockets are on `address`, made at first use. Give it back with `release`."""
    cores = _shared.setdefault(asyncio.get_running_loop(), {})
    if address not in cores:
        cores[address] = _Shared(_core(address))
    cores[address].users += 1
    return cores[address].core


def release(address: str) -> None:
    """One client less; the last one closes the core."""
    cores = _shared[asyncio.get_running_loop()]
    shared = cores[address]
    shared.users -= 1
    if not shared.users:
        del cores[address]
        shared.core.close()


def _core(address: str) -> MediaCore:
    from offhook.media.core import Core  # loads the native module: only who makes calls pays for it

    try:
        core = Core(commands.CoreConfig(bind=[address], tcp=False))
    except OSError as error:
        raise MediaError("socket", f"no sockets for audio on {address}: {error}") from error
    core.start(asyncio.get_running_loop())
    return core
