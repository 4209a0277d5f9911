"""Category: scenario. The telephone network in a box: every scripted number called, by a client and by a backend.

Emergency numbers are refused at both doors there are (API-10).
"""

from asyncio import sleep

import pytest

from offhook import Call, CallEnded, Ear, Tone
from offhook.client.pstn import NUMBERS
from offhook.testing.clock import run

from .town import Town, town

NUMBER = {each.name: each.number for each in NUMBERS}


async def called(at: Town, name: str, hz: float | None = None) -> tuple[Call, Ear]:
    """John's call to a number, with an ear on it."""
    call = await at.john.new_call(NUMBER[name], audio=None if hz is None else Tone(hz))
    ear = Ear()
    call.attach(ear)
    return call, ear


def test_a_call_is_answered_and_what_is_said_comes_back() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "echo", 700.0)
            await call.answered()
            await ear.hears_tone(700.0)
            await call.hangup()

    run(script())


def test_the_leg_to_a_number_is_the_callers_leg_into_the_telephone_network() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "tone")
            await call.answered()
            await ear.hears_tone(440.0)
            await call.hangup()
            await sleep(1)
            caller, callee = at.told("call.initiated")
            assert callee.about.party.connection_id == caller.about.party.connection_id == at.at.connection
            assert callee.about.party.account_id == at.at.account
            assert (caller.about.party.network, callee.about.party.network) == ("sip", "pstn")
            assert (caller.about.direction, callee.about.direction) == ("outgoing", "outgoing")
            assert callee.about.headers == ()
            bills = {record.side: record.party.carrier for record in at.shadow.records}
            assert bills == {"incoming": "webrtc", "outgoing": "sip-trunking"}

    run(script())


@pytest.mark.parametrize(
    ("name", "cause", "hangup_cause", "sip"),
    [
        ("busy", "USER_BUSY", "user_busy", "486"),
        ("reject", "CALL_REJECTED", "call_rejected", "403"),
        ("unallocated", "UNALLOCATED_NUMBER", "not_found", "404"),
    ],
)
def test_a_number_that_refuses_says_why_to_clients_and_to_webhooks(
    name: str, cause: str, hangup_cause: str, sip: str
) -> None:
    async def script() -> None:
        async with town() as at:
            call, _ = await called(at, name)
            with pytest.raises(CallEnded) as ended:
                await call.answered()
            assert ended.value.cause == cause
            at.dial(NUMBER[name])
            await sleep(4)
            hung_up = [event.fields() for event in at.told("call.hangup")]
            assert [(each["hangup_cause"], each["sip_hangup_cause"]) for each in hung_up] == [(hangup_cause, sip)] * 3

    run(script())


def test_early_media_is_heard_before_a_call_fails() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "fails")
            await call.wait_for("early")
            await ear.hears(lambda heard: heard.level > -40)
            with pytest.raises(CallEnded) as ended:
                await call.answered()
            assert (ended.value.cause, ended.value.sip_code) == ("DESTINATION_OUT_OF_ORDER", 502)
            assert {event.fields()["sip_hangup_cause"] for event in at.told("call.hangup")} == {"502"}

    run(script())


def test_nobody_answers_until_the_caller_has_waited_long_enough() -> None:
    async def script() -> None:
        async with town() as at:
            at.dial(NUMBER["no-answer"], timeout_secs=20)
            await sleep(19)
            assert not at.told("call.hangup")
            await sleep(2)
            [hung_up] = at.told("call.hangup")
            assert hung_up.fields()["hangup_cause"] == "timeout"

    run(script())


def test_a_person_speaks_after_two_seconds_of_silence() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "person")
            await call.answered()
            await ear.hears(lambda heard: heard.level > -40)
            quiet = [heard for heard in ear.heard if heard.is_silence()]
            assert 8 <= len(quiet) <= 14
            await call.hangup()

    run(script())


def test_voicemail_talks_beeps_and_listens() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "voicemail")
            await call.answered()
            await ear.hears(lambda heard: heard.level > -40 and heard.share < 0.7)
            await ear.hears_tone(1_000.0, timeout=60)
            await sleep(30)
            assert call.state == "active"
            await call.hangup()

    run(script())


def test_the_menu_takes_a_key_asks_again_and_gives_up() -> None:
    async def script() -> None:
        async with town() as at:
            chooses, ear = await called(at, "menu")
            await chooses.answered()
            await ear.hears(lambda heard: heard.level > -40)
            await chooses.send_dtmf("92")
            assert (await chooses.ended()).cause == "NORMAL_CLEARING"
            waits, _ = await called(at, "menu")
            await waits.answered()
            began = at.told("call.answered")[-1].at
            await waits.ended()
            assert 24 < at.told("call.hangup")[-1].at - began < 60

    run(script())


def test_a_number_hangs_up_in_the_middle_of_a_sentence() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "cut-off")
            await call.answered()
            await ear.hears(lambda heard: heard.level > -40)
            assert (await call.ended()).cause == "NORMAL_CLEARING"
            assert at.told("call.hangup")[0].fields()["hangup_source"] == "callee"

    run(script())


def test_a_number_that_speaks_only_pcma_is_heard_by_an_opus_caller() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "pcma")
            await call.answered()
            await ear.hears_tone(440.0)
            [there] = at.phones.calls.values()
            assert (call.stats().codec, there.stats().codec) == ("opus", "pcma")
            await call.hangup()

    run(script())


def test_a_number_takes_more_calls_than_a_phone_does() -> None:
    async def script() -> None:
        async with town() as at:
            for _ in range(70):
                at.dial(NUMBER["no-answer"])
            await sleep(1)
            assert len(at.shadow.live) == 70

    run(script())


@pytest.mark.parametrize("number", ["911", "112", "999", "933", "+1911", "sip:911@sip.house.test", "9-1-1", "911,200"])
def test_a_backend_neither_dials_nor_transfers_to_an_emergency_number(number: str) -> None:
    async def script() -> None:
        async with town() as at:
            call, _ = await called(at, "tone")
            await call.answered()
            told = len(at.shadow.told)
            at.backend.order(call.ids.call_control, "transfer", to=number)
            at.dial(number)
            at.dial([NUMBER["echo"], number])
            await sleep(1)
            assert at.backend.answers == ["90911"] * 3
            assert len(at.shadow.told) == told
            await call.hangup()

    run(script())


def test_a_call_is_transferred_to_a_number() -> None:
    async def script() -> None:
        async with town() as at:
            call, ear = await called(at, "echo")
            await call.answered()
            at.backend.order(call.ids.call_control, "transfer", to=NUMBER["tone"])
            await ear.hears_tone(440.0)
            await call.hangup()

    run(script())
