"""Category: scenarios. Calls that wait in queues, and how they get out of them."""

from asyncio import sleep
from typing import Any

import pytest
from tests.scenarios.scene import OK, Scene, play

from offhook.engine.sounds import source
from offhook.engine.store import Unavailable
from offhook.testing.fakes import FakePhone, FakeShadow


def fields(s: Scene, kind: str) -> list[dict[str, Any]]:
    """What the events of a type say beyond what every event says."""
    return [event.fields() for event in s.at.shadow.told if event.type == kind]


def place(s: Scene, phone: FakePhone) -> str:
    return s.at.shadow.live[s.leg(phone)].place


def waiting(s: Scene, name: str = "support") -> list[str]:
    """Who has a turn, in order."""
    owner = s.at.switchboard.queues.find("account", name)
    queue = owner and owner.session.floor.queue
    return [turn.about.party.label for turn in queue.turns.values()] if queue else []


async def queued(s: Scene, phone: FakePhone | None = None, **body: Any) -> str:
    """A phone's call, answered and in the queue; its leg. alice dials by herself, others are dialled."""
    leg = await s.answered() if phone is None else await s.dial(phone)
    assert await s.order(leg, "enqueue", queue_name="support", **body) == OK
    return leg


def test_a_queued_call_hears_music_and_nobody_and_knows_its_position() -> None:
    async def script(s: Scene) -> None:
        await queued(s)
        await sleep(10)
        await queued(s, s.bob)
        assert (s.hears(s.alice), s.hears(s.bob)) == ([], [])
        for phone in (s.alice, s.bob):
            assert s.at.core.plays[s.at.port_of(phone)] == {1: source("hold_music")}
            assert place(s, phone) == "queue"
        s.alice.press("5")
        await sleep(0.1)
        assert s.at.core.digits[s.at.port_of(s.bob)] == ""
        assert fields(s, "call.dtmf.received") == [{"digit": "5"}]
        assert fields(s, "call.enqueued") == [
            {"current_position": 1, "queue": "support", "queue_avg_wait_time_secs": 0},
            {"current_position": 2, "queue": "support", "queue_avg_wait_time_secs": 5},
        ]

    play(script)


def test_a_waiting_call_can_be_asked_for_digits_and_called_to_its_session() -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s)
        assert await s.order(leg, "gather", maximum_digits=1) == OK
        s.alice.press("1")
        await sleep(0.1)
        assert fields(s, "call.gather.ended")[0]["digits"] == "1"
        assert place(s, s.alice) == "queue"
        assert await s.order(leg, "gather", maximum_digits=1) == OK
        assert await s.order(leg, "leave_queue") == OK
        s.alice.press("2")
        await sleep(0.1)
        assert [each["digits"] for each in fields(s, "call.gather.ended")] == ["1", "2"]

    play(script)


def test_whoever_hangs_up_leaves_the_queue_and_the_others_move_up() -> None:
    async def script(s: Scene) -> None:
        await queued(s)
        await queued(s, s.bob)
        await sleep(30)
        s.alice.hang_up()
        await sleep(0.1)
        assert waiting(s) == ["bob"]
        assert s.events[-2:] == ["alice call.dequeued", "alice call.hangup"]
        [told] = fields(s, "call.dequeued")
        assert told == {"queue": "support", "queue_position": 1, "reason": "hangup", "wait_time_secs": 30}
        assert s.bob.saw == ["invite"]
        s.bob.hang_up()
        await sleep(0.1)
        assert s.at.switchboard.queues.find("account", "support") is None
        assert not s.at.core.open_ports

    play(script)


def test_leave_queue_parks_the_call_with_its_session() -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s)
        assert await s.order(leg, "leave_queue") == OK
        assert place(s, s.alice) == "parked"
        assert not s.at.core.plays[s.at.port_of(s.alice)]
        assert fields(s, "call.dequeued")[0]["reason"] == "leave"
        assert await s.order(leg, "leave_queue") == "90035"
        other = await s.dial(s.bob, link_to=leg)
        assert await s.order(leg, "bridge", call_control_id=other) == OK
        assert s.hears(s.alice) == ["bob"]
        assert [line for line in s.at.ladder() if "queue" in line] == [
            "alice command enqueue",
            "alice enqueued support",
            "alice command leave_queue",
            "alice dequeued: leave",
            "alice command leave_queue",
        ]

    play(script)


