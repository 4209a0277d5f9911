"""Microphones and speakers of this machine, as a source and a sink. Needs the extra `audio`; knows no calls."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

from offhook.client.audio import Frame, Source
from offhook.client.emitter import Subscription
from offhook.errors import DeviceError

RATE = 48_000
BLOCK = 960  # 20 ms
KEPT = 50  # blocks, one second: what a slow reader or a stalled device may pile up


class Device(msgspec.Struct, frozen=True):
    """A sound device: how many channels it records and plays."""

    index: int
    name: str
    inputs: int
    outputs: int


def devices() -> list[Device]:
    """Every sound device there is; DeviceError where they cannot be asked for."""
    found: list[dict[str, Any]] = _sounddevice().query_devices()
    return [
        Device(index, entry["name"], entry["max_input_channels"], entry["max_output_channels"])
        for index, entry in enumerate(found)
    ]


def find(wanted: str | int | Device, *, recording: bool) -> Device:
    """The device of that index, or the first whose name holds `wanted`; DeviceError where there is none."""
    if isinstance(wanted, Device):
        return wanted
    fit = [device for device in devices() if (device.inputs if recording else device.outputs)]
    for device in fit:
        if device.index == wanted or (isinstance(wanted, str) and wanted.casefold() in device.name.casefold()):
            return device
    kind = "microphone" if recording else "speaker"
    raise DeviceError("unknown", f"no {kind} {wanted!r}; there are: {', '.join(d.name for d in fit) or 'none'}")


class Microphone(Source):
    """What a microphone hears. Ends with a DeviceError when the device goes away; the call goes on in silence."""

    ahead_ms = 200

    def __init__(self, device: str | int | Device) -> None:
        self.device = find(device, recording=True)

    async def frames(self) -> AsyncGenerator[Frame, None]:
        loop = asyncio.get_running_loop()
        blocks: Subscription[bytes] = Subscription(KEPT)
        closing = threading.Event()

        def heard(data: Any, _frames: int, _time: object, _status: object) -> None:
            if not closing.is_set():
                loop.call_soon_threadsafe(blocks.put, bytes(data))

        def finished() -> None:
            if not closing.is_set():
                loop.call_soon_threadsafe(blocks.close)

        stream = _open("RawInputStream", self.device, heard, finished)
        try:
            async for block in blocks:
                yield Frame(block, RATE)
        finally:
            closing.set()
            stream.close()
        raise DeviceError("gone", f"{self.device.name} went away")


class Speaker:
    """Plays what is heard. When the call is ahead of the device, the oldest sound is dropped, not the newest."""

    def __init__(self, device: str | int | Device) -> None:
        self.device = find(device, recording=False)
        self._sound = bytearray()
        self._lock = threading.Lock()
        self._stream: Any = None
        self._gone = False

    def write(self, frame: Frame) -> None:
        """DeviceError once the device has gone away."""
        if self._gone:
            raise DeviceError("gone", f"{self.device.name} went away")
        if self._stream is None:
            self._stream = _open("RawOutputStream", self.device, self._play, self._finished)
        with self._lock:
            self._sound += frame.pcm
            del self._sound[: max(0, len(self._sound) - KEPT * BLOCK * 2)]

    def close(self) -> None:
        """Let the device go."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _play(self, out: Any, _frames: int, _time: object, _status: object) -> None:
        with self._lock:
            ready = bytes(self._sound[: len(out)])
            del self._sound[: len(out)]
        out[:] = ready.ljust(len(out), b"\0")

    def _finished(self) -> None:
        self._gone = True


def _open(kind: str, device: Device, callback: Any, finished: Any) -> Any:
    sounddevice = _sounddevice()
    try:
        stream = getattr(sounddevice, kind)(
            device=device.index, samplerate=RATE, channels=1, dtype="int16", blocksize=BLOCK,
            callback=callback, finished_callback=finished,
        )  # fmt: skip
        stream.start()
    except sounddevice.PortAudioError as error:
        raise DeviceError("busy", f"{device.name}: {error}") from error
    return stream


def _sounddevice() -> Any:
    try:
        import sounddevice  # pyright: ignore[reportMissingImports]
    except (ImportError, OSError) as error:  # OSError: PortAudio itself is missing
        raise DeviceError("missing", "sound devices need the extra: pip install 'offhook[audio]'") from error
    return sounddevice  # pyright: ignore[reportUnknownVariableType]
