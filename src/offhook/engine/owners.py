"""Who has what: the owners of sessions, legs, dialogs and ports, and the way to each far end. Decides nothing."""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from offhook.engine.owner import Owner
from offhook.engine.ports import Signalling
from offhook.voice.floor import Key
from offhook.voice.leg import DialogId
from offhook.voice.signal import (
    AudioSignal,
    Completed,
    DialogSignal,
    HangUp,
    Input,
    ListenerSignal,
    Noted,
    Ordered,
    PortSignal,
    Progressed,
    Rang,
    Referred,
    Trickled,
    Wanted,
)

K = TypeVar("K")
REMEMBERED = 2_000
# Signals that ask for no reply.
Unanswered = Rang | Progressed | Completed | Referred | Trickled | HangUp | PortSignal | AudioSignal | ListenerSignal


class Reached(msgspec.Struct):
    """A binding's far end: the way to it, and the owners of its dialogs by the dialog's name."""

    signalling: Signalling
    sessid: str
    dialogs: dict[str, Owner]


class Owners:
    """Finds owners, and posts to them. Implements `routing.FarEnds`.

    A signal for what is over goes nowhere: it is late, not wrong.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, Owner] = {}
        self.legs: dict[str, Owner] = {}
        self.ports: dict[int, Owner] = {}
        self._reached: dict[str, Reached] = {}
        # The session and the name of dialogs that are over, the oldest first: messages of them may follow.
        self._former: OrderedDict[DialogId, tuple[str, str]] = OrderedDict()

    # ---- far ends --------------------------------------------------------------------------------------------

    def reach(self, binding: str, signalling: Signalling, sessid: str) -> None:
        """A binding's far end can be reached from now on."""
        self._reached[binding] = Reached(signalling, sessid, {})

    def lose(self, binding: str) -> set[Owner] | None:
        """It cannot any more: those who own its dialogs; None where it could not before."""
        reached = self._reached.pop(binding, None)
        if reached is None:
            return None
        for name, owner in reached.dialogs.items():
            self._remember(DialogId(binding, name), owner)
        return set(reached.dialogs.values())

    def reachable(self, binding: str) -> bool:
        """Whether a binding's far end can be rung."""
        return binding in self._reached

    def calls(self, binding: str) -> int:
        """How many calls a far end has."""
        return len(self._reached[binding].dialogs)

    def sessid(self, binding: str) -> str:
        """The browser SDK's name for a far end's login."""
        return self._reached[binding].sessid

    def way_to(self, binding: str) -> Signalling | None:
        reached = self._reached.get(binding)
        return None if reached is None else reached.signalling

    # ---- who has what ----------------------------------------------------------------------------------------

    def own(self, owner: Owner, dialog: DialogId, port: int) -> None:
        """A dialog and its port are this owner's from now on."""
        reached = self._reached.get(dialog.binding)
        if reached is not None:
            reached.dialogs[dialog.name] = owner
        self.ports[port] = owner

    def forget(self, owner: Owner, keys: Sequence[Key]) -> Iterator[str]:
        """These legs, dialogs and ports of an owner are no more; what has moved on is another's. The ids of the legs
        among them."""
        for key in keys:
            if isinstance(key, DialogId):
                self._remember(key, owner)
                reached = self._reached.get(key.binding)
                if reached is not None:
                    _forget(reached.dialogs, key.name, owner)
            elif isinstance(key, int):
                _forget(self.ports, key, owner)
            elif _forget(self.legs, key, owner):
                yield key

    def port_closed(self, port: int) -> None:
        self.ports.pop(port, None)

    def _remember(self, dialog: DialogId, owner: Owner) -> None:
        named = owner.named(dialog)
        if named is not None:
            self._former[dialog] = named
        while len(self._former) > REMEMBERED:
            self._former.popitem(last=False)

    def former(self, dialog: DialogId) -> tuple[str, str] | None:
        """The session that a dialog belonged to, and its name in ladders; None where it is not over, or long since."""
        return self._former.get(dialog)

    def of_dialog(self, binding: str, dialog: str) -> Owner | None:
        reached = self._reached.get(binding)
        return None if reached is None else reached.dialogs.get(dialog)

    def of_input(self, given: Input) -> Owner | None:
        """The owner of what an input is about, as far as it is about one leg."""
        if isinstance(given, DialogSignal | Noted):
            return self.of_dialog(*given.dialog)
        if isinstance(given, PortSignal):
            return self.ports.get(given.port)
        if isinstance(given, Ordered) and given.into:
            return None  # the place itself
        if isinstance(given, Ordered | Wanted | HangUp | AudioSignal | ListenerSignal):
            return self.legs.get(given.leg or "")
        return None

    # ---- posting ---------------------------------------------------------------------------------------------

    def post(self, signal: Unanswered) -> None:
        """Post a signal that asks for no reply to whom it is for."""
        owner = self.of_input(signal)
        if owner is not None:
            owner.post(signal)


def _forget(index: dict[K, Owner], key: K, owner: Owner) -> bool:
    found = index.get(key) is owner
    if found:
        del index[key]
    return found
