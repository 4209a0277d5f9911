"""Category: scenario. Calls through the real door, logins, dialplan and store; only the audio is missing."""

import asyncio
from typing import Any

import pytest
import structlog

from offhook.engine.store import Find
from offhook.testing.clock import run

from .house import DOMAIN, SDP, Client, House, house, settle


async def who_rings(caller: Client, destination: str, clients: list[Client]) -> str:
    """Dial and cancel; the name of whoever was rung, or the cause with which nobody was."""
    for each in (caller, *clients):
        each.saw.clear()
        each.told.clear()
    await caller.dial(destination, f"call-{destination}-{len(clients)}-{id(clients)}")
    rung = [each.name for each in clients if "invite" in each.saw]
    if not rung:
        return str(caller.told["bye"]["cause"])
    await caller.call("bye", f"call-{destination}-{len(clients)}-{id(clients)}", cause="USER_BUSY", causeCode=17)
    assert all("bye" in each.saw for each in clients if each.name in rung)
    return "".join(rung)


async def six(at: House) -> tuple[dict[str, Client], str, str]:
    """The mission's example: a to f register in turn, john1234, two credentials, three tokens."""
    one, two = await at.credential(), await at.credential()
    mint = at.identities.telephony_credentials.mint
    logins: dict[str, dict[str, str]] = {
        "b": {"login": one["sip_username"], "passwd": one["sip_password"]},
        "c": {"login_token": await mint(at.account, one["id"])},
        "d": {"login": two["sip_username"], "passwd": two["sip_password"]},
        "e": {"login_token": await mint(at.account, two["id"])},
        "f": {"login_token": await mint(at.account, two["id"])},
    }
    clients = {"a": await at.john("a")}
    for name, login in logins.items():
        clients[name] = await at.client(name, **login)
    return clients, one["sip_username"], two["sip_username"]


def test_six_clients_ring_as_the_mission_says_and_the_former_one_when_one_leaves() -> None:
    async def script() -> None:
        async with house() as at:
            clients, gencred1, gencred2 = await six(at)
            caller = clients.pop("b")
            rest = list(clients.values())
            assert await who_rings(caller, f"john1234@{DOMAIN}", rest) == "a"
            assert await who_rings(caller, f"sip:{gencred1}@{DOMAIN}", rest) == "c"
            assert await who_rings(caller, gencred2, rest) == "f"
            for leaver, next_one in (("f", "e"), ("e", "d")):
                await clients.pop(leaver).leave()
                assert await who_rings(caller, gencred2, list(clients.values())) == next_one
            await clients.pop("d").leave()
            assert await who_rings(caller, gencred2, list(clients.values())) == "USER_NOT_REGISTERED"
            assert not at.core.open_ports

    run(script())


def test_all_clients_of_a_name_ring_where_simultaneous_ringing_is_on() -> None:
    async def script() -> None:
        async with house(inbound={"simultaneous_ringing": "enabled"}) as at:
            clients, _, gencred2 = await six(at)
            caller = clients.pop("a")
            assert await who_rings(caller, gencred2, list(clients.values())) == "def"

    run(script())


def test_a_call_as_the_browser_sdk_sees_it_and_what_it_costs() -> None:
    async def script() -> None:
        async with house() as at:
            gencred = await at.credential()
            alice = await at.john("alice")
            bob = await at.client("bob", login=gencred["sip_username"], passwd=gencred["sip_password"])
            await alice.dial(gencred["sip_username"], "call-1")
            assert alice.saw == ["result", "media", "ringing"]
            invite = bob.told["invite"]
            assert bob.saw == ["invite"]
            await bob.call("answer", invite["callID"], sdp=SDP)
            assert bob.saw == ["invite", "result"]
            assert alice.saw == ["result", "media", "ringing", "answer"]
            assert "sdp" not in alice.told["answer"]
            for port in at.core.open_ports:
                at.core.connect(port)
            await alice.call("info", "call-1", dtmf="5")
            await alice.call("modify", "call-1", action="hold")
            await alice.call("modify", "call-1", action="unhold")
            await asyncio.sleep(61)
            await bob.call("bye", invite["callID"], cause="NORMAL_CLEARING", causeCode=16)
            assert alice.saw[-1] == "bye"
            assert alice.told["bye"]["causeCode"] == 16
            await settle()
            found = await at.identities.store.find(Find("detail_records", at.account, order=("started_at",)))
            shown = [at.identities.detail_records.shown(row) for row in found.rows]
            assert sorted(record["direction"] for record in shown) == ["inbound", "outbound"]
            assert [(record["billed_sec"], record["cost"]) for record in shown] == [(120, "0.004")] * 2
            assert {record["call_id"] for record in shown} == {"call-1", invite["callID"]}
            assert all(record["session_id"] for record in shown)
            assert not (await at.identities.store.find(Find("legs", at.account))).rows

    run(script())


