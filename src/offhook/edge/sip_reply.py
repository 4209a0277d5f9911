"""The answers that the exchange owes to requests of SIP far ends. Knows no message."""

from collections.abc import Callable

# What a refusal of the exchange is in SIP, by its code of JSON-RPC.
_REFUSALS = {-32602: 488, -32603: 500, -32002: 481}


def refusal(code: int) -> int:
    return _REFUSALS.get(code, 488)


class Answering:
    """The answer that the exchange owes to a request of the far end (`engine.ports.Reply`), as two functions."""

    __slots__ = ("_done", "_refused")

    def __init__(self, done: Callable[[str | None], None], refused: Callable[[int], None]) -> None:
        self._done = done
        self._refused = refused

    def done(self, sdp: str | None = None, held: bool | None = None) -> None:  # noqa: ARG002
        self._done(sdp)

    def refuse(self, code: int, message: str) -> None:  # noqa: ARG002
        self._refused(code)
