"""A backend that hears of calls: verifies each webhook, takes each event once. Needs `pip install "telnyx[webhooks]"`.

Run it, then `offhook dev --webhook-url http://127.0.0.1:8080/hook`, then any call, such as examples/first_call.py.
TELNYX_PUBLIC_KEY is in what `offhook env` prints.
"""

import os
from collections import OrderedDict

import telnyx
from aiohttp import web

PORT = int(os.environ.get("PORT", "8080"))
REMEMBERED = 10_000

api = telnyx.Telnyx(api_key="not needed here", public_key=os.environ["TELNYX_PUBLIC_KEY"])
seen: OrderedDict[str, None] = OrderedDict()


async def hook(request: web.Request) -> web.Response:
    body = await request.text()  # as it came: the signature is over these very characters
    try:
        event = api.webhooks.unwrap(body, headers=request.headers).data
    except ValueError:
        return web.Response(status=400)  # not from the platform, altered, or older than five minutes
    if event.id in seen:
        return web.Response(status=204)  # delivered at least once: this one came before
    seen[event.id] = None
    if len(seen) > REMEMBERED:
        seen.popitem(last=False)
    print(event.event_type, event.payload.call_leg_id, flush=True)
    return web.Response(status=204)  # any 2xx, within two seconds: longer work belongs into a task of its own


app = web.Application()
app.router.add_post("/hook", hook)
if __name__ == "__main__":
    print(f"listening on http://127.0.0.1:{PORT}/hook", flush=True)
    web.run_app(app, host="127.0.0.1", port=PORT, print=None)
