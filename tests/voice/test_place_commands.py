"""Category: voice. Every command to a conference or queue, and every one by which a leg enters a conference, in every
stage that they can be in: obeyed, or refused by its code with no trace.

Written down by hand, as the lines of `test_command_table` are. A new command needs a line here.
"""

from typing import Any

import pytest
from tests.voice.stages import NOW, SITUATIONS, answered_queued, command, conferring, feed

from offhook.voice import conferencing, effect
from offhook.voice.command import CommandRule, codes
from offhook.voice.commands import (
    CONFERENCE_COMMANDS,
    CREATE_CONFERENCE,
    JOIN_CONFERENCE,
    QUEUE_COMMANDS,
    UPDATE_PARTICIPANT,
)
from offhook.voice.effect import Effect
from offhook.voice.queue import Card, Queue
from offhook.voice.session import Session
from offhook.voice.signal import Directed, Ordered

Body = dict[str, Any]
Before = tuple[tuple[str, Body], ...]

RECORDING: Body = {"format": "wav"}
RECORDED: Before = (("record_start", RECORDING),)
AUDIO: Body = {"audio_url": "https://files.test/a.wav"}
LEG: Body = {"call_control_id": "caller"}
SAID: Body = {"payload": "Hello.", "voice": "female"}

# A body that is right, and what must have been ordered before it so that it makes sense.
LINES: dict[str, tuple[Body, Before]] = {
    "end": ({}, ()),
    "gather_using_audio": (AUDIO | LEG, ()),
    "hold": ({}, ()),
    "leave": (LEG, ()),
    "mute": ({}, ()),
    "play": (AUDIO, ()),
    "record_pause": ({}, RECORDED),
    "record_resume": ({}, (*RECORDED, ("record_pause", {}))),
    "record_start": (RECORDING, ()),
    "record_stop": ({}, RECORDED),
    "send_dtmf": ({"digits": "1"}, ()),
    "speak": (SAID, ()),
    "stop": ({}, ()),
    "unhold": ({"call_control_ids": ["caller"]}, ()),
    "unmute": ({}, ()),
    "update": (LEG | {"supervisor_role": "barge"}, ()),
    "update_participant": ({"beep_enabled": "always"}, ()),
}
RULES: dict[str, CommandRule] = CONFERENCE_COMMANDS | {UPDATE_PARTICIPANT.name: UPDATE_PARTICIPANT}

# By command: the code with which it is refused by a queue that nobody has made, and by one in which somebody waits.
QUEUE_LINES: dict[str, tuple[Body, str, str]] = {
    "delete": ({}, "10005", "90050"),
    "remove_call": ({}, "10005", ""),
    "update": ({"max_size": 5}, "10005", ""),
    "update_call": ({"keep_after_hangup": True}, "10005", ""),
}


def direct(session: Session, rule: CommandRule, body: Body, leg: str = "") -> list[Effect]:
    """What follows from a command to a place."""
    return feed(session, Directed(7, rule, command(rule, body), leg))


def outcome(made: list[Effect]) -> str:
    """The code of a refusal; "" for a command that is done. Exactly one answer."""
    [answer] = [each for each in made if isinstance(each, effect.Accepted | effect.Rejected)]
    return answer.why.problems[0].code if isinstance(answer, effect.Rejected) else ""


def told(made: list[Effect]) -> set[str]:
    return {each.event.type for each in made if isinstance(each, effect.Tell)}


def test_every_command_to_a_place_has_its_line() -> None:
    assert LINES.keys() == RULES.keys()
    assert QUEUE_LINES.keys() == QUEUE_COMMANDS.keys()


@pytest.mark.parametrize("name", sorted(LINES))
@pytest.mark.parametrize("status", ["init", "in_progress"])
def test_a_live_conference_obeys(name: str, status: Any) -> None:
    session, leg = conferring(status)
    body, before = LINES[name]
    for earlier, given in before:
        assert outcome(direct(session, RULES[earlier], given)) == ""
    made = direct(session, RULES[name], body, leg if name == "update_participant" else "")
    assert outcome(made) == ""
    assert told(made) <= set(RULES[name].causes)


@pytest.mark.parametrize("name", sorted(LINES))
def test_a_conference_that_is_over_refuses(name: str) -> None:
    session, leg = conferring()
    assert session.floor.conference is not None
    conferencing.end(session.floor.conference, "lets go", "ended_via_api", NOW)
    feed(session)
    session.decide(Directed(1, RULES["end"], command(RULES["end"], {})), NOW)
    assert session.floor.conference.is_finished
    made = direct(session, RULES[name], LINES[name][0], leg if name == "update_participant" else "")
    assert [type(each) for each in made] == [effect.Rejected]
    assert outcome(made) in {"90019", "10005"} & codes(RULES[name])


@pytest.mark.parametrize("name", sorted(QUEUE_LINES))
def test_a_queue_obeys_or_refuses(name: str) -> None:
    body, nobody, somebody = QUEUE_LINES[name]
    rule = QUEUE_COMMANDS[name]
    unmade = Session("queue", Queue(Card("queue", "account", "support", 10, "passing", 0.0, 0.0)))
    made = direct(unmade, rule, body, "caller")
    assert [type(each) for each in made] == [effect.Rejected]
    assert outcome(made) == nobody
    session, leg = answered_queued()
    made = direct(session, rule, body, leg)
    assert outcome(made) == somebody
    assert {nobody, somebody} <= codes(rule) | {""}
    assert told(made) <= set(rule.causes)


@pytest.mark.parametrize(("stage", "place"), SITUATIONS)
@pytest.mark.parametrize("rule", [CREATE_CONFERENCE, JOIN_CONFERENCE], ids=lambda rule: rule.name)
def test_a_leg_enters_a_conference_once_it_is_answered(rule: CommandRule, stage: str, place: str) -> None:
    session, leg = SITUATIONS[stage, place]()
    body = {"call_control_id": leg} | ({"name": "other"} if rule is CREATE_CONFERENCE else {})
    made = feed(session, Ordered(leg, 7, rule, command(rule, body), place="other"))
    if stage == "answered":
        assert [type(each) for each in made] == [effect.PassOn]
    else:
        assert [type(each) for each in made] == [effect.Rejected]
        assert outcome(made) == ("90018" if stage == "ended" else "90034")


@pytest.mark.parametrize("rule", [CREATE_CONFERENCE, JOIN_CONFERENCE], ids=lambda rule: rule.name)
def test_a_leg_that_is_in_the_conference_does_not_enter_it_again(rule: CommandRule) -> None:
    session, leg = conferring()
    body = {"call_control_id": leg} | ({"name": "team"} if rule is CREATE_CONFERENCE else {})
    [passed] = feed(session, Ordered(leg, 7, rule, command(rule, body), place="conference"))
    assert isinstance(passed, effect.PassOn)
    made = feed(session, passed.order)
    assert outcome(made) == ("90033" if rule is CREATE_CONFERENCE else "90044")
    assert leg in session.floor.legs
