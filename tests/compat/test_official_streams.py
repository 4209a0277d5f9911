"""Category: compatibility. The official `telnyx` package, unmodified, streams and forks real calls, and cleans them; a
websocket server hears them and answers in every codec and mode."""

import asyncio
import base64
import io
import itertools
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import telnyx
from aiohttp import WSMsgType, web
from tests.compat.desk import JANE, JOHN, Desk, code_of, opened
from tests.compat.scene import staged

from offhook import Ear

HZ, ANSWER_HZ = 440.0, 1300.0
RATES = {"PCMU": 8000, "PCMA": 8000, "G722": 8000, "OPUS": 16000, "L16": 16000}


class Program:
    """A customer's program: notes the frames of each connection, and is asked to send or to close."""

    def __init__(self) -> None:
        self.connections: list[tuple[web.Request, web.WebSocketResponse]] = []
        self.frames: list[dict[str, Any]] = []
        self.url = ""
        self._news = asyncio.Event()

    async def handle(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(max_msg_size=0)
        await websocket.prepare(request)
        self.connections.append((request, websocket))
        async for message in websocket:
            if message.type is WSMsgType.TEXT:
                self.frames.append(json.loads(message.data))
                self._news.set()
        return websocket

    async def send(self, **frame: Any) -> None:
        await self.connections[-1][1].send_json(frame)

    async def say(self, audio: bytes) -> None:
        await self.send(event="media", media={"payload": base64.b64encode(audio).decode()})

    async def until(self, event: str, count: int = 1) -> list[dict[str, Any]]:
        """Wait until so many frames of an event have come; all of them."""
        while len(found := [frame for frame in self.frames if frame["event"] == event]) < count:
            self._news.clear()
            async with asyncio.timeout(15):
                await self._news.wait()
        return found


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as found:
        yield found


@pytest.fixture
async def program() -> AsyncIterator[Program]:
    made = Program()
    app = web.Application()
    app.router.add_get("/", made.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    yield made
    await runner.cleanup()


def sine(hz: float, seconds: float, rate: int) -> bytes:
    samples = 10_000 * np.sin(2 * np.pi * hz * np.arange(int(rate * seconds)) / rate)
    return samples.astype("<i2").tobytes()


def pitch(pcm: bytes, rate: int) -> float:
    """The strongest frequency of PCM."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate / len(samples))


def payloads(frames: list[dict[str, Any]], track: str = "inbound") -> list[bytes]:
    return [base64.b64decode(each["media"]["payload"]) for each in frames if each["media"]["track"] == track]


async def test_each_codec_carries_the_call_and_its_echo(desk: Desk, program: Program) -> None:
    """What comes in a codec goes back in the same: the caller hears itself, decoded and encoded by us twice."""
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john, HZ)
        ear = Ear()
        call.attach(ear)
        actions, leg = desk.api.calls.actions, call.ids.call_control
        for codec, rate in RATES.items():
            program.frames.clear()
            started = await actions.start_streaming(
                leg,
                stream_url=program.url,
                stream_codec=codec,  # type: ignore[arg-type]
                stream_bidirectional_mode="rtp",
                stream_bidirectional_codec=codec,  # type: ignore[arg-type]
            )
            assert started.data is not None
            media = await program.until("media", 25)
            start = (await program.until("start"))[0]
            assert start["start"]["media_format"] == {"encoding": codec, "sample_rate": rate, "channels": 1}
            assert start["sequence_number"].isdigit()
            for payload in payloads(media)[5:]:
                await program.say(payload)
            await ear.hears_tone(HZ)
            await actions.stop_streaming(leg)
            stop = (await program.until("stop"))[0]
            assert stop["stop"]["call_control_id"] == leg
            await ear.hears(lambda heard: heard.is_silence())
        await call.hangup()


@pytest.mark.parametrize("rate", [8000, 22050, 48000])
async def test_linear_audio_of_any_rate_goes_both_ways(desk: Desk, program: Program, rate: int) -> None:
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john, HZ)
        ear = Ear()
        call.attach(ear)
        await desk.api.calls.actions.start_streaming(
            call.ids.call_control,
            stream_url=program.url,
            stream_track="both_tracks",
            stream_codec="L16",
            stream_bidirectional_mode="rtp",
            stream_bidirectional_codec="L16",
            stream_bidirectional_sampling_rate=rate,  # type: ignore[arg-type]
        )
        media = await program.until("media", 60)
        said = payloads(media)
        assert len(said[0]) == rate // 50 * 2
        assert abs(pitch(b"".join(said[10:]), rate) - HZ) < 30
        assert [int(each["media"]["chunk"]) for each in media if each["media"]["track"] == "inbound"] == list(
            range(1, len(said) + 1)
        )
        await program.say(sine(ANSWER_HZ, 1.5, rate))
        await ear.hears_tone(ANSWER_HZ)
        heard = payloads(await program.until("media", len(program.frames) + 60), "outbound")[-10:]
        assert abs(pitch(b"".join(heard), rate) - ANSWER_HZ) < 30
        await call.hangup()
        await program.until("stop")


async def test_marks_come_back_in_order_and_clear_ends_what_was_not_heard(desk: Desk, program: Program) -> None:
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john, HZ)
        ear = Ear()
        call.attach(ear)
        await desk.api.calls.actions.start_streaming(
            call.ids.call_control,
            stream_url=program.url,
            stream_bidirectional_mode="rtp",
            stream_bidirectional_codec="L16",
            stream_auth_token="opensesame",
            custom_parameters=[{"name": "shop", "value": "1"}],
        )
        start = (await program.until("start"))[0]
        assert start["start"]["custom_parameters"] == {"shop": "1"}
        assert program.connections[0][0].headers["authorization"] == "Bearer opensesame"
        for name in ("one", "two"):
            await program.say(sine(ANSWER_HZ, 0.3, 16_000))
            await program.send(event="mark", mark={"name": name})
        marks = await program.until("mark", 2)
        assert [each["mark"]["name"] for each in marks] == ["one", "two"]
        await program.say(sine(ANSWER_HZ, 20, 16_000))
        await program.send(event="mark", mark={"name": "three"})
        await ear.hears_tone(ANSWER_HZ)
        await program.send(event="clear")
        marks = await program.until("mark", 3)
        await ear.hears(lambda heard: heard.is_silence())
        await call.send_dtmf("5")
        assert (await program.until("dtmf"))[0]["dtmf"] == {"digit": "5"}
        await call.hangup()


async def test_whole_mp3s_are_heard_in_turn(desk: Desk, program: Program) -> None:
    file = io.BytesIO()
    samples = np.frombuffer(sine(ANSWER_HZ, 1.0, 16_000), "<i2")
    soundfile.write(file, samples, 16_000, format="MP3")
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john, HZ)
        ear = Ear()
        call.attach(ear)
        await desk.api.calls.actions.start_streaming(call.ids.call_control, stream_url=program.url)
        await program.until("start")
        await program.say(file.getvalue())
        await program.send(event="mark", mark={"name": "said"})
        await ear.hears_tone(ANSWER_HZ)
        await program.until("mark")
        await program.say(b"no file at all")
        error = (await program.until("error"))[0]
        assert error["payload"]["title"] == "invalid_media"
        await call.hangup()


async def test_a_lost_connection_is_made_again_and_a_hostile_one_is_told(desk: Desk, program: Program) -> None:
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john, HZ)
        await desk.api.calls.actions.start_streaming(
            call.ids.call_control, stream_url=program.url, stream_bidirectional_mode="rtp"
        )
        await program.until("media", 5)
        for text in ("{", "[]", '{"event":"media"}', '{"event":"media","media":{"payload":"%"}}', '{"event":"new"}'):
            await program.connections[-1][1].send_str(text)
        errors = await program.until("error", 4)
        titles = ["malformed_frame", "malformed_frame", "malformed_frame", "invalid_media"]
        assert [each["payload"]["title"] for each in errors] == titles
        await program.connections[-1][1].close(code=1011)
        starts = await program.until("start", 2)
        assert starts[0]["stream_id"] == starts[1]["stream_id"]
        assert int(starts[1]["sequence_number"]) > int(starts[0]["sequence_number"])
        await program.connections[-1][1].close(code=1000)
        with pytest.raises(telnyx.UnprocessableEntityError):
            await _until_refused(desk, call.ids.call_control)
        await call.hangup()


async def _until_refused(desk: Desk, leg: str) -> None:
    """The stream is over at once, not when it is asked for: what stops it is refused from then on."""
    async with asyncio.timeout(10):
        while True:
            await desk.api.calls.actions.stop_streaming(leg, stream_id="another")


async def test_streams_from_the_start_and_to_whoever_is_opposite(desk: Desk, program: Program) -> None:
    async with desk.phone(JOHN) as john, desk.phone(JANE) as jane:
        await john.ready()
        await jane.ready()
        caller = await john.new_call("+12025550199")
        await caller.wait_for("early")
        actions, leg = desk.api.calls.actions, caller.ids.call_control
        await actions.answer(
            leg, stream_url=program.url, stream_bidirectional_mode="rtp", stream_bidirectional_codec="L16"
        )
        await caller.answered()
        agent = await desk.agent(jane)
        await actions.bridge(leg, call_control_id_to_bridge_with=agent.ids.call_control)
        ears = Ear(), Ear()
        caller.attach(ears[0])
        agent.attach(ears[1])
        await ears[0].hears_tone(880)
        await program.until("start")
        await program.say(sine(ANSWER_HZ, 3.0, 16_000))
        await ears[1].hears_tone(ANSWER_HZ)
        await caller.hangup()
        await program.until("stop")


async def test_what_cannot_be_is_refused_or_fails(desk: Desk, program: Program) -> None:
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john, HZ)
        actions, leg = desk.api.calls.actions, call.ids.call_control
        refusals = [
            actions.stop_streaming(leg),
            actions.start_streaming(leg, stream_url="http://no.websocket/"),
            actions.start_streaming(leg, stream_url=program.url, enable_dialogflow=True),
            actions.start_forking(leg),
            actions.start_forking(leg, rx="udp:169.254.169.254:4000"),
            actions.stop_forking(leg),
            actions.start_transcription(leg),
            actions.stop_transcription(leg),
            actions.start_noise_suppression(leg, noise_suppression_engine="Cotton"),
            actions.stop_noise_suppression(leg),
        ]
        for refused in refusals:
            with pytest.raises(telnyx.APIStatusError) as error:
                await refused
            assert code_of(error)[0] in (400, 422)
        await call.hangup()


async def test_copies_of_both_directions_are_rtp(desk: Desk) -> None:
    got: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()

    class Sink(asyncio.DatagramProtocol):
        def __init__(self, name: str) -> None:
            self.name = name

        def datagram_received(self, data: bytes, addr: Any) -> None:
            got.put_nowait((self.name, data))

    loop = asyncio.get_running_loop()
    sinks = {}
    for name in ("rx", "tx"):
        transport, _ = await loop.create_datagram_endpoint(lambda name=name: Sink(name), ("127.0.0.1", 0))
        sinks[name] = transport
    targets = {name: f"udp:127.0.0.1:{each.get_extra_info('sockname')[1]}" for name, each in sinks.items()}
    async with desk.phone(JOHN) as john:
        await john.ready()
        call = await desk.answered(john, HZ)
        actions, leg = desk.api.calls.actions, call.ids.call_control
        await actions.start_forking(leg, **targets)
        packets: dict[str, list[bytes]] = {"rx": [], "tx": []}
        async with asyncio.timeout(10):
            while min(map(len, packets.values())) < 20:
                name, data = await got.get()
                packets[name].append(data)
        for each in packets.values():
            assert {len(data) for data in each} == {172}
            assert each[1][:2] == b"\x80\x00"
            numbers = [int.from_bytes(data[2:4], "big") for data in each]
            assert {(after - before) & 0xFFFF for before, after in itertools.pairwise(numbers)} == {1}
        await actions.stop_forking(leg, stream_type="decrypted")
        await actions.start_noise_suppression(leg, direction="both")
        await actions.stop_noise_suppression(leg)
        await call.hangup()
    for transport in sinks.values():
        transport.close()


async def test_a_stream_that_is_dialled_with_tells_its_end_and_its_failure(tmp_path: Path, program: Program) -> None:
    async with staged(tmp_path) as scene:
        await scene.set("nothing")
        leg = await scene.dial(stream_url=program.url, stream_track="both_tracks", stream_codec="PCMA")
        await scene.heard("CallStreamingStarted", leg=leg)
        start = (await program.until("start"))[0]["start"]
        assert (start["call_control_id"], start["media_format"]["encoding"]) == (leg, "PCMA")
        await program.until("media", 20)
        await program.connections[-1][1].close(code=1000)
        await scene.heard("CallStreamingStopped", leg=leg)
        await scene.actions.start_streaming(leg, stream_url="ws://127.0.0.1:9/")
        await scene.heard("CallStreamingFailed", leg=leg)
        await scene.actions.hangup(leg)
        await scene.heard("CallHangup", leg=leg)
