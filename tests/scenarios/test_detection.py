"""Category: scenario. Person or machine: scripted numbers are dialled with detection, real audio in turned time."""

from asyncio import sleep
from typing import Any

import pytest

from offhook import Call, Silence, Tone
from offhook.client.numbers import Numbers, Voice
from offhook.client.pstn import NUMBERS
from offhook.testing.clock import run

from .town import Town, town

NUMBER = {each.name: each.number for each in NUMBERS}

MORE = Numbers()


@MORE.add("+12025550150", "silent", "answers and says nothing")
async def says_nothing(call: Call, _voice: Voice) -> None:
    await call.answer()
    await call.ended()


@MORE.add("+12025550151", "business", "answers with the name of a business, and waits")
async def a_business(call: Call, voice: Voice) -> None:
    await call.answer()
    await call.play(voice("Good morning, Doe and Sons"))
    await call.ended()


@MORE.add("+12025550152", "fax", "answers with the tone of a fax")
async def a_fax(call: Call, _voice: Voice) -> None:
    await call.answer()
    await call.play(Silence(0.5))
    await call.play(Tone(2_100.0, level=-12.0, seconds=3.0))
    await call.ended()


@MORE.add("+12025550153", "no-beep", "answers with a greeting that ends without a beep")
async def a_machine_without_a_beep(call: Call, voice: Voice) -> None:
    await call.answer()
    await call.play(voice("Nobody is at home to take your call at the moment, please try again later. Good bye."))
    await call.ended()


NUMBER |= {each.name: each.number for each in MORE}


async def detected(at: Town, name: str, mode: str, **body: Any) -> list[tuple[str, str]]:
    """What is told of a call with detection: the kind of event without its common beginning, and the result."""
    at.dial(NUMBER[name], answering_machine_detection=mode, **body)
    await sleep(9 if mode == "detect" else 38)
    told = at.told("call.machine")
    assert all(event.about.party.network == "pstn" for event in told)
    return [(event.type.removeprefix("call.machine."), event.fields().get("result", "")) for event in told]


CASES = [
    ("person", "detect", [("detection.ended", "human")]),
    ("person", "greeting_end", [("detection.ended", "human")]),
    ("person", "premium", [("premium.detection.started", ""), ("premium.detection.ended", "human_residence")]),
    ("business", "premium", [("premium.detection.started", ""), ("premium.detection.ended", "human_business")]),
    ("business", "detect_words", [("detection.ended", "human")]),
    ("voicemail", "detect", [("detection.ended", "machine")]),
    ("voicemail", "detect_beep", [("detection.ended", "machine"), ("greeting.ended", "beep_detected")]),
    ("voicemail", "detect_words", [("detection.ended", "machine"), ("greeting.ended", "beep_detected")]),
    ("voicemail", "greeting_end", [("detection.ended", "machine"), ("greeting.ended", "beep_detected")]),
    (
        "voicemail",
        "premium",
        [
            ("premium.detection.started", ""),
            ("premium.detection.ended", "machine"),
            ("premium.greeting.ended", "beep_detected"),
        ],
    ),
    ("no-beep", "detect_beep", [("detection.ended", "machine")]),
    ("no-beep", "greeting_end", [("detection.ended", "machine"), ("greeting.ended", "ended")]),
    (
        "no-beep",
        "premium",
        [
            ("premium.detection.started", ""),
            ("premium.detection.ended", "machine"),
            ("premium.greeting.ended", "no_beep_detected"),
        ],
    ),
    ("silent", "detect", [("detection.ended", "machine")]),
    (
        "silent",
        "premium",
        [
            ("premium.detection.started", ""),
            ("premium.detection.ended", "silence"),
            ("premium.greeting.ended", "no_beep_detected"),
        ],
    ),
    ("fax", "premium", [("premium.detection.started", ""), ("premium.detection.ended", "fax_detected")]),
    ("tone", "premium", [("premium.detection.started", ""), ("premium.greeting.ended", "beep_detected")]),
    ("busy", "premium", []),
]


@pytest.mark.parametrize(("name", "mode", "told"), CASES)
def test_who_answers_is_told(name: str, mode: str, told: list[tuple[str, str]]) -> None:
    async def script() -> None:
        async with town(Numbers(NUMBERS, MORE)) as at:
            assert await detected(at, name, mode) == told

    run(script())


def test_what_is_to_be_a_machine_is_for_the_customer_to_say() -> None:
    async def script() -> None:
        async with town() as at:
            config = {"initial_silence_millis": 1_000, "greeting_silence_duration_millis": 500}
            told = await detected(at, "person", "greeting_end", answering_machine_detection_config=config)
            assert told == [("detection.ended", "machine"), ("greeting.ended", "ended")]

    run(script())


def test_a_detection_is_charged_once_and_follows_a_leg_that_is_bridged() -> None:
    async def script() -> None:
        async with town() as at:
            caller = await at.john.new_call(NUMBER["echo"], audio=Tone(700.0))
            await caller.answered()
            transfer = {"to": NUMBER["voicemail"], "answering_machine_detection": "greeting_end"}
            at.backend.order(caller.ids.call_control, "transfer", **transfer)
            await sleep(30)
            assert [event.fields()["result"] for event in at.told("call.machine")] == ["machine", "beep_detected"]
            await caller.hangup()
            await sleep(1)
            usages = [[usage.add_on for usage in record.usages] for record in at.shadow.records]
            assert sorted(usages) == [[], [], ["amd"]]

    run(script())


def test_a_leg_that_ends_in_the_middle_is_not_judged() -> None:
    async def script() -> None:
        async with town() as at:
            at.dial(NUMBER["person"], answering_machine_detection="premium")
            await sleep(2)
            [answered] = at.told("call.answered")
            at.backend.order(answered.about.ids.call_control_id, "hangup")
            await sleep(10)
            assert [event.type for event in at.told("call.machine", "call.hangup")] == [
                "call.machine.premium.detection.started",
                "call.hangup",
            ]

    run(script())
