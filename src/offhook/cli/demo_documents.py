"""The demo's documents: what becomes of a call from outside, in TeXML, and the music it waits with. Plain HTTP."""

from __future__ import annotations

import array
import asyncio
import contextlib
import io
import math
import wave
from collections.abc import AsyncGenerator, Mapping

from aiohttp import web

QUEUE, KEY = "support", "1"
MUSIC_HZ, RATE = 1_000.0, 16_000

_MENU = '<Response><Gather numDigits="1" timeout="20" action="/menu"></Gather><Hangup/></Response>'
_ENQUEUE = f'<Response><Enqueue waitUrl="/wait">{QUEUE}</Enqueue></Response>'
_WAIT = '<Response><Play loop="0">/music.wav</Play></Response>'
_SORRY = "<Response><Hangup/></Response>"


class Documents:
    """What has been asked for: `menu` is the leg that entered it, `pressed` the key that came."""

    def __init__(self) -> None:
        self.menu: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.waiting: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.pressed = ""

    async def voice(self, request: web.Request) -> web.Response:
        _settle(self.menu, await request.post())
        return _document(_MENU)

    async def chosen(self, request: web.Request) -> web.Response:
        form = await request.post()
        self.pressed = str(form.get("Digits", ""))
        return _document(_ENQUEUE if self.pressed == KEY else _SORRY)

    async def wait(self, request: web.Request) -> web.Response:
        _settle(self.waiting, await request.post())
        return _document(_WAIT)


def _settle(future: asyncio.Future[str], form: Mapping[str, object]) -> None:
    if not future.done():
        future.set_result(str(form.get("CallSid", "")))


def _document(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/xml")


async def _music(_: web.Request) -> web.Response:
    loud = 8_000
    samples = array.array("h", (round(loud * math.sin(2 * math.pi * MUSIC_HZ * n / RATE)) for n in range(RATE)))
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(samples.tobytes())
    return web.Response(body=file.getvalue(), content_type="audio/wav")


@contextlib.asynccontextmanager
async def serving() -> AsyncGenerator[tuple[Documents, str], None]:
    """(documents, the URL of the first) while the block runs."""
    documents = Documents()
    app = web.Application()
    app.router.add_post("/voice", documents.voice)
    app.router.add_post("/menu", documents.chosen)
    app.router.add_post("/wait", documents.wait)
    app.router.add_get("/music.wav", _music)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield documents, f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
    finally:
        await runner.cleanup()
