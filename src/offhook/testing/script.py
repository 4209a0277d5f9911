"""Call scripts: who does what, as text; what everybody saw is compared as a ladder. Knows far ends, no engine.

alice registers
bob registers answering
alice dials bob
after 10 s
alice hangs up
"""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from offhook.testing.fakes import FakePhone, FakeReply, Reflex

SAW = "== saw"
# Long enough for everything that follows at once, short enough to be no time in a call.
SETTLE_SECONDS = 0.001

_REFLEXES: dict[str, Reflex] = {"": "ring", "answering": "answer", "silent": "nothing"}
_STEP = re.compile(r"(?P<who>\w+(?: and \w+)*) (?P<verb>registers|dials|rings|answers|rejects|hangs up|hang up|presses|"
                   r"holds|unholds|toggles hold|renegotiates|vanishes|connects|fails)(?: (?P<what>.+))?")  # fmt: skip
_WAIT = re.compile(r"after (?P<seconds>[\d.]+) s")


class Script(NamedTuple):
    """A parsed script: its first comment, its steps, and the ladder that must come of them."""

    title: str
    steps: list[str]
    saw: list[str]


class ScriptError(Exception):
    """A line that is not in the notation, or names somebody who has not registered."""


def parse(text: str) -> Script:
    """Read a script. Lines that begin with `#` are comments."""
    does, _, saw = text.partition(SAW)
    title = next((line[1:].strip() for line in does.splitlines() if line.startswith("#")), "")
    return Script(title, _lines(does), _lines(saw))


class Stage:
    """Where a script is played. `new_phone` registers a far end; `connect` and `fail` move the port of one."""

    def __init__(
        self,
        new_phone: Callable[[str, Reflex], FakePhone],
        connect: Callable[[FakePhone], None],
        fail: Callable[[FakePhone], None],
    ) -> None:
        self._new_phone = new_phone
        self._connect = connect
        self._fail = fail
        self.phones: dict[str, FakePhone] = {}
        self.replies: list[FakeReply] = []

    async def play(self, steps: list[str]) -> None:
        """Play all steps; after each, everything that follows at once has happened."""
        for step in steps:
            wait = _WAIT.fullmatch(step)
            if wait is not None:
                await asyncio.sleep(float(wait["seconds"]))
            else:
                self._act(step)
            await asyncio.sleep(SETTLE_SECONDS)

    def _act(self, step: str) -> None:
        match = _STEP.fullmatch(step)
        if match is None:
            raise ScriptError(f"not in the notation: {step}")
        for who in match["who"].split(" and "):
            if match["verb"] == "registers":
                self._register(who, match["what"] or "")
            else:
                self._press_button(who, match["verb"], match["what"] or "")

    def _register(self, who: str, how: str) -> None:
        """`alice2 registers as alice` is another far end of the same username."""
        name, _, reflex = how.removeprefix("as ").partition(" ") if how.startswith("as ") else (who, "", how)
        self.phones[who] = self._new_phone(name, _REFLEXES[reflex])

    def _press_button(self, who: str, verb: str, what: str) -> None:
        try:
            phone = self.phones[who]
        except KeyError:
            raise ScriptError(f"{who} has not registered") from None
        if verb == "connects":
            self._connect(phone)
        elif verb == "fails":
            self._fail(phone)
        else:
            reply = _BUTTONS[verb](phone, what)
            if reply is not None:
                self.replies.append(reply)


_BUTTONS: Mapping[str, Callable[[FakePhone, str], FakeReply | None]] = {
    "dials": lambda phone, what: _dial(phone, what),
    "rings": lambda phone, _: phone.ring(),
    "answers": lambda phone, what: phone.answer_call(what.removeprefix("with ") or "answer"),
    "rejects": lambda phone, what: phone.hang_up(what.removeprefix("with ") or "USER_BUSY"),
    "hangs up": lambda phone, what: phone.hang_up(what.removeprefix("with ") or "NORMAL_CLEARING"),
    "hang up": lambda phone, _: phone.hang_up(),
    "presses": lambda phone, what: phone.press(what),
    "holds": lambda phone, _: phone.hold("hold"),
    "unholds": lambda phone, _: phone.hold("unhold"),
    "toggles hold": lambda phone, _: phone.hold("toggleHold"),
    "renegotiates": lambda phone, what: phone.renegotiate(what.removeprefix("with ") or "new offer"),
    "vanishes": lambda phone, _: phone.vanish(),
}


def _dial(phone: FakePhone, what: str) -> FakeReply:
    destination, _, sdp = what.partition(" with ")
    return phone.dial(destination, sdp or "offer")


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
