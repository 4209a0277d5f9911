"""What a single command is tried in: two phones, a backend on the official package with what it was told, and a host
of files and of a program to stream to. Knows no command but those that make a situation."""

import asyncio
import io
import itertools
import math
import struct
import sys
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from tests.compat.desk import JANE, JOHN, NUMBER, Desk, opened

from offhook import Call, Client, Tone
from offhook.engine.transcription import GROUP, Understood
from offhook.voice.sound import Clip

ANYWHERE = "+12025550199"
JANES = f"sip:{JANE.login}@sip.telnyx.com"
NOWHERE = "udp:127.0.0.1:9"
FILES_HZ = 1300.0
TOLD_SECONDS = 20.0


def tone(hz: float = FILES_HZ, seconds: float = 1.0) -> bytes:
    """A WAV file with a tone."""
    file = io.BytesIO()
    count = int(16_000 * seconds)
    samples = (int(12_000 * math.sin(2 * math.pi * hz * at / 16_000)) for at in range(count))
    with wave.open(file, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(16_000)
        made.writeframes(struct.pack(f"<{count}h", *samples))
    return file.getvalue()


class CountingTranscriber:
    """An engine that understands how much it was given."""

    async def listen(self, audio: AsyncIterator[Clip], language: str) -> AsyncIterator[Understood]:
        heard = 0
        async for _ in audio:
            heard += 1
            if heard % 10 == 0:
                yield Understood(f"in {language}, {heard} clips", 0.5)

    async def close(self) -> None:
        """It has nothing to close."""


def installed(folder: Path, group: str, made: str) -> str:
    """What a package of a plug-in would be: an entry to put on the path that Python searches. `made` is what makes
    it, as `module:name`."""
    about = folder / "a_plug_in-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: a-plug-in\nVersion: 1\n")
    (about / "entry_points.txt").write_text(f"[{group}]\nplug-in = {made}\n")
    return str(folder)


def _is(event: Any, kind: str, leg: str) -> bool:
    """Whether an event has the package's class of this kind, and is about this leg if any is named."""
    return type(event).__name__ == f"{kind}WebhookEvent" and leg in (
        "",
        event.data.payload.to_dict().get("call_control_id"),
    )


