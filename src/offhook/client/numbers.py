"""Phone numbers with a behaviour: what the phone at each does, and who lets them be answered. Knows only the SDK.

::

    numbers = Numbers()

    @numbers.add("+12025550170", "hotel", "answers after two rings and says that it is full")
    async def hotel(call: Call, voice: Voice) -> None:
        await ring(rings=2)(call)
        await call.answer()
        await call.play(voice("We are sorry, we have no room left."))
        await call.hangup()
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import TracebackType

from offhook.client import events
from offhook.client.audio import Playable
from offhook.client.babble import Babble
from offhook.client.call import Call
from offhook.client.client import Client
from offhook.client.script import behave
from offhook.errors import ConfigurationError

# Turns words into something to play.
Voice = Callable[[str], Playable]
Script = Callable[[Call, Voice], Awaitable[None]]

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")

log = logging.getLogger("offhook.client")


@dataclass(frozen=True, slots=True)
class ScriptedNumber:
    """A number in +E.164, a short name for it, in words what its phone does, and the script that does it."""

    number: str
    name: str
    does: str
    script: Script


class Numbers:
    """Scripted numbers, each once. Those of a later set replace those of an earlier one that share number or name."""

    def __init__(self, *sets: Numbers) -> None:
        self._numbers: dict[str, ScriptedNumber] = {}
        for each in sets:
            for number in each:
                self._put(number)

    def __iter__(self) -> Iterator[ScriptedNumber]:
        return iter(self._numbers.values())

    def __len__(self) -> int:
        return len(self._numbers)

    def find(self, number: str) -> ScriptedNumber | None:
        """The script of a number in +E.164."""
        return self._numbers.get(number)

    def add(self, number: str, name: str, does: str) -> Callable[[Script], Script]:
        """A decorator: the function is what the phone at `number` does. `name` is short (a-z, 0-9 and dashes), `does`
        says it in words. ConfigurationError where a number or name is none, or stands in this set already."""
        if not _E164.fullmatch(number):
            raise ConfigurationError(f"{number!r} is no phone number: +E.164 is wanted, such as +12025550170")
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"{name!r} is no name of a number: a-z, 0-9 and dashes are wanted")
        if any(number == each.number or name == each.name for each in self):
            raise ConfigurationError(f"{number} or its name {name!r} is there twice")

        def decorate(script: Script) -> Script:
            self._put(ScriptedNumber(number, name, does, script))
            return script

        return decorate

    def _put(self, number: ScriptedNumber) -> None:
        for former in [each.number for each in self if each.name == number.name]:
            del self._numbers[former]
        self._numbers[number.number] = number


class Answering:
    """Lets numbers be answered while its block runs: a client to which all of them are routed.

    What a script raises ends its call and is logged; the others go on. `voice` says what scripts have to say.
    """

    def __init__(self, client: Client, numbers: Numbers, voice: Voice = Babble) -> None:
        self._client = client
        self._numbers = numbers
        self._voice = voice

    async def __aenter__(self) -> Answering:
        self._client.on(events.IncomingCall, self._called)
        self._client.on(events.ErrorRaised, _failed)
        await self._client.connect()
        await self._client.ready()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.disconnect()

    async def _called(self, event: events.IncomingCall) -> None:
        found = self._numbers.find(event.call.local.number)
        if found is None:
            await event.call.reject("UNALLOCATED_NUMBER")
            return
        script = found.script
        await behave(event.call, lambda call: script(call, self._voice))


def _failed(event: events.ErrorRaised) -> None:
    log.error("a scripted number failed: %s", event.error, exc_info=event.error)
