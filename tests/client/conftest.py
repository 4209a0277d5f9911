"""Fixtures of the client's tests: a platform, a core, a client that is ready, proof that nothing is left running."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from offhook import Client
from offhook.client.backoff import Backoff

from .loopback import LoopbackCore, LoopbackPlatform


@pytest.fixture
def platform() -> LoopbackPlatform:
    return LoopbackPlatform()


@pytest.fixture
def core() -> LoopbackCore:
    return LoopbackCore()


@pytest.fixture
async def client(platform: LoopbackPlatform, core: LoopbackCore) -> AsyncIterator[Client]:
    async with Client(
        "ws://loopback", login="john1234", password="secret", core=core, transport=platform.open,
        backoff=Backoff(first=0.0, cap=0.0),
    ) as client:  # fmt: skip
        await client.ready()
        yield client
    assert asyncio.all_tasks() == {asyncio.current_task()}, "the client left tasks behind"
    assert not core.open, "the client left ports behind"
