"""Category: scenario. Whole calls with real audio in turned time: who hears which tone, and when music plays."""

import time
from asyncio import sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from offhook.media.commands import Network
from offhook.testing.clock import run
from offhook.testing.media import METER_MS, DrivenCore, TalkingPhone

from .exchange import Exchange, exchange

ALICE_HZ, BOB_HZ = 500.0, 900.0


class Call:
    """Alice and Bob on one driven core."""

    def __init__(self, at: Exchange, core: DrivenCore) -> None:
        self.at = at
        self.alice = TalkingPhone(at.switchboard, "alice", core, ALICE_HZ)
        self.bob = TalkingPhone(at.switchboard, "bob", core, BOB_HZ)

    async def set_up(self) -> None:
        self.alice.call("bob")
        await sleep(4)
        self.bob.answer_call()
        await sleep(3)

    def hang_up(self) -> None:
        self.alice.hang_up()
        self.alice.put_down()
        self.bob.put_down()


@asynccontextmanager
async def call(network: Network | None = None) -> AsyncIterator[Call]:
    core = DrivenCore(network)
    try:
        async with exchange(core=core) as at:
            core.fallback = lambda event: (core.note(event), at.switchboard.media_event(event))[0]
            yield Call(at, core)
    finally:
        core.close()


def hears(phone: TalkingPhone, hz: float) -> bool:
    return abs(phone.heard[0] - hz) < 15 and phone.heard[1] > -45


def test_ringback_before_the_answer_then_each_the_other_ones_tone() -> None:
    async def script() -> None:
        async with call() as made:
            alice, bob = made.alice, made.bob
            alice.call("bob")
            levels: list[float] = []
            for _ in range(30):
                await sleep(0.2)
                levels.append(alice.heard[1])
            # Two seconds of ringback in six, and a pause.
            assert max(levels) > -45
            assert min(levels[-5:]) < -60
            bob.answer_call()
            await sleep(3)
            assert hears(alice, BOB_HZ)
            assert hears(bob, ALICE_HZ)
            made.hang_up()
            await sleep(1)
            assert bob.saw[-1] == "bye 16 NORMAL_CLEARING"
            assert not made.at.shadow.live

    run(script())


def test_hold_silences_the_holder_plays_music_to_the_other_and_comes_back() -> None:
    async def script() -> None:
        async with call() as made:
            alice, bob = made.alice, made.bob
            await made.set_up()
            alice.hold()
            music: list[tuple[float, float]] = []
            for _ in range(20):
                await sleep(0.5)
                music.append(bob.heard)
            assert alice.heard[1] < -60
            assert sum(level > -60 for _, level in music) > 15
            assert not any(abs(hz - ALICE_HZ) < 15 for hz, _ in music)
            alice.hold("unhold")
            await sleep(2)
            assert hears(alice, BOB_HZ)
            assert hears(bob, ALICE_HZ)
            made.hang_up()
            await sleep(1)

    run(script())


@pytest.mark.parametrize("way", ["by signalling", "in the audio"])
def test_digits_reach_the_other_side_once(way: str) -> None:
    async def script() -> None:
        async with call() as made:
            await made.set_up()
            if way == "by signalling":
                made.alice.press("12#")
            else:
                made.alice.send_in_audio("12#")
            await sleep(3)
            assert made.bob.digits == "12#"
            assert made.alice.digits == ""
            made.hang_up()
            await sleep(1)

    run(script())


def test_a_far_end_that_falls_silent_is_hung_up_with_a_cause() -> None:
    async def script() -> None:
        async with call() as made:
            await made.set_up()
            made.bob.put_down()
            await sleep(90)
            assert made.alice.saw[-1] == "bye 604 MEDIA_TIMEOUT"
            assert {record.ending.cause for record in made.at.shadow.records} == {"MEDIA_TIMEOUT"}
            made.alice.put_down()
            await sleep(1)

    run(script())


def test_a_far_end_may_be_silent_on_hold_but_not_for_ever_after() -> None:
    async def script() -> None:
        async with call() as made:
            await made.set_up()
            made.alice.hold()
            made.alice.put_down()
            await sleep(200)
            assert made.bob.saw == ["invite"]
            made.alice.hold("unhold")
            await sleep(70)
            assert made.bob.saw[-1] == "bye 604 MEDIA_TIMEOUT"
            made.bob.put_down()
            await sleep(1)

    run(script())


def test_ringing_without_early_media_lasts_as_long_as_it_may_and_an_answer_without_media_half_a_minute() -> None:
    async def script() -> None:
        async with call() as made:
            alice, bob = made.alice, made.bob
            made.at.dialplan.ringback = "none"
            alice.call("bob")
            await sleep(1)
            bob.put_down()  # nothing ever comes from this end of the audio
            await sleep(60)
            assert (alice.saw, bob.saw) == (["ringing"], ["invite"])
            bob.answer_call()
            await sleep(29)
            assert (alice.saw, bob.saw) == (["ringing", "answer with sdp"], ["invite"])
            await sleep(2)
            assert bob.saw[-1] == alice.saw[-1] == "bye 604 MEDIA_TIMEOUT"
            assert not any("media down" in line for line in made.at.ladder())
            alice.put_down()
            await sleep(1)

    run(script())


def test_a_ten_minute_call_over_a_lossy_network_takes_no_time_to_wait_for() -> None:
    async def script() -> None:
        async with call(Network(loss=0.02, delay_ms=40, jitter_ms=5, seed=1)) as made:
            await made.set_up()
            for every_ms in (0, METER_MS):
                made.alice.meter(every_ms)
                made.bob.meter(every_ms)
                await sleep(590 if every_ms == 0 else 10)
            assert hears(made.alice, BOB_HZ)
            assert hears(made.bob, ALICE_HZ)
            made.hang_up()
            await sleep(1)
            assert {round(record.seconds / 10) for record in made.at.shadow.records} == {60}

    began = time.monotonic()
    run(script())
    assert time.monotonic() - began < 120
