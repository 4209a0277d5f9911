"""Category: unit. What a call plays and who hears it: sources, sinks, order, interruption, listeners that fail."""

import asyncio
import wave
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from offhook import (
    Array,
    AudioFormatError,
    CallEnded,
    Client,
    Collector,
    Ear,
    File,
    Frame,
    MediaError,
    Recorder,
    Silence,
    Source,
    Tone,
    events,
)
from offhook.client.audio import source
from offhook.client.call import Call
from offhook.client.sinks import measure
from offhook.media import commands
from offhook.media import events as media
from offhook.wire import rtc_s2c as s2c

from .loopback import SDP, LoopbackCore, LoopbackPlatform, settle


async def everything(playable: Source) -> tuple[bytes, int]:
    frames = [frame async for frame in playable.frames()]
    return b"".join(frame.pcm for frame in frames), frames[0].rate


@pytest.fixture
async def call(client: Client, platform: LoopbackPlatform, core: LoopbackCore) -> Call:
    call = await client.new_call("bob")
    platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
    await call.answered()
    core.connect()
    return call


def heard(core: LoopbackCore, frames: int, hz: float = 440.0, start_ms: int = 0) -> None:
    """The far end says a tone."""
    n = np.arange(frames * 960)
    pcm = np.round(8000 * np.sin(2 * np.pi * hz * n / 48_000)).astype("<i2").tobytes()
    for index in range(frames):
        core.tell(media.PcmHeard(1, start_ms + 20 * index, 48_000, pcm[1920 * index : 1920 * (index + 1)]))


# ---- sources -----------------------------------------------------------------------------------------------


async def test_a_tone_is_that_tone_at_that_level_for_that_long() -> None:
    pcm, rate = await everything(Tone(440, level=-20, seconds=1.5))
    assert len(pcm) == 2 * 1.5 * rate
    told = measure(pcm, rate)
    assert told.is_tone(440, within=0.002)
    assert told.level == pytest.approx(-20, abs=0.1)


async def test_silence_is_silent() -> None:
    assert measure(*await everything(Silence(0.5))).is_silence()


async def test_a_stereo_file_plays_as_one_channel(tmp_path: Path) -> None:
    path = tmp_path / "two.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(8000)
        out.writeframes(np.array([[100, 300]] * 8000, dtype="<i2").tobytes())
    pcm, rate = await everything(File(path))
    assert (len(pcm), rate) == (16_000, 8000)
    assert set(np.frombuffer(pcm, "<i2")) == {200}


