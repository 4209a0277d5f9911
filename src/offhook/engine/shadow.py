"""Live legs as rows that survive, and their detail records. Knows the store's columns, not what is charged for what.

A leg's record has the leg's id as its key, so that the database itself refuses a second one. A leg is charged by the
price plan that was in force when it came to be, which is kept beside it.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from offhook.engine.ports import Clock
from offhook.engine.recordings import row_of
from offhook.engine.store import Add, Change, Drop, Duplicate, Missing, Put, Row, Store, Write
from offhook.voice import bill, rating
from offhook.voice.cause import ending
from offhook.voice.conference import Card
from offhook.voice.delivery import Application
from offhook.voice.effect import (
    Close,
    DropQueue,
    Durable,
    KeepConference,
    KeepQueue,
    KeepRecording,
    Remember,
    Save,
    Tell,
)
from offhook.voice.event import CallHungUp, Event


class Outbox(Protocol):
    """Where events go: `prepared` gives those of them that have a URL to go to, and the rows of all, for the
    transaction of what they tell of; `told` is called once that is safe."""

    def prepared(self, events: Sequence[Event]) -> "tuple[Sequence[Event], Sequence[Write]]": ...
    def told(self, events: Sequence[Event]) -> None: ...


class _NoOutbox:
    """Nobody is told anything."""

    def prepared(self, _events: Sequence[Event]) -> tuple[Sequence[Event], Sequence[Write]]:
        return (), ()

    def told(self, events: Sequence[Event]) -> None: ...


class StoredShadow:
    """Implements `ports.Shadow` on the store. Call `recover` once, before any door opens.

    `plan_of` gives an account's price plan, `application` what a connection is called, and whether it is told of costs.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        plan_of: Callable[[str], rating.PricePlan] = lambda _: rating.STANDARD,
        application: Callable[[str], Application] = lambda _: Application(),
        outbox: Outbox | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._plan_of = plan_of
        self._application = application
        self._outbox = outbox or _NoOutbox()
        self._accounts: dict[str, str] = {}
        # What was agreed, by call_control_id; the ids of those that are stored.
        self._plans: dict[str, rating.PricePlan] = {}
        self._kept: set[str] = set()

    async def commit(self, durable: Sequence[Durable]) -> Sequence[Event]:
        """Write all of it in one transaction; the events that leave as webhooks. StoreError where nothing was
        written."""
        # Of a leg that is written twice in one decision only the last state counts.
        legs = {each.ids.call_control_id: each for each in durable if isinstance(each, Save | Close)}
        told = [each.event for each in durable if isinstance(each, Tell)]
        writes: list[Write] = []
        for leg in legs.values():
            if isinstance(leg, Save):
                writes += self._saved(leg)
            else:
                closed, costs = self._closed(leg, self._plan(leg))
                writes += closed
                told += costs
        writes += [_OTHERS[type(each)](each) for each in durable if type(each) in _OTHERS]
        writes += [self._conference(each.card) for each in durable if isinstance(each, KeepConference)]
        leaving, rows = self._outbox.prepared(told)
        if writes or rows:
            await self._store.write(*writes, *rows)
        for leg in legs.values():
            self._note(leg)
        self._outbox.told(told)
        return leaving

    async def heartbeat(self, legs: Sequence[str]) -> None:
        """These legs are alive now. One that has ended meanwhile is passed over; StoreError where none was written."""
        now = self._clock.wall()
        beats = [
            self._store.write(Change("legs", self._accounts[leg], leg, {"heartbeat_at": now}))
            for leg in legs
            if leg in self._accounts
        ]
        for outcome in await asyncio.gather(*beats, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, Missing):
                raise outcome

    async def recover(self) -> int:
        """Give legs that a crash left without an end their end, billed to their last heartbeat; how many. StoreError
        where it cannot be written: nothing is lost, the next start does it."""
        rows = await self._store.load("legs")
        plans = {row["id"]: _plan_of_row(row) for row in await self._store.load("price_plans")} if rows else {}
        for row in rows:
            await self._recover(row, plans)
        return len(rows)

    async def _recover(self, row: Row, plans: dict[str, rating.PricePlan]) -> None:
        leg = msgspec.json.decode(row["document"], type=Save)
        close = _cut_off(leg, row["heartbeat_at"])
        writes, costs = self._closed(close, plans.get(row["plan"], rating.STANDARD))
        told = [] if leg.about is None else [CallHungUp(leg.about, close.ended_at, close.ending, "unknown"), *costs]
        _, rows = self._outbox.prepared(told)
        try:
            await self._store.write(*writes, *rows)
        except Duplicate:
            # The records were written already: only the row was left.
            await self._store.write(_gone(close))

    def _note(self, leg: Save | Close) -> None:
        id = leg.ids.call_control_id
        if isinstance(leg, Close):
            self._accounts.pop(id, None)
            self._plans.pop(id, None)
        else:
            self._accounts[id] = leg.party.account_id
            self._kept.add(f"{leg.party.account_id}/{self._plans[id].id}")

    def _saved(self, leg: Save) -> list[Write]:
        if leg.ids.call_control_id not in self._accounts:
            return self._begun(leg)
        changes: Row = {
            "stage": leg.stage,
            "place": leg.place,
            "dialog": leg.dialog,
            "answered_at": leg.answered_at,
            "heartbeat_at": self._clock.wall(),
            "client_state": leg.client_state,
            "document": msgspec.json.encode(leg).decode(),
        }
        return [Change("legs", leg.party.account_id, leg.ids.call_control_id, changes)]

    def _begun(self, leg: Save) -> list[Write]:
        """The row of a new leg, and the plan by which it will be charged, once for all legs of an account."""
        account, plan = leg.party.account_id, self._plan_of(leg.party.account_id)
        self._plans[leg.ids.call_control_id] = plan
        id = f"{account}/{plan.id}"
        row = {"id": id, "account_id": account, "created_at": self._clock.wall()}
        kept = Put("price_plans", row | {"document": msgspec.json.encode(plan.rates).decode()})
        return [*([] if id in self._kept else [kept]), Add("legs", self._row(leg) | {"plan": id})]

    def _conference(self, card: Card) -> Put:
        owner = card.owner
        assert owner is not None  # a conference is kept from when it was opened
        application = self._application(owner.party.connection_id)
        row: Row = {
            "id": card.id,
            "account_id": card.account_id,
            "created_at": card.created_at,
            "updated_at": card.updated_at,
            "expires_at": card.expires_at,
            "name": card.name,
            "status": card.status,
            "connection_id": owner.party.connection_id,
            "application_name": application.name,
            "outbound_voice_profile_id": application.profile_id,
            "call_leg_id": owner.ids.call_leg_id,
            "call_session_id": owner.ids.call_session_id,
            "caller": owner.caller,
            "called": owner.called,
            "document": msgspec.json.encode(card).decode(),
        }
        return Put("conferences", row)

    def _plan(self, leg: Close) -> rating.PricePlan:
        return self._plans.get(leg.ids.call_control_id) or self._plan_of(leg.party.account_id)

    def _row(self, leg: Save) -> Row:
        party, ids = leg.party, leg.ids
        return {
            "id": ids.call_control_id,
            "account_id": party.account_id,
            "created_at": leg.started_at,
            "call_session_id": ids.call_session_id,
            "call_leg_id": ids.call_leg_id,
            "connection_id": party.connection_id,
            "username": party.username,
            "side": leg.side,
            "stage": leg.stage,
            "place": leg.place,
            "dialog": leg.dialog,
            "destination": leg.destination,
            "started_at": leg.started_at,
            "answered_at": leg.answered_at,
            "heartbeat_at": self._clock.wall(),
            "client_state": leg.client_state,
            "document": msgspec.json.encode(leg).decode(),
        }

    def _closed(self, leg: Close, plan: rating.PricePlan) -> tuple[list[Write], list[Event]]:
        """What is written of an ended leg, and what its customer is told of its cost."""
        application = self._application(leg.party.connection_id)
        lines = bill.lines(leg, plan)
        writes: list[Write] = [Add("detail_records", _record_row(leg, line, application)) for line in lines]
        told = bill.cost(leg, lines) if application.tells_costs else None
        return [_gone(leg), *writes], [] if told is None else [told]


