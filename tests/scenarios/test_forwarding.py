"""Category: scenario. Numbers that send calls on: always, or where their client does not take them, with real audio."""

from asyncio import create_task, sleep
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from offhook import Call, CallEnded, Client, Ear
from offhook.client.pstn import NUMBERS
from offhook.testing.clock import run
from offhook.testing.fakes import FakeBackend

from .town import Town, town

TONE = {each.name: each.number for each in NUMBERS}["tone"]
DESK, OTHER = "+13125550150", "+13125550151"
PASSWORD = "jane-horse-battery"


class Office:
    """jane's connection has the number DESK, which sends calls on."""

    def __init__(self, at: Town, connection: str) -> None:
        self.at = at
        self.connection = connection

    async def jane(self) -> Client:
        """jane's phone, registered."""
        url = self.at.at.url.replace("http", "ws", 1)
        client = Client(url, login="jane5678", password=PASSWORD, core=self.at.at.core)
        await client.__aenter__()
        await client.ready()
        return client

    async def heard(self, call: Call) -> None:
        """The call has come to the telephone network, whose tone is heard."""
        ear = Ear()
        call.attach(ear)
        await call.answered()
        await ear.hears_tone(440.0)

    async def dialled_leg(self) -> Any:
        """The record of the leg that was dialled, once the call is over."""
        await sleep(1)
        [record] = [each for each in self.at.shadow.records if each.side == "outgoing"]
        return record


async def number(at: Town, number: str, connection: str, to: str, when: str | None) -> None:
    identities, account = at.at.identities, at.at.account
    made = await identities.phone_numbers.add(account, number, {"connection_id": connection})
    forwarding = {"forwards_to": to, "forwarding_type": when}
    await identities.number_voice.update(account, made["id"], {"call_forwarding": forwarding})


@asynccontextmanager
async def office(when: str | None, to: str = TONE) -> AsyncGenerator[Office]:
    async with town() as at:
        connection = await at.at.identities.credential_connections.create(
            at.at.account,
            {
                "connection_name": "Jane",
                "user_name": "jane5678",
                "password": PASSWORD,
                "inbound": {"dnis_number_format": "sip_username", "timeout_2xx_secs": 20},
                "sip_uri_calling_preference": "internal",
            },
        )
        await number(at, DESK, connection["id"], to, when)
        yield Office(at, connection["id"])


@pytest.mark.parametrize("when", ["always", None])
def test_a_number_sends_every_call_on_and_its_owner_pays_for_the_way_out(when: str | None) -> None:
    async def script() -> None:
        async with office(when) as it:
            jane = await it.jane()
            call = await it.at.john.new_call(DESK)
            await it.heard(call)
            await call.hangup()
            record = await it.dialled_leg()
            assert (record.party.connection_id, record.party.account_id) == (it.connection, it.at.at.account)
            assert (record.party.network, record.party.carrier, record.party.number) == ("pstn", "sip-trunking", TONE)
            assert record.destination == TONE
            told = [event for event in it.at.told("call.initiated") if event.about.party.connection_id == it.connection]
            [event] = told
            assert {
                "name": "Diversion",
                "value": f"<sip:{DESK}@sip.telnyx.com>;reason=unconditional",
            } in event.fields()["custom_headers"]
            await jane.__aexit__(None, None, None)

    run(script())


def test_a_call_that_nobody_is_registered_for_goes_on() -> None:
    async def script() -> None:
        async with office("on-failure") as it:
            call = await it.at.john.new_call(DESK)
            await it.heard(call)
            await call.hangup()
            assert (await it.dialled_leg()).party.number == TONE

    run(script())


def test_a_call_that_the_client_refuses_goes_on_and_the_client_is_not_rung_again() -> None:
    async def script() -> None:
        async with office("on-failure") as it:
            jane = await it.jane()
            ringing = jane.incoming()
            call = await it.at.john.new_call(DESK)
            incoming = await anext(ringing)
            await incoming.reject("USER_BUSY")
            await it.heard(call)
            assert (await incoming.ended()).cause == "USER_BUSY"
            await call.hangup()
            record = await it.dialled_leg()
            assert (record.party.number, record.party.connection_id, record.destination) == (TONE, it.connection, TONE)
            assert len(it.at.shadow.records) == 2
            await jane.__aexit__(None, None, None)

    run(script())


