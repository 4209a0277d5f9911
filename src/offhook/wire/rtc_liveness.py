"""When a connection of the browser SDK's protocol must ping and when it is dead: only this decides. No I/O."""

from typing import Literal

import msgspec


class CloseReason(msgspec.Struct, frozen=True):
    """Why a socket is closed: the code and the text of its close frame (RFC 6455 section 7.4)."""

    code: int
    text: str


NO_LOGIN = CloseReason(1008, "no login in time")
SILENT = CloseReason(1001, "nothing heard")
UNANSWERED = CloseReason(1000, "a request was not answered in time")


class Limits(msgspec.Struct, frozen=True):
    """Seconds. Ping after so much silence in either direction; dead after so much silence of the far end, so long
    without a login, or so long without the answer to a request that must have one."""

    ping_after: float
    dead_after: float = float("inf")
    login_within: float = float("inf")
    answer_within: float = 10.0


# Browsers probe for themselves after 20 s, so a server that pings at 15 keeps them quiet.
SERVER = Limits(ping_after=15.0, dead_after=60.0, login_within=30.0)
CLIENT = Limits(ping_after=20.0)


class Liveness:
    """Counts silence. Any frame is life."""

    def __init__(self, limits: Limits, now: float) -> None:
        self._limits = limits
        self._heard = self._sent = self._pinged = now
        self._login_by = now + limits.login_within
        self._answer_by: dict[int, float] = {}
        self._just_asked: list[int] = []

    def heard(self, now: float) -> None:
        self._heard = now
        self._start_waiting(now)

    def sent(self, now: float) -> None:
        self._sent = now

    def pinged(self, now: float) -> None:
        self._pinged = now

    def logged_in(self) -> None:
        self._login_by = float("inf")

    def await_answer(self, ticket: int) -> None:
        """A request leaves. Nobody says when, and the last time told may be long ago: its wait starts with the next,
        which `deadline` asks for at once."""
        self._just_asked.append(ticket)

    def answered(self, ticket: int) -> None:
        self._answer_by.pop(ticket, None)

    def _start_waiting(self, now: float) -> None:
        for ticket in self._just_asked:
            self._answer_by[ticket] = now + self._limits.answer_within
        self._just_asked.clear()

    def deadline(self) -> float:
        """The time at which `due` has something to say, or wants to be told the time."""
        if self._just_asked:
            return self._heard
        return min(self._ping_at(), self._heard + self._limits.dead_after, self._login_by, self._first_answer_by())

    def due(self, now: float) -> CloseReason | Literal["ping"] | None:
        self._start_waiting(now)
        if now >= self._heard + self._limits.dead_after:
            return SILENT
        if now >= self._login_by:
            return NO_LOGIN
        if now >= self._first_answer_by():
            return UNANSWERED
        return "ping" if now >= self._ping_at() else None

    def _ping_at(self) -> float:
        return max(min(self._heard, self._sent), self._pinged) + self._limits.ping_after

    def _first_answer_by(self) -> float:
        # All wait equally long, so the oldest is the first.
        return next(iter(self._answer_by.values()), float("inf"))
