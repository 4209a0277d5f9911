"""Category: voice. The two tables of a leg, read row by row."""

from typing import Any, get_args

import pytest

from offhook.voice.leg import HOLDS, LIVE, STAGES, Hold, HoldAction, IllegalMove, Leg, LegIds, Moment, Party, Stage

TRIGGERS = {trigger for _, trigger in STAGES}


def leg(side: Any = "incoming") -> Leg:
    return Leg(LegIds("id", "session", "leg"), side, Party("alice", "account", "connection", "alice"), "bob", 0.0)


@pytest.mark.parametrize("stage", get_args(Stage))
@pytest.mark.parametrize("trigger", sorted(TRIGGERS))
def test_a_leg_moves_as_the_table_says_and_not_otherwise(stage: Stage, trigger: str) -> None:
    moved = leg()
    moved.stage = stage
    if (stage, trigger) in STAGES:
        moved.move(trigger)
        assert moved.stage == STAGES[stage, trigger]
    else:
        with pytest.raises(IllegalMove, match=f"{trigger} in stage {stage}"):
            moved.move(trigger)
        assert moved.stage == stage


def test_every_live_stage_can_end_and_nothing_follows_the_end() -> None:
    assert {stage for stage, trigger in STAGES if trigger == "ended"} == LIVE
    assert "ended" not in {stage for stage, _ in STAGES}


def test_hold_knows_an_answer_for_every_action() -> None:
    assert set(HOLDS) == {(hold, action) for hold in get_args(Hold) for action in get_args(HoldAction)}


def test_where_a_leg_begins() -> None:
    assert leg("incoming").stage == "trying"
    assert leg("outgoing").stage == "offered"


def test_time_counts_from_the_answer() -> None:
    counted = leg()
    assert counted.seconds(Moment(50.0, 0.0)) == 0.0
    counted.answered_at = 20.0
    assert counted.seconds(Moment(50.0, 0.0)) == 30.0
