"""A phone that answers everybody: it plays a greeting, records what it hears and tells which keys are pressed.

python answering_machine.py [GREETING.wav]     then, elsewhere: offhook call jane5678 --tone 440 --seconds 3
"""

import asyncio
import contextlib
import os
import sys

from offhook import Call, CallEnded, Client, File, Recorder, Tone, events

URL = os.environ.get("OFFHOOK_WS_URL", "ws://127.0.0.1:9700")
GREETING = File(sys.argv[1]) if len(sys.argv) > 1 else Tone(800, seconds=0.5)


async def take(call: Call) -> None:
    recording = f"call-{call.id}.wav"
    call.attach(Recorder(recording))
    call.on(events.DigitPressed, lambda event: print(f"key {event.digit}", flush=True))
    try:
        await call.answer()
        await call.play(GREETING)
    except CallEnded:
        pass  # the caller did not wait for the beep
    print(f"{(await call.ended()).cause}: {recording}", flush=True)


async def main() -> None:
    async with Client(URL, login="jane5678", password="jane-development-password") as client:
        client.on(events.IncomingCall, lambda event: take(event.call))
        await client.ready()
        print("waiting for calls", flush=True)
        await asyncio.Event().wait()


with contextlib.suppress(KeyboardInterrupt):
    asyncio.run(main())
