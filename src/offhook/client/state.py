"""The life of a call as a table: which event leads from which state to which. No I/O.

State names are those that `call.state` shows in the browser SDK, so that one vocabulary serves both.
"""

from typing import Final, Literal

State = Literal["new", "requesting", "trying", "early", "ringing", "answering", "active", "held", "hangup", "destroy"]
Trigger = Literal[
    "invited",  # our invite has left
    "accepted",  # the platform took it
    "progressed",  # early media: the far end can be heard before anybody has answered
    "offered",  # a call came in
    "answering",  # our answer has left
    "answered",  # the other side answered, or the platform took our answer
    "held",
    "unheld",
    "ended",
    "cleared",  # everything that belonged to the call has been let go
]

_LIVE: Final[tuple[State, ...]] = ("new", "requesting", "trying", "early", "ringing", "answering", "active", "held")

TRANSITIONS: Final[dict[tuple[State, Trigger], State]] = {
    ("new", "invited"): "requesting",
    ("requesting", "accepted"): "trying",
    ("requesting", "progressed"): "early",
    ("requesting", "answered"): "active",
    ("trying", "progressed"): "early",
    ("trying", "answered"): "active",
    ("early", "answered"): "active",
    ("new", "offered"): "ringing",
    ("ringing", "answering"): "answering",
    ("answering", "answered"): "active",
    ("active", "held"): "held",
    ("held", "unheld"): "active",
    **{(state, "ended"): "hangup" for state in _LIVE},
    ("hangup", "cleared"): "destroy",
}

TALKING: Final[frozenset[State]] = frozenset({"active", "held"})
OVER: Final[frozenset[State]] = frozenset({"hangup", "destroy"})


def moved(state: State, trigger: Trigger) -> State | None:
    """The state after `trigger`; None where the table has no such edge and the call must stay as it is."""
    return TRANSITIONS.get((state, trigger))
