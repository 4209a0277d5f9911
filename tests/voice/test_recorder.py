"""Category: voice. A leg's recordings: begun, paused, stopped, over by themselves, and ended with their leg."""

from typing import Any, TypeVar

import msgspec
from tests.voice.stages import (
    ALICE,
    BOB,
    CALLEE,
    NOW,
    OTHER,
    RINGS,
    answered_bridged,
    answered_parked,
    command,
    early,
    feed,
    order,
)  # fmt: skip

from offhook.voice import effect
from offhook.voice.commands import DIAL
from offhook.voice.effect import Effect
from offhook.voice.session import Session
from offhook.voice.signal import Answered, HungUp, Originated, Park, PortUp, Rang, RecordingOver, Routed

E = TypeVar("E")
WAV: dict[str, Any] = {"channels": "dual", "format": "wav"}


def of(kind: type[E], made: list[Effect]) -> list[E]:
    return [each for each in made if isinstance(each, kind)]


def started(session: Session, leg: str, **more: Any) -> str:
    (accepted,) = of(effect.Accepted, order(session, leg, "record_start", WAV | more))
    return accepted.document["recording_id"]


def code(made: list[Effect]) -> str:
    (refused,) = of(effect.Rejected, made)
    return refused.why.problems[0].code


def hang_up(session: Session) -> list[Effect]:
    return feed(session, HungUp(ALICE, msgspec.convert({"cause": "NORMAL_CLEARING", "code": 16}, effect.Ending), 2))


def test_what_is_recorded_is_kept_before_it_begins_and_told_at_once() -> None:
    session, leg = answered_parked()
    made = order(session, leg, "record_start", WAV | {"max_length": 60, "timeout_secs": 5, "trim": "trim-silence"})
    (kept,), (record,), (accepted,) = (
        of(kind, made) for kind in (effect.KeepRecording, effect.Record, effect.Accepted)
    )
    assert kept.card == record.card
    assert (record.port, kept.card.started_at, kept.card.about.ids.call_control_id) == (1, NOW.wall, leg)
    settings = kept.card.settings
    assert (settings.max_seconds, settings.silence_seconds, settings.trim) == (60, 5, "silence")
    assert accepted.document == {"result": "ok", "recording_id": kept.card.id}


def test_pauses_are_told_once_and_cost_nothing() -> None:
    session, leg = answered_parked()
    id = started(session, leg)
    for name, paused in (("record_pause", True), ("record_resume", False)):
        assert of(effect.PauseRecord, order(session, leg, name, {})) == [effect.PauseRecord(1, id, paused)]
        usage = session.floor.legs[leg].usages["recording", id]
        assert of(effect.PauseRecord, order(session, leg, name, {"recording_id": id})) == []
        assert session.floor.legs[leg].usages["recording", id] == usage
        assert (usage.since_mono is None) is paused


def test_one_or_all_are_stopped_and_nothing_else_is() -> None:
    session, leg = answered_parked()
    first, second, third = (started(session, leg) for _ in range(3))
    assert [
        stop.recording for stop in of(effect.StopRecord, order(session, leg, "record_stop", {"recording_id": second}))
    ] == [second]
    assert [stop.recording for stop in of(effect.StopRecord, order(session, leg, "record_stop", {}))] == [first, third]
    assert code(order(session, leg, "record_stop", {})) == "10027"
    assert code(order(session, leg, "record_pause", {"recording_id": first})) == "10027"


def test_there_is_an_end_to_how_many_there_may_be() -> None:
    session, leg = answered_parked()
    ids = {started(session, leg) for _ in range(8)}
    assert len(ids) == 8
    assert code(order(session, leg, "record_start", WAV)) == "10027"
    order(session, leg, "record_stop", {"recording_id": min(ids)})
    assert started(session, leg) not in ids


def test_one_that_ended_by_itself_is_known_to_be_over() -> None:
    session, leg = answered_parked()
    id = started(session, leg)
    feed(session, RecordingOver(1, id))
    assert code(order(session, leg, "record_stop", {"recording_id": id})) == "10027"
    assert feed(session, RecordingOver(1, id)) == []


def test_they_end_with_their_leg_as_it_was_last() -> None:
    session, leg = answered_parked()
    ids = [started(session, leg) for _ in range(2)]
    order(session, leg, "client_state_update", {"client_state": "bGFzdA=="})
    made = hang_up(session)
    stops = of(effect.StopRecord, made)
    assert [(stop.recording, stop.about.client_state) for stop in stops] == [(id, "bGFzdA==") for id in ids]
    assert made.index(stops[-1]) < made.index(of(effect.ClosePort, made)[0])


def test_a_leg_is_recorded_from_its_answer_on_where_it_is_answered_so() -> None:
    session, leg = early(Park())
    feed(session, PortUp(1))
    made = order(session, leg, "answer", {"record": "record-from-answer", "record_track": "inbound"})
    (record,), (accepted,) = of(effect.Record, made), of(effect.Accepted, made)
    assert accepted.document["recording_id"] == record.card.id
    assert (record.card.settings.format, record.card.settings.kept_channels) == ("mp3", "single")


def test_a_dialled_leg_tells_its_recording_before_it_is_answered_and_begins_it_then() -> None:
    session = Session("session")
    body = {"connection_id": "1" * 19, "to": "sip:bob@sip.test", "from": "+15550001111", "record": "record-from-answer"}
    dial = Originated(1, DIAL, command(DIAL, body), CALLEE, OTHER)
    made = feed(session, dial, Routed("callee", RINGS), Rang(BOB))
    (accepted,) = of(effect.Accepted, made)
    assert of(effect.Record, made) == []
    (record,) = of(effect.Record, feed(session, Answered(BOB, 1, "answer")))
    assert record.card.id == accepted.document["recording_id"]
    assert record.card.initiated_by == "OutboundAPI"


def test_everybody_in_a_bridge_hears_the_beep() -> None:
    session, leg = answered_bridged()
    assert of(effect.Beep, order(session, leg, "record_start", WAV)) == []
    beeps = of(effect.Beep, order(session, leg, "record_start", WAV | {"play_beep": True}))
    assert sorted(beep.port for beep in beeps) == [1, 2]


def test_a_bridge_records_the_leg_that_was_told_to() -> None:
    session, leg = answered_bridged()
    made = order(session, leg, "bridge", {"call_control_id": "callee", "record": "record-from-answer"})
    assert [record.port for record in of(effect.Record, made)] == [1]
