"""What far ends order over SIP for those whom they are with: that these go on with somebody else, with each
other, or with the far end over another call.

It makes commands of it, such as a customer would give, and knows no rule of them. Only whoever belongs to the same
account can be sent away so: the call that comes of it is on the account of who is sent.
"""

from collections.abc import Callable
from typing import Any, Protocol

from offhook.engine.active import ActiveLegs
from offhook.engine.owners import Owners
from offhook.engine.ports import OrderReply, Reply
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call import answer, bridge, hangup, transfer
from offhook.voice.commands.call.answer import Answer
from offhook.voice.commands.call.bridge import Bridge
from offhook.voice.commands.call.hangup import Hangup
from offhook.voice.commands.call.transfer import Transfer
from offhook.voice.leg import DialogId
from offhook.voice.resources.problem import Rejected

# JSON-RPC, as everything that a far end is refused by: it asks for what it may not have.
REFUSED = -32600


class Orders(Protocol):
    """Where commands go; `dispatch.Dispatch` is it."""

    def order(
        self, call_control_id: str, rule: CommandRule, command: Command, reply: OrderReply, place: str = ""
    ) -> bool: ...


class Transfers:
    """`owners` and `active` say who is with whom, and whose."""

    def __init__(self, owners: Owners, active: ActiveLegs, orders: Orders) -> None:
        self._owners = owners
        self._active = active
        self._orders = orders

    def transferred(self, dialog: DialogId, destination: str, reply: Reply) -> None:
        """Let whom a far end is with dial `destination` in its name."""
        partner, command = self._partner(dialog), Transfer(to=destination)
        if partner is None or command.problems():
            reply.refuse(REFUSED, "there is nobody who could be transferred, or not to there")
        else:
            self._order(partner, transfer.RULE, command, reply)

    def joined(self, dialog: DialogId, other: DialogId, reply: Reply) -> None:
        """Let those whom a far end is with in two calls be with each other."""
        one, two = self._partner(dialog), self._partner(other)
        if one is None or two is None or one == two:
            reply.refuse(REFUSED, "there are no two who could be joined")
        else:
            self._order(one, bridge.RULE, Bridge(call_control_id=two), reply)

    def taking(self, leg: str, place: DialogId, reply: Reply) -> Reply:
        """Let a leg that dials take the place of the one that this dialog carries (RFC 3891), once `reply` says that it
        is there."""

        def there() -> None:
            reply.done()
            self._take(leg, place)

        return _Then(there, lambda: reply.refuse(REFUSED, "the call was refused"))

    def _take(self, leg: str, place: DialogId) -> None:
        """Where it cannot, it is hung up."""
        partner = self._partner(place)

        def over() -> None:
            self._orders.order(leg, hangup.RULE, Hangup(), _Answer(_Then(_nothing, _nothing)))

        def meet() -> None:
            command = Bridge(call_control_id=partner or leg)  # with nobody it is refused
            self._order(leg, bridge.RULE, command, _Then(_nothing, over))

        self._order(leg, answer.RULE, Answer(), _Then(meet, over))

    def _order(self, leg: str, rule: CommandRule, command: Command, reply: Reply) -> None:
        if not self._orders.order(leg, rule, command, _Answer(reply)):
            reply.refuse(REFUSED, "the other side has just hung up")

    def _partner(self, dialog: DialogId) -> str | None:
        """The one leg of the same account that a far end is with."""
        owner = self._owners.of_dialog(*dialog)
        partners = [] if owner is None else owner.session.partners_of(dialog)
        if owner is None or len(partners) != 1:
            return None
        found = owner.session.floor.find(dialog)
        same = found is not None and found[0].party.account_id == partners[0].party.account_id
        return partners[0].id if same else None


class _Then:
    """A reply that nobody is owed: what follows from it."""

    def __init__(self, done: Callable[[], None], refused: Callable[[], None]) -> None:
        self._done = done
        self._refused = refused

    def done(self, sdp: str | None = None, held: bool | None = None) -> None:  # noqa: ARG002
        self._done()

    def refuse(self, code: int, message: str) -> None:  # noqa: ARG002
        self._refused()


def _nothing() -> None: ...


class _Answer:
    """The reply to a command, as that to a far end's request."""

    def __init__(self, reply: Reply) -> None:
        self._reply = reply

    def accept(self, document: dict[str, Any]) -> None:  # noqa: ARG002
        self._reply.done()

    def reject(self, why: Rejected) -> None:
        self._reply.refuse(REFUSED, str(why))