LIMITS = (("denoiser", 6, None), ("deep_filter_net", 6, 6.0), ("deep_filter_net", 0, None))


@pytest.mark.parametrize(("engine", "limit", "most"), LIMITS)
def test_noise_is_taken_from_both_sides_as_their_connection_has_it(engine: str, limit: int, most: float | None) -> None:
    async def script() -> None:
        details = {"engine": engine, "attenuation_limit": limit}
        async with house(noise_suppression="inbound", noise_suppression_details=details) as at:
            first, second = await at.john("first"), await at.john("second")
            await first.dial(f"john1234@{DOMAIN}", "call")
            assert not at.core.denoised
            await second.answer_last()
            assert [(each.tracks, each.limit_db) for each in at.core.denoised.values()] == [("inbound", most)] * 2

    run(script())


def test_a_revoked_token_closes_its_socket_and_ends_its_call() -> None:
    async def script() -> None:
        async with house() as at:
            credential = await at.credential()
            keeper = at.identities.telephony_credentials
            alice = await at.john("alice")
            former = await at.client("b", login=credential["sip_username"], passwd=credential["sip_password"])
            bob = await at.client("c", login_token=await keeper.mint(at.account, credential["id"]))
            await alice.dial(credential["sip_username"], "call-1")
            await bob.call("answer", bob.told["invite"]["callID"], sdp=SDP)
            [token] = (await at.identities.store.find(Find("tokens", at.account))).rows
            await keeper.revoke(at.account, token["id"])
            await settle()
            assert alice.told["bye"]["cause"] == "NORMAL_TEMPORARY_FAILURE"
            assert await who_rings(alice, credential["sip_username"], [former, bob]) == "b"

    run(script())


def test_a_fresh_token_on_the_same_socket_keeps_the_place_and_outlives_the_old_one() -> None:
    async def script() -> None:
        async with house() as at:
            credential = await at.credential()
            keeper = at.identities.telephony_credentials
            alice = await at.john("alice")
            bob = await at.client("b", login_token=await keeper.mint(at.account, credential["id"]))
            [old] = (await at.identities.store.find(Find("tokens", at.account))).rows
            later = await at.client("c", login=credential["sip_username"], passwd=credential["sip_password"])
            await bob.request("login", login_token=await keeper.mint(at.account, credential["id"]))
            assert await who_rings(alice, credential["sip_username"], [bob, later]) == "c"
            await keeper.revoke(at.account, old["id"])
            await settle()
            await later.leave()
            assert await who_rings(alice, credential["sip_username"], [bob]) == "b"

    run(script())


def test_an_emergency_number_is_refused_at_once_after_the_invites_result() -> None:
    """API-10."""

    async def script() -> None:
        async with house() as at:
            alice = await at.john("alice")
            for number in ("911", "112", "sip:999@sip.telnyx.com", "933", "+1911"):
                alice.saw.clear()
                with structlog.testing.capture_logs() as logs:
                    await alice.dial(number, f"call to {number}")
                assert "emergency.refused" in [each["event"] for each in logs if each["log_level"] == "error"]
                assert alice.saw == ["result", "bye"]
                bye: dict[str, Any] = alice.told["bye"]
                assert (bye["cause"], bye["causeCode"]) == ("EMERGENCY_NOT_SUPPORTED", 911)

    run(script())
