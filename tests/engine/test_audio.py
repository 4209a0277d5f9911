"""Category: engine. Customers' audio files in their bounded process: what is valid is heard, the rest fails alone.

Case TXM-05.
"""

import asyncio
import contextlib
import io
import struct
from typing import Any

import numpy as np
import pytest
import soundfile

from offhook.engine import audio_worker
from offhook.engine.audio import ClipCache, Decoder
from offhook.engine.ports import NoAudio
from offhook.engine.worker import Crew, WorkerFailed
from offhook.testing.clock import run
from offhook.voice.sound import Clip

HZ = 700.0


def tone(rate: int, seconds: float, *, channels: int = 1, format: str = "WAV", subtype: str | None = None) -> bytes:
    samples = 0.5 * np.sin(2 * np.pi * HZ * np.arange(int(rate * seconds)) / rate)
    file = io.BytesIO()
    soundfile.write(file, np.stack([samples] * channels, axis=1), rate, format=format, subtype=subtype)
    return file.getvalue()


def frequency(clip: Clip) -> float:
    samples = np.frombuffer(clip.pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples))
    return float(np.argmax(spectrum) * clip.rate / len(samples))


def wav(channels: int, rate: int, bits: int, data: bytes, claimed: int | None = None) -> bytes:
    """A WAV whose header may lie."""
    length = len(data) if claimed is None else claimed
    block = channels * bits // 8
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, channels, rate, (rate * block) & 0xFFFFFFFF, block & 0xFFFF, bits)
    return b"RIFF" + struct.pack("<I", 0xFFFFFFFF) + b"WAVE" + form + b"data" + struct.pack("<I", length) + data


@pytest.fixture
async def decoder() -> Any:
    decoder = Decoder(ClipCache())
    yield decoder
    await decoder.close()


@pytest.mark.parametrize(
    ("format", "subtype", "rate", "expected"),
    [
        ("WAV", "PCM_16", 8_000, 8_000),
        ("WAV", "ULAW", 8_000, 8_000),
        ("WAV", "PCM_24", 96_000, 24_000),
        ("WAV", "FLOAT", 44_100, 24_000),
        ("FLAC", None, 48_000, 24_000),
        ("OGG", "VORBIS", 22_050, 22_050),
        ("MP3", None, 16_000, 16_000),
    ],
)
async def test_a_file_is_mono_at_a_rate_the_core_takes(
    decoder: Decoder, format: str, subtype: str | None, rate: int, expected: int
) -> None:
    clip = await decoder.decode(tone(rate, 2.0, channels=2, format=format, subtype=subtype))
    assert clip.rate == expected
    assert abs(len(clip.pcm) / 2 / clip.rate - 2.0) < 0.1
    assert abs(frequency(clip) - HZ) < 5
    assert 14_000 < np.abs(np.frombuffer(clip.pcm, "<i2")).max() < 19_000


HALF = b"\x00\x40" * 8000


@pytest.mark.parametrize(
    ("content", "seconds"),
    [
        (wav(1, 8000, 16, HALF, claimed=0xFFFFFFFF), 1.0),
        (wav(1, 8000, 16, HALF, claimed=0x7FFFFFF0), 1.0),
        (tone(8000, 2.0)[:-16_000], 1.0),
        (tone(16_000, 3.0, format="MP3")[:6000], 0.5),
    ],
    ids=["data size of 4 GiB", "data size of 2 GiB", "cut WAV", "cut MP3"],
)
async def test_a_length_that_lies_is_not_believed(decoder: Decoder, content: bytes, seconds: float) -> None:
    clip = await decoder.decode(content)
    assert len(clip.pcm) / 2 / clip.rate >= seconds * 0.9
    assert len(clip.pcm) / 2 / clip.rate <= 3.0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not audio at all",
        b"\xff\xfb" * 5000,
        b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + b"\x00" * 1000,
        wav(65535, 192_000, 24, b"\x00" * 6000),
        wav(0, 8000, 16, HALF),
        wav(1, 0, 16, HALF),
        wav(9, 8000, 16, HALF),
        wav(1, 8000, 16, b""),
        b"RIFF\xff\xff\xff\xffWAVE",
        b"OggS" + b"\xff" * 500,
        b"fLaC" + b"\xff" * 500,
    ],
)
async def test_what_cannot_be_played_fails_and_the_next_file_plays(decoder: Decoder, content: bytes) -> None:
    with pytest.raises(NoAudio) as failed:
        await decoder.decode(content)
    assert failed.value.failure == "failed"
    assert (await decoder.decode(tone(8000, 0.1))).rate == 8000


def ogg_of_long_ago() -> bytes:
    """Its last page says that 2^31 samples came before it."""
    made = bytearray(tone(8000, 1.0, format="OGG", subtype="VORBIS"))
    at = made.rindex(b"OggS")
    made[at + 6 : at + 14] = struct.pack("<q", 1 << 31)
    return bytes(made)


