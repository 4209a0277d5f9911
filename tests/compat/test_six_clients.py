"""Category: compat. The mission's six clients, as Python phones on a running platform, made with the official SDK."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from offhook import CallEnded, Client, Ear, Tone
from platform_process import Platform

LOGINS = "abcdef"


@pytest.fixture
async def platform(tmp_path: Path) -> AsyncIterator[Platform]:
    running = await Platform.start(tmp_path)
    yield running
    assert await running.stop() == 0


class Six:
    """Clients a to f, registered in turn, and a caller whose calls each of them answers with a tone of its own."""

    def __init__(self) -> None:
        self.clients: dict[str, Client] = {}
        self.answering: dict[str, asyncio.Task[None]] = {}

    def hz(self, name: str) -> float:
        return 400.0 + 100.0 * LOGINS.index(name)

    async def register(self, name: str, url: str, **login: str) -> None:
        client = Client(url, **login)
        await client.connect()
        await client.ready()
        self.clients[name] = client
        self.answering[name] = asyncio.create_task(self._answer(name, client))

    async def _answer(self, name: str, client: Client) -> None:
        async for call in client.incoming():
            await call.answer(audio=Tone(self.hz(name)))

    async def leave(self, name: str) -> None:
        await self.clients.pop(name).disconnect()
        self.answering.pop(name).cancel()

    async def close(self) -> None:
        for name in tuple(self.clients):
            await self.leave(name)

    async def who_answers(self, caller: Client, destination: str) -> str:
        """The name of whoever is heard, or the cause for which nobody is."""
        call = await caller.new_call(destination)
        ear = Ear()
        call.attach(ear)
        try:
            await call.answered()
        except CallEnded as ended:
            return ended.cause
        heard = await ear.hears(lambda sound: any(sound.is_tone(self.hz(name)) for name in LOGINS))
        await call.hangup()
        return next(name for name in LOGINS if heard.is_tone(self.hz(name)))


def furnish(api: Any) -> dict[str, dict[str, str]]:
    """Connection, credentials and tokens; the log-in of each of the six."""
    connection = api.credential_connections.create(
        connection_name="Six",
        user_name="sixfold01",
        password="six-clients-secret",
        sip_uri_calling_preference="internal",
    ).data
    one, two = (api.telephony_credentials.create(connection_id=connection.id).data for _ in range(2))
    token = api.telephony_credentials.create_token
    return {
        "a": {"login": "sixfold01", "password": "six-clients-secret"},
        "b": {"login": one.sip_username, "password": one.sip_password},
        "c": {"token": token(one.id)},
        "d": {"login": two.sip_username, "password": two.sip_password},
        "e": {"token": token(two.id)},
        "f": {"token": token(two.id)},
    }


async def test_the_six_clients_of_the_mission(platform: Platform, official: ModuleType) -> None:
    with official.Telnyx(api_key=platform.api_key, base_url=platform.base_url) as api:
        logins = await asyncio.to_thread(furnish, api)
    gencred1, gencred2 = logins["b"]["login"], logins["d"]["login"]
    john = platform.info["identities"][0]
    async with AsyncExitStack() as stack:
        caller = await stack.enter_async_context(
            Client(platform.ws_url, login=john["login"], password=john["password"])
        )
        six = Six()
        stack.push_async_callback(six.close)
        for name, login in logins.items():
            await six.register(name, platform.ws_url, **login)

        assert await six.who_answers(caller, "sixfold01@sip.telnyx.com") == "a"
        assert await six.who_answers(caller, f"sip:{gencred1}@sip.telnyx.com") == "c"
        assert await six.who_answers(caller, f"{gencred2}@sip.telnyx.com") == "f"
        await six.leave("f")
        assert await six.who_answers(caller, f"{gencred2}@sip.telnyx.com") == "e"
        await six.leave("c")
        assert await six.who_answers(caller, f"{gencred1}@sip.telnyx.com") == "b"
        await six.leave("b")
        assert await six.who_answers(caller, f"{gencred1}@sip.telnyx.com") == "USER_NOT_REGISTERED"
        assert await six.who_answers(caller, "sixfold01") == "a"


async def test_a_phone_number_rings_the_connections_own_client(platform: Platform) -> None:
    john, jane = platform.info["identities"]
    number = next(row["number"] for row in platform.info["numbers"] if row["rings"] == jane["login"])
    six = Six()
    try:
        await six.register("a", platform.ws_url, login=jane["login"], password=jane["password"])
        async with Client(platform.ws_url, login=john["login"], password=john["password"]) as caller:
            assert await six.who_answers(caller, number) == "a"
    finally:
        await six.close()
