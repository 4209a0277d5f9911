"""The REST API as an aiohttp application, to be mounted under `/v2`, and the owner's routes under `/_offhook/`.

It puts the routes together; what they do is the keepers' business.
"""

import re
from collections.abc import Iterable

from aiohttp import web

from offhook.edge.rest.answers import answer, data
from offhook.edge.rest.guard import ACCOUNT, Handler, body_of, guarded
from offhook.edge.rest.idempotency import Once
from offhook.edge.rest.money import account_changer, money_routes
from offhook.edge.rest.recordings import deleter_of_many
from offhook.edge.rest.resources import Route, lister, query_of, routes, shower, updater
from offhook.engine.platform import Identities
from offhook.engine.ports import Clock
from offhook.engine.reports import ActiveCalls, active_page
from offhook.voice.resources.active_call import ACTIVE_CALLS
from offhook.voice.resources.problem import rejected
from offhook.voice.resources.registration_status import registration_status

# Collections of the hosted product's voice API that this release does not have. Anything else is unknown.
NOT_YET = frozenset((
    "ai", "available_phone_numbers", "conferences",
    "dial_metrics", "dialogflow_connections", "external_connections",
    "integration_secrets", "legacy",
    "noise_suppression_engines", "number_orders", "pronunciation_dicts",
    "reports", "room_compositions", "room_participants", "room_recordings", "room_sessions", "rooms",
    "session_analysis", "sip_registration_status", "siprec_connectors", "texml",
    "text-to-speech", "usage_reports", "voice_sdk_call_reports",
))  # fmt: skip


def rest_app(identities: Identities, active: ActiveCalls, clock: Clock, more: Iterable[Route] = ()) -> web.Application:
    """The application, with `more` routes beside those of identities. Mount it with `add_subapp("/v2", …)` behind the
    origin policy."""
    app = web.Application()
    for method, path, handler in [*_table(identities, active, clock), *more]:
        app.router.add_route(method, _of_any_text(path), guarded(handler, identities.account_of_key))
    # A dot would not match a line break, and that 404 would not be in the envelope.
    app.router.add_route("*", r"/{rest:[\s\S]*}", guarded(_unknown, identities.account_of_key))
    return app


def _of_any_text(path: str) -> str:
    """A route whose parts in braces match any text. By themselves they match none with a brace; names may have one."""
    return re.sub(r"\{(\w+)\}", r"{\1:[^/]+}", path)


def owner_routes(identities: Identities) -> list[web.RouteDef]:
    """What only the platform's owner does, which the hosted product has no operation for: `/_offhook/numbers` adds a
    phone number, `/_offhook/tokens/{id}` revokes a token by its `jti`, `/_offhook/account` sets what was paid in and
    what may be owed; `/_offhook/carriers` are the ways to the telephone network. Behind an API key like everything
    else."""
    owned: list[Route] = [
        ("POST", "/_offhook/numbers", _number_adder(identities)),
        *routes(identities.carriers, "/_offhook"),
        ("DELETE", "/_offhook/tokens/{id}", _token_revoker(identities)),
        ("PATCH", "/_offhook/account", account_changer(identities.accounts)),
    ]
    return [web.route(method, path, guarded(handler, identities.account_of_key)) for method, path, handler in owned]


def _table(identities: Identities, active: ActiveCalls, clock: Clock) -> list[Route]:
    voice = identities.number_voice
    return [
        *routes(identities.credential_connections),
        ("POST", "/credential_connections/{id}/actions/check_registration_status", _registration(identities)),
        *routes(identities.telephony_credentials),
        ("POST", "/telephony_credentials/{id}/token", Once(clock).guarding(_token_minter(identities))),
        # Before `/phone_numbers/{id}`, which would take "voice" for an id.
        ("GET", "/phone_numbers/voice", lister(voice)),
        ("GET", "/phone_numbers/{id}/voice", shower(voice)),
        ("PATCH", "/phone_numbers/{id}/voice", updater(voice)),
        *routes(identities.phone_numbers),
        *routes(identities.outbound_voice_profiles),
        *routes(identities.call_control_applications),
        *routes(identities.texml_applications),
        *routes(identities.ip_connections),
        *routes(identities.ips),
        *routes(identities.fqdn_connections),
        *routes(identities.fqdns),
        *routes(identities.uac_connections),
        *routes(identities.connections),
        ("GET", "/connections/{id}/active_calls", _active_calls(identities, active, clock)),
        *money_routes(identities.accounts, identities.detail_records),
        *routes(identities.call_events),
        *routes(identities.webhook_deliveries),
        *routes(identities.mobile_push_credentials),
        *routes(identities.recordings),
        *routes(identities.recording_transcriptions),
        ("POST", "/recordings/actions/delete", deleter_of_many(identities.recordings)),
        ("GET", "/whoami", _whoami),
    ]


async def _unknown(request: web.Request) -> web.Response:
    collection = request.match_info["rest"].partition("/")[0]
    if collection in NOT_YET:
        raise rejected("10007", "This release does not have this operation yet.", status=501)
    raise rejected("10005", "There is no such operation.")


async def _whoami(request: web.Request) -> web.Response:
    account = request[ACCOUNT]
    return data({"organization_id": account, "record_type": "whoami", "user_id": account})


def _registration(identities: Identities) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        connection = await identities.credential_connections.show(request[ACCOUNT], request.match_info["id"])
        return data(registration_status(identities.bindings, connection["user_name"]))

    return handle


def _token_minter(identities: Identities) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        # Bare text: both official packages choke on anything else.
        token = await identities.telephony_credentials.mint(request[ACCOUNT], request.match_info["id"])
        return web.Response(text=token, status=201)

    return handle


def _active_calls(identities: Identities, active: ActiveCalls, clock: Clock) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        account, id = request[ACCOUNT], request.match_info["id"]
        await identities.connections.row(account, id)
        query = query_of(ACTIVE_CALLS, request)
        calls = active.calls(account, id, clock.wall())
        documents, meta = active_page(calls, query.page, query.size, request.query.get("page[after]"))
        return answer({"data": documents, "meta": meta})

    return handle


def _number_adder(identities: Identities) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        body = await body_of(request)
        number = body.pop("phone_number", None)
        if not isinstance(number, str):
            raise rejected("10004", "The phone_number parameter is required.", pointer="/phone_number")
        return data(await identities.phone_numbers.add(request[ACCOUNT], number, body), 201)

    return handle


def _token_revoker(identities: Identities) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        await identities.telephony_credentials.revoke(request[ACCOUNT], request.match_info["id"])
        return web.Response(status=204)

    return handle
