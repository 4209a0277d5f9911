"""What doors see go over the wire of calls: finds whose it is. Knows no protocol."""

from offhook.engine.owners import Owners
from offhook.engine.ports import Clock, Ladders
from offhook.voice import ladder
from offhook.voice.signal import Noted


class CallTraffic:
    """Implements `ports.Traffic`. What is noted takes its turn in the mailbox of the call, so that lines stand in the
    order in which things happened; what comes when the call is over, such as the answer to a BYE, follows them."""

    def __init__(self, owners: Owners, ladders: Ladders, clock: Clock) -> None:
        self._owners = owners
        self._ladders = ladders
        self._clock = clock

    def noted(self, it: Noted) -> None:
        owner = self._owners.of_dialog(*it.dialog)
        if owner is None:
            self._late(it)
        elif not owner.is_crowded:  # a ladder is not worth a call
            owner.post(it)

    def _late(self, it: Noted) -> None:
        former = self._owners.former(it.dialog)
        if former is None:
            return
        session, who = former
        owner = self._owners.sessions.get(session)
        if owner is not None and owner.named(it.dialog) is not None:  # it has yet to hear that the call is over
            owner.post(it)
        else:
            self._ladders.wrote(session, ladder.lines(it, (), {it.dialog: who}, self._clock.wall()))
