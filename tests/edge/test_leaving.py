"""Category: edge. What `dev` makes of gateways that it is given, and what is told of calls that leave."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from tests.edge.test_sip_trunks import Gateway, Owner

from offhook.edge.parts import SipSettings
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED

GATEWAYS = ("sip:127.0.0.11:5090;transport=tcp", "sip:127.0.0.12")
OUTSIDE, AWAY = "+12025550190", "+442079460123"


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev(sip=SipSettings(carriers=GATEWAYS))
    yield running
    await running.stop()


@pytest.fixture
async def owner(platform: Platform) -> AsyncIterator[Owner]:
    made = Owner(platform)
    yield made
    await made.close()


async def explained(platform: Platform, destination: str, caller: str = "john1234") -> str:
    base = platform.env["OFFHOOK_CONSOLE_URL"].rstrip("/")
    query = {"destination": destination, "from": caller}
    async with aiohttp.ClientSession() as http, http.get(f"{base}/_offhook/explain", params=query) as response:
        return await response.text()


async def test_carriers_that_dev_is_given_are_there_and_come_back_after_a_reset(
    platform: Platform, owner: Owner
) -> None:
    for _ in range(2):
        found = await owner.ask("GET", "/_offhook/carriers")
        assert {(each["name"], *each["gateways"], each["priority"]) for each in found} == {
            (uri, uri, priority) for priority, uri in enumerate(GATEWAYS)
        }
        [profile] = await owner.ask("GET", "/outbound_voice_profiles")
        assert profile["connections_count"] == 3
        base = platform.env["OFFHOOK_CONSOLE_URL"].rstrip("/")
        async with owner.http.post(f"{base}/_offhook/reset") as response:
            assert response.status == 204
    assert platform.info["carriers"] == [{"name": uri, "takes": "+"} for uri in GATEWAYS]


async def test_a_call_that_leaves_is_explained_with_its_carrier_and_its_price(platform: Platform) -> None:
    told = await explained(platform, OUTSIDE)
    assert told.startswith(f"{OUTSIDE} leaves the platform: nobody here has this number; carrier {GATEWAYS[0]}")
    assert "$0.005 for the dialled one (sip-trunking to +1)" in told
    assert "whitelisted_destinations of outbound voice profile Development" in await explained(platform, AWAY)


async def test_a_call_that_a_number_sends_on_is_explained_with_who_pays(platform: Platform, owner: Owner) -> None:
    number = SEEDED.numbers[1].number
    [found] = await owner.ask("GET", f"/phone_numbers?filter[phone_number]={number[1:]}")
    path = f"/phone_numbers/{found['id']}/voice"
    await owner.ask("PATCH", path, {"call_forwarding": {"forwards_to": OUTSIDE, "forwarding_type": "always"}})
    told = await explained(platform, number)
    assert "leaves the platform: call_forwarding of the number sends the call on" in told
    assert "The number's owner makes that call, and pays for it." in told
    assert "sip-trunking to +1" in told
    await owner.ask("PATCH", path, {"call_forwarding": {"forwarding_type": "on-failure"}})
    assert "leaves the platform" in await explained(platform, number)  # jane is not registered


async def test_a_number_of_a_pbx_is_explained_as_its_trunks(platform: Platform, owner: Owner) -> None:
    gateway = await Gateway("127.0.0.13").open(platform)
    try:
        connection = await owner.ask("POST", "/ip_connections", {"connection_name": "PBX"})
        address = {"ip_address": gateway.address, "port": gateway.port, "connection_id": connection["id"]}
        await owner.ask("POST", "/ips", address)
        await owner.ask(
            "POST", "/_offhook/numbers", {"phone_number": "+12025550182", "connection_id": connection["id"]}
        )
        told = await explained(platform, "+12025550182")
        assert told.startswith("+12025550182 goes to a trunk: the number is assigned to connection PBX")
        assert "sip-trunking to +1" in told
    finally:
        gateway.close()
