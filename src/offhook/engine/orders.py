"""Customers' commands on their way to the leg that they are for. Knows accounts, and what was answered before."""

import asyncio
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, cast

import msgspec
import structlog

from offhook.engine.active import ActiveLegs
from offhook.engine.ports import Clock
from offhook.engine.store import Find, Store, Where
from offhook.engine.switchboard import Switchboard
from offhook.voice import emergency
from offhook.voice.bill import LEG_RECORDS
from offhook.voice.command import Command, CommandRule, Form, answer_again, read
from offhook.voice.commands import DIAL
from offhook.voice.commands.call.dial import Dial
from offhook.voice.effect import Save
from offhook.voice.leg import Party
from offhook.voice.resources.moment import format_moment, parse_moment
from offhook.voice.resources.problem import Rejected, rejected

_log = structlog.get_logger("offhook.engine")

Document = dict[str, Any]
# How long a call that has ended can still be asked for, and its commands are answered alike.
ENDED_SECONDS = 600.0
# How long a `dial` of the same command_id is the same call.
DIAL_SECONDS = 60.0


class Outcome:
    """The reply to one command, to be waited for (`ports.OrderReply`)."""

    def __init__(self) -> None:
        self.document: asyncio.Future[Document] = asyncio.get_running_loop().create_future()

    def accept(self, document: Document) -> None:
        if not self.document.done():
            self.document.set_result(document)

    def reject(self, why: Rejected) -> None:
        if not self.document.done():
            self.document.set_exception(why)


