"""From what dialling decides to far ends that ring: ids, ports and the ways to bindings. Knows no session."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from offhook.engine.ports import Chance, Clock, Devices, Dialplan, Invite, NoDevices
from offhook.voice import dialing, effect
from offhook.voice.binding import Binding, protected
from offhook.voice.cause import Ending, ending
from offhook.voice.hooks import Hooks
from offhook.voice.house_rules import PARK_SECONDS
from offhook.voice.leg import Carrier, DialogId, LegIds, Onward, Party
from offhook.voice.permission import BAD_CALLER, CONNECTION_FULL, NO_PROFILE
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.signal import Park, Refuse, Ring, Target
from offhook.voice.terms import NONE, Terms
from offhook.wire.sip_identity import diversion, passed_numbers

Plan = Ring | Park | Refuse


class Limits(msgspec.Struct, frozen=True):
    """How much one node and one far end may have at once."""

    sessions: int = 5_000
    dialogs_per_binding: int = 64


class FarEnds(Protocol):
    """The registered far ends, and how many calls each has."""

    def reachable(self, binding: str) -> bool: ...
    def calls(self, binding: str) -> int: ...
    def sessid(self, binding: str) -> str: ...


class Router:
    """Makes plans. `park_seconds` is how long an unanswered parked leg waits for a command."""

    def __init__(
        self,
        dialplan: Dialplan,
        far_ends: FarEnds,
        clock: Clock,
        chance: Chance,
        limits: Limits,
        park_seconds: float = PARK_SECONDS,
        devices: Devices | None = None,
        domain: str = "",
    ) -> None:
        self._dialplan = dialplan
        self._far_ends = far_ends
        self._clock = clock
        self._chance = chance
        self._limits = limits
        self._park_seconds = park_seconds
        self._devices = devices or NoDevices()
        self._domain = domain
        self._last_port = 0

    def taking(self, binding: Binding, invite: Invite, _ids: LegIds) -> tuple[Plan, Party]:
        """The same of one that dials nobody: it waits to be taken to where it takes another's place."""
        return Park(self._park_seconds), self._party(binding, invite.caller_number, invite.caller_name)

    def dialled(self, binding: Binding, invite: Invite, ids: LegIds) -> tuple[Plan, Party]:
        """What becomes of a call that a far end dials, and who its caller is."""
        if not self._has_room(binding):
            plan = Refuse(ending("NORMAL_CIRCUIT_CONGESTION", "this client has as many calls as it may have"))
            return plan, self._party(binding, invite.caller_number, invite.caller_name)
        decision = self._dialplan.decide(
            dialing.Dialled(
                destination=invite.destination,
                now=self._clock.wall(),
                account_id=binding.account_id,
                connection_id=binding.connection_id,
                caller_number=invite.caller_number,
                passed=passed_numbers(invite.headers) if binding.network == "pstn" else (),
                vouched_for=binding.network == "pstn",
            )
        )
        sent_on = isinstance(decision, dialing.Ring) and decision.forwarder is not None
        number = invite.caller_number
        if isinstance(decision, dialing.Ring) and not sent_on:
            number = decision.caller_number
        terms = NONE if isinstance(decision, dialing.Refuse) else decision.caller_terms
        caller = self._party(binding, number, invite.caller_name, terms)
        if binding.network == "pstn" and isinstance(decision, dialing.Ring):
            # Whose number was dialled pays for the call from outside, too.
            owner = decision.forwarder or decision
            caller = msgspec.structs.replace(caller, account_id=owner.account_id, connection_id=owner.connection_id)
        if isinstance(decision, dialing.Park):
            return self._parked(decision, caller)
        plan = self._ring([decision], self.new_ids(ids.call_session_id), invite.caller_name)
        if isinstance(plan, Ring) and plan.party.network == "pstn":
            plan = _of(plan, caller if plan.onward is None else plan.onward.party)
        return plan, caller

    def _parked(self, decision: dialing.Park, caller: Party) -> tuple[Park, Party]:
        """A parked call is its caller's, unless the number of an application was dialled: then it is that one's."""
        hooks, application = Hooks(callbacks=decision.callbacks), decision.application
        if application is None:
            return Park(self._park_seconds, hooks), caller
        party = msgspec.structs.replace(caller, account_id=application.account_id, connection_id=application.id)
        return Park(self._park_seconds, hooks, "incoming", decision.number), party

    def ordered(self, it: effect.Route) -> Ring | Refuse:
        """Who rings for a leg that a customer dials: all of its destinations at once. The leg stays its account's
        and its connection's, whoever rings."""
        plan = self._ring([self._ordered(it, each) for each in it.destinations], it.leg, it.caller_name)
        return plan if isinstance(plan, Refuse) else _of(plan, self._on_terms(it))

    def permitted(self, party: Party, destinations: Sequence[str], caller: str) -> dialing.Permitted | Rejected:
        """Whether a command of this party may make a call to all of these under this number or name, or why it may
        not."""
        permitted = dialing.Permitted(None)
        for destination in destinations:
            call = dialing.Dialled(destination, self._clock.wall(), party.account_id, party.connection_id, caller)
            outcome = self._dialplan.permit(call)
            if isinstance(outcome, dialing.Refuse):
                return _forbidden(outcome)
            permitted = outcome if permitted.number is None else permitted
        return permitted

    def new_ids(self, session: str | None = None) -> LegIds:
        """The ids of a new leg, of a new session unless one is given."""
        return LegIds(f"v3:{self._chance.token(54)}", session or self._chance.uuid(), self._chance.uuid())

    def new_port(self) -> int:
        """The number of a new media port."""
        self._last_port += 1
        return self._last_port

    def full(self, sessions: int) -> Ending | None:
        """Why a node with that many sessions takes no other one, if it does not."""
        if sessions < self._limits.sessions:
            return None
        return ending("NORMAL_CIRCUIT_CONGESTION", "this node has as many calls as it may have")

    def _ordered(self, it: effect.Route, destination: str) -> dialing.Ring | dialing.Refuse:
        decision = self._dialplan.decide(
            dialing.Dialled(
                destination=destination,
                now=self._clock.wall(),
                account_id=it.party.account_id,
                connection_id=(it.party.connection_id or None) if it.passed else None,
                caller_number=it.caller_number,
                forwarded=it.passed,
                encryption=it.encryption,
            )
        )
        return _LOOP if isinstance(decision, dialing.Park) else _within(decision, it.party.account_id)

    def _rouse(self, decisions: Sequence[dialing.Decision], ids: LegIds, name: str) -> None:
        """Whom a call is for may have apps that sleep; who is meant twice is called once."""
        meant = {it.username: it for it in decisions if not isinstance(it, dialing.Park) and it.username}
        for username, it in meant.items():
            reached = isinstance(it, dialing.Ring)
            self._devices.called(username, it.caller_number, name, ids=ids, reached=reached)

    def _on_terms(self, it: effect.Route) -> Party:
        """Whose leg it is, with what its connection wants of it; the command may have named a billing group itself."""
        call = dialing.Dialled(
            it.destinations[0],
            self._clock.wall(),
            it.party.account_id,
            it.party.connection_id,
            it.caller_number,
        )
        terms = self._dialplan.caller_terms(call)
        group = it.party.terms.billing_group or terms.billing_group
        return msgspec.structs.replace(it.party, terms=msgspec.structs.replace(terms, billing_group=group))

    def _ring(self, decisions: list[dialing.Decision], ids: LegIds, caller_name: str) -> Ring | Refuse:
        self._rouse(decisions, ids, caller_name)
        rings = [each for each in decisions if isinstance(each, dialing.Ring)]
        if not rings:
            [first, *_] = [each for each in decisions if isinstance(each, dialing.Refuse)]
            return Refuse(first.ending)
        rung = [each for ring in rings for each in ring.bindings if self._far_ends.reachable(each.id)]
        if not rung:
            return Refuse(ending("USER_NOT_REGISTERED", "nobody is registered under this name"))
        free = [each for each in rung if self._has_room(each)]
        decided = rings[0]
        if not free and decided.otherwise is not None:
            return self._instead(decided.otherwise, ids, caller_name)
        if not free:
            return Refuse(ending("USER_BUSY", "the dialled client has as many calls as it may have"))
        return Ring(
            ids=ids,
            party=self._party(free[0], decided.shown, "", decided.terms),
            targets=tuple(
                Target(
                    DialogId(each.id, self._chance.uuid()),
                    self.new_port(),
                    _label(each),
                    self._sessid(each),
                    each.network,
                    _carrier(each),
                    each.speaks,
                    protected(each.profile, decided.terms.encryption),
                )
                for each in free
            ),
            unheard_seconds=max(each.unheard_seconds for each in rings),
            seconds=max(each.ring_seconds for each in rings),
            ringback=decided.ringback,
            number=decided.number,
            rung=tuple({each.connection_id for each in free}),
            caller_number=decided.caller_number if _leaves(free[0]) else "",
            onward=decided.forwarder and self._onward(decided.forwarder),
            otherwise=decided.otherwise and self._otherwise(decided.otherwise),
        )

    def _instead(self, call: dialing.Dialled, ids: LegIds, caller_name: str) -> Ring | Refuse:
        """Who rings where a number sends a call on that its phone has no room for."""
        decision = self._dialplan.decide(call)
        return self._ring([_LOOP if isinstance(decision, dialing.Park) else decision], ids, caller_name)

    def _onward(self, it: dialing.Forwarder) -> Onward:
        party = Party("", it.account_id, it.connection_id, "", terms=it.terms)
        return Onward(it.destination, party, it.passed, it.number, diversion(it.passed, self._domain, "unconditional"))

    def _otherwise(self, call: dialing.Dialled) -> Onward:
        assert call.account_id is not None  # a number that sends calls on is somebody's
        party = Party("", call.account_id, call.connection_id or "", "", terms=self._dialplan.caller_terms(call))
        told = diversion(call.forwarded, self._domain, "unavailable")
        return Onward(call.destination, party, call.forwarded, headers=told)

    def _party(self, binding: Binding, number: str, name: str, terms: Terms = NONE) -> Party:
        return Party(
            label=_label(binding),
            account_id=binding.account_id,
            connection_id=binding.connection_id,
            username=binding.username,
            number=number,
            name=name,
            sessid=self._sessid(binding),
            carrier=_carrier(binding),
            network=binding.network,
            terms=terms,
        )

    def _sessid(self, binding: Binding) -> str:
        """The browser SDK's name for a login, which the telephone network does not have."""
        return "" if binding.network == "pstn" else self._far_ends.sessid(binding.id)

    def _has_room(self, binding: Binding) -> bool:
        """Whether a far end may have one more call; `Limits` says how many a phone is good for."""
        boundless = binding.network == "pstn" or binding.capacity == "trunk"
        return boundless or self._far_ends.calls(binding.id) < self._limits.dialogs_per_binding


