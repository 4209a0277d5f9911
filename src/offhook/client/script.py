"""Scripted phones: what a phone does with calls that come in, and what it does once it talks. Knows only the SDK.

A *behaviour* is an async function of one call. Small ones are put together::

    phone = Phone(client, then(ring(seconds=2), answer(Tone(440)), listen(ear), hang_up(after=5)))
    async with phone: ...
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType

from offhook.client import events
from offhook.client.audio import Playable
from offhook.client.call import Call
from offhook.client.client import Client
from offhook.client.sinks import Listener
from offhook.errors import CallEnded

Behaviour = Callable[[Call], Awaitable[None]]

RING_SECONDS = 6.0  # two seconds of tone and four of silence: one ring in North America

log = logging.getLogger("offhook.client")


def then(*steps: Behaviour) -> Behaviour:
    """One step after the other."""

    async def behave(call: Call) -> None:
        for step in steps:
            await step(call)

    return behave


def ring(*, rings: float = 1, seconds: float | None = None) -> Behaviour:
    """Let it ring so many times, or so long."""

    async def behave(call: Call) -> None:
        await _while_it_lasts(call, rings * RING_SECONDS if seconds is None else seconds)

    return behave


def answer(audio: Playable | None = None) -> Behaviour:
    """Take the call; `audio` plays to the caller."""

    async def behave(call: Call) -> None:
        await call.answer(audio)

    return behave


def reject(cause: str = "USER_BUSY") -> Behaviour:
    """Refuse it: busy, or any other cause."""

    async def behave(call: Call) -> None:
        await call.reject(cause)

    return behave


def ignore() -> Behaviour:
    """Never answer; somebody else gives up."""

    async def behave(call: Call) -> None:
        await call.ended()

    return behave


def listen(listener: Listener) -> Behaviour:
    """Let somebody listen from now on: an ear, a recorder, a function."""

    async def behave(call: Call) -> None:
        call.attach(listener)

    return behave


def play(audio: Playable) -> Behaviour:
    """Play to the end."""

    async def behave(call: Call) -> None:
        await call.play(audio)

    return behave


def echo() -> Behaviour:
    """Say everything back that is heard, until the call ends."""

    async def behave(call: Call) -> None:
        async for frame in call.audio():
            call.write(frame.pcm, frame.rate)

    return behave


def press(digits: str) -> Behaviour:
    """Press keys."""

    async def behave(call: Call) -> None:
        await call.send_dtmf(digits)

    return behave


def wait(seconds: float) -> Behaviour:
    """Talk on for so long."""

    async def behave(call: Call) -> None:
        await _while_it_lasts(call, seconds)

    return behave


def hang_up(*, after: float = 0.0) -> Behaviour:
    """Hang up, after so many seconds."""

    async def behave(call: Call) -> None:
        await _while_it_lasts(call, after)
        await call.hangup()

    return behave


async def behave(call: Call, behaviour: Behaviour) -> None:
    """Go through a behaviour. A call that ends in the middle of it is fine; what else it raises ends the call."""
    try:
        await behaviour(call)
    except CallEnded as ended:
        log.debug("call %s ended in the middle of its script: %s", call.id, ended.cause)
    except BaseException:
        call.abandon()
        raise


async def _while_it_lasts(call: Call, seconds: float) -> None:
    """Wait; CallEnded where the call ends first."""
    try:
        async with asyncio.timeout(seconds):
            ending = await call.ended()
    except TimeoutError:
        return
    raise CallEnded(call.id, ending.cause, ending.code, ending.sip_code, ending.sip_reason)


class Phone:
    """A client that behaves by itself: every call that comes in goes through `behaviour`.

    Its `calls` keep those that are over as well. What a behaviour raises ends its call; the phone goes on.
    """

    def __init__(self, client: Client, behaviour: Behaviour) -> None:
        self.client = client
        self.behaviour = behaviour
        self.calls: list[Call] = []

    async def __aenter__(self) -> Phone:
        await self.client.connect()
        self.client.on(events.IncomingCall, self._called)
        await self.client.ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.off(events.IncomingCall, self._called)
        await self.client.disconnect()

    async def dial(self, destination: str, behaviour: Behaviour, audio: Playable | None = None) -> Call:
        """Call somebody, wait for the answer, go through `behaviour`; returns the call, which may be over by then."""
        call = await self.client.new_call(destination, audio=audio)
        self.calls.append(call)
        await call.answered()
        await behave(call, behaviour)
        return call

    async def _called(self, event: events.IncomingCall) -> None:
        self.calls.append(event.call)
        await behave(event.call, self.behaviour)