def test_a_call_that_has_waited_as_long_as_it_may_is_parked() -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s, max_wait_time_secs=60)
        await sleep(59)
        assert place(s, s.alice) == "queue"
        await sleep(2)
        assert place(s, s.alice) == "parked"
        assert fields(s, "call.dequeued")[0] == {
            "queue": "support", "queue_position": 1, "reason": "timeout", "wait_time_secs": 60,
        }  # fmt: skip
        assert s.alice.saw == ["progress", "answer"]
        assert await s.order(leg, "enqueue", queue_name="support") == OK

    play(script)


def test_a_bridge_with_a_queue_takes_the_first_call() -> None:
    async def script(s: Scene) -> None:
        await queued(s)
        await queued(s, s.bob)
        agent = await s.dial(s.carol)
        assert await s.order(agent, "bridge", queue="support", call_control_id="") == OK
        assert (s.hears(s.alice), s.hears(s.carol)) == (["carol"], ["alice"])
        assert waiting(s) == ["bob"]
        assert [each["reason"] for each in fields(s, "call.dequeued")] == ["bridged"]
        assert s.events[-3:] == ["alice call.dequeued", "carol call.bridged", "alice call.bridged"]
        s.carol.hang_up()
        await sleep(0.1)
        assert s.alice.saw[-1] == "bye 16 NORMAL_CLEARING"

    play(script)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"queue": "support"}, "10017"),
        ({"queue": "made"}, "10027"),
        ({"queue": "made", "call_control_id": "v3:other"}, "10015"),
        ({}, "10004"),
    ],
    ids=["unknown", "empty", "both", "neither"],
)
def test_a_bridge_with_nobody_says_why(body: dict[str, Any], code: str) -> None:
    async def script(s: Scene) -> None:
        s.backend.create_queue("made")
        agent = await s.dial(s.carol)
        assert await s.order(agent, "bridge", **body) == code
        assert place(s, s.carol) == "parked"

    play(script)


@pytest.mark.parametrize("told", ["the waiting call", "the agent's"])
def test_a_bridge_by_id_takes_a_call_out_of_its_queue(told: str) -> None:
    async def script(s: Scene) -> None:
        leg, agent = await queued(s), await s.dial(s.carol)
        one, other = (leg, agent) if told == "the waiting call" else (agent, leg)
        assert await s.order(one, "bridge", call_control_id=other) == OK
        assert (s.hears(s.alice), s.hears(s.carol)) == (["carol"], ["alice"])
        reason = "bridging-in-process" if told == "the waiting call" else "bridged"
        assert [each["reason"] for each in fields(s, "call.dequeued")] == [reason]

    play(script)


def test_a_transfer_takes_a_call_out_of_its_queue() -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s)
        assert await s.order(leg, "transfer", to="sip:bob@sip.test") == OK
        assert [each["reason"] for each in fields(s, "call.dequeued")] == ["bridging-in-process"]
        s.bob.answer_call()
        await sleep(0.1)
        assert (s.hears(s.alice), s.hears(s.bob)) == (["bob"], ["alice"])
        assert {record.ids.call_session_id for record in s.at.shadow.live.values()} == {s.alice.ids.call_session_id}

    play(script)


def test_a_leg_that_is_dialled_for_a_waiting_call_fetches_it() -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s)
        await s.dial(s.bob, link_to=leg, bridge_on_answer=True)
        assert (s.hears(s.alice), s.hears(s.bob)) == (["bob"], ["alice"])
        assert {record.ids.call_session_id for record in s.at.shadow.live.values()} == {s.alice.ids.call_session_id}

    play(script)


@pytest.mark.parametrize("moment", ["while it rings", "as it is answered"])
def test_a_leg_that_is_dialled_for_a_waiting_call_that_hangs_up_is_not_left_alone(moment: str) -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s)
        s.backend.dial("sip:bob@sip.test", link_to=leg, bridge_on_answer=True)
        await sleep(0.1)
        s.alice.hang_up()
        if moment == "while it rings":
            await sleep(0.1)
            assert s.bob.saw[-1] == "bye 487 ORIGINATOR_CANCEL"
        else:
            s.bob.answer_call()
            await sleep(0.1)
            assert s.bob.saw[-1].startswith("bye")
        assert not s.at.shadow.live

    play(script)