_LOOP = dialing.Refuse(
    ending("UNALLOCATED_NUMBER", "an application's number can be called from outside and by clients, not by commands"),
    "commands reach no application of this platform",
)


_NOT_OUT = dialing.Refuse(
    ending("UNALLOCATED_NUMBER", "call_forwarding of another account's number leads out"),
    "commands follow call_forwarding out of the platform within their own account only",
)


def _leaves(binding: Binding) -> bool:
    """Whether a call to it leaves the platform by a carrier."""
    return binding.network == "pstn" and binding.capacity == "trunk"


def _label(binding: Binding) -> str:
    """What its legs are called in ladders. A trunk's username is nobody's name."""
    if binding.capacity == "phone":
        return binding.username
    return "outside" if binding.network == "pstn" else "trunk"


def _carrier(binding: Binding) -> Carrier:
    """What a leg towards it is charged as."""
    own = binding.network == "sip" and binding.transport in ("WS", "WSS")
    return "webrtc" if own else "sip-trunking"


def _within(decision: dialing.Ring | dialing.Refuse, account_id: str) -> dialing.Ring | dialing.Refuse:
    """The leg of a command is its account's to the end, so nobody else's number can send it out, for which that one
    would have to pay."""
    if not isinstance(decision, dialing.Ring):
        return decision
    sender = decision.forwarder
    if sender is not None and sender.account_id != account_id and decision.bindings[0].network == "pstn":
        return _NOT_OUT
    if decision.otherwise is not None and decision.otherwise.account_id != account_id:
        return msgspec.structs.replace(decision, otherwise=None)
    return decision


def _of(plan: Ring, caller: Party) -> Ring:
    """The same plan; the leg that rings is the caller's."""
    party = msgspec.structs.replace(
        plan.party, account_id=caller.account_id, connection_id=caller.connection_id, terms=caller.terms
    )
    return msgspec.structs.replace(plan, party=party)


# What of a command a limit is about, where that is not whom it calls.
_POINTERS = {CONNECTION_FULL: "/connection_id", NO_PROFILE: "/connection_id", BAD_CALLER: "/from"}


def _forbidden(refused: dialing.Refuse) -> Rejected:
    """A limit in the API's words: its code, and at the end of the text the code of SIP answers, which programs know."""
    assert refused.why is not None  # only such a refusal is one of a command
    pointer = _POINTERS.get(refused.why, "/to")
    return rejected(refused.why.code, f"{refused.reason}. {refused.why.tag}".strip(), pointer=pointer)
