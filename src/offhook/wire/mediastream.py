"""The frames of a media stream, both ways: JSON text and values. No sockets, no audio.

Numbers travel as strings, payloads as base64 of raw codec bytes. Written by us are `connected`, `start`, `media`,
`dtmf`, `mark`, `error` and `stop`; read are `media`, `mark` and `clear`.
"""

import binascii
from base64 import b64decode, b64encode
from typing import Any, Literal

import msgspec

VERSION = "1.0.0"
MAX_NAME = 1024


class Audio(msgspec.Struct, frozen=True):
    """Audio from the far end, to be heard: codec bytes, or a whole MP3."""

    payload: bytes


class Mark(msgspec.Struct, frozen=True):
    """The far end wants to know when what it has sent before was heard."""

    name: str


class Clear(msgspec.Struct, frozen=True):
    """The far end wants what was not heard yet to be thrown away."""


Frame = Audio | Mark | Clear

ErrorTitle = Literal["malformed_frame", "invalid_media", "rate_limit_reached"]
_CODES: dict[ErrorTitle, int] = {"malformed_frame": 100003, "invalid_media": 100004, "rate_limit_reached": 100005}


class Malformed(Exception):
    """A frame that cannot be understood; `title` is what the far end is told with the text."""

    def __init__(self, detail: str, title: ErrorTitle = "malformed_frame") -> None:
        super().__init__(detail)
        self.title: ErrorTitle = title


class _Media(msgspec.Struct):
    payload: str


class _Name(msgspec.Struct):
    name: str


class _Read(msgspec.Struct):
    event: str
    media: _Media | None = None
    mark: _Name | None = None


_read = msgspec.json.Decoder(_Read).decode


def read(text: str) -> Frame | None:
    """A frame from the far end; None is one of a kind that asks for nothing. Raises `Malformed`."""
    try:
        frame = _read(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        raise Malformed("The frame is no JSON object with an event.") from None
    match frame.event:
        case "media":
            return Audio(_payload(frame.media))
        case "mark":
            if frame.mark is None or len(frame.mark.name) > MAX_NAME:
                raise Malformed(f"A mark needs a name of at most {MAX_NAME} characters.")
            return Mark(frame.mark.name)
        case "clear":
            return Clear()
        case _:
            return None


def _payload(media: _Media | None) -> bytes:
    if media is None:
        raise Malformed("A media frame needs media.payload.")
    try:
        return b64decode(media.payload, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("The payload is not base64.", "invalid_media") from None


class Started(msgspec.Struct, frozen=True):
    """What a far end is told of the call when its stream starts."""

    user_id: str
    call_control_id: str
    call_session_id: str
    caller: str
    called: str
    client_state: str | None
    encoding: str
    sample_rate: int
    parameters: tuple[tuple[str, str], ...] = ()


class Writer:
    """Writes the frames of one stream. Sequence numbers go on over a new connection, chunks count by track."""

    def __init__(self, stream_id: str) -> None:
        self._stream_id = stream_id
        self._sequence = 0
        self._chunks: dict[str, int] = {}

    def connected(self) -> str:
        return _text({"event": "connected", "version": VERSION})

    def start(self, started: Started) -> str:
        format = {"encoding": started.encoding, "sample_rate": started.sample_rate, "channels": 1}
        start: dict[str, Any] = {
            "user_id": started.user_id,
            "call_control_id": started.call_control_id,
            "call_session_id": started.call_session_id,
            "from": started.caller,
            "to": started.called,
            "tags": [],
            "client_state": started.client_state,
            "media_format": format,
        }
        if started.parameters:
            start["custom_parameters"] = dict(started.parameters)
        return self._numbered("start", start)

    def media(self, track: Literal["inbound", "outbound"], at_ms: int, payload: bytes) -> str:
        """20 ms of audio; `at_ms` is since the stream began to carry it."""
        chunk = self._chunks[track] = self._chunks.get(track, 0) + 1
        told = {"track": track, "chunk": str(chunk), "timestamp": str(at_ms), "payload": b64encode(payload).decode()}
        return self._numbered("media", told)

    def dtmf(self, digit: str) -> str:
        return _text({"event": "dtmf", "stream_id": self._stream_id, "dtmf": {"digit": digit}})

    def mark(self, name: str) -> str:
        return _text({"event": "mark", "stream_id": self._stream_id, "mark": {"name": name}})

    def error(self, title: ErrorTitle, detail: str) -> str:
        payload = {"code": _CODES[title], "title": title, "detail": detail}
        return _text({"event": "error", "stream_id": self._stream_id, "payload": payload})

    def stop(self, user_id: str, call_control_id: str) -> str:
        return self._numbered("stop", {"user_id": user_id, "call_control_id": call_control_id})

    def _numbered(self, event: str, body: dict[str, Any]) -> str:
        self._sequence += 1
        numbered = {"event": event, "sequence_number": str(self._sequence), "stream_id": self._stream_id}
        return _text(numbered | {event: body})


def _text(frame: dict[str, Any]) -> str:
    return msgspec.json.encode(frame).decode()
