"""Category: scenarios. The limits of connections and profiles hold for what commands dial, as for what clients dial."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest
from tests.scenarios.house import House, house, settle

from offhook.engine.store import Add
from offhook.testing.clock import run
from offhook.testing.fakes import FakeBackend
from offhook.voice.command import read
from offhook.voice.commands import DIAL
from offhook.voice.commands.call.dial import Dial
from offhook.voice.leg import Party

HERE, ABROAD = "+12025550101", "+442071234567"


class Backend(FakeBackend):
    """One that dials for the house's connection, or for an application of its account."""

    def __init__(self, home: House) -> None:
        super().__init__(home.switchboard, home.connection)
        self.home = home
        self.legs: list[str] = []

    async def call(self, to: str, **body: Any) -> str:
        """What came of dialling: `ok`, or the code of the refusal."""
        given = {"to": to, "from": HERE, "connection_id": self.home.connection} | body
        party = Party("john", self.home.account, given["connection_id"], "")
        self.home.switchboard.dispatch.originate(DIAL, cast(Dial, read(DIAL.command, given)), party, self)
        await settle()
        answer = self.answers[-1]
        if isinstance(answer, str):
            return answer
        self.legs.append(answer["call_control_id"])
        return "ok"


def played(
    script: Callable[[Backend], Awaitable[None]], profile: dict[str, Any] | None = None, **settings: Any
) -> None:
    async def main() -> None:
        async with house(**settings) as home:
            if profile is not None:
                made = await home.identities.outbound_voice_profiles.create(home.account, {"name": "Cheap"} | profile)
                await home.identities.credential_connections.update(
                    home.account, home.connection, {"outbound": {"outbound_voice_profile_id": made["id"]}}
                )
            await home.identities.phone_numbers.add(home.account, HERE, {"connection_id": home.connection})
            await script(Backend(home))

    run(main())


def test_a_connections_channel_limit_counts_what_commands_dial_until_it_ends() -> None:
    async def script(s: Backend) -> None:
        await s.home.john("phone")
        assert await s.call("sip:john1234@sip.house.test") == "ok"
        assert await s.call("sip:john1234@sip.house.test") == "90043"
        s.order(s.legs[0], "hangup")
        await settle()
        assert await s.call("sip:john1234@sip.house.test") == "ok"

    played(script, outbound={"channel_limit": 1})


def test_what_a_command_dials_is_inbound_on_the_connection_that_it_rings() -> None:
    async def script(s: Backend) -> None:
        await s.home.john("phone")
        application = await s.home.identities.call_control_applications.create(
            s.home.account, {"application_name": "App", "webhook_event_url": ""}
        )
        assert await s.call("sip:john1234@sip.house.test", connection_id=application["id"]) == "ok"
        active = s.home.switchboard.active
        assert (active.inbound(s.home.connection), active.outbound(application["id"])) == (1, 1)
        assert (active.inbound(application["id"]), active.outbound(s.home.connection)) == (0, 0)
        s.order(s.legs[0], "hangup")
        await settle()
        assert (active.inbound(s.home.connection), active.outbound(application["id"])) == (0, 0)

    played(script)


def test_a_command_that_is_refused_counts_for_nothing() -> None:
    async def script(s: Backend) -> None:
        await s.home.john("phone")
        assert await s.call("sip:john1234@sip.house.test", bridge_on_answer=True) == "10004"
        assert s.home.switchboard.active.outbound(s.home.connection) == 0
        assert await s.call("sip:john1234@sip.house.test") == "ok"

    played(script, outbound={"channel_limit": 1})


@pytest.mark.parametrize(
    ("profile", "to", "code"),
    [
        ({"concurrent_call_limit": 1}, HERE, "ok"),
        ({"enabled": False}, HERE, "10010"),
        ({}, ABROAD, "10010"),
        ({"whitelisted_destinations": ["GB"]}, ABROAD, "ok"),
        ({"whitelisted_destinations": ["GB"], "max_destination_rate": 0.007}, ABROAD, "10010"),
        ({"whitelisted_destinations": ["GB"], "max_destination_rate": 0.008}, ABROAD, "ok"),
        ({"daily_spend_limit": "0", "daily_spend_limit_enabled": True}, HERE, "10010"),
        ({"daily_spend_limit": "0", "daily_spend_limit_enabled": False}, HERE, "ok"),
    ],
)
def test_a_profile_governs_commands_that_dial_numbers(profile: dict[str, Any], to: str, code: str) -> None:
    async def script(s: Backend) -> None:
        await s.home.john("phone")
        assert await s.call(to) == code

    played(script, profile, inbound={"dnis_number_format": "sip_username"})


