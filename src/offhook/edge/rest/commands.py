"""Routes made from the table of commands. Knows HTTP and the table's lines, no single command."""

from aiohttp import web

from offhook.edge.rest.answers import data
from offhook.edge.rest.guard import ACCOUNT, body_of
from offhook.edge.rest.resources import Route
from offhook.engine.orders import Orders
from offhook.voice.command import CommandRule
from offhook.voice.commands import CALL_COMMANDS


def call_routes(orders: Orders) -> list[Route]:
    """`POST /calls`, `GET /calls/{id}`, and one route for each line of the table."""

    async def dial(request: web.Request) -> web.Response:
        return data(await orders.dial(request[ACCOUNT], await body_of(request)))

    async def show(request: web.Request) -> web.Response:
        return data(await orders.show(request[ACCOUNT], request.match_info["id"]))

    actions = [_act(orders, rule) for rule in CALL_COMMANDS.values()]
    return [("POST", "/calls", dial), ("GET", "/calls/{id}", show), *actions]


def _act(orders: Orders, rule: CommandRule) -> Route:
    async def handle(request: web.Request) -> web.Response:
        body = await body_of(request)
        return data(await orders.order(request[ACCOUNT], request.match_info["id"], rule, body))

    return rule.method, f"/calls/{{id}}/actions/{rule.name}", handle
