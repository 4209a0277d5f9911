"""Category: voice. Every command to a leg in every stage and place: obeyed, or refused by its code with no trace.

The laws below are written down by hand, from the API's documentation: they must not be read off the table that they
hold to account. A new command needs a line in `LINES`.
"""

from typing import Any, NamedTuple

import pytest
from tests.voice.stages import SITUATIONS, order

from offhook.voice import effect
from offhook.voice.command import codes
from offhook.voice.commands import CALL_COMMANDS
from offhook.voice.effect import Effect
from offhook.voice.event_types import EVENT_TYPES
from offhook.voice.leg import STAGES
from offhook.voice.session import Session

Body = dict[str, Any]


class Law(NamedTuple):
    """The code with which a command is refused; "" where it is obeyed. `dials` is while the far end dials, `rung`
    while it rings; an answered leg in a queue or a bridge, or one that supervises a bridge, is like any other unless
    something else is said."""

    dials: str
    rung: str
    answered: str
    queue: str | None = None
    bridge: str | None = None
    supervised: str | None = None

    def code(self, stage: str, place: str) -> str:
        if stage == "ended":
            return "90018"
        if stage in ("trying", "early"):
            return self.dials
        if stage in ("offered", "ringing"):
            return self.rung
        special = {"queue": self.queue, "bridge": self.bridge, "supervised": self.supervised}.get(place)
        return self.answered if special is None else special


class Line(NamedTuple):
    """A command with a body that is right, and what must have been ordered before it so that it makes sense."""

    law: Law
    body: Body
    before: tuple[tuple[str, Body], ...] = ()


ANY_TIME = Law("", "", "")
ONCE_ANSWERED = Law("90034", "90034", "")
BY_ITS_FAR_END_ONLY = Law("", "90102", "10027")
IN_A_QUEUE = Law("90035", "90035", "90035", queue="")
NOT_BY_SIP = Law("90034", "90034", "10027")
SUPERVISORS_ONLY = Law("90034", "90034", "10027", supervised="")
NOT_IN_A_QUEUE = Law("90034", "90034", "", queue="90038")

SAID: Body = {"payload": "Hello.", "voice": "female"}
RTP: Body = {"rx": "udp:192.0.2.1:4000", "tx": "udp:192.0.2.1:4002"}
STREAM: Body = {"stream_url": "wss://program.test/"}
AUDIO: Body = {"audio_url": "https://files.test/a.wav"}
RECORDING: Body = {"channels": "dual", "format": "wav"}

LINES: dict[str, Line] = {
    "answer": Line(BY_ITS_FAR_END_ONLY, {}),
    "bridge": Line(ONCE_ANSWERED, {"call_control_id": "another"}),
    "client_state_update": Line(ANY_TIME, {"client_state": "bmV3"}),
    "enqueue": Line(NOT_IN_A_QUEUE, {"queue_name": "sales"}),
    "fork_start": Line(ONCE_ANSWERED, RTP),
    "fork_stop": Line(ONCE_ANSWERED, {}, (("fork_start", RTP),)),
    "gather": Line(ONCE_ANSWERED, {}),
    "gather_stop": Line(ONCE_ANSWERED, {}, (("gather", {}),)),
    "gather_using_audio": Line(ONCE_ANSWERED, AUDIO),
    "gather_using_speak": Line(ONCE_ANSWERED, SAID),
    "hangup": Line(ANY_TIME, {}),
    "leave_queue": Line(IN_A_QUEUE, {}),
    "playback_start": Line(ONCE_ANSWERED, AUDIO),
    "playback_stop": Line(ONCE_ANSWERED, {}, (("playback_start", AUDIO),)),
    "record_pause": Line(ONCE_ANSWERED, {}, (("record_start", RECORDING),)),
    "record_resume": Line(ONCE_ANSWERED, {}, (("record_start", RECORDING), ("record_pause", {}))),
    "record_start": Line(ONCE_ANSWERED, RECORDING),
    "record_stop": Line(ONCE_ANSWERED, {}, (("record_start", RECORDING),)),
    "refer": Line(NOT_BY_SIP, {"sip_address": "sip:carol@sip.test"}),
    "reject": Line(BY_ITS_FAR_END_ONLY, {"cause": "USER_BUSY"}),
    "send_dtmf": Line(ONCE_ANSWERED, {"digits": "1"}),
    "send_sip_info": Line(NOT_BY_SIP, {"body": "x", "content_type": "text/plain"}),
    "speak": Line(ONCE_ANSWERED, SAID),
    "streaming_start": Line(ONCE_ANSWERED, STREAM),
    "streaming_stop": Line(ONCE_ANSWERED, {}, (("streaming_start", STREAM),)),
    "suppression_start": Line(ONCE_ANSWERED, {}),
    "suppression_stop": Line(ONCE_ANSWERED, {}, (("suppression_start", {}),)),
    "transcription_start": Line(ONCE_ANSWERED, {}),
    "transcription_stop": Line(ONCE_ANSWERED, {}, (("transcription_start", {}),)),
    "switch_supervisor_role": Line(SUPERVISORS_ONLY, {"role": "whisper"}),
    "transfer": Line(ONCE_ANSWERED, {"to": "sip:carol@sip.test"}),
}