def test_a_call_that_the_client_does_not_answer_goes_on() -> None:
    async def script() -> None:
        async with office("on-failure") as it:
            jane = await it.jane()
            ringing = jane.incoming()
            call = await it.at.john.new_call(DESK)
            incoming = await anext(ringing)
            await it.heard(call)
            assert (await incoming.ended()).cause == "ORIGINATOR_CANCEL"
            await call.hangup()
            assert (await it.dialled_leg()).party.number == TONE
            await jane.__aexit__(None, None, None)

    run(script())


def test_a_caller_who_gives_up_is_sent_nowhere() -> None:
    async def script() -> None:
        async with office("on-failure") as it:
            jane = await it.jane()
            ringing = jane.incoming()
            call = await it.at.john.new_call(DESK)
            incoming = await anext(ringing)
            await call.hangup()
            assert (await incoming.ended()).cause == "ORIGINATOR_CANCEL"
            record = await it.dialled_leg()
            assert (record.party.username, record.destination) == ("jane5678", DESK)
            await jane.__aexit__(None, None, None)

    run(script())


def test_a_call_that_is_answered_is_not_sent_on_when_it_ends() -> None:
    async def script() -> None:
        async with office("on-failure") as it:
            jane = await it.jane()
            ringing = jane.incoming()
            call = await it.at.john.new_call(DESK)
            incoming = await anext(ringing)
            await incoming.answer()
            await call.answered()
            await incoming.hangup()
            assert (await call.ended()).cause == "NORMAL_CLEARING"
            assert (await it.dialled_leg()).party.username == "jane5678"
            await jane.__aexit__(None, None, None)

    run(script())


def test_a_leg_that_a_command_dials_goes_on_as_well_while_its_time_lasts() -> None:
    async def script() -> None:
        async with office("on-failure") as it:
            jane = await it.jane()
            ringing = jane.incoming()
            backend = FakeBackend(it.at.at.switchboard, it.at.at.connection, it.at.at.account)
            backend.dial(DESK, timeout_secs=60)
            incoming = await anext(ringing)
            await incoming.reject("USER_BUSY")
            await sleep(4)
            [answered] = it.at.told("call.answered")
            assert answered.about.party.network == "pstn"
            backend.dial(DESK, timeout_secs=10)
            await anext(ringing)
            await sleep(15)
            assert it.at.told("call.hangup")[-1].fields()["hangup_cause"] == "timeout"
            assert len(it.at.told("call.answered")) == 1
            await jane.__aexit__(None, None, None)

    run(script())


def test_nobody_pays_for_where_another_accounts_command_is_sent() -> None:
    async def script() -> None:
        async with office("on-failure") as it:
            it.at.dial(DESK)
            await sleep(1)
            [hung_up] = it.at.told("call.hangup")
            assert (hung_up.fields()["hangup_cause"], hung_up.about.party.network) == ("not_found", "sip")
            assert not it.at.told("call.answered")

    run(script())


def test_numbers_that_send_calls_to_each_other_end_the_call() -> None:
    async def script() -> None:
        async with office("always", to=OTHER) as it:
            await number(it.at, OTHER, it.connection, DESK, "always")
            call = await it.at.john.new_call(DESK)
            with pytest.raises(CallEnded) as ended:
                await call.answered()
            assert ended.value.cause == "UNALLOCATED_NUMBER"

    run(script())


def test_the_second_number_a_call_is_sent_to_may_send_it_on_after_the_first_client_refused() -> None:
    async def script() -> None:
        async with office("on-failure", to=OTHER) as it:
            await number(it.at, OTHER, it.connection, TONE, "always")
            jane = await it.jane()
            ringing = jane.incoming()
            dialling = create_task(it.at.john.new_call(DESK))
            await (await anext(ringing)).reject("USER_BUSY")
            call = await dialling
            await it.heard(call)
            await call.hangup()
            assert (await it.dialled_leg()).party.number == TONE
            await jane.__aexit__(None, None, None)

    run(script())
