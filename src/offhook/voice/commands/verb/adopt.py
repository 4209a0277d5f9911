"""Adopt: from now on some of a leg's events are told by callbacks."""

from typing import Any

import msgspec

from offhook.voice.callbacks import Callbacks
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.hooks import Hooks
from offhook.voice.leg import LIVE, Leg, Moment
from offhook.voice.signal import Ordered


class Adopt(Command, frozen=True, kw_only=True):
    """`callbacks` are joined to those that the leg has."""

    callbacks: dict[str, Any]

    @property
    def hooks(self) -> Hooks:
        """Where the leg's events go from now on."""
        return Hooks(callbacks=to_callbacks(self.callbacks))


def to_callbacks(document: dict[str, Any]) -> Callbacks:
    """Callbacks as a verb has written them."""
    return msgspec.convert(document, Callbacks)


def decide(_floor: Floor, _leg: Leg, _order: Ordered[Adopt], _now: Moment) -> None:
    """That is all: what a command says of its leg's events sticks to the leg."""


RULE = CommandRule("adopt", Adopt, LIVE, decide)