def test_a_profiles_concurrent_calls_and_daily_spend_are_counted_over_commands_and_clients() -> None:
    async def script(s: Backend) -> None:
        phone = await s.home.john("phone")
        assert await s.call(HERE) == "ok"
        assert await s.call(HERE) == "90042"
        await phone.dial(HERE, "call")
        assert phone.saw[-1] == "bye"
        assert "concurrent_call_limit" in phone.told["bye"]["sipReason"]
        s.order(s.legs[0], "hangup")
        await settle()
        card = s.home.identities.directory.connection(s.home.connection)
        assert card is not None
        row = {
            "id": "r", "account_id": s.home.account, "created_at": 1_800_000_001.0, "record_type": "x",
            "started_at": 0.0, "finished_at": 0.0, "outbound_voice_profile_id": card.profile_id, "micros": 9_999,
            "document": "{}",
        }  # fmt: skip
        await s.home.identities.store.write(Add("detail_records", row))
        assert await s.call(HERE) == "ok"
        s.order(s.legs[1], "hangup")
        await settle()
        await s.home.identities.store.write(Add("detail_records", row | {"id": "s", "micros": 1}))
        assert await s.call(HERE) == "10010"

    profile = {"concurrent_call_limit": 1, "daily_spend_limit": "0.01", "daily_spend_limit_enabled": True}
    played(script, profile, inbound={"dnis_number_format": "sip_username"})


def test_a_transfer_meets_the_limits_and_is_answered_alike_when_it_is_repeated() -> None:
    async def script(s: Backend) -> None:
        phone = await s.home.john("phone")
        assert await s.call("sip:john1234@sip.house.test") == "ok"
        await phone.answer_last()
        order = {"to": "sip:john1234@sip.house.test", "command_id": "once"}
        s.order(s.legs[0], "transfer", **order)
        await settle()
        assert s.answers[-1] == {"result": "ok"}
        s.order(s.legs[0], "transfer", **order)
        await settle()
        assert s.answers[-1] == {"result": "ok"}
        assert s.home.switchboard.active.outbound(s.home.connection) == 2
        s.order(s.legs[0], "transfer", **(order | {"command_id": "twice"}))
        await settle()
        assert s.answers[-1] == "90043"

    played(script, outbound={"channel_limit": 2})


@pytest.mark.parametrize("then", ["nothing", "a command", "a bridge"])
def test_an_application_that_sends_no_first_command_is_hung_up(then: str) -> None:
    async def script(s: Backend) -> None:
        phone = await s.home.john("phone")
        wanted = {"application_name": "App", "webhook_event_url": "", "first_command_timeout": True}
        application = await s.home.identities.call_control_applications.create(
            s.home.account, wanted | {"first_command_timeout_secs": 10}
        )
        assert await s.call("sip:john1234@sip.house.test", connection_id=application["id"]) == "ok"
        await asyncio.sleep(2)
        await phone.answer_last()
        await asyncio.sleep(8)
        if then == "a command":
            s.order(s.legs[0], "client_state_update", client_state="aGk=")
        if then == "a bridge":
            assert await s.call("sip:john1234@sip.house.test") == "ok"
            await phone.answer_last()
            s.order(s.legs[1], "bridge", call_control_id=s.legs[0])
        await asyncio.sleep(3)
        assert (s.legs[0] in s.home.switchboard.active.ids()) == (then != "nothing")
        assert ("bye" in phone.saw) == (then == "nothing")
        if then == "nothing":
            assert phone.told["bye"]["cause"] == "RECOVERY_ON_TIMER_EXPIRE"

    played(script)


def test_an_account_without_credit_calls_nobody() -> None:
    async def script(s: Backend) -> None:
        await s.home.john("phone")
        await s.home.identities.accounts.change(s.home.account, {"credit_limit": "0"})
        assert await s.call("sip:john1234@sip.house.test") == "10010"
        await s.home.identities.accounts.change(s.home.account, {"paid_in": "0.000001"})
        assert await s.call("sip:john1234@sip.house.test") == "ok"

    played(script)
