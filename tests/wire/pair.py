"""A client and a server of the browser SDK's protocol, connected in memory."""

from collections.abc import Iterator
from itertools import count
from typing import Any, TypeVar

import msgspec

from offhook.wire import rtc_c2s as c2s
from offhook.wire.rtc import Connection, Event, Received, Role

SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
_E = TypeVar("_E")


def numbered(prefix: str) -> Iterator[str]:
    return (f"{prefix}{number}" for number in count(1))


def server(now: float = 0.0) -> Connection:
    ids = numbered("s")
    return Connection(Role.SERVER, lambda: next(ids), now, voice_sdk_id="node-1")


def client(now: float = 0.0) -> Connection:
    ids = numbered("c")
    return Connection(Role.CLIENT, lambda: next(ids), now)


def logged_in_server(now: float = 0.0) -> Connection:
    """A server whose client has logged in by the frame with id 0 and has heard so."""
    connection = server(now)
    (event,) = connection.receive('{"id":0,"method":"login","params":{"login":"u","passwd":"p"}}', now)
    assert isinstance(event, Received)
    connection.log_in(ticket_of(event), "session-1")
    connection.frames()
    return connection


def ticket_of(event: Event) -> int:
    assert isinstance(event, Received)
    assert event.ticket is not None
    return event.ticket


def written(connection: Connection) -> list[dict[str, Any]]:
    """What the connection wants written, as objects."""
    return [msgspec.json.decode(frame) for frame in connection.frames()]


def dialog(call_id: str = "call-1", **more: Any) -> c2s.DialogParams:
    return c2s.DialogParams(browser_call_id=call_id, **more)


class Pair:
    """Both ends of one socket; `talk` carries frames until both are silent and returns what each heard."""

    def __init__(self) -> None:
        self.client = client()
        self.server = server()
        self.heard_by_client: list[Event] = []
        self.heard_by_server: list[Event] = []

    def talk(self, now: float = 0.0) -> None:
        self.heard_by_client, self.heard_by_server = [], []
        while True:
            to_server, to_client = self.client.frames(), self.server.frames()
            if not to_server and not to_client:
                return
            for frame in to_server:
                self.heard_by_server += self.server.receive(frame.decode(), now)
            for frame in to_client:
                self.heard_by_client += self.client.receive(frame.decode(), now)

    def log_in(self) -> None:
        self.client.send(c2s.Login(login="john1234", password="secret"))
        self.talk()
        self.server.log_in(self.ticket(), "session-1")
        self.talk()

    def ticket(self) -> int:
        """Of the one request that the server heard."""
        (event,) = self.heard_by_server
        return ticket_of(event)

    def only(self, events: list[Event], kind: type[_E]) -> _E:
        (event,) = events
        assert isinstance(event, kind)
        return event