def test_a_bridged_call_that_is_queued_leaves_its_partner() -> None:
    async def script(s: Scene) -> None:
        leg, other = await s.answered(), await s.dial(s.bob)
        await s.order(leg, "bridge", call_control_id=other)
        assert await s.order(leg, "enqueue", queue_name="support") == OK
        assert place(s, s.alice) == "queue"
        assert s.bob.saw[-1] == "bye 16 NORMAL_CLEARING"

    play(script)


def test_a_full_queue_refuses_and_leaves_the_call_where_it_is() -> None:
    async def script(s: Scene) -> None:
        await queued(s, max_size=1)
        leg, other = await s.dial(s.bob), await s.dial(s.carol)
        await s.order(leg, "bridge", call_control_id=other)
        assert await s.order(leg, "enqueue", queue_name="support", client_state="bm8=") == "90036"
        assert s.hears(s.bob) == ["carol"]
        assert s.at.shadow.live[leg].client_state is None
        assert await s.order(leg, "enqueue", queue_name="support", max_size=2) == "90037"

    play(script)


def test_seats_are_reserved_while_calls_are_on_their_way() -> None:
    shadow = FakeShadow()

    async def script(s: Scene) -> None:
        await s.answered()
        legs = [s.leg(s.alice), await s.dial(s.bob), await s.dial(s.carol)]
        shadow.seconds = lambda: 1.0
        for leg in legs:
            s.backend.order(leg, "enqueue", queue_name="support", max_size=2)
        await sleep(20)
        assert sorted(str(each) for each in s.backend.answers[-3:]) == ["90036", str(OK), str(OK)]
        assert len(waiting(s)) == 2

    play(script, shadow)


def test_a_call_is_in_one_queue_at_a_time() -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s)
        assert await s.order(leg, "enqueue", queue_name="sales") == "90038"
        other = await s.dial(s.bob)
        s.backend.order(other, "enqueue", queue_name="support")
        s.backend.order(other, "enqueue", queue_name="sales")
        await sleep(0.1)
        assert s.backend.answers[-2:] in ([OK, "90038"], ["90038", OK])
        assert len(waiting(s)) + len(waiting(s, "sales")) == 2

    play(script)


BRIDGES = [({"call_control_id": "itself"}, "10015"), ({"call_control_id": "v3:nobody"}, "90018"),
           ({"queue": "sales"}, "10017"), ({"queue": "support"}, "10015"),
           ({"call_control_id": "carol", "prevent_double_bridge": True}, "10027")]  # fmt: skip


@pytest.mark.parametrize(("body", "code"), BRIDGES)
def test_a_bridge_that_is_refused_costs_nobody_the_turn(body: dict[str, Any], code: str) -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s)
        bob, carol = await s.dial(s.bob), await s.dial(s.carol)
        await s.order(bob, "bridge", call_control_id=carol)
        ids = {"itself": leg, "carol": carol}
        wanted = {name: ids.get(value, value) for name, value in body.items()}
        assert await s.order(leg, "bridge", **wanted) == code
        assert waiting(s) == ["alice"]
        assert not fields(s, "call.dequeued")

    play(script)


def test_a_call_that_keeps_its_turn_can_be_called_back() -> None:
    async def script(s: Scene) -> None:
        leg = await queued(s, keep_after_hangup=True)
        await queued(s, s.bob)
        s.alice.hang_up()
        await sleep(0.1)
        assert s.events[-1] == "alice call.hangup"
        assert not fields(s, "call.dequeued")
        assert waiting(s) == ["alice", "bob"]
        agent = await s.dial(s.carol)
        assert await s.order(agent, "bridge", queue="support") == "90018"
        assert waiting(s) == ["bob"]
        assert await s.order(agent, "bridge", queue="support") == OK
        assert s.hears(s.carol) == ["bob"]
        assert await s.order(leg, "hangup") == "90015"

    play(script)


