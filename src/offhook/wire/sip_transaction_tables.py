"""The four transactions of RFC 3261 section 17, as corrected by RFC 6026: states, timers, tables. Nothing moves here.

Timers have the letters of the RFC (its table 4, and L and M of RFC 6026). No I/O.
"""

from enum import Enum

import msgspec


class State(Enum):
    """The RFC's names."""

    CALLING = "Calling"
    TRYING = "Trying"
    PROCEEDING = "Proceeding"
    ACCEPTED = "Accepted"
    COMPLETED = "Completed"
    CONFIRMED = "Confirmed"
    TERMINATED = "Terminated"


class Timer(Enum):
    """The RFC's letters."""

    A = "A"
    B = "B"
    D = "D"
    E = "E"
    F = "F"
    G = "G"
    H = "H"
    I = "I"  # noqa: E741 - the RFC's name
    J = "J"
    K = "K"
    L = "L"
    M = "M"


class Trigger(Enum):
    """What happens to a transaction beside its timers."""

    HEARD_1XX = "a provisional response came"
    HEARD_2XX = "a 2xx came"
    HEARD_OTHER = "a final response came that is no 2xx"
    HEARD_REQUEST = "the request came again"
    HEARD_ACK = "its ACK came"
    SAID_1XX = "a provisional response is to be sent"
    SAID_2XX = "a 2xx is to be sent"
    SAID_OTHER = "a final response that is no 2xx is to be sent"
    FAILED = "the transport could not send"


class Do(Enum):
    """What a move brings with it. Sending is of what was said last: the request, or the latest response."""

    SEND = "send"
    SEND_ACK = "acknowledge"
    PASS_UP = "pass up"
    TIME_OUT = "say that no answer came"
    FAIL = "say that the transport failed"


Table = dict[tuple[State, Trigger | Timer], tuple[State, tuple[Do, ...]]]


class Machine(msgspec.Struct, frozen=True):
    """One of the four. A timer runs while the state is one that names it: it starts at the first of them and stops when
    the last is left. What is not in the table changes nothing: it is late, or a duplicate."""

    first: State
    table: Table
    timers: dict[State, tuple[Timer, ...]]


S, T, W = State, Timer, Trigger
_TIMED_OUT = (S.TERMINATED, (Do.TIME_OUT,))
_TRANSPORT_FAILED = (S.TERMINATED, (Do.FAIL,))
_OVER = (S.TERMINATED, ())

