"""The routes of queues and of the calls in them. Knows HTTP and the table's lines, not what a queue decides."""

from aiohttp import web

from offhook.edge.rest.answers import data
from offhook.edge.rest.guard import ACCOUNT, Handler, body_of
from offhook.edge.rest.resources import Route, listed, query_of
from offhook.engine.queue_orders import QueueOrders
from offhook.voice.commands import QUEUE_COMMANDS
from offhook.voice.resources.queue import QUEUE_CALLS, QUEUES


def queue_routes(orders: QueueOrders) -> list[Route]:
    """`/queues`, one queue, its calls, one of them. A queue goes by its name or its id; what deletes answers 204."""

    async def create(request: web.Request) -> web.Response:
        return data(await orders.create(request[ACCOUNT], await body_of(request)))

    async def page(request: web.Request) -> web.Response:
        return listed(orders.page(request[ACCOUNT], query_of(QUEUES, request)))

    async def show(request: web.Request) -> web.Response:
        return data(orders.show(request[ACCOUNT], request.match_info["name"]))

    async def calls(request: web.Request) -> web.Response:
        query = query_of(QUEUE_CALLS, request)
        return listed(orders.calls(request[ACCOUNT], request.match_info["name"], query))

    async def call(request: web.Request) -> web.Response:
        return data(orders.call(request[ACCOUNT], request.match_info["name"], request.match_info["id"]))

    queue, queued = "/queues/{name}", "/queues/{name}/calls/{id}"
    return [
        ("POST", "/queues", create),
        ("GET", "/queues", page),
        ("GET", queue, show),
        ("POST", queue, _commander(orders, "update")),
        ("DELETE", queue, _commander(orders, "delete", 204)),
        ("GET", f"{queue}/calls", calls),
        ("GET", queued, call),
        ("PATCH", queued, _commander(orders, "update_call", 204)),
        ("DELETE", queued, _commander(orders, "remove_call", 204)),
    ]


def _commander(orders: QueueOrders, command: str, status: int = 200) -> Handler:
    rule = QUEUE_COMMANDS[command]

    async def handle(request: web.Request) -> web.Response:
        name, leg = request.match_info["name"], request.match_info.get("id", "")
        document = await orders.order(request[ACCOUNT], name, rule, await body_of(request), leg)
        return web.Response(status=status) if status == 204 else data(document, status)

    return handle
