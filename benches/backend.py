"""What a backend costs the platform: the commands that it sends, and the webhooks that it is sent. For scale, an
aiohttp handler and an aiohttp client that do nothing else get the same bytes in the same run."""

import asyncio
import base64
import contextlib
from collections.abc import AsyncGenerator
from typing import NamedTuple

import aiohttp
from aiohttp import web

from benches.crowd import CannedAudio, crowd
from benches.peer import peer
from benches.platform import Platform, running
from offhook.wire import webhook

CALLS = 16
WEBHOOKS_AT_ONCE = 16
OUTBOX = "benches.peers.offhook_outbox"
HEADERS = frozenset(name for name, _ in webhook.headers(0, ""))
BARE = "benches.peers.bare_http"


class Beside(NamedTuple):
    """Pieces of work for each CPU second of the measured process, and of the bare one."""

    ours: float
    bare: float


class Receiver:
    """Answers webhooks with nothing, and keeps the last one."""

    def __init__(self) -> None:
        self.body = ""
        self.headers: dict[str, str] = {}

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncGenerator[str, None]:
        """The URL, while the block runs."""
        runner = web.ServerRunner(web.Server(self._take, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/webhooks"
        finally:
            await runner.cleanup()

    async def _take(self, request: web.BaseRequest) -> web.Response:
        self.body = await request.text()
        self.headers = {name: value for name, value in request.headers.items() if name.lower() in HEADERS}
        return web.Response()


async def webhooks(count: int) -> Beside:
    """From an event to its row's `delivered`: envelope, row and commit, signature, POST and answer, the mark.

    Each of so many calls tells its next event when the last was delivered.
    """
    receiver = Receiver()
    each = max(1, count // WEBHOOKS_AT_ONCE)
    times = each * WEBHOOKS_AT_ONCE
    async with receiver.listening() as url:
        async with peer(OUTBOX) as outbox:
            ours = await outbox.ask({"url": url, "calls": WEBHOOKS_AT_ONCE, "each": each})
        sent = {"post": url, "body": receiver.body, "headers": receiver.headers}
        async with peer(BARE) as client:
            bare = await client.ask({**sent, "at_once": WEBHOOKS_AT_ONCE, "times": times})
    return Beside(times / max(0.01, ours["cpu"]), times / max(0.01, bare["cpu"]))


async def commands(count: int, named: bool) -> Beside:
    """`client_state_update` of answered calls, one after the other for each call, over connections that are kept.

    Reading, checking, deciding, the row and its commit, the answer. `named` ones have a `command_id`, which is
    another row.
    """
    each = max(1, count // CALLS)
    async with running() as platform, _answered_calls(platform) as legs:
        bodies = [_body(number, named) for number in range(each)]
        paths = [f"/calls/{leg}/actions/client_state_update" for leg in legs]
        await _put(platform.api, platform.headers, paths, bodies[:2])
        before = platform.cpu()
        answer = await _put(platform.api, platform.headers, paths, bodies)
        ours = platform.cpu() - before
        async with peer(BARE) as handler:
            url = (await handler.ask({"serve": answer}))["url"]
            before = await handler.cpu()
            await _put(f"{url}/v2", platform.headers, paths, bodies)
            bare = await handler.cpu() - before
    done = each * CALLS
    return Beside(done / max(0.01, ours), done / max(0.01, bare))


def _body(number: int, named: bool) -> dict[str, str]:
    state = {"client_state": base64.b64encode(f"step {number}".encode()).decode()}
    return state | {"command_id": f"command {number}"} if named else state


async def _put(api: str, headers: dict[str, str], paths: list[str], bodies: list[dict[str, str]]) -> str:
    """Every body to every path, the paths at once; the last answer."""
    async with aiohttp.ClientSession(headers=headers, raise_for_status=True) as http:

        async def put(path: str) -> str:
            answer = ""
            for body in bodies:
                async with http.put(api + path, json=body) as response:
                    answer = await response.text()
            return answer

        return (await asyncio.gather(*map(put, paths)))[-1]


@contextlib.asynccontextmanager
async def _answered_calls(platform: Platform) -> AsyncGenerator[list[str], None]:
    """The call_control_ids of legs that a backend has dialled, and a client has answered."""
    async with crowd(platform.ws_url) as gathered:
        who = platform.identities[0]
        await gathered.join(who, CannedAudio(gathered.core))
        to = f"sip:{who.login}@{platform.domain}"
        dial = {"connection_id": platform.application, "to": to, "from": "+12025550100"}
        dialled = [await platform.rest("POST", "/calls", json=dial) for _ in range(CALLS)]
        legs = [each["data"]["call_control_id"] for each in dialled]
        for leg in legs:
            while not (await platform.rest("GET", f"/calls/{leg}"))["data"]["is_alive"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield legs