async def test_what_is_no_audio_is_said(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is not audio")
    with pytest.raises(AudioFormatError):
        await everything(File(tmp_path / "text.wav"))
    with pytest.raises(AudioFormatError):
        File(tmp_path / "missing.wav")
    with pytest.raises(AudioFormatError):
        Array(np.zeros(10, dtype=np.int32), 8000)
    with pytest.raises(AudioFormatError):
        Tone(0)
    for samples in (np.zeros(10, dtype=np.int16), b"\0\0"):
        with pytest.raises(AudioFormatError, match="rate"):
            source(cast(Any, samples))


async def test_arrays_of_floats_are_clipped_to_int16() -> None:
    pcm, _ = await everything(Array(np.array([0.0, 1.0, -2.0]), 8000))
    assert list(np.frombuffer(pcm, "<i2")) == [0, 32767, -32767]


async def test_generators_of_both_kinds_are_sources() -> None:
    def plain() -> Iterator[Frame]:
        yield Frame(b"\1\0", 8000)

    async def modern() -> AsyncIterator[Frame]:
        yield Frame(b"\1\0", 8000)

    assert await everything(source(plain())) == await everything(source(modern())) == (b"\1\0", 8000)


# ---- out ---------------------------------------------------------------------------------------------------


async def test_write_position_and_flush(call: Call, core: LoopbackCore) -> None:
    call.write(bytes(2 * 24_000), 48_000)
    assert sum(len(chunk.pcm) for chunk in core.of(commands.Feed)) == 48_000
    flushing = asyncio.create_task(call.flush())
    await settle()
    assert not flushing.done()
    core.play_fed()
    await flushing
    assert call.position == 500


async def test_what_is_written_before_the_answer_is_heard_after_it(
    client: Client, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    calls = client.incoming()
    platform.call()
    call = await anext(calls)
    call.write(bytes(2 * 960), 48_000)
    call.clear()
    await call.flush()
    call.write(bytes(2 * 24_000), 48_000)
    flushing = asyncio.create_task(call.flush())
    await call.answer()
    assert not core.of(commands.Feed)
    core.connect()
    assert sum(len(chunk.pcm) for chunk in core.of(commands.Feed)) == 48_000
    core.play_fed()
    await flushing


async def test_a_minute_may_wait_for_the_answer_and_no_more(client: Client, core: LoopbackCore) -> None:
    call = await client.new_call("bob")
    call.write(bytes(2 * 8000 * 60), 8000)
    with pytest.raises(MediaError, match="not answered yet"):
        call.write(bytes(2), 8000)
    assert not core.of(commands.Feed)
    flushing = asyncio.create_task(call.flush())
    await call.hangup()
    await flushing


async def test_clear_throws_away_what_waits(call: Call, core: LoopbackCore) -> None:
    call.clear()
    assert not core.of(commands.ClearFeed)
    call.write(bytes(960), 48_000)
    call.clear()
    assert core.of(commands.ClearFeed)


@pytest.mark.parametrize(("pcm", "rate"), [(b"odd", 48_000), (b"", 0), (b"", 10**9)])
async def test_what_is_not_pcm_is_refused(pcm: bytes, rate: int, call: Call) -> None:
    with pytest.raises(AudioFormatError):
        call.write(pcm, rate)


async def test_sounds_play_one_after_the_other_and_not_far_ahead(call: Call, core: LoopbackCore) -> None:
    first = asyncio.create_task(call.play(Tone(440)))
    second = asyncio.create_task(call.play(Silence(0.1)))
    await settle()
    ahead = sum(len(chunk.pcm) / 96 for chunk in core.of(commands.Feed))
    assert 3000 <= ahead <= 4000
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    assert core.of(commands.ClearFeed)
    core.play_fed()
    await settle()
    core.play_fed()
    await second


async def test_a_sound_that_the_end_of_the_call_cuts_off_says_so(call: Call) -> None:
    playing = asyncio.create_task(call.play(Tone(440)))
    await settle()
    await call.hangup()
    with pytest.raises(CallEnded):
        await playing


async def test_the_sound_of_a_call_waits_for_answer_and_media(
    client: Client, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    call = await client.new_call("bob", audio=Tone(440, seconds=0.1))
    core.connect()
    await settle()
    assert not core.of(commands.Feed)
    platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
    await call.answered()
    await settle()
    assert core.of(commands.Feed)


async def test_sdk_04_a_source_that_fails_is_reported_and_the_call_goes_on(
    client: Client, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    def broken() -> Iterator[Frame]:
        yield Frame(bytes(1920), 48_000)
        raise OSError("the device is gone")

    errors = client.events(events.ErrorRaised)
    call = await client.new_call("bob", audio=broken())
    platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
    await call.answered()
    core.connect()
    assert isinstance((await anext(errors)).error, OSError)
    assert call.state == "active"


# ---- in ----------------------------------------------------------------------------------------------------


async def test_frames_are_iterated_until_the_end(call: Call, core: LoopbackCore) -> None:
    frames = call.audio(rate=16_000)
    assert core.of(commands.Listen) == [commands.Listen(1, 16_000)]
    heard(core, 3)
    await call.hangup()
    got = [frame async for frame in frames]
    assert [frame.at_ms for frame in got] == [0, 20, 40]
    assert got[0].numpy().dtype == np.int16
    assert got[0].ms == 20


async def test_two_listeners_share_one_rate(call: Call) -> None:
    call.audio(rate=16_000)
    with pytest.raises(MediaError):
        call.audio(rate=8000)


async def test_who_attaches_before_the_answer_is_served_after_it(
    client: Client, platform: LoopbackPlatform, core: LoopbackCore
) -> None:
    calls = client.incoming()
    platform.call()
    call = await anext(calls)
    call.attach(Collector(), rate=8000)
    assert not core.of(commands.Listen)
    await call.answer()
    assert core.of(commands.Listen) == [commands.Listen(1, 8000)]


async def test_sdk_04_a_listener_that_fails_is_detached_and_reported(
    client: Client, call: Call, core: LoopbackCore
) -> None:
    errors = client.events(events.ErrorRaised)
    collector = Collector()

    def broken(frame: Frame) -> None:
        raise ZeroDivisionError

    call.attach(broken)
    call.attach(collector)
    heard(core, 2)
    assert isinstance((await anext(errors)).error, ZeroDivisionError)
    assert len(collector.frames) == 2
    assert len(collector.numpy()) == 1920
    assert call.state == "active"


async def test_sdk_04_a_slow_reader_loses_the_oldest_and_holds_up_nobody(call: Call, core: LoopbackCore) -> None:
    frames = call.audio()
    heard(core, 600)
    assert (await anext(frames)).at_ms == 100 * 20


async def test_the_ear_names_tones_and_silence(call: Call, core: LoopbackCore) -> None:
    ear = Ear()
    call.attach(ear)
    hearing = asyncio.create_task(ear.hears_tone(697))
    await settle()
    heard(core, 20, hz=697)
    told = await hearing
    assert told.hz == pytest.approx(697, rel=0.01)
    assert told.level == pytest.approx(-12.2, abs=0.5)
    waiting = asyncio.create_task(ear.hears_silence())
    await settle()
    await call.hangup()
    with pytest.raises(EOFError):
        await waiting


async def test_a_recording_keeps_its_gaps(call: Call, core: LoopbackCore, tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    call.attach(Recorder(path))
    heard(core, 5)
    heard(core, 5, start_ms=500)
    await call.hangup()
    with wave.open(str(path)) as recording:
        assert (recording.getnchannels(), recording.getframerate()) == (1, 48_000)
        assert recording.getnframes() == 48_000 * 600 // 1000
