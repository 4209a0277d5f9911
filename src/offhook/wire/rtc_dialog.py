"""Which message may follow which in one call of the browser SDK's protocol: one table for both roles. No I/O."""

from collections.abc import Iterable
from enum import Enum
from itertools import chain, product

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc_values import Params


class Stage(Enum):
    """How far a call's signalling has come. A call that is over is forgotten, so NONE is also the end."""

    NONE = "unknown"
    CALLING = "calling"  # the client's invite has left
    EARLY = "early"  # and the server has sent media
    RINGING = "ringing"  # the server's invite has left
    ATTACHING = "attaching"  # the server's attach has left
    ACTIVE = "active"


_LIVE = (Stage.CALLING, Stage.EARLY, Stage.RINGING, Stage.ATTACHING, Stage.ACTIVE)

_MOVES: tuple[tuple[Iterable[Stage], type[Params], Stage], ...] = (
    ((Stage.NONE,), c2s.Invite, Stage.CALLING),
    ((Stage.CALLING,), s2c.Media, Stage.EARLY),
    ((Stage.CALLING, Stage.EARLY), s2c.Answer, Stage.ACTIVE),
    ((Stage.NONE,), s2c.Invite, Stage.RINGING),
    ((Stage.RINGING,), c2s.Answer, Stage.ACTIVE),
    ((Stage.NONE, Stage.ACTIVE), s2c.Attach, Stage.ATTACHING),
    ((Stage.ATTACHING,), c2s.Attach, Stage.ACTIVE),
    (_LIVE, c2s.Bye, Stage.NONE),
    (_LIVE, s2c.Bye, Stage.NONE),
)
_STAYS: tuple[tuple[Iterable[Stage], tuple[type[Params], ...]], ...] = (
    ((Stage.CALLING, Stage.EARLY), (s2c.Ringing,)),
    ((Stage.RINGING,), (c2s.RingingAck,)),
    ((Stage.CALLING, Stage.EARLY, Stage.ATTACHING, Stage.ACTIVE), (c2s.Info,)),
    ((Stage.EARLY, Stage.ATTACHING, Stage.ACTIVE), (c2s.Modify,)),
    (_LIVE, (c2s.Candidate, c2s.EndOfCandidates, s2c.Candidate, s2c.EndOfCandidates, s2c.Display)),
)

TABLE: dict[tuple[Stage, type[Params]], Stage] = dict(
    chain(
        (((stage, kind), after) for stages, kind, after in _MOVES for stage in stages),
        (((stage, kind), stage) for stages, kinds in _STAYS for stage, kind in product(stages, kinds)),
    )
)


class IllegalMove(Exception):
    """The table has no such edge; the call stays as it was."""

    def __init__(self, stage: Stage, kind: type[Params]) -> None:
        super().__init__(f"{kind.method} is not possible while the call is {stage.value}")
        self.stage = stage


class Dialogs:
    """The calls of one connection and the stage of each."""

    def __init__(self) -> None:
        self._stages: dict[str, Stage] = {}

    def __len__(self) -> int:
        return len(self._stages)

    def stage(self, call_id: str) -> Stage:
        return self._stages.get(call_id, Stage.NONE)

    def move(self, call_id: str, kind: type[Params]) -> None:
        """One message about a call was sent or received; IllegalMove where it may not be."""
        stage = self.stage(call_id)
        after = TABLE.get((stage, kind))
        if after is None:
            raise IllegalMove(stage, kind)
        if after is Stage.NONE:
            self.forget(call_id)
        elif after is not stage:
            self._stages[call_id] = after

    def adopt(self, call_ids: Iterable[str]) -> None:
        """Calls that live on from an earlier socket."""
        for call_id in call_ids:
            self._stages.setdefault(call_id, Stage.ACTIVE)

    def forget(self, call_id: str) -> None:
        self._stages.pop(call_id, None)
