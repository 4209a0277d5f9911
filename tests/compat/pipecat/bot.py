"""A scripted voice agent on pipecat's serializer: it hears a sound and answers with a tone, stops for a 1, and hangs up
for any other key. Says its port on the first line of its output."""

import asyncio
import math
import os
import struct
from types import SimpleNamespace

from aiohttp import web
from pipecat.frames.frames import EndFrame, InputAudioRawFrame, InputDTMFFrame, InterruptionFrame, OutputAudioRawFrame

from offhook.integrations.pipecat import OffhookFrameSerializer

RATE, HZ = 16_000, 1300.0
LOUD, LOUD_FRAMES = 2_000, 10
PIECES, PIECE_SECONDS = 200, 0.1


def tone() -> OutputAudioRawFrame:
    count = int(RATE * PIECE_SECONDS)
    samples = (int(9_000 * math.sin(2 * math.pi * HZ * at / RATE)) for at in range(count))
    return OutputAudioRawFrame(audio=struct.pack(f"<{count}h", *samples), sample_rate=RATE, num_channels=1)


def loud(frame: InputAudioRawFrame) -> bool:
    samples = struct.unpack(f"<{len(frame.audio) // 2}h", frame.audio)
    return max(map(abs, samples), default=0) > LOUD


async def talk(request: web.Request) -> web.WebSocketResponse:
    websocket = web.WebSocketResponse()
    await websocket.prepare(request)
    await websocket.receive_json()
    started = await websocket.receive_json()
    serializer = OffhookFrameSerializer(
        stream_id=started["stream_id"],
        call_control_id=started["start"]["call_control_id"],
        outbound_encoding=started["start"]["media_format"]["encoding"],
        inbound_encoding="PCMU",
        api_key=os.environ["TELNYX_API_KEY"],
    )
    await serializer.setup(SimpleNamespace(audio_in_sample_rate=RATE))
    heard = 0
    async for message in websocket:
        frame = await serializer.deserialize(message.data)
        if isinstance(frame, InputAudioRawFrame) and loud(frame):
            heard += 1
            if heard == LOUD_FRAMES:
                for _ in range(PIECES):
                    await websocket.send_str(await serializer.serialize(tone()) or "{}")
        elif isinstance(frame, InputDTMFFrame):
            interrupted = frame.button.value == "1"
            text = await serializer.serialize(InterruptionFrame() if interrupted else EndFrame())
            if text:
                await websocket.send_str(text)
    return websocket


async def main() -> None:
    app = web.Application()
    app.router.add_get("/", talk)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
