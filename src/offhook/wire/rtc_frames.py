"""One text frame of the browser SDK's protocol ⇄ its envelope (JSON-RPC 2.0) and its message. No I/O.

The envelope is read first and leaves `params` unread; the method then says as what they are read. So each byte is
looked at twice, in C, and no dict is built.
"""

from typing import Generic, TypeVar

import msgspec

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_values import Acknowledged, Code, FrameId, Gateway, GatewayParams, Params, Result

Id = str | int
_NOTHING = msgspec.Raw()
_M = TypeVar("_M", c2s.Message, s2c.Message)


class BadFrame(Exception):
    """It cannot be read; `code` is what a server answers, the text says where without quoting the frame."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


class Frame(msgspec.Struct, frozen=True):
    """An envelope, as it comes. Debug reports have `type` where others have `method`."""

    method: str | None = None
    type: str | None = None
    id: FrameId | msgspec.UnsetType | None = msgspec.UNSET
    params: msgspec.Raw = _NOTHING
    result: msgspec.Raw = _NOTHING
    error: msgspec.Raw = _NOTHING
    voice_sdk_id: str | None = None

    @property
    def name(self) -> str | None:
        return self.method if self.method is not None else self.type

    @property
    def has_answer(self) -> bool:
        return bool(self.result or self.error)


class Error(msgspec.Struct, frozen=True):
    """The error of a response."""

    code: int = 0
    message: str = ""


_DECODER = msgspec.json.Decoder(Frame)
_WELL_FORMED = msgspec.json.Decoder(msgspec.Raw)


def decode(text: str | bytes) -> Frame:
    """BadFrame with PARSE_ERROR where it is no JSON (or nested too deep to be read), INVALID_REQUEST where the
    envelope has a wrong shape (arrays of requests are among them: no SDK sends batches)."""
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError as wrong:
        _check_json(text)
        raise BadFrame(Code.INVALID_REQUEST, _shortened(wrong)) from None
    except (ValueError, RecursionError):
        raise BadFrame(Code.PARSE_ERROR, "not JSON, or nested too deep") from None


def _check_json(text: str | bytes) -> None:
    try:
        _WELL_FORMED.decode(text)
    except (ValueError, RecursionError):
        raise BadFrame(Code.PARSE_ERROR, "not JSON, or nested too deep") from None


def _shortened(error: Exception) -> str:
    return str(error)[:256]


class Heard(Generic[_M]):
    """How the params of one method are read. Text is taken for booleans and numbers where those are meant."""

    def __init__(self, kind: type[_M]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind, strict=False)

    def decode(self, params: msgspec.Raw) -> _M:
        """BadFrame with INVALID_PARAMS where they do not fit; the text names the field."""
        try:
            return self._decoder.decode(params or b"{}")
        except (ValueError, RecursionError) as wrong:
            raise BadFrame(Code.INVALID_PARAMS, _shortened(wrong)) from None


def _heard(kinds: tuple[type[_M], ...]) -> dict[str, Heard[_M]]:
    return {kind.method: Heard(kind) for kind in kinds}


_DEBUG_REPORTS = ("debug_report_start", "debug_report_data", "debug_report_stop")
HEARD_BY_CLIENT = _heard(s2c.KINDS)
HEARD_BY_SERVER = _heard(c2s.KINDS) | dict.fromkeys(_DEBUG_REPORTS, Heard[c2s.Message](c2s.DebugReport))


def decode_error(frame: Frame) -> Error:
    """The error of a response, whatever shape it has."""
    try:
        return msgspec.json.decode(frame.error, type=Error)
    except (ValueError, RecursionError):
        return Error()


def decode_result(frame: Frame, kind: type[Result] | type[Acknowledged]) -> Result | Acknowledged:
    """The result of a response as the kind its request asks for; an empty one where it has another shape."""
    try:
        return msgspec.json.decode(frame.result, type=kind, strict=False)
    except (ValueError, RecursionError):
        return Gateway(params=GatewayParams("")) if kind is Gateway else Result()


# ---- encoding ----------------------------------------------------------------------------------------------


class _Request(msgspec.Struct, frozen=True, omit_defaults=True):
    jsonrpc: str
    id: Id
    method: str
    params: Params
    voice_sdk_id: str = ""


class _Response(msgspec.Struct, frozen=True, omit_defaults=True):
    jsonrpc: str
    id: Id
    result: Result | Acknowledged
    voice_sdk_id: str = ""


class _OutError(msgspec.Struct, frozen=True):
    code: int
    message: str


class _ErrorResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    jsonrpc: str
    id: Id | None
    error: _OutError
    voice_sdk_id: str = ""


_encode = msgspec.json.Encoder().encode


def encode_request(frame_id: Id, params: c2s.Message | s2c.Message, voice_sdk_id: str) -> bytes:
    return _encode(_Request("2.0", frame_id, params.method, params, voice_sdk_id))


def encode_result(frame_id: Id, result: Result | Acknowledged, voice_sdk_id: str) -> bytes:
    return _encode(_Response("2.0", frame_id, result, voice_sdk_id))


def encode_error(frame_id: Id | None, code: Code, message: str, voice_sdk_id: str) -> bytes:
    return _encode(_ErrorResponse("2.0", frame_id, _OutError(code, message), voice_sdk_id))
