"""Category: unit. The real websocket, and the sound devices by a stand-in for their library."""

import asyncio
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import WSMsgType, web

from offhook import Client, ConfigurationError, ConnectFailed, ConnectionLost, DeviceError, Frame, Microphone, Speaker
from offhook.client.devices import devices
from offhook.client.transport import open_websocket
from offhook.wire import rtc_s2c as s2c

from .loopback import SDP, LoopbackCore, LoopbackPlatform


@pytest.fixture
async def server(platform: LoopbackPlatform) -> AsyncIterator[str]:
    """The platform in memory behind a real websocket."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        pipe = await platform.open(str(request.rel_url))
        writing = asyncio.create_task(write(socket, pipe))
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            platform.receive(message.data.encode())
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
        return socket

    async def write(socket: web.WebSocketResponse, pipe: Any) -> None:
        try:
            while True:
                await socket.send_str(await pipe.receive())
        except ConnectionLost:
            await socket.close(code=1001)

    app = web.Application()
    app.router.add_get("/", talk)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"ws://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


async def test_a_call_over_a_real_websocket(server: str, platform: LoopbackPlatform, core: LoopbackCore) -> None:
    async with Client(server, token="t", core=core) as client:
        await client.ready()
        call = await client.new_call("bob")
        platform.say(s2c.Answer(call_id=call.id, sdp=SDP))
        await call.answered()
    assert call.cause == "NORMAL_CLEARING"


async def test_a_websocket_that_closes_is_lost(server: str, platform: LoopbackPlatform) -> None:
    socket = await open_websocket(server)
    assert socket.address == "127.0.0.1"
    platform.drop()
    with pytest.raises(ConnectionLost, match="1001"):
        await socket.receive()
    await socket.close()


async def test_addresses_that_lead_nowhere() -> None:
    with pytest.raises(ConnectFailed):
        await open_websocket("ws://127.0.0.1:1/")
    with pytest.raises(ConfigurationError):
        await open_websocket("this is no address")


# ---- devices (SDK-04) ----------------------------------------------------------------------------------------


class Stream:
    """A device's stream, whose callbacks a test calls."""

    last: "Stream"

    def __init__(self, *, callback: Any, finished_callback: Any, **options: Any) -> None:
        self.callback, self.finished, self.options, self.closed = callback, finished_callback, options, False
        Stream.last = self

    def start(self) -> None:
        if self.options["device"] == 2:
            raise SounddeviceError("busy")

    def close(self) -> None:
        self.closed = True


class SounddeviceError(Exception):
    """What the library raises."""


@pytest.fixture
def sounddevice(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [("Headset", 1, 0), ("Loudspeaker", 0, 2), ("Taken", 1, 1)]
    rows = [{"name": name, "max_input_channels": i, "max_output_channels": o} for name, i, o in found]
    module = SimpleNamespace(
        query_devices=lambda: rows, RawInputStream=Stream, RawOutputStream=Stream, PortAudioError=SounddeviceError
    )
    monkeypatch.setitem(sys.modules, "sounddevice", module)


async def test_sdk_04_no_audio_extra_is_a_typed_error(monkeypatch: pytest.MonkeyPatch, client: Client) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    with pytest.raises(DeviceError, match=r"offhook\[audio\]"):
        devices()
    with pytest.raises(DeviceError):
        client.select_input("Headset")


@pytest.mark.usefixtures("sounddevice")
async def test_devices_are_found_by_name_and_index(client: Client) -> None:
    assert [device.name for device in client.devices()] == ["Headset", "Loudspeaker", "Taken"]
    assert Microphone("head").device.index == 0
    assert Speaker(1).device.name == "Loudspeaker"
    with pytest.raises(DeviceError, match="Headset"):
        Microphone("Loudspeaker")
    client.select_input("Headset")
    client.select_output(None)


@pytest.mark.usefixtures("sounddevice")
async def test_sdk_04_an_unplugged_microphone_ends_with_an_error() -> None:
    frames = Microphone("Headset").frames()
    first = asyncio.create_task(anext(frames))
    await asyncio.sleep(0)
    Stream.last.callback(b"\1\0" * 960, 960, None, None)
    assert await first == Frame(b"\1\0" * 960, 48_000)
    Stream.last.finished()
    with pytest.raises(DeviceError, match="gone"):
        await anext(frames)
    assert Stream.last.closed


@pytest.mark.usefixtures("sounddevice")
async def test_a_busy_microphone_says_so() -> None:
    with pytest.raises(DeviceError, match="busy"):
        await anext(Microphone("Taken").frames())


@pytest.mark.usefixtures("sounddevice")
def test_a_speaker_plays_what_comes_and_drops_what_is_too_old() -> None:
    speaker = Speaker("Loudspeaker")
    for number in range(60):
        speaker.write(Frame(bytes([number, 0]) * 960, 48_000))
    out = bytearray(1920)
    Stream.last.callback(out, 960, None, None)
    assert bytes(out) == bytes([10, 0]) * 960
    Stream.last.finished()
    with pytest.raises(DeviceError):
        speaker.write(Frame(b"", 48_000))
    speaker.close()
