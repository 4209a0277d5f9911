"""Where a SIP message begins and ends: in a datagram or websocket frame, and in a stream (RFC 3261 section 18.3).

It hands on only messages that are fit to be used, and tells what is to be answered to the others. It counts octets, not
time: a stream that stays in the middle of a message is the caller's to close. No I/O.
"""

from enum import Enum

from offhook.wire.sip_admission import Refused, admit
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Head, Request, Response, parse_head

MAX_HEAD = 32 * 1024  # octets before the empty line
MAX_BODY = 64 * 1024  # octets; no datagram holds more, so that no stream needs to
_END = b"\r\n\r\n"


class KeepAlive(Enum):
    """What goes over a connection between messages (RFC 5626 section 4.4.1): a PING is to be answered by CR LF."""

    PING = "ping"
    PONG = "pong"


class Unframed(Refused, frozen=True):
    """As `Refused`, in a stream whose next message cannot be found after it: answer it, then close."""


Item = Request | Response | Refused | KeepAlive


def read_datagram(octets: bytes) -> Request | Response | Refused | None:
    """The one message in it; None for what only keeps an address translator awake. Octets beyond Content-Length are
    dropped, too few are an error (RFC 3261 section 18.3)."""
    octets = octets.lstrip(b"\r\n\0")
    if not octets:
        return None
    end = octets.find(_END)
    try:
        head = parse_head(octets[:end] if 0 <= end <= MAX_HEAD else octets[:MAX_HEAD])
    except Malformed as malformed:
        return Refused(str(malformed), malformed.status)
    body = octets[end + len(_END) :] if end >= 0 else b""
    return _whole(head, end, body)


def _whole(head: Head, end: int, body: bytes) -> Request | Response | Refused:
    if end > MAX_HEAD:
        return _refused(head, "the header is too large", 513)
    if end < 0:
        return _refused(head, "the header does not end")
    if head.length is None:
        return admit(head, body)
    if len(body) < head.length:
        return _refused(head, "the body is shorter than Content-Length")
    return admit(head, body[: head.length])


def _refused(head: Head, why: str, status: int = 400) -> Refused:
    return Refused(why, status, _request_of(head))


def _request_of(head: Head) -> Request | None:
    return head.message if isinstance(head.message, Request) else None


class _Stage(Enum):
    HEAD = "reading a header, or between messages"
    BODY = "reading a body"
    LOST = "at a loss where the next message begins"


class Stream:
    """One direction of a TCP or TLS connection. However its octets are split, the same items come out."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._stage = _Stage.HEAD
        self._searched = 0
        self._line_ends = 0
        self._head: Head | None = None
        self._length = 0

    @property
    def pending(self) -> int:
        """How many octets wait for the rest of their message; at least one in the middle of one."""
        return len(self._buffer) + (self._stage is _Stage.BODY)

    def receive(self, octets: bytes) -> list[Item]:
        """Whatever is complete now, in its order. After `Unframed` nothing more comes."""
        if self._stage is _Stage.LOST:
            return []
        self._buffer += octets
        items: list[Item] = []
        while (item := self._next()) is not None:
            items.append(item)
        return items

    def _next(self) -> Item | None:
        match self._stage:
            case _Stage.HEAD:
                return self._take_head()
            case _Stage.BODY:
                return self._take_body()
            case _Stage.LOST:
                return None

    def _take_head(self) -> Item | None:
        if self._buffer.startswith(b"\r\n"):
            del self._buffer[:2]
            return self._line_end()
        end = self._buffer.find(_END, self._searched, MAX_HEAD + len(_END))
        if end >= 0:
            return self._parse(end)
        self._searched = max(0, len(self._buffer) - len(_END) + 1)
        if len(self._buffer) >= MAX_HEAD + len(_END):
            return self._lose("the header is too large", 513)
        return None

    def _line_end(self) -> KeepAlive:
        """The first of two may be a pong already, so that it is told without waiting for what comes next."""
        self._line_ends += 1
        return KeepAlive.PONG if self._line_ends % 2 else KeepAlive.PING

    def _parse(self, end: int) -> Item | None:
        octets = bytes(self._buffer[:end])
        del self._buffer[: end + len(_END)]
        self._searched = self._line_ends = 0
        try:
            head = parse_head(octets)
        except Malformed as malformed:
            return self._lose(str(malformed), malformed.status)
        if head.length is None:
            fault = head.fault or Malformed("Content-Length is missing")
            return self._lose(str(fault), fault.status, _request_of(head))
        if head.length > MAX_BODY:
            return self._lose("the body is too large", 513, _request_of(head))
        self._head, self._length, self._stage = head, head.length, _Stage.BODY
        return self._take_body()

    def _take_body(self) -> Item | None:
        if self._head is None or len(self._buffer) < self._length:
            return None
        body = bytes(self._buffer[: self._length])
        del self._buffer[: self._length]
        head, self._head, self._stage = self._head, None, _Stage.HEAD
        return admit(head, body)

    def _lose(self, why: str, status: int, request: Request | None = None) -> Unframed:
        self._stage = _Stage.LOST
        self._buffer.clear()
        return Unframed(why, status, request)
