"""Category: integration. Who rings: SIP phones and browsers' clients under the same usernames are the same to dialling.

The table of the mission, with SIP phones beside tokens: the latest registration rings, a refresh keeps its place.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest

from offhook import Client
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED

from .sip_phone import SipPhone, Transport

JOHN, JANE = SEEDED.identities


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


class Desk:
    """John's owner, over REST."""

    def __init__(self, platform: Platform, http: aiohttp.ClientSession) -> None:
        self._url = platform.env["TELNYX_BASE_URL"]
        self._http = http
        self._headers = {"Authorization": f"Bearer {platform.env['TELNYX_API_KEY']}"}

    async def credential(self) -> tuple[str, str, str]:
        """A new credential of John's connection: its username, its password and a token."""
        async with self._http.get(f"{self._url}/credential_connections", headers=self._headers) as response:
            [john] = [each for each in (await response.json())["data"] if each["user_name"] == JOHN.login]
        made = await self._post("/telephony_credentials", {"connection_id": john["id"]})
        async with self._http.post(
            f"{self._url}/telephony_credentials/{made['id']}/token", headers=self._headers
        ) as response:
            token = await response.text()
        return made["sip_username"], made["sip_password"], token

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        async with self._http.post(self._url + path, json=body, headers=self._headers) as response:
            return (await response.json())["data"]


class Town:
    """Whoever is registered, by name."""

    def __init__(self, platform: Platform, stack: AsyncExitStack, caller: Client) -> None:
        self._platform = platform
        self._stack = stack
        self._caller = caller

    async def sip(self, user: str, password: str, transport: Transport) -> SipPhone:
        phone = await self._stack.enter_async_context(SipPhone(self._platform, user, password, transport))
        assert (await phone.register()).status == 200
        return phone

    async def browser(self, token: str) -> Client:
        client = await self._stack.enter_async_context(Client(self._platform.env["OFFHOOK_WS_URL"], token=token))
        await client.ready()
        return client

    async def rings(self, destination: str, who: SipPhone | Client) -> bool:
        """Whether it is this one that is called, which is busy then."""
        coming = None if isinstance(who, SipPhone) else who.incoming()
        call = await self._caller.new_call(destination)
        if isinstance(who, SipPhone):
            (await who.called()).respond(486)
        elif coming is not None:
            await (await anext(coming)).reject()
        return (await call.ended()).cause in ("USER_BUSY", "CALL_REJECTED")

    async def why_not(self, destination: str) -> str:
        return (await (await self._caller.new_call(destination)).ended()).cause


@pytest.mark.parametrize("transport", ["UDP", "TCP", "WS"])
async def test_the_latest_registration_rings_whatever_it_speaks(platform: Platform, transport: Transport) -> None:
    async with (
        AsyncExitStack() as stack,
        aiohttp.ClientSession() as http,
        Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as jane,
    ):
        await jane.ready()
        town, desk = Town(platform, stack, jane), Desk(platform, http)
        username, password, token = await desk.credential()
        own = await town.sip(JOHN.login, JOHN.password, transport)
        sip = await town.sip(username, password, transport)
        assert await town.rings(username, sip)
        client = await town.browser(token)
        assert await town.rings(username, client)
        assert (await sip.register()).status == 200  # a refresh keeps its place
        assert await town.rings(username, client)
        later = await town.sip(username, password, "TLS")
        assert await town.rings(f"{username}@sip.telnyx.com", later)
        assert await town.rings(JOHN.login, own)
        await later.register(expires=0)
        assert await town.rings(username, client)
        await client.disconnect()
        assert await town.rings(username, sip)
        await own.register(expires=0)
        assert await town.why_not(JOHN.login) == "USER_NOT_REGISTERED"
        assert await town.rings(username, sip)
