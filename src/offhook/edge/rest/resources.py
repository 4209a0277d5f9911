"""Routes made from a resource's table. Knows HTTP and keepers, no single resource."""

from aiohttp import web

from offhook.edge.rest.answers import answer, data
from offhook.edge.rest.guard import ACCOUNT, Handler, body_of
from offhook.engine.resources import Keeper, Listing
from offhook.voice.resources.resource import Query, Resource, read_query

Route = tuple[str, str, Handler]


def routes(keeper: Keeper, below: str = "") -> list[Route]:
    """What the resource's table says can be done with it, `below` a path: method, path, handler."""
    path = f"{below}/{keeper.resource.path}"
    made: dict[str, Route] = {
        "list": ("GET", path, lister(keeper)),
        "create": ("POST", path, _creator(keeper)),
        "show": ("GET", path + "/{id}", shower(keeper)),
        "update": ("PATCH", path + "/{id}", updater(keeper)),
        "delete": ("DELETE", path + "/{id}", _deleter(keeper)),
    }
    return [made[action] for action in keeper.resource.actions]


def query_of(resource: Resource, request: web.Request) -> Query:
    """The checked query of a list; a parameter that is repeated counts once, the last."""
    return read_query(resource, dict(request.query.items()))


def listed(listing: Listing) -> web.Response:
    """A page in the envelope."""
    return answer({"data": listing.documents, "meta": listing.meta})


def lister(keeper: Keeper) -> Handler:
    """GET of a collection."""

    async def handle(request: web.Request) -> web.Response:
        return listed(await keeper.page(request[ACCOUNT], query_of(keeper.resource, request)))

    return handle


def shower(keeper: Keeper) -> Handler:
    """GET of one."""

    async def handle(request: web.Request) -> web.Response:
        return data(await keeper.show(request[ACCOUNT], request.match_info["id"]))

    return handle


def updater(keeper: Keeper) -> Handler:
    """PATCH of one."""

    async def handle(request: web.Request) -> web.Response:
        body = await body_of(request)
        return data(await keeper.update(request[ACCOUNT], request.match_info["id"], body))

    return handle


def _creator(keeper: Keeper) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        return data(await keeper.create(request[ACCOUNT], await body_of(request)), keeper.resource.created)

    return handle


def _deleter(keeper: Keeper) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        document = await keeper.delete(request[ACCOUNT], request.match_info["id"])
        return data(document) if keeper.resource.deleted == "shown" else web.Response(status=204)

    return handle
