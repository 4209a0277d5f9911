"""The switchboard: the one thing behind the doors. Knows who is registered and which owner has which dialog.

It decides nothing about calls: it finds the session that a signal is for, and gives it what only the shell has,
ids, chance and the dialling decision.
"""

import asyncio
from functools import partial
from types import TracebackType
from typing import Literal, Self

import msgspec
import structlog

from offhook.engine.active import ActiveLegs
from offhook.engine.owner import Owner, World
from offhook.engine.ports import (
    Chance,
    Clock,
    Contact,
    Dialplan,
    Headers,
    Identity,
    Invite,
    Ladders,
    MediaCore,
    Reply,
    Shadow,
    Signalling,
)
from offhook.engine.store import StoreError
from offhook.media import events as media
from offhook.media.commands import Ice
from offhook.voice import dialing
from offhook.voice.binding import Binding, Bindings
from offhook.voice.cause import Ending, ending
from offhook.voice.command import HangUp
from offhook.voice.leg import DialogId, LegIds, Party
from offhook.voice.session import NO_CALL, Session
from offhook.voice.signal import (
    Answered,
    AskedHold,
    Dialled,
    DigitHeard,
    HungUp,
    Lost,
    PortDown,
    PortUp,
    Pressed,
    Rang,
    Refuse,
    Renegotiated,
    Ring,
    Signal,
    Target,
    Trickled,
)

_log = structlog.get_logger("offhook.engine")

HEARTBEAT_SECONDS = 5.0
# JSON-RPC: invalid params.
BAD_PARAMS = -32602


class Limits(msgspec.Struct, frozen=True):
    """How much one node and one far end may have at once."""

    sessions: int = 5_000
    dialogs_per_binding: int = 64


class Reached(msgspec.Struct):
    """A binding's far end: the way to it, and the owners of its dialogs by the dialog's name."""

    signalling: Signalling
    sessid: str
    dialogs: dict[str, Owner]


