"""An app that serves TeXML documents over HTTP on loopback, and keeps what it was asked."""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class App:
    """Serves documents by path and keeps what it was asked; every request must be signed. `url` is that of `/voice`,
    where calls begin."""

    def __init__(self, public_key: str) -> None:
        self.url = ""
        self.pages: dict[str, str] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        self._came = asyncio.Condition()

    async def answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        sent = body if request.method == "POST" else request.query_string.encode()
        signed = f"{request.headers['telnyx-timestamp']}|".encode() + sent
        self._key.verify(base64.b64decode(request.headers["telnyx-signature-ed25519"]), signed)
        given: Any = await request.post() if request.method == "POST" else request.query
        async with self._came:
            self.asked.append((request.path, dict(given)))
            self._came.notify_all()
        return web.Response(
            text=f"<Response>{self.pages.get(request.path, '')}</Response>", content_type="application/xml"
        )

    async def told(self, path: str, count: int = 1) -> list[dict[str, str]]:
        """What so many requests for a path carried, once there were so many."""
        async with asyncio.timeout(10), self._came:
            await self._came.wait_for(lambda: len(self._of(path)) >= count)
        return self._of(path)

    def _of(self, path: str) -> list[dict[str, str]]:
        return [given for asked, given in self.asked if asked == path]


@asynccontextmanager
async def serving(public_key: str, pages: dict[str, str]) -> AsyncIterator[App]:
    """An app with these pages, by the last part of their URL."""
    app = App(public_key)
    app.pages |= {f"/{name}": page for name, page in pages.items()}
    root = web.Application()
    root.router.add_route("*", "/{path:.*}", app.answer)
    runner = web.AppRunner(root)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    app.url = f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
    try:
        yield app
    finally:
        await runner.cleanup()
