"""The ways to a SIP far end, tried one after the other until one leads there. Knows no call."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from offhook.edge.sip_login import Login
from offhook.edge.sip_transport import Flow, Transport
from offhook.wire.sip_headers import Via


class Reach(msgspec.Struct, frozen=True):
    """How a far end is reached: over which flow, by what Request-URI, past which proxies (as Route has them).

    `callee` is what To holds, `domain` what our own addresses are of. `from_user` stands in From for whoever calls,
    where it is set; `agent` is our User-Agent. `login` answers its challenges. A far end from which nothing at all is
    heard for `patience` seconds has the next way tried in its place, if there is a limit.
    """

    flow: Flow
    uri: str
    callee: str
    domain: str
    routes: tuple[str, ...] = ()
    from_user: str = ""
    agent: str = ""
    login: Login | None = None
    patience: float | None = None


Reached = Callable[[Reach | None], None]


class Ways(Protocol):
    """Those to one far end for one call."""

    def next(self, reached: Reached) -> None:
        """Call `reached`, now or later, with the next way, or with None when there is no other."""
        ...


class OneWay:
    """The way to a phone: that which its REGISTER came."""

    def __init__(self, reach: Reach | None) -> None:
        self._reach = reach

    def next(self, reached: Reached) -> None:
        reach, self._reach = self._reach, None
        reached(reach)


class Nowhere:
    """The flow of a call whose way is not known yet: nothing can be sent over it."""

    transport: Transport = "UDP"
    peer = local = ("", 0)
    is_open = False

    def send(self, octets: bytes) -> bool:  # noqa: ARG002
        return False

    def answering(self, via: Via) -> Flow:  # noqa: ARG002
        return self

    def proved(self) -> None: ...

    def close(self) -> None: ...
