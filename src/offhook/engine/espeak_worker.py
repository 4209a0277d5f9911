"""The process that speaks with espeak-ng: a text in, PCM out. The library is GPL-3 and is loaded nowhere else.

A request is MessagePack `{"voice", "text", "rate", "volume"}` with factors for the last two; the answer is
`{"rate", "pcm"}`, or `{"error"}`.
"""

import ctypes
from typing import Any

import espeakng_loader
import msgspec

from offhook.engine.worker import serve

# speak_lib.h of espeak-ng 1.5x.
_SYNCHRONOUS = 2
_UTF8, _END_PAUSE = 1, 0x1000
_RATE, _VOLUME = 1, 2
_DONT_EXIT = 0x8000
_WORDS_PER_MINUTE, _SLOWEST, _FASTEST = 165, 80, 450
_LOUDNESS, _LOUDEST = 100, 200
_NO_VOICE = "en-us"

_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """The library, made ready once."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = espeakng_loader.get_data_path().encode()
        self._rate: int = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
        if self._rate <= 0:
            raise RuntimeError("espeak-ng cannot be initialised")
        self._pcm = bytearray()
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def say(self, voice: str, text: str, rate: float, volume: float) -> tuple[int, bytes]:
        """The rate and the PCM of a text. A voice that the library has not is replaced by its own language's, or by
        American English."""
        for name in (voice, voice.partition("+")[0], _NO_VOICE):
            if self._library.espeak_SetVoiceByName(name.encode()) == 0:
                break
        self._set(_RATE, min(_FASTEST, max(_SLOWEST, _WORDS_PER_MINUTE * rate)))
        self._set(_VOLUME, min(_LOUDEST, max(0, _LOUDNESS * volume)))
        self._pcm.clear()
        said = text.encode() + b"\0"
        failed = self._library.espeak_Synth(said, len(said), 0, 0, 0, _UTF8 | _END_PAUSE, None, None)
        if failed:
            raise RuntimeError(f"espeak-ng failed with {failed}")
        return self._rate, bytes(self._pcm)

    def _set(self, parameter: int, value: float) -> None:
        self._library.espeak_SetParameter(parameter, round(value), 0)

    def _take(self, samples: Any, count: int, _events: Any) -> int:
        if samples and count > 0:
            self._pcm += ctypes.string_at(samples, 2 * count)
        return 0


class _Request(msgspec.Struct):
    voice: str
    text: str
    rate: float
    volume: float


def main() -> None:
    """Answer requests until nobody asks any more."""
    espeak = Espeak()

    def answer(request: bytes) -> bytes:
        asked = msgspec.msgpack.decode(request, type=_Request)
        try:
            rate, pcm = espeak.say(asked.voice, asked.text, asked.rate, asked.volume)
        except RuntimeError as error:
            return msgspec.msgpack.encode({"error": str(error)})
        return msgspec.msgpack.encode({"rate": rate, "pcm": pcm})

    serve(answer)


if __name__ == "__main__":
    main()
