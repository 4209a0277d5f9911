"""How to test an app: a platform of its own, two phones, a call, and what was heard. Run it with pytest."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from offhook import Client, Ear, Tone
from offhook.client.script import Phone, answer, hang_up, then


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The settings that `offhook env` prints: TELNYX_BASE_URL, TELNYX_API_KEY, OFFHOOK_WS_URL…"""
    ready = tmp_path_factory.mktemp("offhook") / "ready.json"
    with subprocess.Popen([sys.executable, "-m", "offhook", "dev", "--port", "0", "--ready-file", ready]) as process:
        try:
            yield _settings(ready)
        finally:
            process.terminate()


def _settings(ready: Path) -> dict[str, str]:
    deadline = time.monotonic() + 20
    while not ready.exists():  # it appears whole, once the platform takes calls
        assert time.monotonic() < deadline, "the platform did not start"
        time.sleep(0.05)
    return json.loads(ready.read_text())


def test_jane_answers_and_hangs_up(platform: dict[str, str]) -> None:
    async def scenario() -> None:
        url = platform["OFFHOOK_WS_URL"]
        john = Client(url, login="john1234", password="john-development-password")
        jane = Client(url, login="jane5678", password="jane-development-password")
        async with john, Phone(jane, then(answer(Tone(620)), hang_up(after=3))):
            ear = Ear()
            call = await john.new_call("jane5678")
            call.attach(ear)
            await call.answered()
            await ear.hears_tone(620)
            assert (await call.ended()).cause == "NORMAL_CLEARING"

    asyncio.run(scenario())
