"""What customers command, on its way to the owner that decides: found, counted against the limits, posted.

It decides nothing about calls. A leg that a command makes counts before anything is awaited.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from offhook.engine.active import ActiveLegs
from offhook.engine.owner import Owner
from offhook.engine.owners import Owners
from offhook.engine.places import Places, conference_of, queue_of
from offhook.engine.ports import OrderReply
from offhook.engine.routing import Router
from offhook.voice.command import Command, CommandRule, Form
from offhook.voice.commands.call import bridge, dial
from offhook.voice.commands.call.bridge import Bridge
from offhook.voice.commands.call.dial import Dial
from offhook.voice.commands.call.transfer import Transfer
from offhook.voice.commands.queue.create import CreateQueue
from offhook.voice.conference import Conference
from offhook.voice.effect import Save
from offhook.voice.leg import Party
from offhook.voice.queue import Queue
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.signal import Directed, Ordered, Originated


class Making:
    """The reply to a command that makes a leg (`ports.OrderReply`). `settled` is called before it is given."""

    def __init__(self, reply: OrderReply, settled: Callable[[], None]) -> None:
        self._reply = reply
        self._settled = settled

    def accept(self, document: dict[str, Any]) -> None:
        self._settled()
        self._reply.accept(document)

    def reject(self, why: Rejected) -> None:
        self._settled()
        self._reply.reject(why)


class Dispatch:
    """Where each command goes. `session` gives the owner of a session, which begins where there is none of that id."""

    def __init__(
        self,
        router: Router,
        owners: Owners,
        active: ActiveLegs,
        queues: Places[Queue],
        conferences: Places[Conference],
        session: Callable[[str], Owner],
    ) -> None:
        self._router = router
        self._owners = owners
        self._active = active
        self._queues = queues
        self._conferences = conferences
        self._session = session

    def order(
        self, call_control_id: str, rule: CommandRule, command: Command, reply: OrderReply, place: str = ""
    ) -> bool:
        """Command a live leg, maybe to enter the conference `place`; False where no such leg lives here."""
        owner, leg = self._owners.legs.get(call_control_id), self._active.leg(call_control_id)
        if owner is None or leg is None:
            return False
        if owner.is_crowded:
            reply.reject(crowded())
        elif isinstance(command, Transfer):
            self._transfer(owner, leg, rule, command, reply)
        else:
            forbidden = self._unmeetable(leg, command) if isinstance(command, Bridge) else None
            number = owner.owe_order(reply)
            owner.post(Ordered(call_control_id, number, rule, command, place=place, forbidden=forbidden))
        return True

    def _unmeetable(self, leg: Save, command: Bridge) -> Rejected | None:
        """Why a bridge cannot be, as far as that can be seen before the leg leaves its queue or conference for it."""
        if command.queue:
            queue = queue_of(self._queues.find(leg.party.account_id, command.queue))
            return bridge.about_queue(leg.ids.call_control_id, queue)
        return bridge.about_other(leg.ids.call_control_id, self._active.leg(command.call_control_id), command)

    def _transfer(self, owner: Owner, leg: Save, rule: CommandRule, command: Transfer, reply: OrderReply) -> None:
        """The command makes a leg, which counts from now on unless it is forbidden. That is for the leg's owner to say:
        a command that it has seen before is answered alike, whatever the limits are now."""
        ids = self._router.new_ids(leg.ids.call_session_id)
        permitted = self._router.permitted(leg.party, (command.destination,), command.from_ or leg.destination)
        forbidden = permitted if isinstance(permitted, Rejected) else None
        if not isinstance(permitted, Rejected):
            self._active.open(ids.call_control_id, leg.party.connection_id, "outbound", permitted.number)
        made = Making(reply, partial(self._unmade, ids.call_control_id))
        id = leg.ids.call_control_id
        reaches = "sip" if isinstance(permitted, Rejected) else permitted.network
        owner.post(Ordered(id, owner.owe_order(made), rule, command, ids, forbidden=forbidden, reaches=reaches))

    def originate(self, rule: CommandRule, command: Dial, party: Party, reply: OrderReply) -> None:
        """Let a leg come to be that a customer dials, in the session that it is linked to or in one of its own."""
        full = self._router.full(len(self._owners.sessions))
        linked = self._active.leg(command.link_to or "")
        if linked is None and command.link_to is not None:
            reply.reject(rejected("90018", "The call to link to has already ended.", pointer="/link_to"))
        elif not self._entered(command, party):
            reply.reject(rejected("90058", "There is no such conference.", pointer="/conference_config/id"))
        elif full is not None:
            reply.reject(rejected("10007", f"No call can be made now: {full.detail}.", status=503))
        else:
            self._originate(rule, command, party, linked, reply)

    def _originate(
        self, rule: CommandRule, command: Dial, party: Party, linked: Save | None, reply: OrderReply
    ) -> None:
        """Let the leg come to be, unless a limit of its connection forbids that; it counts from now on."""
        permitted = self._router.permitted(party, command.destinations, dial.caller_of(command, linked))
        if isinstance(permitted, Rejected):
            reply.reject(permitted)
            return
        ids = self._router.new_ids(linked and linked.ids.call_session_id)
        # A supervisor is where those are whom it shall hear, whichever session it is of.
        supervised = self._owners.legs.get(command.supervise_call_control_id or "")
        owner = supervised or self._session(ids.call_session_id)
        if owner.is_crowded:
            reply.reject(crowded())
            return
        self._owners.legs[ids.call_control_id] = owner
        self._active.open(ids.call_control_id, party.connection_id, "outbound", permitted.number)
        made = Making(reply, partial(self._unmade, ids.call_control_id))
        party = msgspec.structs.replace(party, network=permitted.network)
        within = permitted.first_command_within
        owner.post(Originated(owner.owe_order(made), rule, command, ids, party, linked, within))

    def _entered(self, command: Dial, party: Party) -> bool:
        """Whether there is the conference that a call is to enter by its id, if there is one."""
        id = command.conference_config and command.conference_config.id
        return not id or conference_of(self._conferences.identified(party.account_id, id)) is not None

    def _unmade(self, leg: str) -> None:
        """A command that would have made this leg is settled: where no leg came of it, nothing is counted."""
        if self._active.leg(leg) is None:
            self._owners.legs.pop(leg, None)
            self._active.close(leg)

    def create_queue(self, account_id: str, rule: CommandRule, command: CreateQueue, reply: OrderReply) -> None:
        """Let a queue be made."""
        owner = self._queues.named(account_id, command.queue_name)
        owner.post(Directed(owner.owe_order(reply), rule, command))

    def direct(
        self, account_id: str, name: str, rule: CommandRule, command: Form, reply: OrderReply, leg: str = ""
    ) -> bool:
        """Command a queue, or the turn of a call in it; False where there is no such queue."""
        owner = self._queues.find(account_id, name)
        if owner is not None and owner.is_crowded:
            reply.reject(crowded())
        elif owner is not None:
            owner.post(Directed(owner.owe_order(reply), rule, command, leg))
        return owner is not None

    def direct_conference(
        self, account_id: str, id: str, rule: CommandRule, command: Form, reply: OrderReply, participant: str = ""
    ) -> bool:
        """Command a conference, or one of its participants; False where there is no such conference."""
        owner = self._conferences.identified(account_id, id)
        if owner is not None and owner.is_crowded:
            reply.reject(crowded())
        elif owner is not None:
            owner.post(Directed(owner.owe_order(reply), rule, command, participant))
        return owner is not None


def crowded() -> Rejected:
    """The refusal while so many commands wait that what far ends do would find no room."""
    return rejected("10011", "Too many commands wait to be carried out here: send them again in a moment.")
