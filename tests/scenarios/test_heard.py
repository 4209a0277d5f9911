"""Category: scenario. What is said and played is heard: real audio, real speech, real decoding, in turned time."""

import io
from asyncio import sleep
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import soundfile
from tests.scenarios.exchange import Exchange, exchange

from offhook.engine.audio import ClipCache, Decoder
from offhook.engine.clips import Clips
from offhook.engine.download import Content
from offhook.engine.ports import NoAudio
from offhook.engine.speech import Speaking, speaker
from offhook.testing.clock import run
from offhook.testing.fakes import FakeBackend
from offhook.testing.media import DrivenCore, TalkingPhone

FILE_HZ, OTHER_HZ, BOB_HZ = 1300.0, 1700.0, 900.0


def tone(hz: float, seconds: float, format: str) -> bytes:
    samples = 0.4 * np.sin(2 * np.pi * hz * np.arange(int(16_000 * seconds)) / 16_000)
    file = io.BytesIO()
    soundfile.write(file, samples, 16_000, format=format)
    return file.getvalue()


FILES = {"tone.wav": tone(FILE_HZ, 2.0, "WAV"), "tone.mp3": tone(OTHER_HZ, 2.0, "MP3")}


async def download(url: str) -> Content:
    return Content(FILES[url.rpartition("/")[2]], "")


async def stored(_account: str, name: str) -> bytes:
    if name not in FILES:
        raise NoAudio("file_not_found", "there is no such file")
    return FILES[name]


class Ears:
    """Alice's call is parked and answered; Bob can be dialled. Both have a tone of their own and ears."""

    def __init__(self, at: Exchange, core: DrivenCore) -> None:
        self.at = at
        self.backend = FakeBackend(at.switchboard)
        self.alice = TalkingPhone(at.switchboard, "alice", core, 500.0)
        self.bob = TalkingPhone(at.switchboard, "bob", core, BOB_HZ)
        at.dialplan.parking = {"connection of alice"}

    async def answered(self) -> str:
        self.alice.call("anything")
        await sleep(1)
        assert self.alice.ids is not None
        leg = self.alice.ids.call_control_id
        await self.order(leg, "answer")
        await sleep(1)
        return leg

    async def bridged(self, leg: str) -> str:
        self.backend.dial("sip:bob@sip.test")
        await sleep(1)
        self.bob.answer_call()
        await sleep(1)
        dialled: Any = self.backend.answers[-1]
        await self.order(leg, "bridge", call_control_id=dialled["call_control_id"])
        await sleep(1)
        return dialled["call_control_id"]

    async def order(self, leg: str, name: str, **body: Any) -> None:
        self.backend.order(leg, name, **body)
        await sleep(0.1)
        assert self.backend.answers[-1] == {"result": "ok"}

    async def listen(self, phone: TalkingPhone, seconds: float) -> list[tuple[float, float]]:
        """Tone and level, every 200 ms."""
        heard: list[tuple[float, float]] = []
        for _ in range(round(seconds / 0.2)):
            await sleep(0.2)
            heard.append(phone.heard)
        return heard

    def hang_up(self) -> None:
        self.alice.hang_up()
        self.alice.put_down()
        self.bob.put_down()

    def told(self, kind: str) -> list[str]:
        return [event.type for event in self.at.shadow.told if event.type.startswith(kind)]


def near(heard: list[tuple[float, float]], hz: float) -> int:
    """How often a tone was heard."""
    return sum(abs(each - hz) < 20 and level > -45 for each, level in heard)


@asynccontextmanager
async def ears() -> AsyncIterator[Ears]:
    core, cache = DrivenCore(), ClipCache()
    clips = Clips(Decoder(cache), Speaking(speaker(), cache), download, stored)
    try:
        async with exchange(core=core, audio=clips) as at:
            core.fallback = lambda event: (core.note(event), at.switchboard.media_event(event))[0]
            made = Ears(at, core)
            yield made
            made.hang_up()
            await sleep(1)
    finally:
        await clips.close()
        core.close()


def test_what_is_said_is_heard_and_then_nothing() -> None:
    async def script() -> None:
        async with ears() as s:
            leg = await s.answered()
            assert max(level for _, level in await s.listen(s.alice, 1)) < -60
            await s.order(leg, "speak", payload="Hello Alice, this is your prompt.", voice="Polly.Joanna")
            heard = [level for _, level in await s.listen(s.alice, 2)]
            assert sum(level > -40 for level in heard) >= 6
            await sleep(3)
            assert max(level for _, level in await s.listen(s.alice, 1)) < -60
            assert s.told("call.speak") == ["call.speak.started", "call.speak.ended"]

    run(script())


def test_files_are_heard_one_after_the_other_without_a_hole() -> None:
    async def script() -> None:
        async with ears() as s:
            leg = await s.answered()
            await s.order(leg, "playback_start", media_name="tone.wav")
            await s.order(leg, "playback_start", audio_url="https://files.test/tone.mp3")
            heard = await s.listen(s.alice, 5)
            assert near(heard, FILE_HZ) >= 8
            assert near(heard, OTHER_HZ) >= 8
            assert max(level for _, level in heard[-2:]) < -60
            assert s.told("call.playback") == ["call.playback.started", "call.playback.ended"] * 2

    run(script())


def test_a_loop_goes_on_until_it_is_stopped() -> None:
    async def script() -> None:
        async with ears() as s:
            leg = await s.answered()
            await s.order(leg, "playback_start", media_name="tone.wav", loop="infinity")
            heard = await s.listen(s.alice, 10)
            assert near(heard[2:], FILE_HZ) == len(heard[2:])
            await s.order(leg, "playback_stop")
            await sleep(0.4)
            assert near(await s.listen(s.alice, 1), FILE_HZ) == 0

    run(script())


def test_a_bridged_leg_hears_the_file_in_place_of_the_other_or_over_it() -> None:
    async def script() -> None:
        async with ears() as s:
            leg = await s.answered()
            await s.bridged(leg)
            assert near(await s.listen(s.alice, 1), BOB_HZ) >= 4
            await s.order(leg, "playback_start", media_name="tone.wav")
            assert near((await s.listen(s.alice, 1.8))[1:-1], FILE_HZ) >= 6
            assert near(await s.listen(s.bob, 1), FILE_HZ) == 0
            assert near((await s.listen(s.alice, 1.6))[2:], BOB_HZ) >= 4
            levels = [level for _, level in await s.listen(s.alice, 1)]
            await s.order(leg, "playback_start", media_name="tone.wav", overlay=True)
            over = [level for _, level in (await s.listen(s.alice, 1.2))[2:]]
            assert min(over) > max(levels) + 1

    run(script())


def test_a_prompt_is_heard_until_a_key_is_pressed_in_the_audio() -> None:
    async def script() -> None:
        async with ears() as s:
            leg = await s.answered()
            await s.order(leg, "gather_using_audio", media_name="tone.wav", maximum_digits=2)
            assert near(await s.listen(s.alice, 1), FILE_HZ) >= 3
            s.alice.send_in_audio("42")
            await sleep(0.6)
            assert near(await s.listen(s.alice, 1), FILE_HZ) == 0
            [ended] = [event for event in s.at.shadow.told if event.type == "call.gather.ended"]
            assert (ended.fields()["status"], ended.fields()["digits"]) == ("valid", "42")

    run(script())
