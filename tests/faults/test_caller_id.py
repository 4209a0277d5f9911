"""Category: fault. Nobody shows a number outside that is not his (SIP-12), whichever door he comes by: SIP, the
websocket, REST, TeXML; and what he may show goes out as ASCII in +E.164.
"""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.document_app import serving
from tests.edge.sip_phone import SipPhone
from tests.edge.test_sip_trunks import JOHN, OFFER, OUTSIDE, SEEDED, Gateway, Owner

from offhook import CallEnded, Client
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import DEV_APPLICATION
from offhook.wire.sip_admission import respond
from offhook.wire.sip_identity import user_of
from offhook.wire.sip_message import Request

OWN = SEEDED.numbers[0].number
WIDE = "\uff0b" + "".join(chr(0xFF10 + int(digit)) for digit in OWN[1:])
NOT_HIS = ["+12025550777", "+1 (900) 555-0100", "911", ""]
HIS = [OWN, WIDE, "(202) 555-0101"]


class Scene:
    """A platform with a carrier, whose every message the test sees, and `john`, who may call outside."""

    def __init__(self, platform: Platform, owner: Owner, gateway: Gateway) -> None:
        self.platform, self.owner, self.gateway = platform, owner, gateway
        self.connection = ""

    async def furnish(self) -> None:
        await self.owner.carrier(self.gateway)
        profile = await self.owner.ask("POST", "/outbound_voice_profiles", {"name": "Outside"})
        outbound = {"outbound_voice_profile_id": profile["id"]}
        found = await self.owner.ask("GET", "/credential_connections?filter[connection_name][contains]=john")
        self.connection = found[0]["id"]
        as_himself = {"outbound": outbound | {"ani_override": ""}}
        await self.owner.ask("PATCH", f"/credential_connections/{self.connection}", as_himself)
        await self.owner.ask("PATCH", f"/call_control_applications/{DEV_APPLICATION}", {"outbound": outbound})

    async def rung(self) -> Request:
        """The next call that comes to the carrier, which refuses it."""
        invite = await self.gateway.request("INVITE")
        self.gateway.send(respond(invite, 486, "busy"))
        return invite

    def nobody_rang(self) -> bool:
        """Whether the carrier has heard of no call."""
        return not any(isinstance(each, Request) and each.method == "INVITE" for each in self._unread())

    def _unread(self) -> list[Any]:
        return [self.gateway.unread.get_nowait() for _ in range(self.gateway.unread.qsize())]


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    platform = await start_dev()
    owner, gateway = Owner(platform), await Gateway("127.0.0.9").open(platform)
    made = Scene(platform, owner, gateway)
    await made.furnish()
    yield made
    gateway.close()
    await owner.close()
    await platform.stop()


def shows_own(invite: Request) -> bool:
    identity = invite.first("P-Asserted-Identity") or ""
    return user_of(invite.from_.uri) == OWN and f"<sip:{OWN}@" in identity


async def test_by_sip(scene: Scene) -> None:
    async with SipPhone(scene.platform, JOHN.login, JOHN.password, "UDP") as john:
        for claimed in NOT_HIS:
            refused = await john.invite(OUTSIDE, OFFER.encode(), _asserting(claimed))
            response = await john.response(refused.invite, 400)
            assert (response.status, "D35" in (response.first("Reason") or "")) == (403, True), claimed
        assert scene.nobody_rang()
        for claimed in (OWN, "(202)%20555-0101", "2025550101"):
            await john.invite(OUTSIDE, OFFER.encode(), _asserting(claimed))
            assert shows_own(await scene.rung()), claimed


def _asserting(claimed: str) -> tuple[tuple[str, str], ...]:
    user = claimed.replace(" ", "%20")
    return (("P-Asserted-Identity", f"<sip:{user}@sip.example.test>"),) if claimed else ()