class Backend:
    """Takes webhooks, checked and read by the official package. `told` has all of them, in the order of arrival."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.unwrap: Callable[..., Any] | None = None
        self._news = asyncio.Event()

    async def take(self, request: web.Request) -> web.Response:
        assert self.unwrap is not None
        self.told.append(self.unwrap(await request.text(), headers=dict(request.headers)))
        self._news.set()
        return web.Response(status=204)

    async def hears(self, kind: str, since: int, leg: str = "") -> None:
        """Wait until one of those that came after the first `since` is of this class, and about this leg."""
        async with asyncio.timeout(TOLD_SECONDS):
            while not any(_is(each, kind, leg) for each in self.told[since:]):
                self._news.clear()
                await self._news.wait()


class Scene:
    """A situation, and what a command in it can be about: `leg` is John's, `other` one of Jane's, who answers all."""

    def __init__(self, desk: Desk, john: Client, jane: Client, backend: Backend, host: str) -> None:
        self.desk = desk
        self.api = desk.api
        self.actions = desk.api.calls.actions
        self.meeting = desk.api.conferences.actions
        self.audio_url = f"http://{host}/tone.wav"
        self.stream_url = f"ws://{host}/program"
        self.leg = self.other = self.conference = self.name = ""
        self.calls: list[Call] = []
        self.john, self.jane = john, jane
        self._backend = backend
        self._since = 0
        self._names = itertools.count(1)

    async def set(self, situation: str) -> None:
        """Bring it about; the methods below are the situations."""
        self._since = len(self._backend.told)
        self.leg = self.other = self.conference = ""
        self.name = f"scene {next(self._names)}"
        await getattr(self, situation)()

    async def clear(self) -> None:
        """Hang up, and wait until the backend was told so of every leg."""
        for call in self.calls:
            await call.hangup()
            await call.ended()
            await self._backend.hears("CallHangup", self._since, call.ids.call_control)
        self.calls.clear()

    async def heard(self, *kinds: str, leg: str = "") -> None:
        """The backend was told these events, each of the package's own class, of one leg if that is named."""
        for kind in kinds:
            await self._backend.hears(kind, self._since, leg)

    async def dial(self, **body: Any) -> str:
        """Have Jane dialled, who answers; the new leg."""
        made = await self.api.calls.dial(connection_id=self.desk.connection, to=JANES, from_=NUMBER, **body)
        assert made.data is not None
        return made.data.call_control_id or ""

    async def gathered(self, gather: Awaitable[Any]) -> None:
        """A gather of one digit, which John presses."""
        await gather
        await self.calls[0].send_dtmf("5")

    async def nothing(self) -> None:
        """No call at all."""

    async def parked(self) -> None:
        """John's call rings, and nobody has answered it."""
        call = await self.john.new_call(ANYWHERE, audio=Tone(440.0))
        await call.wait_for("early")
        self.calls.append(call)
        self.leg = call.ids.call_control

    async def answered(self) -> None:
        await self.parked()
        await self.actions.answer(self.leg)
        await self.calls[0].answered()

    async def two(self) -> None:
        """Both are answered, and apart."""
        await self.answered()
        self.other = await self.dial()
        await self._backend.hears("CallAnswered", self._since, self.other)

    async def bridged(self) -> None:
        await self.two()
        await self.actions.bridge(self.leg, call_control_id_to_bridge_with=self.other)

    async def supervised(self) -> None:
        """A third leg, now `other`, listens to the bridge."""
        await self.bridged()
        self.other = await self.dial(supervise_call_control_id=self.leg, supervisor_role="monitor")
        await self._backend.hears("CallAnswered", self._since, self.other)

    async def queue(self) -> None:
        """A queue with nobody in it."""
        await self.api.queues.create(queue_name=self.name)

    async def waiting(self) -> None:
        await self.answered()
        await self.actions.enqueue(self.leg, queue_name=self.name)

    async def playing(self) -> None:
        await self.answered()
        await self.actions.start_playback(self.leg, audio_url=self.audio_url, loop="infinity")

    async def gathering(self) -> None:
        await self.answered()
        await self.actions.gather(self.leg)

    async def recording(self) -> None:
        """Something has been recorded, too: a digit."""
        await self.answered()
        await self.actions.start_recording(self.leg, channels="dual", format="wav")
        await self.gathered(self.actions.gather(self.leg, maximum_digits=1))
        await self.heard("CallGatherEnded")

    async def recording_paused(self) -> None:
        await self.recording()
        await self.actions.pause_recording(self.leg)

    async def streaming(self) -> None:
        await self.answered()
        await self.actions.start_streaming(self.leg, stream_url=self.stream_url)

    async def forking(self) -> None:
        await self.answered()
        await self.actions.start_forking(self.leg, rx=NOWHERE)

    async def suppressing(self) -> None:
        await self.answered()
        await self.actions.start_noise_suppression(self.leg)

    async def transcribing(self) -> None:
        await self.answered()
        await self.actions.start_transcription(self.leg)

    async def met(self) -> None:
        """John is in a conference, Jane in none."""
        await self.two()
        made = await self.api.conferences.create(call_control_id=self.leg, name=self.name)
        assert made.data is not None
        self.conference = made.data.id

    async def met_both(self) -> None:
        await self.met()
        await self.meeting.join(self.conference, call_control_id=self.other)

    async def met_recording(self) -> None:
        """Something has been recorded, too: what John said while he pressed a digit."""
        await self.met()
        await self.meeting.record_start(self.conference, format="wav")
        await self.gathered(self.actions.gather(self.leg, maximum_digits=1))
        await self.heard("CallGatherEnded")

    async def met_recording_paused(self) -> None:
        await self.met_recording()
        await self.meeting.record_pause(self.conference)

    async def met_playing(self) -> None:
        await self.met()
        await self.meeting.play(self.conference, audio_url=self.audio_url, loop="infinity")


async def _answer_all(jane: Client, scene: Scene) -> None:
    async for call in jane.incoming():
        scene.calls.append(call)
        await call.answer(audio=Tone(880.0))


async def _give_file(_: web.Request) -> web.Response:
    return web.Response(body=tone(), content_type="audio/x-wav")


async def _be_streamed_to(request: web.Request) -> web.WebSocketResponse:
    websocket = web.WebSocketResponse()
    await websocket.prepare(request)
    async for _ in websocket:
        pass
    return websocket


@asynccontextmanager
async def staged(folder: Path) -> AsyncIterator[Scene]:
    """A platform with all that the situations need."""
    backend = Backend()
    app = web.Application()
    app.router.add_post("/webhooks", backend.take)
    app.router.add_get("/tone.wav", _give_file)
    app.router.add_get("/program", _be_streamed_to)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host = f"127.0.0.1:{runner.addresses[0][1]}"
    sys.path.append(installed(folder, GROUP, f"{__name__}:{CountingTranscriber.__name__}"))
    try:
        async with opened(webhook_url=f"http://{host}/webhooks") as desk, desk.phone(JOHN) as john:
            backend.unwrap = desk.api.webhooks.unwrap
            async with desk.phone(JANE) as jane:
                scene = Scene(desk, john, jane, backend, host)
                await john.ready()
                await jane.ready()
                answering = asyncio.create_task(_answer_all(jane, scene))
                yield scene
                answering.cancel()
    finally:
        sys.path.remove(str(folder))
        await runner.cleanup()
