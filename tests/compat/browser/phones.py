"""Browser phones for tests: Chromium with a known tone as its microphone, around the unmodified official SDK."""

import json
import math
import struct
import wave
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Browser, Page, Playwright, WebSocket

HERE = Path(__file__).parent
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
]


def tone_file(path: Path, hz: float, seconds: float = 4.0, rate: int = 48_000) -> Path:
    """A WAV of a sine that loops without a click (a whole number of periods)."""
    periods = round(hz * seconds)
    count = round(periods * rate / hz)
    samples = (round(10_000 * math.sin(2 * math.pi * hz * n / rate)) for n in range(count))
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


async def serve_page(node_modules: Path) -> tuple[web.AppRunner, str]:
    """Serve the page and the SDK's own bundle on loopback; returns the runner and the page's address."""

    async def page(_: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "phone.html")

    async def script(_: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / "phone.js")

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/phone.js", script)
    app.router.add_static("/sdk", node_modules / "@telnyx" / "webrtc" / "lib")
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}/"


async def launch(playwright: Playwright, microphone: Path) -> Browser:
    """A Chromium whose microphone plays that file for ever."""
    return await playwright.chromium.launch(
        executable_path=CHROMIUM, headless=True, args=[*FLAGS, f"--use-file-for-fake-audio-capture={microphone}"]
    )


class BrowserPhone:
    """One page with one SDK client. Waits are on the SDK's own events, never on time alone."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.sent: list[dict[str, Any]] = []
        self.received: list[dict[str, Any]] = []
        page.on("websocket", self._watch)

    def _watch(self, socket: WebSocket) -> None:
        """Keep the frames, for what the SDK does not tell."""
        socket.on("framesent", lambda frame: self.sent.append(json.loads(frame)))
        socket.on("framereceived", lambda frame: self.received.append(json.loads(frame)))

    @classmethod
    async def open(cls, browser: Browser, address: str) -> "BrowserPhone":
        context = await browser.new_context(permissions=["microphone"])
        phone = cls(await context.new_page())
        await phone.page.goto(address)
        return phone

    async def close(self) -> None:
        await self.page.context.close()

    async def start(self, url: str, **options: Any) -> None:
        """Connect; `options` are the SDK's own (login, password, login_token, trickleIce…)."""
        await self.page.evaluate("options => phone.start(options)", {"host": url, "iceServers": [], **options})

    async def ready(self, url: str, **options: Any) -> "BrowserPhone":
        await self.start(url, **options)
        await self.saw("ready")
        return self

    async def without_udp(self) -> None:
        """From now on the far end seems to have no UDP candidates."""
        await self.page.evaluate("() => phone.withoutUdp()")

    async def saw(self, what: str, timeout: float = 20) -> dict[str, Any]:
        """Wait for the first SDK event of that kind."""
        handle = await self.page.wait_for_function(
            "what => phone.seen.find(e => e.what === what)", arg=what, timeout=timeout * 1000
        )
        return await handle.json_value()

    async def events(self, what: str) -> list[dict[str, Any]]:
        return await self.page.evaluate("what => phone.seen.filter(e => e.what === what)", what)

    async def dial(self, destination: str, **options: Any) -> int:
        """Place a call; returns its index on this page."""
        options = {"destinationNumber": destination, "callerName": "Browser", "callerNumber": "+15550100", **options}
        return await self.page.evaluate("options => phone.dial(options)", options)

    async def reached(self, state: str, call: int = 0, timeout: float = 20) -> dict[str, Any]:
        """Wait until the call has been in `state`; returns the SDK's notification."""
        handle = await self.page.wait_for_function(
            "([call, state]) => phone.seen.find(e => e.what === 'call' && e.call === call && e.state === state)",
            arg=[call, state],
            timeout=timeout * 1000,
        )
        return await handle.json_value()

    async def states(self, call: int = 0) -> list[str]:
        return await self.page.evaluate("call => phone.states(call)", call)

    async def act(self, method: str, *arguments: Any, call: int = 0) -> Any:
        """Call one of the SDK's own methods on a call."""
        return await self.page.evaluate(
            "([call, method, args]) => phone.calls[call][method](...args)", [call, method, list(arguments)]
        )

    async def hear(self, call: int = 0, ms: int = 1200) -> dict[str, float]:
        """What the browser's own audio graph hears of the far end: hz, share of energy, level (dBFS)."""
        return await self.page.evaluate("([call, ms]) => phone.hear(call, ms)", [call, ms])

    async def stats(self, call: int = 0) -> dict[str, Any]:
        return await self.page.evaluate("call => phone.stats(call)", call)