def test_a_turn_can_be_kept_or_taken_later() -> None:
    async def script(s: Scene) -> None:
        leg, other = await queued(s), await queued(s, s.bob)
        s.backend.direct("support", "update_call", leg, keep_after_hangup=True)
        s.alice.hang_up()
        await sleep(0.1)
        assert waiting(s) == ["alice", "bob"]
        s.backend.direct("support", "remove_call", leg)
        s.backend.direct("support", "remove_call", other)
        await sleep(0.1)
        assert s.backend.answers[-2:] == [OK, OK]
        assert waiting(s) == []
        assert place(s, s.bob) == "parked"
        assert s.at.switchboard.queues.find("account", "support") is None

    play(script)


def test_a_queue_that_was_made_stays_until_it_is_deleted() -> None:
    async def script(s: Scene) -> None:
        s.backend.create_queue("support", max_size=1)
        s.backend.create_queue("support")
        leg = await queued(s)
        assert s.backend.answers[1] == "10012"
        s.backend.direct("support", "delete")
        await s.order(leg, "leave_queue")
        assert s.backend.answers[-2] == "90050"
        assert s.at.shadow.queues["support"].max_size == 1
        s.backend.direct("support", "update", max_size=7)
        await sleep(0.1)
        assert s.at.shadow.queues["support"].max_size == 7
        s.backend.direct("support", "delete")
        await sleep(0.1)
        assert not s.at.shadow.queues
        s.backend.direct("support", "delete")
        assert s.backend.answers[-1] == "10005"
        assert await s.order(leg, "enqueue", queue_name="support", max_size=3) == OK

    play(script)


def test_what_cannot_be_stored_does_not_change_a_queue() -> None:
    shadow = FakeShadow()

    async def script(s: Scene) -> None:
        s.backend.create_queue("support")
        await sleep(0.1)
        shadow.fail = Unavailable("disk full")
        s.backend.direct("support", "delete")
        s.backend.create_queue("sales")
        await sleep(0.1)
        shadow.fail = None
        assert s.backend.answers[-2:] == ["10007", "10007"]
        assert s.at.switchboard.queues.find("account", "sales") is None
        s.backend.direct("support", "update", max_size=5)
        await sleep(0.1)
        assert s.last() != "10005"
        assert s.at.shadow.queues["support"].max_size == 5

    play(script, shadow)


def test_a_far_end_that_is_lost_on_the_way_into_a_queue_ends_its_leg() -> None:
    shadow = FakeShadow()

    async def script(s: Scene) -> None:
        leg = await s.answered()
        shadow.seconds = lambda: 1.0
        s.backend.order(leg, "enqueue", queue_name="support")
        await sleep(2.5)
        s.alice.vanish()
        await sleep(10)
        assert not shadow.live
        assert not s.at.core.open_ports
        assert s.at.switchboard.queues.find("account", "support") is None

    play(script, shadow)


def test_a_queue_forgets_the_calls_that_pass_through_it() -> None:
    async def script(s: Scene) -> None:
        s.backend.create_queue("support")
        for _ in range(70):
            leg = await s.answered()
            await s.order(leg, "enqueue", queue_name="support")
            s.alice.hang_up()
            await sleep(0.1)
        assert s.alice.saw[-1] == "answer"
        owner = s.at.switchboard.queues.find("account", "support")
        assert owner is not None
        s.backend.direct("support", "update", max_size=5)
        await sleep(0.1)
        assert not owner.session.floor.names
        assert not s.at.switchboard.owners.legs

    play(script)


def test_an_agent_is_not_bridged_with_a_queue_of_another_account() -> None:
    """API-05: nor with one of the same name."""

    async def script(s: Scene) -> None:
        await queued(s)
        owner = s.at.switchboard.queues.find("account", "support")
        assert owner is not None
        assert s.at.switchboard.queues.find("other", "support") is None
        assert s.at.switchboard.queues.find("other", owner.session.id) is None
        assert s.at.switchboard.queues.find("account", owner.session.id) is owner

    play(script)


def test_a_command_that_was_seen_before_does_not_queue_again() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        for _ in range(2):
            assert await s.order(leg, "enqueue", queue_name="support", command_id="once") == OK
        assert s.events.count("alice call.enqueued") == 1
        assert s.at.shadow.remembered == {(leg, "once"): OK}

    play(script)
