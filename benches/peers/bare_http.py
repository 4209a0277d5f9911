"""For scale: an aiohttp client that only posts, and an aiohttp handler that only answers, with given bytes.

`{"post": url, "body": …, "headers": {…}, "at_once": n, "times": m}` posts so often and is answered with the CPU seconds
that it took; `{"serve": body}` is answered with the URL of a handler that reads JSON and answers this; `{"cpu": true}`
with the CPU seconds used so far.
"""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web

from benches.peers.lines import Document, cpu, questions, tell


async def post(url: str, body: str, headers: dict[str, str], at_once: int, times: int) -> float:
    data = body.encode()
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def post_some(share: int) -> None:
            for _ in range(share):
                async with http.post(url, data=data, headers=headers) as response:
                    await response.read()

        before = cpu()
        await asyncio.gather(*(post_some(times // at_once) for _ in range(at_once)))
        return cpu() - before


async def serve(body: str) -> str:
    answer = body.encode()

    async def handle(request: web.Request) -> web.Response:
        json.loads(await request.read())
        return web.Response(body=answer, content_type="application/json")

    app = web.Application()
    app.router.add_put("/v2/calls/{id}/actions/client_state_update", handle)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def answered(question: Document) -> Document:
    match question:
        case {"post": url, **rest}:
            return {"cpu": await post(url, **_named(rest))}
        case {"serve": body}:
            return {"url": await serve(body)}
        case _:
            return {"cpu": cpu()}


def _named(rest: dict[str, Any]) -> dict[str, Any]:
    return {name: rest[name] for name in ("body", "headers", "at_once", "times")}


async def main() -> None:
    async for question in questions():
        tell(await answered(question))


if __name__ == "__main__":
    asyncio.run(main())
