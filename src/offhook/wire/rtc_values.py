"""What both directions of the browser SDK's protocol share: bounded text, headers, results, codes. No I/O."""

from enum import IntEnum
from typing import Annotated, ClassVar, Literal

import msgspec

# Whatever ends in a SIP header or a webhook must not be able to end a line there (CWE-93).
_ONE_LINE = r"^[^\r\n\x00]*\Z"
Text = Annotated[str, msgspec.Meta(max_length=128, pattern=_ONE_LINE)]
CallId = Annotated[str, msgspec.Meta(max_length=256, pattern=_ONE_LINE)]
ClientState = Annotated[str, msgspec.Meta(max_length=8192, pattern=_ONE_LINE)]
Digits = Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[0-9A-Da-d*#wW]+\Z")]
FrameId = Annotated[str, msgspec.Meta(max_length=256)] | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

HoldAction = Literal["hold", "unhold", "toggleHold"]


class Code(IntEnum):
    """The error codes that may be sent.

    -32000 is not among them: the browser SDK answers it by logging in again, at once and for ever.
    """

    PARSE_ERROR = -32700
    INVALID_REQUEST = -32600
    UNKNOWN_METHOD = -32601
    INVALID_PARAMS = -32602
    LOGIN_REFUSED = -32001
    CALL_ERROR = -32002


class Header(msgspec.Struct, frozen=True):
    """A custom header: a SIP token and one line of at most 1 KiB (RFC 3261 section 25.1)."""

    name: Annotated[str, msgspec.Meta(max_length=128, pattern=r"^[A-Za-z0-9.!%*_+`'~-]+\Z")]
    value: Annotated[str, msgspec.Meta(max_length=1024, pattern=_ONE_LINE)]


HeaderList = Annotated[tuple[Header, ...], msgspec.Meta(max_length=50)]


class Params(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The `params` of one method; a class for each method and direction."""

    method: ClassVar[str]


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The `result` of one request: always an object, never null, and no key in it is called `result`."""

    sessid: str | None = None


class LoggedIn(Result, frozen=True, kw_only=True):
    """A login was accepted; mobile clients compare the text."""

    message: str = msgspec.field(default_factory=lambda: "logged in")


class GatewayParams(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the registration stands. `call_report_id` asks the client to post its call reports."""

    state: str
    call_report_id: str | None = None
    dc: str | None = None
    region: str | None = None


class Gateway(Result, frozen=True, kw_only=True):
    """The answer to `gatewayState`."""

    params: GatewayParams


class CallResult(Result, frozen=True, kw_only=True):
    """The answer to invite, answer, attach, bye and modify.

    `hold_state` answers hold, unhold and toggleHold ("active" or "held"); `sdp` answers updateMedia.
    """

    call_id: str | None = msgspec.field(default=None, name="callID")
    message: str | None = None
    action: str | None = None
    hold_state: str | None = msgspec.field(default=None, name="holdState")
    sdp: str | None = None
    cause: str | None = None
    cause_code: int | None = msgspec.field(default=None, name="causeCode")


class Done(Result, frozen=True, kw_only=True):
    """The answer to every other request; the SDKs read nothing in it."""

    message: str = msgspec.field(default_factory=lambda: "OK")


class Subscribed(Result, frozen=True, kw_only=True):
    """The answer to subscribe and unsubscribe: which channels were, and which may not be."""

    subscribed: tuple[str, ...] = msgspec.field(default=(), name="subscribedChannels")
    unsubscribed: tuple[str, ...] = msgspec.field(default=(), name="unsubscribedChannels")
    unauthorized: tuple[str, ...] = msgspec.field(default=(), name="unauthorizedChannels")


class Acknowledged(msgspec.Struct, frozen=True):
    """What a client answers to the server's requests: the name of the method."""

    method: str