def _gone(leg: Close) -> Drop:
    return Drop("legs", leg.party.account_id, leg.ids.call_control_id)


def _record_row(leg: Close, line: bill.Line, application: Application) -> Row:
    party, ids = leg.party, leg.ids
    return {
        "id": line.id,
        "account_id": party.account_id,
        "created_at": leg.ended_at,
        "record_type": line.record_type,
        "connection_id": party.connection_id,
        "outbound_voice_profile_id": application.profile_id,
        "call_session_id": ids.call_session_id,
        "call_leg_id": ids.call_leg_id,
        "call_control_id": ids.call_control_id,
        "started_at": leg.started_at if line.usage is None else line.usage.began_at,
        "finished_at": leg.ended_at if line.usage is None else line.usage.ended_at or leg.ended_at,
        "micros": line.charge.micros,
        "document": msgspec.json.encode(bill.record(leg, line, application.name)).decode(),
    }


def _plan_of_row(row: Row) -> rating.PricePlan:
    return rating.PricePlan("as agreed", msgspec.json.decode(row["document"], type=tuple[rating.Rate, ...]))


def _cut_off(leg: Save, last_seen: float) -> Close:
    """The end of a leg that was alive when its server was not any more."""
    return Close(
        ids=leg.ids,
        party=leg.party,
        caller=leg.caller,
        side=leg.side,
        destination=leg.destination,
        dialog=leg.dialog,
        started_at=leg.started_at,
        answered_at=leg.answered_at,
        ended_at=last_seen,
        seconds=0.0 if leg.answered_at is None else max(0.0, last_seen - leg.answered_at),
        ending=ending("NORMAL_TEMPORARY_FAILURE", "the server stopped"),
        about=leg.about,
        usages=tuple(usage.cut_off(last_seen) for usage in leg.usages),
    )


def _remembered(it: Remember) -> Put:
    id = f"{it.scope}/{it.command_id}"
    document = msgspec.json.encode(it.document).decode()
    return Put("commands", {"id": id, "account_id": it.account_id, "created_at": it.at, "document": document})


def _kept(it: KeepQueue) -> Put:
    return Put("queues", msgspec.structs.asdict(it.card))


def _begun(it: KeepRecording) -> Add:
    return Add("recordings", row_of(it.card))


def _dropped(it: DropQueue) -> Drop:
    return Drop("queues", it.card.account_id, it.card.id)


_OTHERS: dict[type[Durable], Callable[[Any], Write]] = {
    Remember: _remembered,
    KeepQueue: _kept,
    DropQueue: _dropped,
    KeepRecording: _begun,
}
