"""What can be done with a webhook delivery beyond its table: deliver it again."""

from aiohttp import web

from offhook.edge.rest.answers import data
from offhook.edge.rest.guard import ACCOUNT
from offhook.edge.rest.resources import Route
from offhook.engine.events import WebhookDeliveries
from offhook.engine.outbox import Outbox
from offhook.voice.resources.problem import rejected


def webhook_routes(deliveries: WebhookDeliveries, outbox: Outbox) -> list[Route]:
    """`POST /webhook_deliveries/{id}/actions/redeliver`: new attempts for an event that was delivered or is dead.

    The hosted product has no operation for it; the event keeps its id, and its attempts go on being counted.
    """

    async def redeliver(request: web.Request) -> web.Response:
        row = await deliveries.row(request[ACCOUNT], request.match_info["id"])
        if row["status"] == "pending":
            raise rejected("10027", "This webhook is being delivered.")
        return data(deliveries.shown(await outbox.redeliver(row)))

    return [("POST", "/webhook_deliveries/{id}/actions/redeliver", redeliver)]
