"""The switchboard: the one thing behind the doors. Knows who is registered and which owner has which dialog.

It decides nothing about calls: it finds the session that a signal is for, and gives it what only the shell has,
ids, chance and the dialling decision.
"""

import asyncio
from collections.abc import Sequence
from types import TracebackType
from typing import Literal, Self

import msgspec
import structlog

from offhook.engine.active import ActiveLegs
from offhook.engine.dispatch import Dispatch
from offhook.engine.listening import Listeners, Outside
from offhook.engine.owner import MAILBOX, Owner, World
from offhook.engine.owners import Owners
from offhook.engine.places import Places
from offhook.engine.ports import (
    AudioSource,
    Chance,
    Clock,
    Contact,
    Device,
    Devices,
    Dialplan,
    Headers,
    Identity,
    Invite,
    Ladders,
    MediaCore,
    NoDevices,
    NoRecorder,
    Recorder,
    Reply,
    Shadow,
    Signalling,
)
from offhook.engine.preparing import NOTHING_TO_PLAY, Preparer
from offhook.engine.quality import Quality
from offhook.engine.routing import Limits, Plan, Router
from offhook.engine.store import StoreError
from offhook.engine.transfers import Transfers
from offhook.media import events as media
from offhook.media.commands import Ice
from offhook.voice import conference, effect, queue
from offhook.voice.binding import Binding, Bindings
from offhook.voice.cause import Ending, ending
from offhook.voice.command import Enters
from offhook.voice.commands.conference.shared import no_conference
from offhook.voice.conference import Conference
from offhook.voice.dialing import HOSTED_DOMAINS
from offhook.voice.floor import Key
from offhook.voice.house_rules import HouseRules
from offhook.voice.leg import DialogId, Leg, LegIds, Party
from offhook.voice.queue import DEFAULT_SIZE_BY_ENQUEUE, Queue
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.session import NO_CALL, STANDARD, Session
from offhook.voice.signal import (
    Answered,
    Arrived,
    AskedHold,
    Completed,
    Dialled,
    DigitHeard,
    EndedAway,
    HangUp,
    HungUp,
    Input,
    Lost,
    Loudest,
    NotArrived,
    Park,
    Played,
    PortDown,
    PortUp,
    Pressed,
    Progressed,
    Rang,
    RecordingOver,
    Referred,
    Refuse,
    Renegotiated,
    Ring,
    Routed,
    Sounded,
    Trickled,
    TurnedAway,
    Wanted,
)

_log = structlog.get_logger("offhook.engine")

HEARTBEAT_SECONDS = 5.0
HANG_UP_AGAIN_SECONDS = 5.0
HANG_UP_TIMES = 6
# Many legs are in one queue or conference, each with its own signals and digits.
PLACE_MAILBOX = 16_384
# Whoever runs the platform is to hear of such a call.
EMERGENCY = "EMERGENCY_NOT_SUPPORTED"
# JSON-RPC: invalid params.
BAD_PARAMS = -32602


