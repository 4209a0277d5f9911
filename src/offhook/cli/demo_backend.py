"""The demo's backend: where webhooks arrive, are verified and waited for. Plain HTTP; knows nothing of calls.

The official packages do this in one line (`examples/parked_call/`); this one shows that nothing but Ed25519 is needed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
from collections.abc import AsyncGenerator, Mapping
from typing import Any, NamedTuple

import msgspec
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SECONDS = 10.0


class Webhook(NamedTuple):
    """One that has arrived: the event's type, the leg that it is about, what it says of it, and whether it is from the
    platform and as it was sent."""

    type: str
    leg: str
    words: str
    verified: bool


class Backend:
    """What has arrived, in order."""

    def __init__(self, public_key: str) -> None:
        self.webhooks: list[Webhook] = []
        self._key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key))
        self._arrived = asyncio.Condition()

    async def told(self, type: str, leg: str) -> Webhook:
        """Wait for that event of that leg; TimeoutError where it does not come."""

        def found() -> list[Webhook]:
            return [each for each in self.webhooks if (each.type, each.leg) == (type, leg)]

        async with asyncio.timeout(SECONDS), self._arrived:
            return (await self._arrived.wait_for(found))[0]

    async def nth(self, n: int) -> Webhook:
        """Wait for the nth webhook, counted from 0; TimeoutError where it does not come."""
        async with asyncio.timeout(SECONDS), self._arrived:
            await self._arrived.wait_for(lambda: len(self.webhooks) > n)
            return self.webhooks[n]

    async def hook(self, request: web.Request) -> web.Response:
        """Take one; whoever cannot prove that the platform sent it is turned away."""
        body = await request.read()
        event: dict[str, Any] = msgspec.json.decode(body)["data"]
        payload: dict[str, Any] = event["payload"]
        words = " ".join(payload[name] for name in ("direction", "state", "hangup_cause") if payload.get(name))
        # A signature that an altered body has, too, would prove nothing.
        verified = self._is_signed(request.headers, body) and not self._is_signed(request.headers, body + b" ")
        async with self._arrived:
            self.webhooks.append(Webhook(event["event_type"], payload["call_control_id"], words, verified))
            self._arrived.notify_all()
        return web.Response(status=204 if verified else 400)

    def _is_signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        timestamp = headers.get("telnyx-timestamp", "")
        try:
            signature = base64.b64decode(headers.get("telnyx-signature-ed25519", ""))
            self._key.verify(signature, f"{timestamp}|".encode() + body)
        except (InvalidSignature, binascii.Error):
            return False
        return True


@contextlib.asynccontextmanager
async def listening(public_key: str) -> AsyncGenerator[tuple[Backend, str], None]:
    """(a backend, its URL) while the block runs."""
    backend = Backend(public_key)
    app = web.Application()
    app.router.add_post("/hook", backend.hook)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield backend, f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    finally:
        await runner.cleanup()
