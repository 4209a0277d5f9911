"""What a call can play: a tone, an array, a generator, a file, bytes of your own. Jane's phone says what it hears."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from offhook import Array, Client, Ear, File, Frame, Recorder, Tone
from offhook.client.script import Phone, answer, ignore, listen, then

URL = os.environ.get("OFFHOOK_WS_URL", "ws://127.0.0.1:9700")
RATE = 16_000


def sine(hz: float, seconds: float) -> np.ndarray:
    return 0.2 * np.sin(2 * np.pi * hz * np.arange(round(RATE * seconds)) / RATE)


def siren() -> Iterator[Frame]:
    """20 ms at a time; it is asked for more as the call plays it."""
    for _ in range(50):
        yield Frame((32767 * sine(1000, 0.02)).astype("<i2").tobytes(), RATE)


async def main(folder: Path) -> None:
    john = Client(URL, login="john1234", password="john-development-password")
    jane = Client(URL, login="jane5678", password="jane-development-password")
    ear = Ear()

    async with john, Phone(jane, then(listen(ear), answer(Tone(500)), ignore())):
        call = await john.new_call("jane5678")
        await call.answered()
        recorder = call.attach(Recorder(folder / "jane.wav"))

        for name, hz, playable in (
            ("a tone", 440, Tone(440, seconds=1)),
            ("an array", 700, Array(sine(700, 1), RATE)),
            ("a generator", 1000, siren()),
        ):
            playing = asyncio.create_task(call.play(playable))
            heard = await ear.hears_tone(hz)
            await playing
            print(f"{name}: {heard.hz:.0f} Hz")

        call.write((32767 * sine(1300, 1)).astype("<i2").tobytes(), RATE)  # as a voice agent does, chunk by chunk
        print(f"bytes: {(await ear.hears_tone(1300)).hz:.0f} Hz")
        await call.flush()

        call.detach(recorder)
        recorder.close()
        played = asyncio.create_task(call.play(File(folder / "jane.wav")))  # what john recorded until now: jane's tone
        print(f"a file: {(await ear.hears_tone(500)).hz:.0f} Hz")
        played.cancel()
        await call.hangup()


with TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