class Switchboard:
    """Implements `ports.Exchange`; what customers command goes by `dispatch`. An async context manager: leaving it ends
    all calls and waits for their ends.

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
        audio: AudioSource = NOTHING_TO_PLAY,
        outside: Outside | None = None,
        recorder: Recorder | None = None,
        quality: Quality | None = None,
        rules: HouseRules = STANDARD,
        waker: Devices | None = None,
        domain: str = HOSTED_DOMAINS[0],
    ) -> None:
        self.bindings = bindings
        self.active = active
        self._shadow = shadow
        self._clock = clock
        self._chance = chance
        self._quality = quality or Quality()
        self._rules = rules
        self.owners = owners = Owners()
        self._waker = waker or NoDevices()
        self._router = Router(
            dialplan, owners, clock, chance, limits or Limits(), rules.park_seconds, self._waker, domain
        )
        self._world = World(
            clock, core, shadow, active, ladders, owners.way_to, ice, self._elsewhere, owners.of_input, self._ended
        )
        self._recorder = recorder or NoRecorder()
        self._preparer = Preparer(audio, owners.post)
        self._listeners = outside and Listeners(core, outside, owners.post)
        self.queues: Places[Queue] = Places(self._run_place, self._fresh_queue)
        self.conferences: Places[Conference] = Places(self._run_place, self._fresh_conference)
        self.dispatch = Dispatch(self._router, owners, active, self.queues, self.conferences, self._session)
        self._transfers = Transfers(owners, active, self.dispatch)
        self._tasks: set[asyncio.Task[None]] = set()
        self._heart: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._heart = asyncio.create_task(self._beat(), name="heartbeat")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end_owners()
        await self._preparer.stop()
        if self._listeners is not None:
            await self._listeners.stop()
        assert self._heart is not None
        self._heart.cancel()
        await asyncio.wait((self._heart,))

    async def _end_owners(self) -> None:
        """Hang up until all is over, again and again for legs that were on their way from one owner to another. What
        does not end is given up: the next start gives its legs their end."""
        for _ in range(HANG_UP_TIMES):
            if not self._tasks:
                return
            self.hang_up_all(ending("NORMAL_TEMPORARY_FAILURE", "the platform is shutting down"))
            await asyncio.wait(self._tasks, timeout=HANG_UP_AGAIN_SECONDS)
        if self._tasks:
            _log.error("calls did not end", owners=len(self._tasks))
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(self._tasks)

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
                network=who.network,
                rung=contact.rung,
                speaks=contact.speaks,
                profile=contact.profile,
                capacity=contact.capacity,
            )
        )
        self._waker.seen(who, contact.device)
        self.owners.reach(id, signalling, contact.sessid)
        return id

    def renewed(self, binding: str, who: Identity, device: Device | None = None) -> None:
        """The same far end with a fresh proof: its place and login time stay."""
        self._waker.seen(who, device)
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

    def forget_device(self, binding: str, token: str) -> None:
        """This device of its username shall not be woken any more."""
        known = self.bindings.get(binding)
        if known is not None:
            self._waker.forget(known.username, token)

    def unregister(self, binding: str) -> None:
        """It logged out or its socket is gone: its calls are lost, the former binding of its username rings."""
        lost = self.owners.lose(binding)
        if lost is None:
            return
        self.bindings.unregister(binding)
        for owner in lost:
            owner.post(Lost(binding))

    def retire(self, binding: str) -> None:
        """Its registration is over: the former binding of its username rings, and the calls that it has go on."""
        self.bindings.unregister(binding)

    def log_off(self, binding: str, reason: str) -> None:
        """Close a far end's connection (token revoked, credential deleted). Its door then unregisters it."""
        way = self.owners.way_to(binding)
        if way is not None:
            way.close(reason)

    def hang_up_all(self, why: Ending) -> None:
        """End every call of this node."""
        for owner in (*self.owners.sessions.values(), *self.queues, *self.conferences):
            owner.post(HangUp(why))

    async def end_all(self, why: Ending, within: float) -> None:
        """End every call of this node, and wait at most `within` seconds until all are over, byes and all."""
        self.hang_up_all(why)
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within)

    def hang_up(self, call_session_id: str, why: Ending, leg: str | None = None) -> bool:
        """End a session's legs, or one by its call_control_id; False where the session is not here (any more)."""
        owner = self.owners.sessions.get(call_session_id)
        if owner is not None:
            owner.post(HangUp(why, leg))
        return owner is not None

    def hang_up_leg(self, call_control_id: str, why: Ending) -> None:
        """End one leg, wherever it is; nothing where it has ended."""
        self.owners.post(HangUp(why, call_control_id))

    # ---- what far ends do ------------------------------------------------------------------------------------

    def invited(self, binding: str, invite: Invite, reply: Reply) -> None:
        """A far end dials: a session comes to be."""
        if not self.owners.reachable(binding) or self.bindings.get(binding) is None:
            reply.refuse(NO_CALL, "not registered")
        elif self.owners.of_dialog(binding, invite.dialog) is not None:
            reply.refuse(BAD_PARAMS, "this callID is in use")
        else:
            self._open_session(DialogId(binding, invite.dialog), invite, reply)

    def rang(self, binding: str, dialog: str) -> None:
        self.owners.post(Rang(DialogId(binding, dialog)))

    def progressed(self, binding: str, dialog: str, sdp: str) -> None:
        self.owners.post(Progressed(DialogId(binding, dialog), sdp))

    def answered(self, binding: str, dialog: str, sdp: str, headers: Headers, trickle: bool, reply: Reply) -> None:
        owner = self._owner_or_refusal(binding, dialog, reply)
        if owner is not None:
            owner.post(Answered(DialogId(binding, dialog), owner.owe(reply), sdp, headers, trickle))

    def completed(self, binding: str, dialog: str, sdp: str) -> None:
        self.owners.post(Completed(DialogId(binding, dialog), sdp))

    def hung_up(self, binding: str, dialog: str, ending: Ending, reply: Reply | None) -> None:
        """A hang-up of what is over (or never was) is done: both ends may hang up at once."""
        owner = self.owners.of_dialog(binding, dialog)
        if owner is not None:
            owner.post(HungUp(DialogId(binding, dialog), ending, None if reply is None else owner.owe(reply)))
        elif reply is not None:
            reply.done()

    def referred(self, binding: str, dialog: str, status: int) -> None:
        self.owners.post(Referred(DialogId(binding, dialog), status))

    def transferred(self, binding: str, dialog: str, destination: str, reply: Reply) -> None:
        self._transfers.transferred(DialogId(binding, dialog), destination, reply)

    def joined(self, binding: str, dialog: str, other: tuple[str, str], reply: Reply) -> None:
        self._transfers.joined(DialogId(binding, dialog), DialogId(*other), reply)

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
        self.owners.post(Trickled(DialogId(binding, dialog), candidate))

    # ---- what media does -------------------------------------------------------------------------------------

    def media_event(self, event: media.Event) -> None:
        """Take an event of the media core."""
        match event:
            case media.PortConnected():
                self.owners.post(PortUp(event.port))
            case media.PortFailed():
                self.owners.post(PortDown(event.port, event.reason))
            case media.MediaStopped():
                self.owners.post(PortDown(event.port, "nothing received", "quiet"))
            case media.DigitReceived():
                self.owners.post(DigitHeard(event.port, event.digit, event.duration_ms))
            case media.Metered(inbound=heard):
                self.owners.post(Sounded(event.port, event.at_ms, heard.level, heard.tone_hz))
            case media.PlayEnded(reason="completed"):
                self.owners.post(Played(event.port, event.play))
            case media.Tapped() | media.FeedPlayed():
                if self._listeners is not None:
                    self._listeners.media_event(event)
            case media.RecordEnded():
                self._recorder.ended(event)
                self.owners.post(RecordingOver(event.port, event.recording))
            case media.Loudest():
                self.owners.post(Loudest(event.port, event.speaker))
            case media.QualityMeasured():
                self._quality.measured(event.stats)
            case media.PortClosed():
                self.owners.port_closed(event.stats.port)
                self._quality.closed(event.stats.port)
            case media.WorkerDied():
                _log.error("a media worker died", worker=event.worker, detail=event.detail)
            case _:
                pass  # measurements: for those who listen to the core itself

    # ---- places -----------------------------------------------------------------------------------------------

    def _fresh_queue(self, account_id: str, name: str) -> Queue:
        return Queue(queue.Card(self._chance.uuid(), account_id, name, DEFAULT_SIZE_BY_ENQUEUE, "passing", 0.0, 0.0))

    def _fresh_conference(self, account_id: str, name: str) -> Conference:
        return Conference(conference.Card(self._chance.uuid(), account_id, name), self._router.new_port())

    # ---- sessions --------------------------------------------------------------------------------------------

    def _open_session(self, dialog: DialogId, invite: Invite, reply: Reply) -> None:
        binding = self.bindings.get(dialog.binding)
        assert binding is not None  # whoever is reached is registered: both are entered and left together
        ids = self._router.new_ids()
        route = self._router.dialled if invite.takes is None else self._router.taking
        plan, party = route(binding, invite, ids)
        if isinstance(plan, Refuse) and plan.ending.cause == EMERGENCY:
            _log.error("emergency.refused", account=party.account_id, connection=party.connection_id)
        crowded = self._router.full(len(self.owners.sessions))
        if crowded is not None:
            plan = Refuse(crowded)
        owner = self._session(ids.call_session_id)
        port = self._router.new_port()
        self.owners.own(owner, dialog, port)
        self.owners.legs[ids.call_control_id] = owner
        self._count(ids, party, plan)
        if isinstance(plan, Ring):
            self._ring(owner, plan)
        if invite.takes is not None:
            reply = self._transfers.taking(ids.call_control_id, DialogId(*invite.takes), reply)
        owner.post(
            Dialled(
                dialog=dialog,
                reply=owner.owe(reply),
                ids=ids,
                port=port,
                party=party,
                destination=(isinstance(plan, Park) and plan.number) or invite.destination,
                sdp=invite.sdp,
                plan=plan,
                trickle=invite.trickle,
                headers=invite.headers,
                client_state=invite.client_state,
                speaks=binding.speaks,
                profile=binding.profile,
                caller_id=invite.caller_id,
            )
        )

    def _session(self, id: str) -> Owner:
        """The owner of a session; one that is new, or has ended meanwhile, begins."""
        owner = self.owners.sessions.get(id)
        if owner is None:
            owner = self.owners.sessions[id] = self._run(Session(id, rules=self._rules))
        return owner

    def _run_place(self, place: Queue | Conference) -> Owner:
        owner = self._run(Session(place.card.id, place, self._rules))
        if isinstance(place, Conference):
            self.owners.ports[place.port] = owner
        return owner

    def _run(self, session: Session) -> Owner:
        kind, size = ("session", MAILBOX) if session.floor.owned is None else ("place", PLACE_MAILBOX)
        owner = Owner(session, self._world, self._owner_over, size)
        task = asyncio.create_task(owner.run(), name=f"{kind} {session.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return owner

    def _count(self, ids: LegIds, caller: Party, plan: Plan) -> None:
        """Count a call against the limits before anything is awaited; what nobody rings for counts for nothing."""
        if isinstance(plan, Park) and plan.direction == "incoming":
            self.active.open(ids.call_control_id, caller.connection_id, "inbound")
        elif not isinstance(plan, Refuse):
            number = plan.number if isinstance(plan, Ring) else None
            self.active.open(ids.call_control_id, caller.connection_id, "outbound", number)

    def _ring(self, owner: Owner, plan: Ring) -> None:
        """These far ends are about to be offered a leg of this owner."""
        for connection in plan.rung:
            self.active.open(plan.ids.call_control_id, connection, "inbound")
        if plan.onward is not None:
            sender = plan.onward.party.connection_id
            self.active.open(plan.ids.call_control_id, sender, "outbound", plan.onward.number)
        self.owners.legs[plan.ids.call_control_id] = owner
        for target in plan.targets:
            self.owners.own(owner, target.dialog, target.port)

    def _owner_over(self, owner: Owner) -> None:
        self.queues.closed(owner)
        self.conferences.closed(owner)
        self.owners.sessions.pop(owner.session.id, None)
        if owner.session.floor.conference is not None:
            self.owners.port_closed(owner.session.floor.conference.port)
        self._ended(owner, tuple(owner.session.floor.names))

    def _ended(self, owner: Owner, keys: Sequence[Key]) -> None:
        """These legs, dialogs and ports of an owner are no more."""
        for leg in self.owners.forget(owner, keys):
            self.active.close(leg)

    # ---- between owners ------------------------------------------------------------------------------------

    def _elsewhere(self, owner: Owner, it: effect.Elsewhere) -> Input | None:
        """Perform, for one owner, what concerns others; what comes back is fed to it."""
        match it:
            case effect.Route():
                plan = self._router.ordered(it)
                if isinstance(plan, Ring):
                    self._ring(owner, plan)
                return Routed(it.leg.call_control_id, plan)
            case effect.Want():
                other = self.queues.find(it.account_id, it.queue) if it.queue else self.owners.legs.get(it.leg)
                if other is None:
                    return NotArrived(it.number, _not_found(it))
                other.post(Wanted(it.leg, owner.session.id, it.number, it.meets, it.taken, it.rung))
            case effect.HandOver():
                self._hand_over(it.leg, self._owner_named(it.to), it.number)
            case effect.KeepBack():
                self._owner_named(it.to).post(NotArrived(it.number, it.why))
            case effect.PassOn():
                to = self._session(it.to) if it.to else self._place(it.account_id, it.order.into)
                if to is None:
                    return TurnedAway(it.order, no_conference())
                owner.passed_on(it.order, to)
            case effect.TurnAway():
                self.owners.post(HangUp(it.why, it.leg))
            case effect.EndedAway():
                if it.to in self.owners.sessions:
                    self.owners.sessions[it.to].post(EndedAway(it.leg))
            case effect.Prepare():
                self._preparer.prepare(it)
            case effect.Discard():
                self._preparer.discard(it)
            case effect.Record() | effect.PauseRecord() | effect.StopRecord():
                self._recorder.perform(it)
            case _:
                if self._listeners is not None:
                    self._listeners.perform(it)
        return None

    def _owner_named(self, id: str) -> Owner:
        return self.queues.by_id(id) or self.conferences.by_id(id) or self._session(id)

    def _place(self, account_id: str, wanted: Enters) -> Owner | None:
        """The owner of the place that a leg is to enter."""
        places = self.queues if wanted.kind == "queue" else self.conferences
        if wanted.missing == "refused":
            return places.identified(account_id, wanted.name)
        return places.named(account_id, wanted.name)

    def _hand_over(self, leg: Leg, to: Owner, number: int | None) -> None:
        self.owners.legs[leg.id] = to
        for dialog in leg.dialogs:
            self.owners.own(to, dialog.id, dialog.port)
        to.post(Arrived(leg, number))
        # Whoever was lost in between was reported to the former owner, which had let go of the leg already.
        for dialog in leg.dialogs:
            if not self.owners.reachable(dialog.id.binding):
                to.post(Lost(dialog.id.binding))

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

    def _owner_or_refusal(self, binding: str, dialog: str, reply: Reply) -> Owner | None:
        owner = self.owners.of_dialog(binding, dialog)
        if owner is None:
            reply.refuse(NO_CALL, "no such call")
        return owner


def _not_found(it: effect.Want) -> Rejected:
    if it.queue:
        return rejected("10017", "There is no such queue.", pointer="/queue")
    return rejected("90018", "The call has already ended.", pointer="/call_control_id")
