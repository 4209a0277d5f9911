"""Category: scenarios. Digits that a backend asks of a leg's far end, with and without a prompt, in turned time."""

from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.scenarios.exchange import exchange
from tests.scenarios.scene import OK
from tests.scenarios.test_playing import Room

from offhook.testing.clock import run

SPOKEN = {"payload": "Press a key.", "voice": "female"}


class Desk(Room):
    """The same scene, with a keypad."""

    async def gather(self, **body: Any) -> Any:
        return await self.order(self.leg_id, "gather", **body)

    async def ask(self, **body: Any) -> Any:
        return await self.order(self.leg_id, "gather_using_speak", **SPOKEN, **body)

    async def press(self, digits: str) -> None:
        self.alice.press(digits)
        await sleep(0.1)

    @property
    def outcomes(self) -> list[tuple[str, str]]:
        """How gatherings ended: status and digits."""
        found = [event.fields() for event in self.at.shadow.told if event.type == "call.gather.ended"]
        return [(each["status"], each["digits"]) for each in found]


def play(script: Callable[[Desk], Awaitable[None]]) -> None:
    async def played() -> None:
        async with exchange() as at:
            desk = Desk(at)
            desk.leg_id = await desk.answered()
            await sleep(0.1)
            await script(desk)

    run(played())


@pytest.mark.parametrize(
    ("wanted", "pressed", "outcome"),
    [
        ({}, "12#", ("valid", "12")),
        ({"maximum_digits": 3}, "1234", ("valid", "123")),
        ({"minimum_digits": 3}, "12#", ("invalid", "12")),
        ({"terminating_digit": "*"}, "1#*", ("valid", "1#")),
        ({"terminating_digit": "", "maximum_digits": 2}, "##", ("valid", "##")),
        ({"valid_digits": "12", "maximum_digits": 2}, "13", ("invalid", "13")),
        ({}, "#", ("invalid", "")),
    ],
)
def test_digits_come_to_what_was_asked_for(wanted: dict[str, Any], pressed: str, outcome: tuple[str, str]) -> None:
    async def script(s: Desk) -> None:
        assert await s.gather(**wanted) == OK
        await s.press(pressed)
        assert s.outcomes == [outcome]
        assert s.events.count("alice call.dtmf.received") == len(pressed)
        assert s.events.index("alice call.dtmf.received") < s.events.index("alice call.gather.ended")

    play(script)


def test_a_gathering_has_the_name_that_it_was_given_or_one_of_its_own() -> None:
    async def script(s: Desk) -> None:
        await s.gather(gather_id="mine")
        await s.gather()
        await s.press("1#")
        first, second = (e.fields()["gather_id"] for e in s.at.shadow.told if e.type == "call.gather.ended")
        assert first == "mine"
        assert len(second) == 10

    play(script)


@pytest.mark.parametrize(
    ("wanted", "pressed", "seconds", "outcome"),
    [
        ({}, "", 5, ("timeout", "")),
        ({"initial_timeout_millis": 20000}, "", 20, ("timeout", "")),
        ({}, "12", 5, ("valid", "12")),
        ({"inter_digit_timeout_millis": 1500, "minimum_digits": 4}, "12", 1.5, ("invalid", "12")),
        ({"timeout_millis": 3000}, "1", 2.9, ("valid", "1")),
        ({"timeout_millis": 3000, "minimum_digits": 2}, "1", 2.9, ("timeout", "1")),
    ],
)
def test_time_ends_a_gathering(wanted: dict[str, Any], pressed: str, seconds: float, outcome: tuple[str, str]) -> None:
    async def script(s: Desk) -> None:
        await s.gather(**wanted)
        if pressed:
            await s.press(pressed)
        await sleep(seconds - 0.25)
        assert s.outcomes == []
        await sleep(0.3)
        assert s.outcomes == [outcome]

    play(script)


def test_each_digit_gives_new_time_for_the_next() -> None:
    async def script(s: Desk) -> None:
        await s.gather()
        for digit in "12345":
            await s.press(digit)
            await sleep(4)
        assert s.outcomes == []
        await sleep(2)
        assert s.outcomes == [("valid", "12345")]

    play(script)