class Orders:
    """What the API's call operations ask for. Every method names the account and reaches no call of another one.

    `lacking` is what this platform has not and commands need, each with the reason; `reachable` says of an IP address
    whether this server may send there.
    """

    def __init__(
        self,
        switchboard: Switchboard,
        store: Store,
        clock: Clock,
        lacking: Mapping[str, str] = MappingProxyType({}),
        reachable: Callable[[str], bool] = lambda _: False,
    ) -> None:
        self._switchboard = switchboard
        self._active: ActiveLegs = switchboard.active
        self._store = store
        self._clock = clock
        self._lacking = lacking
        self._reachable = reachable
        self._dials: dict[str, asyncio.Task[Document]] = {}
        self._under_way: dict[str, asyncio.Future[Document]] = {}

    async def order(
        self, account_id: str, call_control_id: str, rule: CommandRule, body: Document, place: str = ""
    ) -> Document:
        """Carry out a command on a leg, which may be to enter a place; Rejected with the documented codes."""
        command = self._read(account_id, rule.command, body)
        expect_able(command, self._lacking)
        for pointer, address in getattr(command, "addresses", ()):
            if not self._reachable(address):
                raise rejected("10027", "This server may not send to that address.", pointer=pointer)
        if self._alive(account_id, call_control_id) is None:
            return await self._answered_before(account_id, call_control_id, rule, command.command_id)
        for pointer, id in getattr(command, "legs", ()):
            await self._expect_other(account_id, id, pointer)
        if command.command_id is None:
            return await self._carried_out(account_id, call_control_id, rule, command, place)
        key = f"{call_control_id}/{command.command_id}"
        if key not in self._under_way:
            work = asyncio.ensure_future(self._carried_out(account_id, call_control_id, rule, command, place))
            self._under_way[key] = work
            work.add_done_callback(lambda _: self._under_way.pop(key))
        return await asyncio.shield(self._under_way[key])

    async def dial(self, account_id: str, body: Document, rule: CommandRule = DIAL) -> Document:
        """Make a call. One with the `command_id` of a call of the last minute is that call."""
        command = cast(Dial, self._read(account_id, rule.command, body))
        expect_able(command, self._lacking)
        if command.command_id is None:
            return await self._dial(account_id, command, rule)
        key = f"{account_id}/{command.connection_id}/{command.command_id}"
        if key not in self._dials:
            self._dials[key] = asyncio.create_task(self._dial_once(account_id, command))
            asyncio.get_running_loop().call_later(DIAL_SECONDS, self._dials.pop, key, None)
        try:
            return await asyncio.shield(self._dials[key])
        except asyncio.CancelledError:
            raise  # whoever asked has gone; the call is made all the same
        except BaseException:
            self._dials.pop(key, None)
            raise

    async def show(self, account_id: str, call_control_id: str) -> Document:
        """A call that lives, or has ended within ten minutes."""
        leg = self._alive(account_id, call_control_id)
        if leg is None:
            return _ended(await self._record(account_id, call_control_id))
        seconds = 0 if leg.answered_at is None else int(self._clock.wall() - leg.answered_at)
        return {
            "call_control_id": call_control_id,
            "call_duration": max(0, seconds),
            "call_leg_id": leg.ids.call_leg_id,
            "call_session_id": leg.ids.call_session_id,
            "client_state": leg.client_state,
            "end_time": None,
            "is_alive": leg.stage == "answered",
            "record_type": "call",
            "start_time": format_moment(leg.started_at),
        }

    async def remembered(
        self, account_id: str, scope: str, command_id: str | None, since: float = 0.0
    ) -> Document | None:
        """What a command of this name was answered in its scope, not before `since` (Unix seconds)."""
        if command_id is None:
            return None
        where = (Where("id", "eq", f"{scope}/{command_id}"), Where("created_at", "gte", since))
        found = await self._store.find(Find("commands", account_id, where, limit=1))
        return msgspec.json.decode(found.rows[0]["document"]) if found.rows else None

    # ---- inside ----------------------------------------------------------------------------------------------

    def _read(self, account_id: str, form: type[Any], body: Document) -> Any:
        """The command; whoever runs the platform hears of one that would have called for help."""
        try:
            return read(form, body)
        except Rejected as why:
            if any(problem.code == emergency.CODE for problem in why.problems):
                _log.error("emergency.refused", account=account_id)
            raise

    async def _carried_out(
        self, account_id: str, call_control_id: str, rule: CommandRule, command: Command, place: str
    ) -> Document:
        """What comes of a command. One that goes on with another owner, a queue say, is not done at once: while it is
        under way, others of its name wait for what comes of it."""
        outcome = Outcome()
        if not self._switchboard.dispatch.order(call_control_id, rule, command, outcome, place):
            return await self._answered_before(account_id, call_control_id, rule, command.command_id)
        return await outcome.document

    async def _dial_once(self, account_id: str, command: Dial) -> Document:
        """Dial, unless the store knows that this was done before a restart."""
        since = self._clock.wall() - DIAL_SECONDS
        known = await self.remembered(account_id, command.connection_id, command.command_id, since)
        return known or await self._dial(account_id, command)

    async def _dial(self, account_id: str, command: Dial, rule: CommandRule = DIAL) -> Document:
        party = await self._party(account_id, command)
        outcome = Outcome()
        self._switchboard.dispatch.originate(rule, command, party, outcome)
        return await outcome.document

    async def _party(self, account_id: str, command: Dial) -> Party:
        for name in ("link_to", "supervise_call_control_id"):
            self._expect_leg(account_id, getattr(command, name), name)
        found = await self._store.find(
            Find("connections", account_id, (Where("id", "eq", command.connection_id),), limit=1)
        )
        if not found.rows:
            raise rejected("10017", "There is no such connection.", pointer="/connection_id")
        if not found.rows[0]["active"]:
            raise rejected("10027", "active is false on this connection.", pointer="/connection_id")
        to = command.to if isinstance(command.to, str) else command.to[0]
        return Party(_label(to), account_id, command.connection_id, "")

    def _expect_leg(self, account_id: str, call_control_id: str | None, name: str) -> None:
        """A parameter that names another leg names a live one of the same account."""
        if call_control_id is not None and self._alive(account_id, call_control_id) is None:
            raise rejected("90015", f"There is no such call as {name} says.", pointer=f"/{name}")

    async def _expect_other(self, account_id: str, call_control_id: str, pointer: str) -> None:
        """The same where it is said of a leg that it has ended."""
        if self._alive(account_id, call_control_id) is None:
            await self._record(account_id, call_control_id, pointer)
            raise rejected("90018", "The call has already ended.", pointer=pointer)

    def _alive(self, account_id: str, call_control_id: str) -> Save | None:
        leg = self._active.leg(call_control_id)
        return leg if leg is not None and leg.party.account_id == account_id else None

    async def _answered_before(
        self, account_id: str, call_control_id: str, rule: CommandRule, command_id: str | None
    ) -> Document:
        """A command to a call that is over: as it was answered while that lived, or refused."""
        record = await self._record(account_id, call_control_id)
        known = await self.remembered(account_id, record["telnyx_call_control_id"], command_id)
        if known is None:
            raise rejected("90018", "The call has already ended.")
        return answer_again(rule, known)

    async def _record(self, account_id: str, call_control_id: str, pointer: str | None = None) -> Document:
        """The record of a call that has ended not long ago; 90015 where there is none."""
        where = (
            Where("call_control_id", "eq", call_control_id),
            Where("record_type", "in", LEG_RECORDS),
            Where("finished_at", "gte", self._clock.wall() - ENDED_SECONDS),
        )
        found = await self._store.find(Find("detail_records", account_id, where, limit=1))
        if not found.rows:
            raise rejected("90015", "There is no call with this call_control_id.", pointer=pointer)
        return msgspec.json.decode(found.rows[0]["document"])


def expect_able(command: Form, lacking: Mapping[str, str]) -> None:
    """Refuse a command that needs something that this platform lacks, with the reason."""
    if (needed := command.needed()) in lacking:
        raise rejected("10027", f"This platform cannot do that: {lacking[needed]}.")


def _label(destination: str) -> str:
    """Whom a leg is called after in ladders until it is known who rings."""
    return destination.removeprefix("sip:").partition("@")[0].partition(",")[0]


def _ended(record: Document) -> Document:
    started = parse_moment(record["started_at"])
    return {
        "call_control_id": record["telnyx_call_control_id"],
        "call_duration": record["call_sec"],
        "call_leg_id": record["telnyx_leg_id"],
        "call_session_id": record["telnyx_session_id"],
        "client_state": None,
        "end_time": record["finished_at"],
        "is_alive": False,
        "record_type": "call",
        "start_time": None if started is None else format_moment(started),
    }
