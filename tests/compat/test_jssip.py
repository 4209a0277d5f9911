"""Category: compat. The unmodified JsSIP 3.10.1 in headless Chromium: SIP over WebSocket against a running platform."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from phones import launch, tone_file
from playwright.async_api import Page, async_playwright

import compat_env
from offhook import Client, Ear, Tone
from offhook import events as told
from platform_process import Platform

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("browser")]
HERE = Path(__file__).parent / "jssip"
BROWSER_HZ, PYTHON_HZ = 500.0, 900.0
SECONDS = 20.0


class JsSip:
    """One page with one phone. Waits are on the phone's own events."""

    def __init__(self, platform: Platform, page: Page, identity: int) -> None:
        self.platform = platform
        self.page = page
        self.identity = platform.info["identities"][identity]
        self.domain = platform.info["env"]["OFFHOOK_SIP_DOMAIN"]

    async def start(self, password: str = "") -> "JsSip":
        login = self.identity["login"]
        options = {"url": self.platform.ws_url, "uri": f"sip:{login}@{self.domain}"}
        await self.act("start", options | {"password": password or self.identity["password"]})
        return self

    async def act(self, name: str, *arguments: Any) -> Any:
        return await self.page.evaluate("([name, all]) => phone[name](...all)", [name, list(arguments)])

    async def tell(self, call: int, method: str, *arguments: Any) -> None:
        await self.page.evaluate(
            "([call, method, all]) => { phone.calls[call][method](...all) }", [call, method, list(arguments)]
        )

    async def saw(self, what: str, **wanted: Any) -> dict[str, Any]:
        """Wait for the first event of that kind with these details."""
        handle = await self.page.wait_for_function(
            "([what, wanted]) => phone.seen.find(e => e.what === what"
            " && Object.entries(wanted).every(([name, value]) => e[name] === value))",
            arg=[what, wanted],
            timeout=SECONDS * 1000,
        )
        return await handle.json_value()

    async def hears(self, hz: float, call: int = 0) -> None:
        """The tone arrives: media come up a little after the answer."""
        for _ in range(8):
            heard = await self.act("hear", call, 1000)
            if abs(heard["hz"] - hz) < 12 and heard["share"] > 0.5:
                return
        raise AssertionError(f"the browser hears {heard}")


async def _serve(modules: Path) -> tuple[web.AppRunner, str]:
    async def page(request: web.Request) -> web.FileResponse:
        return web.FileResponse(HERE / (request.match_info.get("name") or "page.html"))

    app = web.Application()
    app.router.add_static("/modules", modules)
    app.router.add_get("/", page)
    app.router.add_get("/{name:[a-z]+[.]js}", page)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}/"


class Stage:
    """A platform and a browser."""

    def __init__(self, platform: Platform, browser: Any, address: str) -> None:
        self.platform = platform
        self._browser = browser
        self._address = address

    async def phone(self, identity: int = 0) -> JsSip:
        context = await self._browser.new_context(permissions=["microphone"])
        page = await context.new_page()
        await page.goto(self._address)
        return JsSip(self.platform, page, identity)

    def python(self, identity: int = 1) -> Client:
        found = self.platform.info["identities"][identity]
        return Client(self.platform.ws_url, login=found["login"], password=found["password"])

    async def clear(self) -> None:
        for context in self._browser.contexts:
            await context.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("jssip")
    platform = await Platform.start(folder)
    runner, address = await _serve(compat_env.jssip())
    async with async_playwright() as playwright:
        browser = await launch(playwright, tone_file(folder / "tone.wav", BROWSER_HZ))
        yield Stage(platform, browser, address)
        await browser.close()
    await runner.cleanup()
    assert await platform.stop() == 0


@pytest_asyncio.fixture(loop_scope="module")
async def stage(running: Stage) -> AsyncIterator[Stage]:
    yield running
    await running.clear()


async def test_it_registers_and_is_refused_with_a_wrong_password(stage: Stage) -> None:
    await (await (await stage.phone()).start()).saw("registered")
    await (await (await stage.phone()).start("wrong")).saw("refused", cause="Authentication Error")


async def test_it_calls_python_both_hear_and_it_holds_and_presses_keys(stage: Stage) -> None:
    async with stage.python() as client, asyncio.timeout(60):
        await client.ready()
        coming = client.incoming()
        sip = await (await stage.phone()).start()
        await sip.saw("registered")
        call = await sip.act("dial", f"sip:{client_login(stage)}@{sip.domain}")
        ringing = await anext(coming)
        await ringing.answer(audio=Tone(PYTHON_HZ))
        await sip.saw("confirmed", call=call)
        ear = Ear()
        ringing.attach(ear)
        await ear.hears_tone(BROWSER_HZ)
        await sip.hears(PYTHON_HZ, call)
        pressed = ringing.events(told.DigitPressed)
        await sip.tell(call, "sendDTMF", "7")
        assert (await anext(pressed)).digit == "7"
        assert await sip.act("turned", call, "hold")
        assert await sip.act("turned", call, "unhold")
        await sip.hears(PYTHON_HZ, call)
        await sip.tell(call, "terminate")
        assert (await ringing.ended()).cause == "NORMAL_CLEARING"


async def test_it_is_called_by_python_and_both_hear(stage: Stage) -> None:
    async with stage.python() as client, asyncio.timeout(60):
        await client.ready()
        sip = await (await stage.phone()).start()
        await sip.saw("registered")
        dialled = await client.new_call(sip.identity["login"], audio=Tone(PYTHON_HZ))
        rang = await sip.saw("call", direction="incoming")
        assert rang["from"] == client_login(stage)
        await sip.act("answer", rang["call"])
        await dialled.answered()
        ear = Ear()
        dialled.attach(ear)
        await ear.hears_tone(BROWSER_HZ)
        await sip.hears(PYTHON_HZ, rang["call"])
        await dialled.hangup()
        assert (await sip.saw("ended", call=rang["call"]))["by"] == "remote"


async def test_it_transfers_blind(stage: Stage) -> None:
    async with stage.python(1) as jane, AsyncExitStack() as later, asyncio.timeout(60):
        await jane.ready()
        sip = await (await stage.phone()).start()
        await sip.saw("registered")
        john = await later.enter_async_context(stage.python(0))
        await john.ready()  # the latest: whoever is sent to this username is sent here
        coming, sent = jane.incoming(), john.incoming()
        call = await sip.act("dial", f"sip:{client_login(stage)}@{sip.domain}")
        ringing = await anext(coming)
        await ringing.answer(audio=Tone(PYTHON_HZ))
        await sip.saw("confirmed", call=call)
        await sip.tell(call, "refer", f"sip:{sip.identity['login']}@{sip.domain}")
        other = await anext(sent)
        await sip.saw("ended", call=call)
        await other.answer(audio=Tone(700))
        ear = Ear()
        ringing.attach(ear)
        await ear.hears_tone(700)


def client_login(stage: Stage) -> str:
    return stage.platform.info["identities"][1]["login"]
