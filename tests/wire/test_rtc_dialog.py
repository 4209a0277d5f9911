"""Category: wire. Every message in every stage of a call, and any interleaving of two ends (case SDK-01).

The table is the specification here: what it has not, must change nothing and raise nothing at the end that hears it.
"""

from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc import Connection, Event, Ignored, Received
from offhook.wire.rtc_dialog import TABLE, Stage
from offhook.wire.rtc_frames import encode_request
from offhook.wire.rtc_values import Code, Params

from .pair import SDP, Pair, client, dialog, logged_in_server

CALL = "call-1"
ASKED: dict[type[Params], c2s.Message] = {
    c2s.Invite: c2s.Invite(sdp=SDP, dialog=dialog()),
    c2s.Answer: c2s.Answer(sdp=SDP, dialog=dialog()),
    c2s.Attach: c2s.Attach(sdp=SDP, dialog=dialog()),
    c2s.Bye: c2s.Bye(dialog=dialog()),
    c2s.Modify: c2s.Modify(action="hold", dialog=dialog()),
    c2s.Info: c2s.Info(dtmf="1", dialog=dialog()),
    c2s.Candidate: c2s.Candidate(candidate="candidate:1", dialog=dialog()),
    c2s.EndOfCandidates: c2s.EndOfCandidates(dialog=dialog()),
    c2s.RingingAck: c2s.RingingAck(call_id=CALL),
}
TOLD: dict[type[Params], s2c.Message] = {
    s2c.Invite: s2c.Invite(call_id=CALL, sdp=SDP),
    s2c.Attach: s2c.Attach(call_id=CALL, sdp=SDP),
    s2c.Ringing: s2c.Ringing(call_id=CALL),
    s2c.Media: s2c.Media(call_id=CALL, sdp=SDP),
    s2c.Answer: s2c.Answer(call_id=CALL, sdp=SDP),
    s2c.Bye: s2c.Bye(call_id=CALL),
    s2c.Candidate: s2c.Candidate(call_id=CALL, candidate="candidate:1"),
    s2c.EndOfCandidates: s2c.EndOfCandidates(call_id=CALL),
    s2c.Display: s2c.Display(call_id=CALL, display_name="A"),
}
# How a call gets into each stage.
PATHS: dict[Stage, tuple[type[Params], ...]] = {
    Stage.NONE: (),
    Stage.CALLING: (c2s.Invite,),
    Stage.EARLY: (c2s.Invite, s2c.Media),
    Stage.RINGING: (s2c.Invite,),
    Stage.ATTACHING: (s2c.Attach,),
    Stage.ACTIVE: (s2c.Invite, c2s.Answer),
}


def in_stage(connection: Connection, stage: Stage) -> Connection:
    for kind in PATHS[stage]:
        connection.dialogs.move(CALL, kind)
    assert connection.dialogs.stage(CALL) is stage
    return connection


def hear(connection: Connection, message: Any) -> list[Event]:
    return connection.receive(encode_request("far-1", message, "v"), 0.0)


def test_the_table_speaks_of_every_message_about_a_call() -> None:
    assert {kind for _, kind in TABLE} == ASKED.keys() | TOLD.keys()


@pytest.mark.parametrize(
    ("stage", "kind"), list(product(Stage, ASKED)), ids=lambda value: getattr(value, "__name__", value)
)
def test_a_server_hears_anything_at_any_time(stage: Stage, kind: type[Params]) -> None:
    connection = in_stage(logged_in_server(), stage)
    (event,) = hear(connection, ASKED[kind])
    legal = TABLE.get((stage, kind))
    assert isinstance(event, Received if legal else Ignored)
    assert connection.dialogs.stage(CALL) is (legal or stage)
    if isinstance(event, Ignored):
        assert len(connection.frames()) == 1  # its one answer


@pytest.mark.parametrize(
    ("stage", "kind"), list(product(Stage, TOLD)), ids=lambda value: getattr(value, "__name__", value)
)
def test_a_client_hears_anything_at_any_time(stage: Stage, kind: type[Params]) -> None:
    connection = in_stage(client(), stage)
    (event,) = hear(connection, TOLD[kind])
    legal = TABLE.get((stage, kind))
    assert isinstance(event, Received if legal else Ignored)
    assert connection.dialogs.stage(CALL) is (legal or stage)
    known_or_legal = legal is not None or stage is not Stage.NONE
    assert len(connection.frames()) == (known_or_legal and kind in s2c.ACKNOWLEDGED)