INVITE_CLIENT = Machine(
    first=S.CALLING,
    table={
        (S.CALLING, T.A): (S.CALLING, (Do.SEND,)),
        (S.CALLING, T.B): _TIMED_OUT,
        (S.CALLING, W.HEARD_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
        (S.CALLING, W.HEARD_2XX): (S.ACCEPTED, (Do.PASS_UP,)),
        (S.CALLING, W.HEARD_OTHER): (S.COMPLETED, (Do.SEND_ACK, Do.PASS_UP)),
        (S.CALLING, W.FAILED): _TRANSPORT_FAILED,
        (S.PROCEEDING, W.HEARD_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
        (S.PROCEEDING, W.HEARD_2XX): (S.ACCEPTED, (Do.PASS_UP,)),
        (S.PROCEEDING, W.HEARD_OTHER): (S.COMPLETED, (Do.SEND_ACK, Do.PASS_UP)),
        (S.PROCEEDING, W.FAILED): _TRANSPORT_FAILED,
        (S.COMPLETED, W.HEARD_OTHER): (S.COMPLETED, (Do.SEND_ACK,)),
        (S.COMPLETED, W.FAILED): _TRANSPORT_FAILED,
        (S.COMPLETED, T.D): _OVER,
        # Every 2xx goes up: each is acknowledged there, and one with another tag is of another dialog.
        (S.ACCEPTED, W.HEARD_2XX): (S.ACCEPTED, (Do.PASS_UP,)),
        (S.ACCEPTED, T.M): _OVER,
    },
    timers={S.CALLING: (T.A, T.B), S.COMPLETED: (T.D,), S.ACCEPTED: (T.M,)},
)

_FINAL = (S.COMPLETED, (Do.PASS_UP,))
CLIENT = Machine(
    first=S.TRYING,
    table={
        (S.TRYING, T.E): (S.TRYING, (Do.SEND,)),
        (S.TRYING, T.F): _TIMED_OUT,
        (S.TRYING, W.HEARD_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
        (S.TRYING, W.HEARD_2XX): _FINAL,
        (S.TRYING, W.HEARD_OTHER): _FINAL,
        (S.TRYING, W.FAILED): _TRANSPORT_FAILED,
        (S.PROCEEDING, T.E): (S.PROCEEDING, (Do.SEND,)),
        (S.PROCEEDING, T.F): _TIMED_OUT,
        (S.PROCEEDING, W.HEARD_1XX): (S.PROCEEDING, (Do.PASS_UP,)),
        (S.PROCEEDING, W.HEARD_2XX): _FINAL,
        (S.PROCEEDING, W.HEARD_OTHER): _FINAL,
        (S.PROCEEDING, W.FAILED): _TRANSPORT_FAILED,
        (S.COMPLETED, T.K): _OVER,
    },
    timers={S.TRYING: (T.E, T.F), S.PROCEEDING: (T.E, T.F), S.COMPLETED: (T.K,)},
)

# RFC 6026 section 7.1: a server that cannot send says so and stays, as its next response may get through.
INVITE_SERVER = Machine(
    first=S.PROCEEDING,
    table={
        (S.PROCEEDING, W.HEARD_REQUEST): (S.PROCEEDING, (Do.SEND,)),
        (S.PROCEEDING, W.SAID_1XX): (S.PROCEEDING, (Do.SEND,)),
        (S.PROCEEDING, W.SAID_2XX): (S.ACCEPTED, (Do.SEND,)),
        (S.PROCEEDING, W.SAID_OTHER): (S.COMPLETED, (Do.SEND,)),
        (S.PROCEEDING, W.FAILED): (S.PROCEEDING, (Do.FAIL,)),
        (S.ACCEPTED, W.SAID_2XX): (S.ACCEPTED, (Do.SEND,)),
        (S.ACCEPTED, W.HEARD_ACK): (S.ACCEPTED, (Do.PASS_UP,)),
        (S.ACCEPTED, W.FAILED): (S.ACCEPTED, (Do.FAIL,)),
        (S.ACCEPTED, T.L): _OVER,
        (S.COMPLETED, W.HEARD_REQUEST): (S.COMPLETED, (Do.SEND,)),
        (S.COMPLETED, W.HEARD_ACK): (S.CONFIRMED, ()),
        (S.COMPLETED, W.FAILED): (S.COMPLETED, (Do.FAIL,)),
        (S.COMPLETED, T.G): (S.COMPLETED, (Do.SEND,)),
        (S.COMPLETED, T.H): _TIMED_OUT,
        (S.CONFIRMED, T.I): _OVER,
    },
    timers={S.ACCEPTED: (T.L,), S.COMPLETED: (T.G, T.H), S.CONFIRMED: (T.I,)},
)

_ANSWERED = (S.COMPLETED, (Do.SEND,))
SERVER = Machine(
    first=S.TRYING,
    table={
        (S.TRYING, W.SAID_1XX): (S.PROCEEDING, (Do.SEND,)),
        (S.TRYING, W.SAID_2XX): _ANSWERED,
        (S.TRYING, W.SAID_OTHER): _ANSWERED,
        (S.PROCEEDING, W.HEARD_REQUEST): (S.PROCEEDING, (Do.SEND,)),
        (S.PROCEEDING, W.SAID_1XX): (S.PROCEEDING, (Do.SEND,)),
        (S.PROCEEDING, W.SAID_2XX): _ANSWERED,
        (S.PROCEEDING, W.SAID_OTHER): _ANSWERED,
        (S.PROCEEDING, W.FAILED): _TRANSPORT_FAILED,
        (S.COMPLETED, W.HEARD_REQUEST): (S.COMPLETED, (Do.SEND,)),
        (S.COMPLETED, W.FAILED): _TRANSPORT_FAILED,
        (S.COMPLETED, T.J): _OVER,
    },
    timers={S.COMPLETED: (T.J,)},
)