class Switchboard:
    """Implements `ports.Exchange`. An async context manager: leaving it ends all calls and waits for their ends.

    `media_event` takes the core's events, on the loop's thread.
    """

    def __init__(
        self,
        *,
        core: MediaCore,
        dialplan: Dialplan,
        bindings: Bindings,
        active: ActiveLegs,
        shadow: Shadow,
        ladders: Ladders,
        clock: Clock,
        chance: Chance,
        ice: Ice = "lite",
        limits: Limits | None = None,
    ) -> None:
        self.bindings = bindings
        self.active = active
        self._dialplan = dialplan
        self._shadow = shadow
        self._clock = clock
        self._chance = chance
        self._limits = limits or Limits()
        self._world = World(clock, core, shadow, active, ladders, self._way_to, ice)
        self._reached: dict[str, Reached] = {}
        self._sessions: dict[str, Owner] = {}
        self._ports: dict[int, Owner] = {}
        self._last_port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._heart: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._heart = asyncio.create_task(self._beat(), name="heartbeat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.hang_up_all(ending("NORMAL_TEMPORARY_FAILURE", "the platform is shutting down"))
        if self._tasks:
            await asyncio.wait(self._tasks)
        assert self._heart is not None
        self._heart.cancel()
        await asyncio.wait((self._heart,))

    # ---- who is there ----------------------------------------------------------------------------------------

    def register(self, who: Identity, contact: Contact, signalling: Signalling) -> str:
        """A far end logged in: returns its binding id. Latest login rings first."""
        id = self._chance.uuid()
        self.bindings.register(
            Binding(
                id=id,
                account_id=who.account_id,
                connection_id=who.connection_id,
                username=who.username,
                registered_at=self._clock.wall(),
                credential_id=who.credential_id,
                token_id=who.token_id,
                token_expires_at=who.token_expires_at,
                address=contact.address,
                port=contact.port,
                transport=contact.transport,
                user_agent=contact.user_agent,
            )
        )
        self._reached[id] = Reached(signalling, contact.sessid, {})
        return id

    def renewed(self, binding: str, who: Identity) -> None:
        """The same far end with a fresh proof: its place and login time stay."""
        known = self.bindings.get(binding)
        if known is not None:
            self.bindings.reattach(
                msgspec.structs.replace(
                    known,
                    credential_id=who.credential_id,
                    token_id=who.token_id,
                    token_expires_at=who.token_expires_at,
                )
            )

    def unregister(self, binding: str) -> None:
        """It logged out or its socket is gone: its calls are lost, the former binding of its username rings."""
        reached = self._reached.pop(binding, None)
        if reached is None:
            return
        self.bindings.unregister(binding)
        for owner in set(reached.dialogs.values()):
            owner.post(Lost(binding))

    def log_off(self, binding: str, reason: str) -> None:
        """Close a far end's connection (token revoked, credential deleted). Its door then unregisters it."""
        way = self._way_to(binding)
        if way is not None:
            way.close(reason)

    def hang_up_all(self, why: Ending) -> None:
        """End every call of this node."""
        for owner in self._sessions.values():
            owner.post(HangUp(why))

    async def end_all(self, why: Ending, within: float) -> None:
        """End every call of this node, and wait at most `within` seconds until all are over, byes and all."""
        self.hang_up_all(why)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    def hang_up(self, call_session_id: str, why: Ending, leg: str | None = None) -> bool:
        """End a session's legs, or one by its call_control_id; False where the session is not here (any more)."""
        owner = self._sessions.get(call_session_id)
        if owner is not None:
            owner.post(HangUp(why, leg))
        return owner is not None

    # ---- what far ends do ------------------------------------------------------------------------------------

    def invited(self, binding: str, invite: Invite, reply: Reply) -> None:
        """A far end dials: a session comes to be."""
        reached = self._reached.get(binding)
        if reached is None:
            reply.refuse(NO_CALL, "not registered")
        elif invite.dialog in reached.dialogs:
            reply.refuse(BAD_PARAMS, "this callID is in use")
        else:
            self._open_session(DialogId(binding, invite.dialog), invite, reply)

    def rang(self, binding: str, dialog: str) -> None:
        self._post(Rang(DialogId(binding, dialog)))

    def answered(self, binding: str, dialog: str, sdp: str, headers: Headers, trickle: bool, reply: Reply) -> None:
        owner = self._owner_or_refusal(binding, dialog, reply)
        if owner is not None:
            owner.post(Answered(DialogId(binding, dialog), owner.owe(reply), sdp, headers, trickle))

    def hung_up(self, binding: str, dialog: str, ending: Ending, reply: Reply | None) -> None:
        """A hang-up of what is over (or never was) is done: both ends may hang up at once."""
        owner = self._owner(binding, dialog)
        if owner is not None:
            owner.post(HungUp(DialogId(binding, dialog), ending, None if reply is None else owner.owe(reply)))
        elif reply is not None:
            reply.done()

    def pressed(self, binding: str, dialog: str, digits: str, reply: Reply) -> None:
        owner = self._owner_or_refusal(binding, dialog, reply)
        if owner is not None:
            owner.post(Pressed(DialogId(binding, dialog), owner.owe(reply), digits))

    def asked_hold(
        self, binding: str, dialog: str, action: Literal["hold", "unhold", "toggleHold"], reply: Reply
    ) -> None:
        owner = self._owner_or_refusal(binding, dialog, reply)
        if owner is not None:
            owner.post(AskedHold(DialogId(binding, dialog), owner.owe(reply), action))

    def renegotiated(self, binding: str, dialog: str, sdp: str, reply: Reply) -> None:
        owner = self._owner_or_refusal(binding, dialog, reply)
        if owner is not None:
            owner.post(Renegotiated(DialogId(binding, dialog), owner.owe(reply), sdp))

    def trickled(self, binding: str, dialog: str, candidate: str | None) -> None:
        self._post(Trickled(DialogId(binding, dialog), candidate))

    # ---- what media does -------------------------------------------------------------------------------------

    def media_event(self, event: media.Event) -> None:
        """Take an event of the media core."""
        match event:
            case media.PortConnected():
                self._post_to_port(event.port, PortUp(event.port))
            case media.PortFailed():
                self._post_to_port(event.port, PortDown(event.port, event.reason))
                self._ports.pop(event.port, None)
            case media.MediaStopped():
                self._post_to_port(event.port, PortDown(event.port, "nothing received", "quiet"))
            case media.DigitReceived():
                self._post_to_port(event.port, DigitHeard(event.port, event.digit, event.duration_ms))
            case media.PortClosed():
                self._ports.pop(event.stats.port, None)
            case media.WorkerDied():
                _log.error("a media worker died", worker=event.worker, detail=event.detail)
            case _:
                pass  # measurements: for those who listen to the core itself

    # ---- sessions --------------------------------------------------------------------------------------------

    def _open_session(self, dialog: DialogId, invite: Invite, reply: Reply) -> None:
        binding = self.bindings.get(dialog.binding)
        assert binding is not None  # whoever is reached is registered: both are entered and left together
        ids = self._leg_ids(self._chance.uuid())
        plan, party = self._plan(binding, invite, ids)
        legs = self._count_legs(ids, party, plan)
        owner = Owner(Session(ids.call_session_id), self._world, partial(self._session_over, legs))
        port = self._new_port()
        self._sessions[ids.call_session_id] = owner
        self._own(owner, dialog, port)
        if isinstance(plan, Ring):
            for target in plan.targets:
                self._own(owner, target.dialog, target.port)
        owner.post(
            Dialled(
                dialog=dialog,
                reply=owner.owe(reply),
                ids=ids,
                port=port,
                party=party,
                destination=invite.destination,
                sdp=invite.sdp,
                plan=plan,
                trickle=invite.trickle,
                headers=invite.headers,
                client_state=invite.client_state,
            )
        )
        task = asyncio.create_task(owner.run(), name=f"session {ids.call_session_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _count_legs(self, ids: LegIds, caller: Party, plan: Ring | Refuse) -> list[str]:
        """Count the legs that will be against the limits, before anything is awaited; their ids."""
        if isinstance(plan, Refuse):
            return []
        self.active.open(ids.call_control_id, caller.connection_id, "incoming", plan.number)
        self.active.open(plan.ids.call_control_id, plan.party.connection_id, "outgoing", plan.number)
        return [ids.call_control_id, plan.ids.call_control_id]

    def _own(self, owner: Owner, dialog: DialogId, port: int) -> None:
        self._reached[dialog.binding].dialogs[dialog.name] = owner
        self._ports[port] = owner

    def _session_over(self, legs: list[str], owner: Owner) -> None:
        for leg in legs:
            self.active.close(leg)
        self._sessions.pop(owner.session.id, None)
        for name in owner.session.floor.names:
            if isinstance(name, DialogId):
                self._forget_dialog(name, owner)
            elif isinstance(name, int):
                self._ports.pop(name, None)

    def _forget_dialog(self, dialog: DialogId, owner: Owner) -> None:
        reached = self._reached.get(dialog.binding)
        if reached is not None and reached.dialogs.get(dialog.name) is owner:
            del reached.dialogs[dialog.name]

    def _plan(self, binding: Binding, invite: Invite, ids: LegIds) -> tuple[Ring | Refuse, Party]:
        """What dialling decides, with the ids and ports that a rung leg needs; and who the caller is."""
        decision = self._decision(binding, invite)
        number = decision.caller_number if isinstance(decision, dialing.Ring) else invite.caller_number
        caller = self._party(binding, number, invite.caller_name)
        if isinstance(decision, dialing.Refuse):
            return Refuse(decision.ending), caller
        rung = [each for each in decision.bindings if each.id in self._reached]
        if not rung:
            return Refuse(ending("USER_NOT_REGISTERED", "nobody is registered under this name")), caller
        free = [each for each in rung if self._has_room(each.id)]
        if not free:
            return Refuse(ending("USER_BUSY", "the dialled client has as many calls as it may have")), caller
        ring = Ring(
            ids=self._leg_ids(ids.call_session_id),
            party=self._party(free[0], decision.number or decision.username, ""),
            targets=tuple(
                Target(DialogId(each.id, self._chance.uuid()), self._new_port(), each.username) for each in free
            ),
            unheard_seconds=decision.unheard_seconds,
            seconds=decision.ring_seconds,
            ringback=decision.ringback,
            number=decision.number,
        )
        return ring, caller

    def _party(self, binding: Binding, number: str, name: str) -> Party:
        return Party(
            label=binding.username,
            account_id=binding.account_id,
            connection_id=binding.connection_id,
            username=binding.username,
            number=number,
            name=name,
            sessid=self._reached[binding.id].sessid,
        )

    def _decision(self, binding: Binding, invite: Invite) -> dialing.Decision:
        refused = self._no_room(binding.id)
        if refused is not None:
            return dialing.Refuse(refused, refused.detail)
        return self._dialplan.decide(
            dialing.Dialled(
                destination=invite.destination,
                now=self._clock.wall(),
                account_id=binding.account_id,
                connection_id=binding.connection_id,
                caller_number=invite.caller_number,
            )
        )

    def _no_room(self, binding: str) -> Ending | None:
        if len(self._sessions) >= self._limits.sessions:
            return ending("NORMAL_CIRCUIT_CONGESTION", "this node has as many calls as it may have")
        if not self._has_room(binding):
            return ending("NORMAL_CIRCUIT_CONGESTION", "this client has as many calls as it may have")
        return None

    def _has_room(self, binding: str) -> bool:
        """Whether a far end may have one more call; `Limits` says how many a phone is good for."""
        return len(self._reached[binding].dialogs) < self._limits.dialogs_per_binding

    def _leg_ids(self, session: str) -> LegIds:
        return LegIds(f"v3:{self._chance.token(54)}", session, self._chance.uuid())

    def _new_port(self) -> int:
        self._last_port += 1
        return self._last_port

    async def _beat(self) -> None:
        """Say regularly which legs are alive: a crash bills them up to the last beat."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            legs = self.active.ids()
            if not legs:
                continue
            try:
                await self._shadow.heartbeat(legs)
            except StoreError as error:
                _log.error("a heartbeat was not stored", why=str(error))
            except Exception:
                _log.exception("a heartbeat failed")

    # ---- finding ---------------------------------------------------------------------------------------------

    def _way_to(self, binding: str) -> Signalling | None:
        reached = self._reached.get(binding)
        return None if reached is None else reached.signalling

    def _owner(self, binding: str, dialog: str) -> Owner | None:
        reached = self._reached.get(binding)
        return None if reached is None else reached.dialogs.get(dialog)

    def _owner_or_refusal(self, binding: str, dialog: str, reply: Reply) -> Owner | None:
        owner = self._owner(binding, dialog)
        if owner is None:
            reply.refuse(NO_CALL, "no such call")
        return owner

    def _post(self, signal: Rang | Trickled) -> None:
        """Post a signal that asks for no reply; one for a dialog that is over is late, not wrong."""
        owner = self._owner(*signal.dialog)
        if owner is not None:
            owner.post(signal)

    def _post_to_port(self, port: int, signal: Signal) -> None:
        owner = self._ports.get(port)
        if owner is not None:
            owner.post(signal)