@pytest.mark.parametrize(
    "content",
    [
        ogg_of_long_ago(),
        b"PK\x03\x04" + bytes(26) + wav(1, 8000, 16, HALF),
        tone(16_000, 1.0, format="MP3").replace(b"Xing", b"Xing\x00\x00\x00\x0f\x7f\xff\xff\xff", 1),
        tone(16_000, 1.0, format="MP3")[:400] + b"\xff\xfb\xff\xff" * 200 + tone(16_000, 1.0, format="MP3"),
    ],
    ids=["granule of 2^31", "a zip before a WAV", "lying Xing", "bad frames"],
)
async def test_what_lies_about_itself_is_heard_as_far_as_it_goes_or_fails(decoder: Decoder, content: bytes) -> None:
    with contextlib.suppress(NoAudio):
        clip = await decoder.decode(content)
        assert len(clip.pcm) / 2 / clip.rate <= 3.0
    assert (await decoder.decode(tone(8000, 0.1))).rate == 8000


async def test_an_hour_in_a_few_bytes_is_refused_before_it_is_all_there(decoder: Decoder) -> None:
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(8000 * 3600, dtype=np.int16), 8000, format="FLAC")
    assert len(silence.getvalue()) < 200_000
    with pytest.raises(NoAudio, match="longer than 15 minutes"):
        await decoder.decode(silence.getvalue())


async def test_a_file_of_many_megabytes_never_reaches_the_worker(decoder: Decoder) -> None:
    with pytest.raises(NoAudio, match="larger than"):
        await decoder.decode(bytes(21 << 20))


@pytest.mark.parametrize(("module", "why"), [("hang", "too long"), ("crash", "died"), ("babble", "too long")])
async def test_a_worker_that_hangs_dies_or_babbles_is_replaced(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch, module: str, why: str
) -> None:
    """Its first request goes wrong, the next one is answered by a new process."""
    bad = {"hang": "import time; time.sleep(60)", "crash": "os._exit(9)", "babble": "os.write(1, b'\\xff' * 8)"}[module]
    source = "import os, sys\nfrom offhook.engine.worker import serve\n"
    source += f"def answer(request):\n    if request == b'bad':\n        {bad}\n    return request\nserve(answer)\n"
    (tmp_path / f"{module}_worker.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{audio_worker.__file__.partition('/offhook/')[0]}")
    crew = Crew(f"{module}_worker", size=1, seconds=1.5)
    try:
        assert await crew.ask(b"good") == b"good"
        with pytest.raises(WorkerFailed, match=why):
            await crew.ask(b"bad")
        assert await crew.ask(b"good") == b"good"
    finally:
        await crew.close()


async def test_a_worker_that_nobody_kills_ends_by_itself(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system ends it when a request has used up its share of the processor."""
    source = "from offhook.engine import worker\n"
    source += "def answer(request):\n    while True:\n        pass\nworker.serve(answer, 1)\n"
    (tmp_path / "busy_worker.py").write_text(source)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{audio_worker.__file__.partition('/offhook/')[0]}")
    crew = Crew("busy_worker", size=1, seconds=60.0)
    try:
        with pytest.raises(WorkerFailed, match="died"):
            await crew.ask(b"busy")
    finally:
        await crew.close()


def test_decoding_takes_no_turned_time() -> None:
    async def script() -> None:
        decoder = Decoder(ClipCache())
        began = asyncio.get_running_loop().time()
        ticking = asyncio.create_task(asyncio.sleep(3600))
        await decoder.decode(tone(8000, 1.0))
        assert asyncio.get_running_loop().time() == began
        ticking.cancel()
        await decoder.close()

    run(script())


async def test_the_same_content_is_decoded_once_and_what_was_used_longest_ago_is_forgotten() -> None:
    cache, made = ClipCache(size=250), list[str]()

    async def get(name: str) -> Clip:
        async def make() -> Clip:
            made.append(name)
            await asyncio.sleep(0)
            return Clip(8000, bytes(100))

        return await cache.get(name, make)

    await asyncio.gather(get("a"), get("a"), get("b"))
    assert made == ["a", "b"]
    await get("a")
    await get("c")
    await get("a")
    assert made == ["a", "b", "c"]
    await get("b")
    assert made == ["a", "b", "c", "b"]
    assert len(cache) == 2


async def test_what_could_not_be_made_is_tried_again() -> None:
    cache = ClipCache()

    async def fail() -> Clip:
        raise NoAudio("failed", "not now")

    async def make() -> Clip:
        return Clip(8000, b"ab")

    with pytest.raises(NoAudio):
        await cache.get("a", fail)
    assert (await cache.get("a", make)).pcm == b"ab"
