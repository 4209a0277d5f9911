"""What a `rtc.Connection` tells its shell, and the error when its shell asks for too much. No I/O."""

import msgspec

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_liveness import CloseReason
from offhook.wire.rtc_values import Acknowledged, GatewayParams, Result

Message = c2s.Message | s2c.Message


class LocalProtocolError(Exception):
    """Our own side asked for what the protocol does not allow now: a bug of ours, nothing was sent."""


class Received(msgspec.Struct, frozen=True):
    """The far end said something. A server owes an answer to every `ticket` that is not None; a client owes none."""

    message: Message
    ticket: int | None = None


class Succeeded(msgspec.Struct, frozen=True):
    """A request of ours was answered. A server hears this only of invites that a client acknowledged."""

    ticket: int
    request: Message
    result: Result | Acknowledged


class Refused(msgspec.Struct, frozen=True):
    """A request of ours was answered with an error."""

    ticket: int
    request: Message
    code: int
    text: str


class GatewayReported(msgspec.Struct, frozen=True):
    """How our registration stands, asked or unasked: REGED is ready; UNREGED and NOREG mean ask again in some
    seconds; FAILED, FAIL_WAIT and TIMEOUT mean come back with a new socket; others say nothing."""

    params: GatewayParams


class Ignored(msgspec.Struct, frozen=True):
    """Something that leads to nothing; for a debug log. Its text quotes nothing that the far end wrote."""

    what: str


class Died(msgspec.Struct, frozen=True):
    """Close the socket."""

    reason: CloseReason


Event = Received | Succeeded | Refused | GatewayReported | Ignored | Died