def test_a_prompt_is_played_then_waited_for_and_a_key_ends_it() -> None:
    async def script(s: Desk) -> None:
        assert await s.ask(maximum_digits=2, timeout_millis=3000) == OK
        assert s.heard(s.alice) == ["Press a key."]
        await sleep(60)
        assert s.outcomes == []
        await s.press("4")
        assert s.heard(s.alice) == []
        await s.press("2")
        assert s.outcomes == [("valid", "42")]
        assert not [each for each in s.events if "speak" in each]

    play(script)


def test_a_prompt_is_repeated_until_the_tries_are_used_up() -> None:
    async def script(s: Desk) -> None:
        await s.ask(maximum_tries=2, timeout_millis=3000)
        for _ in range(2):
            assert s.heard(s.alice) == ["Press a key."]
            await s.finish(s.alice)
            await sleep(3)
        assert s.heard(s.alice) == []
        assert s.outcomes == [("timeout", "")]

    play(script)


def test_wrong_digits_get_an_excuse_and_another_try() -> None:
    async def script(s: Desk) -> None:
        await s.ask(valid_digits="12", maximum_digits=1, invalid_payload="Not that one.")
        await s.press("9")
        assert s.heard(s.alice) == ["Not that one."]
        await s.finish(s.alice)
        assert s.heard(s.alice) == ["Press a key."]
        await s.press("9")
        await s.press("9")
        assert s.outcomes == [("invalid", "9")]
        await s.ask(valid_digits="12", maximum_digits=1)
        await s.press("9")
        await s.press("2")
        assert s.outcomes[-1] == ("valid", "2")

    play(script)


def test_a_prompt_from_a_file_is_told_of_like_any_file_and_one_that_is_missing_is_waited_for_all_the_same() -> None:
    async def script(s: Desk) -> None:
        s.at.audio.missing = {"gone"}
        await s.order(s.leg_id, "gather_using_audio", media_name="menu", maximum_digits=1)
        await s.press("1")
        await s.order(s.leg_id, "gather_using_audio", media_name="gone", maximum_digits=1, timeout_millis=2000)
        await s.press("2")
        assert s.told("call.playback") == [
            ("alice started", "menu"),
            ("alice ended", ("menu", "cancelled")),
            ("alice ended", ("gone", "file_not_found")),
        ]
        assert s.outcomes == [("valid", "1"), ("valid", "2")]

    play(script)


def test_a_stop_a_new_gathering_and_a_hang_up_end_one() -> None:
    async def script(s: Desk) -> None:
        assert await s.order(s.leg_id, "gather_stop") == "10027"
        await s.ask()
        await s.press("1")
        assert await s.order(s.leg_id, "gather_stop") == OK
        await s.ask()
        await s.gather()
        assert s.heard(s.alice) == []
        await s.press("7")
        s.alice.hang_up()
        await sleep(0.1)
        assert s.outcomes == [("cancelled", "1"), ("cancelled", ""), ("call_hangup", "7")]
        assert s.events[-2:] == ["alice call.gather.ended", "alice call.hangup"]

    play(script)


def test_a_gathering_goes_on_when_its_leg_moves_to_another_owner() -> None:
    async def script(s: Desk) -> None:
        await s.gather(maximum_digits=2, initial_timeout_millis=30_000)
        await s.press("1")
        other = await s.dial(s.bob)
        await s.order(other, "bridge", call_control_id=s.leg_id)
        await s.press("2")
        assert s.outcomes == [("valid", "12")]
        await s.order(s.leg_id, "gather", initial_timeout_millis=30_000)
        await sleep(31)
        assert s.outcomes[-1] == ("timeout", "")

    play(script)


def test_digits_are_in_no_log_line() -> None:
    async def script(s: Desk) -> None:
        await s.gather()
        await s.press("4711#")
        lines = [line for session in s.at.ladders.sessions() for line in s.at.ladders.ladder(session) or ()]
        assert "alice gathered valid 4711" in [line.full() for line in lines]
        assert "4711" not in "".join(line.masked() for line in lines)

    play(script)
