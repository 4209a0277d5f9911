"""A platform, two browsers with microphones of known tones, and the identities that `dev` made. Knows no test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from phones import BrowserPhone, launch, serve_page, tone_file
from playwright.async_api import Browser, async_playwright

from offhook import Call, Client, Ear, Tone
from platform_process import Platform

BROWSER_HZ, OTHER_HZ, PYTHON_HZ = 500.0, 700.0, 900.0
module_fixture = pytest_asyncio.fixture(loop_scope="module", scope="module")


class Stage:
    """The platform, two browsers with different microphones, and the identities that `dev` made."""

    def __init__(self, platform: Platform, first: Browser, second: Browser, page: str) -> None:
        self.platform = platform
        self.browsers = (first, second)
        self.page = page
        self.opened: list[BrowserPhone] = []

    def identity(self, index: int) -> dict[str, str]:
        """The log-in options of a ready-made connection."""
        found = self.platform.info["identities"][index]
        return {"login": found["login"], "password": found["password"]}

    async def browser(self, index: int = 0) -> BrowserPhone:
        phone = await BrowserPhone.open(self.browsers[index], self.page)
        self.opened.append(phone)
        return phone

    async def registered(self, identity: int, browser: int = 0, **options: object) -> BrowserPhone:
        phone = await self.browser(browser)
        return await phone.ready(self.platform.ws_url, **self.identity(identity), **options)

    def python(self, identity: int) -> Client:
        return Client(self.platform.ws_url, **self.identity(identity))

    async def clear(self) -> None:
        for phone in self.opened:
            await phone.close()
        self.opened.clear()


@module_fixture
async def running(tmp_path_factory: pytest.TempPathFactory, node_modules: Path) -> AsyncIterator[Stage]:
    folder = tmp_path_factory.mktemp("browser")
    platform = await Platform.start(folder)
    runner, page = await serve_page(node_modules)
    async with async_playwright() as playwright:
        first = await launch(playwright, tone_file(folder / "first.wav", BROWSER_HZ))
        second = await launch(playwright, tone_file(folder / "second.wav", OTHER_HZ))
        yield Stage(platform, first, second, page)
        await first.close()
        await second.close()
    await runner.cleanup()
    assert await platform.stop() == 0


@pytest_asyncio.fixture(loop_scope="module")
async def stage(running: Stage) -> AsyncIterator[Stage]:
    yield running
    await running.clear()


async def incoming(client: Client) -> Call:
    async with asyncio.timeout(10):
        async for call in client.incoming():
            return call
    raise AssertionError("the client closed before a call came in")


async def until_heard(phone: BrowserPhone, wanted: Callable[[dict[str, float]], bool], call: int = 0) -> None:
    """It arrives within some seconds: media comes up a little after the answer, and tones have their pauses."""
    for _ in range(8):
        heard = await phone.hear(call)
        if wanted(heard):
            return
    raise AssertionError(f"the browser hears {heard}")


async def hears(phone: BrowserPhone, hz: float, call: int = 0) -> None:
    """The tone arrives, and nothing else with it."""
    await until_heard(
        phone, lambda heard: abs(heard["hz"] - hz) < 12 and heard["share"] > 0.5 and heard["level"] > -40, call
    )


async def talks(phone: BrowserPhone, call: Call, index: int = 0) -> None:
    """Known tones arrive in both directions."""
    ear = Ear()
    call.attach(ear)
    await ear.hears_tone(BROWSER_HZ)
    await hears(phone, PYTHON_HZ, index)


async def python_answers(client: Client) -> Call:
    call = await incoming(client)
    await call.answer(audio=Tone(PYTHON_HZ))
    return call


async def browser_calls_python(stage: Stage, client: Client, **options: object) -> tuple[BrowserPhone, Call]:
    """A browser as identity 0 has an active call with a Python phone as identity 1."""
    phone = await stage.registered(0)
    return phone, await browser_calls(phone, stage, client, **options)


async def browser_calls(phone: BrowserPhone, stage: Stage, client: Client, **options: object) -> Call:
    """A browser has an active call with a Python phone as identity 1."""
    answering = asyncio.create_task(python_answers(client))
    await phone.dial(stage.identity(1)["login"], **options)
    call = await answering
    await phone.reached("active")
    return call