@pytest.mark.parametrize("kind", s2c.KINDS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("params", [b"{}", b"[]", b"null", b'{"callID":7,"sdp":{},"state":[],"eventChannel":1}'])
def test_a_client_survives_any_params(kind: type[s2c.Message], params: bytes) -> None:
    frame = b'{"jsonrpc":"2.0","id":1,"method":"%s","params":%s}' % (kind.method.encode(), params)
    assert len(client().receive(frame, 0.0)) <= 1


class Wire(Pair):
    """Two ends whose frames are carried one by one, so that anything may cross anything."""

    def __init__(self) -> None:
        super().__init__()
        self.log_in()
        self.to_server: list[bytes] = []
        self.to_client: list[bytes] = []
        self.owed: list[tuple[int, c2s.Request]] = []
        self.begun = False

    def choices(self) -> list[Callable[[], None]]:
        """All that could happen next."""
        legal = [kind for kind in (*ASKED, *TOLD) if self.may_say(kind)]
        says = [partial(self.say, kind) for kind in legal]
        carries = [partial(self.carry, to_server) for to_server in (True, False)]
        return [*says, *carries, *carries, partial(self.reply, False), partial(self.reply, True)]

    def speaker(self, kind: type[Params]) -> Connection:
        return self.client if kind in ASKED else self.server

    def may_say(self, kind: type[Params]) -> bool:
        """The speaker's own table allows it, and a call that is over stays over."""
        stage = self.speaker(kind).dialogs.stage(CALL)
        return (stage, kind) in TABLE and not (stage is Stage.NONE and self.begun)

    def say(self, kind: type[Params]) -> None:
        self.begun = True
        self.speaker(kind).send(ASKED[kind] if kind in ASKED else TOLD[kind])
        self.collect()

    def carry(self, to_server: bool) -> None:
        """Bring one frame over."""
        if to_server and self.to_server:
            for event in self.server.receive(self.to_server.pop(0).decode(), 0.0):
                self.heard(event)
        elif not to_server and self.to_client:
            for event in self.client.receive(self.to_client.pop(0).decode(), 0.0):
                self.heard(event)
        self.collect()

    def reply(self, refuse: bool) -> None:
        """Answer the oldest request, as an exchange does some time later."""
        if not self.owed:
            return
        ticket, request = self.owed.pop(0)
        if refuse:
            self.server.refuse(ticket, Code.CALL_ERROR, "no")
        else:
            self.server.answer(ticket, request.result_type())
        self.collect()

    def settle(self) -> None:
        while self.to_server or self.to_client or self.owed or self.may_say(c2s.Attach):
            if self.may_say(c2s.Attach):
                self.say(c2s.Attach)  # a client must, sooner or later
            self.reply(refuse=False)
            self.carry(to_server=True)
            self.carry(to_server=False)

    def heard(self, event: Event) -> None:
        if isinstance(event, Received) and event.ticket is not None:
            assert isinstance(event.message, c2s.Request)
            self.owed.append((event.ticket, event.message))
        if isinstance(event, Ignored):
            # Only what crossed the end of the call may come amiss.
            assert Stage.NONE in (self.client.dialogs.stage(CALL), self.server.dialogs.stage(CALL)), event.what

    def collect(self) -> None:
        self.to_server += self.client.frames()
        said = self.server.frames()
        if any(isinstance(request, c2s.Invite | c2s.Answer | c2s.Attach) for _, request in self.owed):
            assert not any(b'"method"' in frame for frame in said), "said before the result that was owed"
        self.to_client += said


@settings(max_examples=400, deadline=None)
@given(st.lists(st.integers(0, 999), min_size=10, max_size=60))
def test_two_ends_never_drift_apart_whatever_crosses_what(script: list[int]) -> None:
    wire = Wire()
    for number in script:
        choices = wire.choices()
        choices[number % len(choices)]()
    wire.settle()
    assert wire.client.dialogs.stage(CALL) is wire.server.dialogs.stage(CALL)