async def test_by_the_websocket(scene: Scene) -> None:
    async with Client(scene.platform.env["OFFHOOK_WS_URL"], login=JOHN.login, password=JOHN.password) as john:
        await john.ready()
        for claimed in NOT_HIS:
            call = await john.new_call(OUTSIDE, caller_number=claimed)
            with pytest.raises(CallEnded) as ended:
                await call.answered()
            assert (ended.value.cause, ended.value.sip_code) == ("CALL_REJECTED", 403), claimed
        assert scene.nobody_rang()
        for claimed in HIS:
            call = await john.new_call(OUTSIDE, caller_number=claimed)
            assert shows_own(await scene.rung()), claimed
            await call.ended()


async def test_by_rest(scene: Scene) -> None:
    dial = {"connection_id": DEV_APPLICATION, "to": OUTSIDE}
    for claimed in NOT_HIS[:-1]:
        status, [error] = await _refused(scene, "/calls", {**dial, "from": claimed})
        assert (status, error["code"], error["source"]) == (403, "10010", {"pointer": "/from"}), claimed
        assert error["detail"].endswith("D35")
    status, [error] = await _refused(scene, "/calls", {**dial, "from": ""})
    assert (status, error["source"]) == (422, {"pointer": "/from"})
    assert scene.nobody_rang()
    for claimed in HIS:
        await scene.owner.ask("POST", "/calls", {**dial, "from": claimed})
        assert shows_own(await scene.rung()), claimed


async def test_a_connection_without_profile_calls_nobody_outside(scene: Scene) -> None:
    outbound = {"outbound": {"outbound_voice_profile_id": None}}
    await scene.owner.ask("PATCH", f"/call_control_applications/{DEV_APPLICATION}", outbound)
    dial = {"connection_id": DEV_APPLICATION, "to": OUTSIDE, "from": OWN}
    status, [error] = await _refused(scene, "/calls", dial)
    assert (status, error["code"], error["source"]) == (403, "10010", {"pointer": "/connection_id"})
    assert error["detail"].endswith("D38")
    assert scene.nobody_rang()


async def _refused(scene: Scene, path: str, body: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    async with scene.owner.http.post(scene.platform.env["TELNYX_BASE_URL"] + path, json=body) as response:
        return response.status, (await response.json())["errors"]


async def test_by_documents(scene: Scene) -> None:
    pages = {
        "voice": f'<Dial callerId="{NOT_HIS[0]}" action="first"><Number>{OUTSIDE}</Number></Dial>',
        "first": f'<Dial callerId="911" action="second"><Number>{OUTSIDE}</Number></Dial>',
        "second": f'<Dial callerId="{WIDE}" action="third"><Number>{OUTSIDE}</Number></Dial>',
        "third": "<Hangup/>",
    }
    async with serving(scene.platform.env["TELNYX_PUBLIC_KEY"], pages) as app:
        parks = {
            "webhook_api_version": "texml",
            "webhook_event_url": app.url,
            "outbound": {"call_parking_enabled": True},
        }
        await scene.owner.ask("PATCH", f"/credential_connections/{scene.connection}", parks)
        async with Client(scene.platform.env["OFFHOOK_WS_URL"], login=JOHN.login, password=JOHN.password) as john:
            await john.ready()
            call = await john.new_call("anybody", caller_number="+12025550777")
            await app.told("/second")
            assert shows_own(await scene.rung())  # and nobody before
            await app.told("/third")
            await call.ended()
            assert scene.nobody_rang()


async def test_whom_the_network_brings_may_be_passed_on_while_the_call_lives(scene: Scene) -> None:
    """The caller of a carrier's call is no number of the account; the network itself has named it."""
    pages = {"voice": f"<Dial><Number>{OUTSIDE}</Number></Dial>"}
    async with serving(scene.platform.env["TELNYX_PUBLIC_KEY"], pages) as app:
        profile = (await scene.owner.ask("GET", "/outbound_voice_profiles"))[0]["id"]
        made = await scene.owner.ask(
            "POST",
            "/texml_applications",
            {"friendly_name": "Menu", "voice_url": app.url, "outbound": {"outbound_voice_profile_id": profile}},
        )
        await scene.owner.ask(
            "POST", "/_offhook/numbers", {"phone_number": "+12025550181", "connection_id": made["id"]}
        )
        scene.gateway.dial("+12025550181", "in")
        invite = await scene.rung()
        assert user_of(invite.from_.uri) == "+442079460000"
