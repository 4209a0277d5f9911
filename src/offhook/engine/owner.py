"""One owner's mailbox, and the performance of what the session, queue or conference decides. Knows no rules of calls.

`decide`, then one transaction, and only then the reply and the other effects, in the order given.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec
import structlog

from offhook.engine.active import ActiveLegs
from offhook.engine.performer import Performer
from offhook.engine.ports import Clock, Ladders, MediaCore, OrderReply, Reply, Shadow, Signalling
from offhook.engine.store import StoreError
from offhook.media.commands import Ice
from offhook.voice import effect, ladder
from offhook.voice.event import Event
from offhook.voice.floor import Key
from offhook.voice.leg import Moment
from offhook.voice.session import Session
from offhook.voice.signal import Arrived, Broken, Input, Noted, Tick

_log = structlog.get_logger("offhook.engine")

MAILBOX = 256
# JSON-RPC: internal error.
INTERNAL = -32603


class World(msgspec.Struct, frozen=True):
    """What owners share. `signalling` finds the way to a binding while it is there; `ice` is our part in ICE;
    `elsewhere` performs what concerns more than one owner, or who is registered; `owner_of` says who owns the leg
    that an input is for, None for one that is for no leg, or for none that lives; `ended` is told of an owner's legs
    and dialogs that are no more."""

    clock: Clock
    core: MediaCore
    shadow: Shadow
    active: ActiveLegs
    ladders: Ladders
    signalling: Callable[[str], Signalling | None]
    ice: Ice
    elsewhere: "Callable[[Owner, effect.Elsewhere], Input | None]"
    owner_of: "Callable[[Input], Owner | None]"
    ended: "Callable[[Owner, Sequence[Key]], None]"


class Owner:
    """Runs one session, queue or conference: `post` inputs, let `run` be a task; `over` is called once nothing must be
    posted any more. `mailbox` is how many inputs may wait.

    An exception in here, or a decision that cannot be stored, ends this session's legs with a cause, and nothing
    else. What such a decision would have begun is refused; what it ended is over.
    """

    def __init__(self, session: Session, world: World, over: Callable[["Owner"], None], mailbox: int = MAILBOX) -> None:
        self.session = session
        self._mailbox = mailbox
        self._over = over
        self._world = world
        self._inbox: deque[Input] = deque()
        self._wake: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._alarm: float | None = None
        self._performer = Performer(world.core, world.ice, world.signalling, partial(world.elsewhere, self))
        self._owed = 0
        # The decision at hand: when it was made, and its effects that are not performed yet.
        self._decided_at = self._now()
        self._undone: deque[effect.Effect] = deque()

    # ---- the mailbox -----------------------------------------------------------------------------------------

    def owe(self, reply: Reply) -> int:
        """A number for a reply, by which the session settles it."""
        self._owed += 1
        self._performer.replies[self._owed] = reply
        return self._owed

    def owe_order(self, reply: OrderReply) -> int:
        """The same for the reply to a command."""
        self._owed += 1
        self._performer.orders[self._owed] = reply
        return self._owed

    def passed_on(self, given: Input, to: "Owner") -> None:
        """Give an input for a leg that has moved to its new owner, with the reply that it asks for."""
        number = _reply_of(given)
        if number in self._performer.replies:
            given = msgspec.structs.replace(given, reply=to.owe(self._performer.replies.pop(number)))
        elif number in self._performer.orders:
            given = msgspec.structs.replace(given, reply=to.owe_order(self._performer.orders.pop(number)))
        to.post(given)

    @property
    def is_crowded(self) -> bool:
        """Whether half of its mailbox is full: what customers command has to wait outside then."""
        return 2 * len(self._inbox) >= self._mailbox

    def post(self, given: Input) -> None:
        """Put an input into the mailbox. When a mailbox overflows, its session ends."""
        if len(self._inbox) == self._mailbox:
            _log.error("mailbox overflowed", session=self.session.id)
            # A leg that arrives is nowhere else: it must not be lost with the rest.
            arriving = [each for each in self._inbox if isinstance(each, Arrived)]
            self._inbox = deque(arriving)
            given = Broken("more came in than could be handled")
        self._inbox.append(given)
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def named(self, key: Key) -> tuple[str, str] | None:
        """The session that a leg, dialog or port belongs to, and its name in ladders; None for one that is not here."""
        floor = self.session.floor
        name, session = floor.names.get(key), floor.sessions.get(key)
        return None if name is None or session is None else (session, name)

    async def run(self) -> None:
        """Take inputs until the session is over and the mailbox empty, then settle what is still owed."""
        try:
            await self._take(await self._next())
            while self._inbox or not self.session.over:
                await self._take(await self._next())
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._performer.settle(INTERNAL, "the call is over")
            # At once, not when the task is reaped: nothing may be posted to a mailbox that nobody reads any more.
            self._over(self)

    async def _next(self) -> Input:
        while not self._inbox:
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        return self._inbox.popleft()

    async def _take(self, given: Input) -> None:
        try:
            await self._decide_and_perform(given)
        except StoreError as error:
            _log.error("a decision was not stored", session=self.session.id, why=str(error))
            await self._abandon()
        except Exception:
            _log.exception("a session failed", session=self.session.id)
            await self._abandon()
        self._set_alarm()

    async def _decide_and_perform(self, given: Input) -> None:
        """One input, and the outcomes of the media requests that follow from it, before any other input."""
        outcomes: deque[Input] = deque((given,))
        while outcomes:
            current = outcomes.popleft()
            owner = self._world.owner_of(current) or self
            if owner is not self:
                self.passed_on(current, owner)
                continue
            if isinstance(current, Noted):
                self._write(current, [], ())
                continue
            self._decided_at = self._now()
            effects = self.session.decide(current, self._decided_at)
            self._undone = deque(effects)
            told = await self._commit(_durable(effects))
            self._write(current, effects, told)
            self._undone = deque(each for each in effects if not isinstance(each, effect.Durable))
            while self._undone:
                outcome = self._performer.perform(self._undone.popleft())
                if outcome is not None:
                    outcomes.append(outcome)

    async def _commit(self, durable: list[effect.Durable]) -> Sequence[Event]:
        """Make it safe; the events that leave as webhooks."""
        if not durable:
            return ()
        told = await self._world.shadow.commit(durable)
        self.session.stored()
        self._note(durable)
        return told

    def _note(self, durable: list[effect.Durable]) -> None:
        for each in durable:
            if isinstance(each, effect.Save | effect.Close):
                self._world.active.note(each)

    async def _abandon(self) -> None:
        """End all legs of a session that cannot go on. The replies of inputs that still wait are theirs to give."""
        self._performer.settle(INTERNAL, "internal error", spared={_reply_of(each) for each in self._inbox})
        lost, self._undone = self._undone, deque[effect.Effect]()
        await self._end(lost)
        await self._end(self._last_decision())

    def _last_decision(self) -> list[effect.Effect]:
        """The end of all legs: as decided if the session still can decide.

        They end at the moment of the decision that failed: an answer that nobody was told of is not paid for.
        """
        try:
            return self.session.decide(Broken("internal error"), self._decided_at)
        except Exception:
            _log.exception("a session could not even end", session=self.session.id)
            return self.session.floor.abandon(self._decided_at)

    async def _end(self, effects: Iterable[effect.Effect]) -> None:
        """Perform what ends something, and only that, stored or not: whatever fails must not keep other legs from
        their end."""
        ends: list[effect.Effect] = [each for each in effects if effect.is_end(each)]
        told: Sequence[Event] = ()
        try:
            told = await self._commit(_durable(ends))
        except Exception as error:
            # The shadow row stays: the next start gives these legs their end and record.
            _log.error("ends were not stored", session=self.session.id, why=str(error))
            self._note(_durable(ends))
        self._write(Broken("internal error"), ends, told)
        for each in ends:
            try:
                self._performer.perform(each)
            except Exception:
                _log.exception("an effect failed", session=self.session.id, effect=type(each).__name__)

    # ---- time ------------------------------------------------------------------------------------------------

    def _now(self) -> Moment:
        return Moment(self._world.clock.monotonic(), self._world.clock.wall())

    def _set_alarm(self) -> None:
        """Keep one timer. One that is early is left to ring: `Tick` does nothing then but to set the next."""
        wanted = self.session.wakes_at
        if wanted is None or (self._alarm is not None and self._alarm <= wanted):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._alarm = wanted
        delay = max(0.0, wanted - self._world.clock.monotonic())
        self._timer = asyncio.get_running_loop().call_later(delay, self._alarmed)

    def _alarmed(self) -> None:
        self._alarm = self._timer = None
        self.post(Tick())

    def _write(self, given: Input, effects: list[effect.Effect], told: Sequence[Event]) -> None:
        """Write the ladder: that of the session, or, of what happens in another place, that of each leg's session.
        `told` are the events that leave as webhooks."""
        floor = self.session.floor
        written: dict[str, list[ladder.Line]] = {}
        for key, line in ladder.keyed_lines(given, effects, floor.names, self._world.clock.wall(), told):
            session = self.session.id if floor.owned is None else floor.sessions.get(key)
            if session is not None:
                written.setdefault(session, []).append(line)
        for session, lines in written.items():
            self._world.ladders.wrote(session, lines)
        self._world.ended(self, floor.take_ended())


def _durable(effects: list[effect.Effect]) -> list[effect.Durable]:
    return [each for each in effects if isinstance(each, effect.Durable)]


def _reply_of(given: Input) -> int | None:
    """The number of the reply that an input asks for, if it asks for one."""
    return getattr(given, "reply", None)
