"""The owner's view of a running platform under `/_offhook/` and the console's page; knows HTTP, decides nothing."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from aiohttp import web

from offhook.edge.openapi.document import document
from offhook.edge.page import CONTENT_SECURITY_POLICY, CallRow, ConsoleView, RegisteredRow, render
from offhook.engine.active import ActiveLegs
from offhook.engine.ladders import RecentLadders
from offhook.engine.platform import Identities
from offhook.engine.ports import Clock
from offhook.engine.store import Find
from offhook.voice import dialing, ladder, rating
from offhook.voice.binding import Binding
from offhook.voice.directory import ConnectionCard

SHOWN_CALLS = 20
SHOWN_RECORDS = 200


class Backstage(msgspec.Struct, frozen=True, eq=False):
    """What the pages are made of. `info` is what `dev` printed, `reset` brings the platform back to its start, `held`
    counts what there is now."""

    account_id: str
    identities: Identities
    dialplan: dialing.Dialplan
    active: ActiveLegs
    ladders: RecentLadders
    clock: Clock
    env: dict[str, str]
    info: dict[str, Any]
    reset: Callable[[], Awaitable[None]]
    held: Callable[[], dict[str, int]]

    def routes(self) -> list[web.RouteDef]:
        """Everything below `/_offhook/` that needs no key, because only this machine reaches it."""
        return [
            web.get("/_offhook/health", self._health),
            web.get("/_offhook/ready", self._health),
            web.get("/_offhook/info", self._info),
            web.get("/_offhook/held", self._held),
            web.get("/_offhook/openapi.json", _openapi),
            web.post("/_offhook/reset", self._reset),
            web.get("/_offhook/explain", self._explain),
            web.get("/_offhook/sessions", self._sessions),
            web.get("/_offhook/sessions/{id}/ladder", self._ladder),
            web.get("/_offhook/sessions/{id}/ladder.svg", self._drawing),
        ]

    async def page(self, _: web.Request) -> web.Response:
        """The console: one page, rendered here."""
        headers = {"Content-Security-Policy": CONTENT_SECURITY_POLICY, "Cache-Control": "no-store"}
        return web.Response(text=render(await self._view()), content_type="text/html", headers=headers)

    async def _health(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _info(self, _: web.Request) -> web.Response:
        return web.json_response(self.info)

    async def _held(self, _: web.Request) -> web.Response:
        return web.json_response({"legs": len(self.active), **self.held()})

    async def _reset(self, _: web.Request) -> web.Response:
        await self.reset()
        return web.Response(status=204)

    async def _sessions(self, _: web.Request) -> web.Response:
        return web.json_response({"sessions": list(self.ladders.sessions())})

    async def _ladder(self, request: web.Request) -> web.Response:
        return web.Response(text=ladder.text(self._lines(request)) + "\n")

    async def _drawing(self, request: web.Request) -> web.Response:
        return web.Response(text=ladder.svg(self._lines(request)), content_type="image/svg+xml")

    def _lines(self, request: web.Request) -> Sequence[ladder.Line]:
        lines = self.ladders.ladder(request.match_info["id"])
        if lines is None:
            raise web.HTTPNotFound(text="no such session\n")
        return lines

    async def _explain(self, request: web.Request) -> web.Response:
        destination, username = request.query.get("destination", ""), request.query.get("from")
        if not destination:
            raise web.HTTPBadRequest(text="destination is missing\n")
        caller = self._connection_under(username) if username else None
        if username and caller is None:
            raise web.HTTPBadRequest(text=f"from: nobody can log in as {username[:100]}\n")
        decision = self._decided(destination, caller)
        if request.query.get("format") == "json":
            return web.json_response(_as_json(decision))
        rates = self.dialplan.prices(self._call(destination, caller))
        return web.Response(text="\n".join((*_in_words(destination, decision), _priced(decision, rates))) + "\n")

    def _connection_under(self, username: str) -> ConnectionCard | None:
        """The connection that calls when this username, its own or a credential's, does."""
        directory = self.identities.directory
        credential = directory.credential_of_username(username)
        return (
            directory.connection(credential.connection_id) if credential else directory.connection_of_username(username)
        )

    def _decided(self, destination: str, caller: ConnectionCard | None) -> dialing.Decision:
        """Who would ring now: for a call by `caller`, or by some client of this account."""
        return self.dialplan.decide(self._call(destination, caller))

    def _call(self, destination: str, caller: ConnectionCard | None) -> dialing.Dialled:
        account = caller.account_id if caller else self.account_id
        # Who calls outside shows a number of its own.
        own = self.identities.directory.numbers_in(account)
        return dialing.Dialled(
            destination=destination,
            now=self.clock.wall(),
            account_id=account,
            connection_id=caller.id if caller else None,
            caller_number=own[0].number if own else "",
        )

    # ---- the page ----------------------------------------------------------------------------------------------

    async def _view(self) -> ConsoleView:
        return ConsoleView(
            settings=tuple(self.env.items()),
            identities=[tuple(entry.values()) for entry in self.info["identities"]],
            numbers=[self._number(card.number) for card in self.identities.directory.numbers_in(self.account_id)],
            scripted=[tuple(entry.values()) for entry in self.info["scripted_numbers"]],
            registered=[self._registered(binding) for binding in self.identities.bindings if _is_phone(binding)],
            calls=await self._calls(),
        )

    def _number(self, number: str) -> tuple[str, str]:
        """A number, and whom dialling it means now."""
        decision = self._decided(number, None)
        return number, (None if isinstance(decision, dialing.Park) else decision.username) or "nobody yet"

    def _registered(self, binding: Any) -> RegisteredRow:
        bindings = self.identities.bindings.of_username(binding.username)
        connection = self.identities.directory.connection(binding.connection_id)
        return RegisteredRow(
            username=binding.username,
            connection=connection.name if connection else "",
            transport=binding.transport,
            address=f"{binding.address}:{binding.port}",
            user_agent=binding.user_agent[:80],
            since=_clock_time(binding.registered_at),
            rings=bindings[0].id == binding.id or (connection is not None and connection.simultaneous_ringing),
        )

    async def _calls(self) -> list[CallRow]:
        bills = await self._bills()
        live = {leg.ids.call_session_id for leg in self.active}
        sessions = list(self.ladders.sessions())[-SHOWN_CALLS:]
        return [self._call_row(session, session in live, bills.get(session, [])) for session in reversed(sessions)]

    def _call_row(self, session: str, is_live: bool, records: list[dict[str, Any]]) -> CallRow:
        lines = self.ladders.ladder(session) or ()
        caller = lines[0].who if lines else ""
        # The legs' own minutes before their add-ons, and of legs the caller's first, as in the ladder.
        bill = sorted(records, key=lambda row: (row.get("auth_username") is None, row.get("auth_username") != caller))
        charges = [(_charged(row), f"${row['cost']}") for row in bill]
        return CallRow(
            session=session,
            state="live" if is_live else "ended",
            started=_clock_time(lines[0].at) if lines else "",
            ladder=[line.full() for line in lines],
            charges=charges,
            total=f"${sum((Decimal(row['cost']) for row in records), Decimal()):f}",
        )

    async def _bills(self) -> dict[str, list[dict[str, Any]]]:
        """The newest detail records of the account, by session."""
        newest = Find("detail_records", self.account_id, (), ("-finished_at",), SHOWN_RECORDS)
        found = await self.identities.store.find(newest)
        bills: dict[str, list[dict[str, Any]]] = {}
        for row in found.rows:
            bills.setdefault(row["call_session_id"], []).append(msgspec.json.decode(row["document"]))
        return bills


