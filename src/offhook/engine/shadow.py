"""Live legs as rows that survive, and their detail records. Knows the store's columns and what a leg costs.

A leg's record has the leg's id as its key, so that the database itself refuses a second one.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

import msgspec

from offhook.engine.ports import Clock
from offhook.engine.store import Add, Change, Drop, Duplicate, Missing, Put, Row, Store, Write
from offhook.voice import rating
from offhook.voice.cause import CAUSES, ending
from offhook.voice.effect import Close, DropQueue, Durable, KeepQueue, Remember, Save, Tell
from offhook.voice.event import CallHungUp, Event

RECORD_TYPE = "webrtc_detail_record"


class Outbox(Protocol):
    """Where events go: `prepared` gives the rows of their deliveries, for the transaction of what they tell of, and
    what `committed` wants back after it."""

    def prepared(self, events: Sequence[Event]) -> "tuple[Sequence[Any], Sequence[Write]]": ...
    def committed(self, prepared: Sequence[Any]) -> None: ...


class _NoOutbox:
    """Nobody is told anything."""

    def prepared(self, _events: Sequence[Event]) -> tuple[Sequence[Any], Sequence[Write]]:
        return (), ()

    def committed(self, prepared: Sequence[Any]) -> None: ...


class StoredShadow:
    """Implements `ports.Shadow` on the store. Call `recover` once, before any door opens.

    `plan_of` gives an account's price plan, `connection_name` a connection's name for its records.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        plan_of: Callable[[str], rating.PricePlan] = lambda _: rating.STANDARD,
        connection_name: Callable[[str], str] = lambda _: "",
        outbox: Outbox | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._plan_of = plan_of
        self._connection_name = connection_name
        self._outbox = outbox or _NoOutbox()
        self._accounts: dict[str, str] = {}

    async def commit(self, durable: Sequence[Durable]) -> None:
        """Write all of it in one transaction; StoreError where nothing was written."""
        # Of a leg that is written twice in one decision only the last state counts.
        legs = {each.ids.call_control_id: each for each in durable if isinstance(each, Save | Close)}
        told = [each.event for each in durable if isinstance(each, Tell)]
        writes = [write for leg in legs.values() for write in self._written(leg)]
        writes += [_OTHERS[type(each)](each) for each in durable if type(each) in _OTHERS]
        sendings, rows = self._outbox.prepared(told)
        if writes or rows:
            await self._store.write(*writes, *rows)
        for leg in legs.values():
            self._note(leg)
        self._outbox.committed(sendings)

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
        for row in rows:
            await self._recover(row)
        return len(rows)

    async def _recover(self, row: Row) -> None:
        plan = rating.PricePlan("as agreed", (rating.Rate(rating.WEBRTC, row["micros_per_minute"]),))
        leg = msgspec.json.decode(row["document"], type=Save)
        close = _cut_off(leg, row["heartbeat_at"])
        drop, add = self._closed(close, plan)
        told = [] if leg.about is None else [CallHungUp(leg.about, close.ended_at, close.ending, "unknown")]
        _, rows = self._outbox.prepared(told)
        try:
            await self._store.write(drop, add, *rows)
        except Duplicate:
            # The record was written already: only the row was left.
            await self._store.write(drop)

    def _note(self, leg: Save | Close) -> None:
        id = leg.ids.call_control_id
        if isinstance(leg, Close):
            self._accounts.pop(id, None)
        else:
            self._accounts[id] = leg.party.account_id

    def _written(self, leg: Save | Close) -> list[Write]:
        return self._closed(leg) if isinstance(leg, Close) else [self._saved(leg)]

    def _saved(self, leg: Save) -> Add | Change:
        if leg.ids.call_control_id not in self._accounts:
            return Add("legs", self._row(leg))
        changes: Row = {
            "stage": leg.stage,
            "place": leg.place,
            "dialog": leg.dialog,
            "answered_at": leg.answered_at,
            "heartbeat_at": self._clock.wall(),
            "client_state": leg.client_state,
            "document": msgspec.json.encode(leg).decode(),
        }
        return Change("legs", leg.party.account_id, leg.ids.call_control_id, changes)

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
            "micros_per_minute": self._plan_of(party.account_id).rate(rating.WEBRTC).micros_per_minute,
            "client_state": leg.client_state,
            "document": msgspec.json.encode(leg).decode(),
        }

    def _closed(self, leg: Close, plan: rating.PricePlan | None = None) -> list[Write]:
        party, ids = leg.party, leg.ids
        bill = rating.charge(plan or self._plan_of(party.account_id), rating.WEBRTC, round(leg.seconds * 1000))
        record = _record(leg, bill, self._connection_name(party.connection_id))
        row: Row = {
            "id": ids.call_leg_id,
            "account_id": party.account_id,
            "created_at": leg.ended_at,
            "record_type": RECORD_TYPE,
            "connection_id": party.connection_id,
            "call_session_id": ids.call_session_id,
            "call_leg_id": ids.call_leg_id,
            "call_control_id": ids.call_control_id,
            "started_at": leg.started_at,
            "finished_at": leg.ended_at,
            "document": msgspec.json.encode(record).decode(),
        }
        return [Drop("legs", party.account_id, ids.call_control_id), Add("detail_records", row)]


def _record(leg: Close, bill: rating.Charge, connection_name: str) -> dict[str, Any]:
    """The record as the API shows it. `direction` is the client's: a call that it dials is outbound."""
    cause = CAUSES[leg.ending.cause]
    caller = leg.caller.number or leg.caller.username
    return {
        "id": leg.ids.call_leg_id,
        "record_type": RECORD_TYPE,
        "call_id": leg.dialog,
        "session_id": leg.party.sessid or None,
        "telnyx_leg_id": leg.ids.call_leg_id,
        "telnyx_session_id": leg.ids.call_session_id,
        "telnyx_call_control_id": leg.ids.call_control_id,
        "fs_channel_id": leg.ids.call_leg_id,
        "auth_username": leg.party.username,
        "connection_id": leg.party.connection_id,
        "connection_name": connection_name,
        "direction": "outbound" if leg.side == "incoming" else "inbound",
        "cli": caller,
        "cld": leg.destination,
        "caller_number": caller,
        "caller_name": leg.caller.name,
        "dest_number": leg.destination,
        "call_sec": bill.seconds,
        "billed_sec": bill.billed_seconds,
        "rate": rating.dollars(bill.micros_per_minute),
        "cost": rating.dollars(bill.micros),
        "currency": bill.currency,
        "hangup_cause": cause.hangup_cause,
        "sip_hangup_cause": str(cause.sip),
        "started_at": _iso(leg.started_at),
        "answered_at": None if leg.answered_at is None else _iso(leg.answered_at),
        "finished_at": _iso(leg.ended_at),
        "country_code": None,
        "source_country_code": None,
        "payment_method": "rate-deck",
        "billing_group_id": None,
        "billing_group_name": None,
        "tags": "",
    }


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
    )


def _remembered(it: Remember) -> Put:
    id = f"{it.scope}/{it.command_id}"
    document = msgspec.json.encode(it.document).decode()
    return Put("commands", {"id": id, "account_id": it.account_id, "created_at": it.at, "document": document})


def _kept(it: KeepQueue) -> Put:
    return Put("queues", msgspec.structs.asdict(it.card))


def _dropped(it: DropQueue) -> Drop:
    return Drop("queues", it.card.account_id, it.card.id)


_OTHERS: dict[type[Durable], Callable[[Any], Write]] = {
    Remember: _remembered,
    KeepQueue: _kept,
    DropQueue: _dropped,
}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