GRID = [(name, *situation) for name in sorted(LINES) for situation in SITUATIONS]


def test_every_command_has_its_line_and_every_stage_its_situation() -> None:
    assert LINES.keys() == CALL_COMMANDS.keys()
    assert {stage for stage, _ in SITUATIONS} == {stage for stage, _ in STAGES} | set(STAGES.values())


@pytest.mark.parametrize(("stage", "place"), SITUATIONS)
def test_a_situation_is_what_it_says(stage: str, place: str) -> None:
    session, leg = SITUATIONS[stage, place]()
    if stage == "ended":
        assert leg not in session.floor.legs
    else:
        kind = "bridge" if place == "supervised" else place
        assert (session.floor.legs[leg].stage, session.floor.place_of(leg).kind) == (stage, kind)


@pytest.mark.parametrize(("name", "stage", "place"), GRID)
def test_a_command_is_obeyed_or_refused_by_the_table(name: str, stage: str, place: str) -> None:
    line = LINES[name]
    code = line.law.code(stage, place)
    session, leg = SITUATIONS[stage, place]()
    for earlier, body in line.before if stage == "answered" else ():
        assert _outcome(order(session, leg, earlier, body)) == ""
    before = _traces(session)
    made = order(session, leg, name, line.body | {"client_state": "bmV3", "command_id": "once"})
    assert _outcome(made) == code
    if code:
        assert [type(each) for each in made] == [effect.Rejected]
        assert _traces(session) == before
    else:
        assert _kept(session, leg, made) in ("bmV3", "moved", "ended")


@pytest.mark.parametrize(("name", "stage", "place"), GRID)
def test_a_command_brings_about_and_is_refused_by_what_its_line_says(name: str, stage: str, place: str) -> None:
    line, rule = LINES[name], CALL_COMMANDS[name]
    session, leg = SITUATIONS[stage, place]()
    for earlier, body in line.before if stage == "answered" else ():
        order(session, leg, earlier, body)
    made = order(session, leg, name, line.body)
    told = {each.event.type for each in made if isinstance(each, effect.Tell)}
    assert told <= set(rule.causes)
    assert _outcome(made) in codes(rule) | {""}


@pytest.mark.parametrize("name", sorted(LINES))
def test_the_events_of_a_command_are_events(name: str) -> None:
    assert set(CALL_COMMANDS[name].causes) <= EVENT_TYPES


@pytest.mark.parametrize(("name", "stage", "place"), GRID)
def test_a_command_id_is_spent_by_a_command_that_was_obeyed_only(name: str, stage: str, place: str) -> None:
    line = LINES[name]
    session, leg = SITUATIONS[stage, place]()
    for earlier, body in line.before if stage == "answered" else ():
        order(session, leg, earlier, body)
    body = line.body | {"command_id": "once"}
    first = order(session, leg, name, body)
    there = leg in session.floor.legs and effect.Accepted in map(type, first)
    before = _traces(session)
    again = order(session, leg, name, body)
    if there:
        assert [type(each) for each in again] == [effect.Accepted]
        assert _traces(session) == before
    elif _outcome(first):
        assert _outcome(again) == _outcome(first)


def _outcome(made: list[Effect]) -> str:
    """The code of a refusal; "" for a command that is done, or goes on with another owner. Exactly one of them."""
    answers = [each for each in made if isinstance(each, effect.Accepted | effect.Rejected)]
    went_on = [each for each in made if isinstance(each, effect.Want | effect.PassOn)]
    assert len(answers) + len(went_on) == 1
    return answers[0].why.problems[0].code if answers and isinstance(answers[0], effect.Rejected) else ""


def _kept(session: Session, leg: str, made: list[Effect]) -> str | None:
    """The leg's client_state after a command that was obeyed, or where else it went with it."""
    if any(isinstance(each, effect.Close) for each in made):
        return "ended"
    if any(isinstance(each, effect.Want | effect.PassOn | effect.HandOver) for each in made):
        return "moved"
    return session.floor.legs[leg].client_state


def _traces(session: Session) -> list[Any]:
    """All that a command could have changed."""
    floor = session.floor
    legs = [
        (id, leg.stage, leg.hold, leg.client_state, leg.hooks, leg.meets, leg.unbridged, leg.expires_at, leg.greeting,
         leg.answer_headers, tuple(leg.doings), tuple(leg.answers), tuple(leg.usages), len(leg.dialogs))
        for id, leg in floor.legs.items()
    ]  # fmt: skip
    places = [(place.id, place.kind, [(id, place.seat(id)) for id in place]) for place in floor.places]
    return [
        legs,
        places,
        list(floor.wanted),
        floor.queue and (floor.queue.card, list(floor.queue.turns)),
        session.wakes_at,
    ]