async def _openapi(_: web.Request) -> web.Response:
    return web.Response(body=_description(), content_type="application/json")


@cache
def _description() -> bytes:
    """What the API is, as JSON."""
    return msgspec.json.encode(document(version("offhook")))


def _charged(record: dict[str, Any]) -> str:
    """What a detail record is for."""
    what = record.get("auth_username") or record["record_type"].removesuffix("_detail_record").replace("_", " ")
    return f"{what}, {record['billed_sec']} s billed" if "billed_sec" in record else what


def _in_words(destination: str, decision: dialing.Decision) -> list[str]:
    """Who rings, and why."""
    if isinstance(decision, dialing.Refuse):
        end = decision.ending
        return [
            f"{destination} rings nobody: {decision.reason}",
            f"The caller gets {end.cause} ({end.sip_code}).",
        ]
    if isinstance(decision, dialing.Park):
        return [f"{destination} is parked: {decision.reason}."]
    first = decision.bindings[0]
    if first.capacity == "trunk":
        where = "leaves the platform" if first.network == "pstn" else "goes to a trunk"
        return [f"{destination} {where}: {decision.reason}", *_then(decision)]
    if first.network == "pstn":
        return [f"{destination} is answered on this machine by {decision.reason}", *_then(decision)]
    lines = [f"{destination} rings {decision.username}: {decision.reason}"]
    return [*lines, *(f"  {_described(binding)}" for binding in decision.bindings), *_then(decision)]


def _then(decision: dialing.Ring) -> list[str]:
    """Where the call goes when nobody takes it, and who pays for a call that was sent on."""
    lines: list[str] = []
    if decision.forwarder is not None and decision.bindings[0].network == "pstn":
        lines.append("  The number's owner makes that call, and pays for it.")
    if decision.otherwise is not None:
        lines.append(f"  Where it is not taken, call_forwarding sends it on to {decision.otherwise.destination}.")
    return lines


def _priced(decision: dialing.Decision, rates: tuple[rating.Rate, rating.Rate]) -> str:
    """What a minute costs, or would cost."""
    verb = "costs" if isinstance(decision, dialing.Ring) else "would cost"
    here, there = rates
    if there == here:
        return f"A minute {verb} {_price(here)} for each of the two WebRTC legs."
    which = f"{_price(there)} for the dialled one ({there.part} to {there.prefix or 'any other number'})"
    return f"A minute {verb} {_price(here)} for the caller's WebRTC leg and {which}."


def _price(rate: rating.Rate) -> str:
    minute = rating.dollars(rating.charge(rate, 60).micros)
    return f"${minute}" if rate.currency == "USD" else f"{minute} {rate.currency}"


def _as_json(decision: dialing.Decision) -> dict[str, Any]:
    """The same for programs: `username` is whom the destination means, if anybody; `cause` is null unless refused."""
    refused = decision if isinstance(decision, dialing.Refuse) else None
    return {
        "username": None if isinstance(decision, dialing.Park) else decision.username,
        "cause": refused and refused.ending.cause,
        "sip_code": refused and refused.ending.sip_code,
        "reason": decision.reason,
        "bindings": [binding.id for binding in decision.bindings] if isinstance(decision, dialing.Ring) else [],
    }


def _described(binding: Any) -> str:
    since = _clock_time(binding.registered_at)
    return f"{binding.transport} {binding.address}:{binding.port}, registered {since}, {binding.user_agent[:60]}"


def _clock_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%S UTC")


def _is_phone(binding: Binding) -> bool:
    """Whether it is somebody's who is registered."""
    return binding.network != "pstn" and binding.rung == "in turn" and binding.capacity == "phone"
