"""The routes of conferences and their participants. Knows HTTP and the table's lines, not what a conference decides."""

from aiohttp import web

from offhook.edge.rest.answers import data
from offhook.edge.rest.guard import ACCOUNT, body_of
from offhook.edge.rest.resources import Route, listed, query_of
from offhook.engine.conference_orders import ConferenceOrders
from offhook.voice.command import CommandRule
from offhook.voice.commands import CONFERENCE_COMMANDS, UPDATE_PARTICIPANT
from offhook.voice.resources.conference import CONFERENCES, PARTICIPANTS


def conference_routes(orders: ConferenceOrders) -> list[Route]:
    """`/conferences`, one of them, its participants, and one route for each line of the table."""

    async def create(request: web.Request) -> web.Response:
        return data(await orders.create(request[ACCOUNT], await body_of(request)))

    async def page(request: web.Request) -> web.Response:
        return listed(await orders.page(request[ACCOUNT], query_of(CONFERENCES, request)))

    async def show(request: web.Request) -> web.Response:
        return data(await orders.show(request[ACCOUNT], request.match_info["id"]))

    async def join(request: web.Request) -> web.Response:
        return data(await orders.join(request[ACCOUNT], request.match_info["id"], await body_of(request)))

    async def participants(request: web.Request) -> web.Response:
        query = query_of(PARTICIPANTS, request)
        return listed(await orders.participants(request[ACCOUNT], request.match_info["id"], query))

    async def participant(request: web.Request) -> web.Response:
        path = request.match_info
        return data(await orders.participant(request[ACCOUNT], path["id"], path["participant"]))

    async def update_participant(request: web.Request) -> web.Response:
        path, body = request.match_info, await body_of(request)
        return data(await orders.order(request[ACCOUNT], path["id"], UPDATE_PARTICIPANT, body, path["participant"]))

    one = "/conferences/{id}"
    return [
        ("POST", "/conferences", create),
        ("GET", "/conferences", page),
        ("GET", one, show),
        ("POST", f"{one}/actions/join", join),
        ("GET", f"{one}/participants", participants),
        ("GET", f"{one}/participants/{{participant}}", participant),
        ("PATCH", f"{one}/participants/{{participant}}", update_participant),
        *(_act(orders, rule) for rule in CONFERENCE_COMMANDS.values()),
    ]


def _act(orders: ConferenceOrders, rule: CommandRule) -> Route:
    async def handle(request: web.Request) -> web.Response:
        return data(await orders.order(request[ACCOUNT], request.match_info["id"], rule, await body_of(request)))

    return rule.method, f"/conferences/{{id}}/actions/{rule.name}", handle
