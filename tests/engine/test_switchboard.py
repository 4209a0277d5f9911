"""Category: engine. What the shell promises around a session: order, isolation, limits, several far ends."""

from asyncio import sleep
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest
from tests.scenarios.exchange import exchange

from offhook.engine.owner import MAILBOX
from offhook.engine.store import Unavailable
from offhook.engine.switchboard import Limits
from offhook.testing.clock import run
from offhook.testing.fakes import FakeCore, FakeShadow
from offhook.voice.cause import ending
from offhook.voice.effect import Durable, Save
from offhook.voice.event import Event
from offhook.voice.session import Session


async def settle() -> None:
    await sleep(0.001)


def played(script: Coroutine[Any, Any, None]) -> None:
    run(script)


def test_the_reply_leaves_before_anything_else_about_the_call_and_after_the_transaction() -> None:
    order: list[str] = []

    class Watched(FakeShadow):
        async def commit(self, durable: Sequence[Durable]) -> Sequence[Event]:
            await sleep(0.002)
            order.append("stored")
            return await super().commit(durable)

    async def script() -> None:
        async with exchange(shadow=Watched()) as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            reply = alice.dial("bob")
            reply.watch = lambda: order.append("reply")
            alice.watch = lambda what: order.append(f"alice {what}")
            bob.watch = lambda what: order.append(f"bob {what}")
            await sleep(1)
            assert order == [
                "stored", "reply", "bob invite", "alice ringing", "alice progress", "stored", "alice answer",
            ]  # fmt: skip

    played(script())


def test_a_dial_is_recorded_before_its_invite_leaves() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "nothing")
            recorded: list[set[str]] = []
            bob.watch = lambda _: recorded.append({leg.stage for leg in x.shadow.live.values()})
            alice.dial("bob")
            await settle()
            assert recorded == [{"trying", "offered"}]

    played(script())


def test_all_far_ends_of_a_username_ring_and_the_first_answer_has_the_call() -> None:
    async def script() -> None:
        async with exchange() as x:
            x.dialplan.simultaneous = 3
            alice = x.phone("alice")
            bobs = [x.phone("bob") for _ in range(3)]
            alice.dial("bob")
            await settle()
            assert [bob.saw for bob in bobs] == [["invite"]] * 3
            assert len({bob.ids for bob in bobs}) == 1
            won, late = bobs[1].answer_call(), bobs[2].answer_call()
            await settle()
            assert won.outcome == ("done", None, None)
            assert late.outcome is not None
            assert late.outcome[0] == "refused"
            assert bobs[0].saw == bobs[2].saw == ["invite", "bye 487 ORIGINATOR_CANCEL"]
            assert alice.saw == ["ringing", "progress", "answer"]
            assert x.core.open_ports == {x.port_of(alice), x.port_of(bobs[1])}
            alice.hang_up()
            await settle()
            assert bobs[1].saw == ["invite", "bye 16 NORMAL_CLEARING"]
            assert len(x.shadow.records) == 2

    played(script())


def test_one_rejection_of_several_far_ends_leaves_the_others_ringing() -> None:
    async def script() -> None:
        async with exchange() as x:
            x.dialplan.simultaneous = 2
            alice, bobs = x.phone("alice"), [x.phone("bob"), x.phone("bob")]
            alice.dial("bob")
            await settle()
            bobs[0].hang_up("USER_BUSY")
            await settle()
            assert alice.saw == ["ringing", "progress"]
            bobs[1].vanish()
            await settle()
            assert alice.saw[-1] == "bye 20 USER_NOT_REGISTERED"

    played(script())


def test_the_latest_login_rings_and_the_former_one_again_when_it_goes() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, first, second = x.phone("alice"), x.phone("bob"), x.phone("bob")
            alice.dial("bob")
            await settle()
            second.vanish()
            await settle()
            alice.dial("bob")
            await settle()
            assert first.saw == ["invite"]
            assert second.saw == ["invite"]

    played(script())


def test_an_exception_in_one_session_ends_it_with_a_cause_and_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = Session.decide

    def fails_for_carol(self: Session, given: Any, now: Any) -> Any:
        if getattr(given, "digits", "") == "666":
            raise ZeroDivisionError
        return original(self, given, now)

    monkeypatch.setattr(Session, "decide", fails_for_carol)

    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            carol, dave = x.phone("carol"), x.phone("dave", "answer")
            alice.dial("bob")
            carol.dial("dave")
            await settle()
            reply = carol.press("666")
            await settle()
            assert reply.outcome == ("refused", -32603, "internal error")
            assert carol.saw[-1] == dave.saw[-1] == "bye 41 NORMAL_TEMPORARY_FAILURE"
            assert len(x.shadow.records) == 2
            assert alice.hold().outcome is None
            await settle()
            assert bob.saw == ["invite"]
            assert len(x.shadow.live) == 2

    played(script())


def test_a_session_that_cannot_even_end_is_ended_by_force(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()

            def always_fails(*_: Any) -> Any:
                raise ZeroDivisionError

            monkeypatch.setattr(Session, "decide", always_fails)
            alice.hold()
            await settle()
            assert alice.saw[-1] == bob.saw[-1] == "bye 41 NORMAL_TEMPORARY_FAILURE"
            assert {record.ending.detail for record in x.shadow.records} == {"internal error"}
            assert not x.core.open_ports

    played(script())


def test_a_dial_that_cannot_be_stored_is_refused_and_rings_nobody() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob")
            x.shadow.fail = Unavailable("disk full")
            reply = alice.dial("bob")
            await settle()
            assert reply.outcome is not None
            assert reply.outcome[0] == "refused"
            assert bob.saw == []
            assert not x.core.open_ports
            assert not len(x.active)

    played(script())


@pytest.mark.parametrize("who", ["the caller", "the callee", "the platform"])
def test_an_end_that_cannot_be_stored_is_an_end_all_the_same(who: str) -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            x.shadow.fail = Unavailable("disk full")
            match who:
                case "the caller":
                    alice.hang_up()
                case "the callee":
                    bob.hang_up()
                case _:
                    x.switchboard.hang_up_all(ending("NORMAL_CLEARING"))
            await settle()
            told = {"the caller": [bob], "the callee": [alice]}.get(who, [alice, bob])
            assert [phone.saw[-1] for phone in told] == ["bye 16 NORMAL_CLEARING"] * len(told)
            assert x.ladder()[-1].endswith("<- BYE 16 NORMAL_CLEARING")
            assert not x.core.open_ports
            assert not x.active.ids()
            assert not x.switchboard.owners.sessions
            assert x.shadow.records == []
            assert len(x.shadow.live) == 2  # for the next start to end

    played(script())


def test_an_answer_that_cannot_be_stored_is_refused_and_ends_the_call() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob")
            alice.dial("bob")
            await settle()
            x.shadow.fail = Unavailable("disk full")
            reply = bob.answer_call()
            await settle()
            assert reply.outcome == ("refused", -32603, "internal error")
            assert alice.saw == ["ringing", "progress", "bye 41 NORMAL_TEMPORARY_FAILURE"]
            assert bob.saw == ["invite", "bye 41 NORMAL_TEMPORARY_FAILURE"]
            assert not x.core.open_ports
            assert not x.active.ids()

    played(script())


def test_an_answer_that_nobody_was_told_of_costs_nothing() -> None:
    class SlowToRefuse(FakeShadow):
        """Takes three seconds to find that an answer cannot be stored."""

        async def commit(self, durable: Sequence[Durable]) -> Sequence[Event]:
            if any(isinstance(each, Save) and each.stage == "answered" for each in durable):
                await sleep(3)
                raise Unavailable("disk full")
            return await super().commit(durable)

    async def script() -> None:
        async with exchange(shadow=SlowToRefuse()) as x:
            alice, _bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await sleep(4)
            assert alice.saw[-1] == "bye 41 NORMAL_TEMPORARY_FAILURE"
            assert [record.seconds for record in x.shadow.records] == [0.0, 0.0]

    played(script())


def test_an_effect_that_fails_keeps_no_other_leg_from_its_end() -> None:
    async def script() -> None:
        async with exchange() as x:
            x.dialplan.simultaneous = 2
            alice, bobs = x.phone("alice"), [x.phone("bob"), x.phone("bob")]
            alice.dial("bob")
            await settle()

            def fails(_: str) -> None:
                raise ZeroDivisionError

            bobs[0].watch = fails
            alice.hang_up()
            await settle()
            assert bobs[1].saw[-1] == "bye 487 ORIGINATOR_CANCEL"
            assert not x.core.open_ports
            assert len(x.shadow.records) == 2

    played(script())


def test_what_waits_in_the_mailbox_of_a_session_that_fails_is_answered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Session.decide
    failed: list[str] = []

    def fails_once(self: Session, given: Any, now: Any) -> Any:
        if getattr(given, "digits", "") == "666":
            raise ZeroDivisionError
        return original(self, given, now)

    monkeypatch.setattr(Session, "decide", fails_once)
    monkeypatch.setattr("offhook.engine.owner._log.exception", lambda event, **_: failed.append(event), raising=False)

    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            first, waiting = alice.press("666"), [alice.press("1"), bob.hold(), bob.hang_up()]
            await settle()
            assert first.outcome == ("refused", -32603, "internal error")
            assert [reply.outcome for reply in waiting] == [
                ("refused", -32002, "no such call"), ("refused", -32002, "no such call"), ("done", None, None),
            ]  # fmt: skip
            assert failed == ["a session failed"]

    played(script())


def test_what_arrives_in_the_very_moment_of_the_end_is_answered_too() -> None:
    async def script() -> None:
        async with exchange() as x:
            for turns in range(12):
                alice, bob = x.phone("alice"), x.phone("bob", "answer")
                alice.dial("bob")
                await settle()
                replies = [bob.hang_up()]
                for _ in range(turns):
                    await sleep(0)
                replies += [alice.hold(), alice.press("1"), alice.hang_up()]
                await settle()
                assert all(reply.outcome is not None for reply in replies)

    played(script())


def test_a_flood_into_one_mailbox_ends_that_call_only() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            carol, dave = x.phone("carol"), x.phone("dave", "answer")
            alice.dial("bob")
            carol.dial("dave")
            await settle()
            replies = [alice.press("1") for _ in range(MAILBOX + 10)]
            await settle()
            assert all(reply.outcome is not None for reply in replies)
            assert bob.saw[-1] == "bye 41 NORMAL_TEMPORARY_FAILURE"
            assert dave.saw == ["invite"]

    played(script())


def test_limits_refuse_with_congestion() -> None:
    async def script() -> None:
        async with exchange(Limits(sessions=2, dialogs_per_binding=1)) as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            alice.dial("bob")
            await settle()
            assert alice.saw[-1] == "bye 34 NORMAL_CIRCUIT_CONGESTION"
            carol, dave = x.phone("carol"), x.phone("dave", "answer")
            carol.dial("dave")
            await settle()
            assert carol.saw == ["ringing", "progress", "answer"]
            erin = x.phone("erin")
            erin.dial("dave")
            await settle()
            assert erin.saw[-1] == "bye 34 NORMAL_CIRCUIT_CONGESTION"
            assert len(x.active) == 4
            assert bob.saw == dave.saw == ["invite"]

    played(script())


def test_a_far_end_with_as_many_calls_as_it_may_have_is_busy_and_the_others_of_its_name_ring() -> None:
    async def script() -> None:
        async with exchange(Limits(dialogs_per_binding=2)) as x:
            first = x.phone("bob")
            callers = [x.phone(f"caller{n}") for n in range(4)]
            for caller in callers[:2]:
                caller.dial("bob")
            await settle()
            callers[2].dial("bob")
            await settle()
            assert callers[2].saw == ["bye 17 USER_BUSY"]
            assert first.saw == ["invite", "invite"]
            second = x.phone("bob")
            x.dialplan.simultaneous = 2
            callers[3].dial("bob")
            await settle()
            assert callers[3].saw == ["ringing", "progress"]
            assert second.saw == ["invite"]
            callers[0].hang_up()
            await settle()
            callers[2].dial("bob")
            await settle()
            assert first.saw[-1] == second.saw[-1] == "invite"

    played(script())


def test_legs_count_against_limits_before_anything_is_stored() -> None:
    async def script() -> None:
        async with exchange() as x:
            x.shadow.seconds = lambda: 1.0
            alice, _ = x.phone("alice"), x.phone("bob", "answer")
            for dialled in range(1, 4):
                alice.dial("bob")
                assert x.active.outbound("connection of alice") == x.active.inbound("connection of bob") == dialled
            alice.dial("nobody")
            assert x.active.outbound("connection of alice") == 3
            x.shadow.fail = Unavailable("disk full")
            await sleep(10)
            assert x.active.outbound("connection of alice") == x.active.inbound("connection of bob") == 0

    played(script())


def test_no_port_left_is_congestion_and_leaks_nothing() -> None:
    async def script() -> None:
        async with exchange(core=FakeCore(max_ports=3)) as x:
            alice, _bob, carol = x.phone("alice"), x.phone("bob", "answer"), x.phone("carol")
            alice.dial("bob")
            await settle()
            for _ in range(100):
                carol.dial("bob")
                await settle()
                assert carol.saw[-1] == "bye 34 NORMAL_CIRCUIT_CONGESTION"
            assert len(x.core.open_ports) == 2
            alice.hang_up()
            await settle()
            carol.dial("bob")
            await settle()
            assert carol.saw[-1] == "answer"

    played(script())


def test_requests_about_no_call_are_refused_but_a_hang_up_is_done() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice = x.phone("alice")
            assert alice.press("1").outcome == ("refused", -32002, "no such call")
            assert alice.hold().outcome == ("refused", -32002, "no such call")
            assert alice.hang_up().outcome == ("done", None, None)
            x.switchboard.rang(alice.binding, "nothing")
            x.switchboard.trickled("nobody", "nothing", None)

    played(script())


def test_a_call_id_in_use_is_refused_and_the_call_goes_on() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            alice._calls -= 1
            again = alice.dial("bob")
            assert again.outcome == ("refused", -32602, "this callID is in use")
            assert bob.saw == ["invite"]

    played(script())


def test_digits_that_are_none_are_refused() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            replies = [alice.press(digits) for digits in ("", "12x", "1" * 101, "１")]
            replies.append(alice.press("123wW#*abcd"))
            await settle()
            assert [reply.outcome and reply.outcome[0] for reply in replies] == ["refused"] * 4 + ["done"]
            assert x.core.digits[x.port_of(bob)] == "123wW#*ABCD"
            x.core.press(x.port_of(bob), "7")
            await settle()
            assert x.core.digits[x.port_of(alice)] == "7"

    played(script())


def test_what_each_side_hears_from_ringing_to_hold() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob")
            alice.dial("bob")
            await settle()
            a, b = x.port_of(alice), x.port_of(bob)
            assert [tone.hz for tone in x.core.plays[a][1].tones] == [[440.0, 480.0], []]
            bob.answer_call()
            await settle()
            assert (x.core.hears[a], x.core.hears[b], x.core.plays[a]) == ([b], [a], {})
            held = alice.hold()
            await settle()
            assert held.outcome == ("done", None, True)
            assert (x.core.hears[a], x.core.hears[b]) == ([], [])
            assert 1 in x.core.plays[b]
            assert not x.core.plays[a]
            back = alice.hold("toggleHold")
            await settle()
            assert back.outcome == ("done", None, False)
            assert (x.core.hears[a], x.core.hears[b], x.core.plays[b]) == ([b], [a], {})

    played(script())


@pytest.mark.parametrize(
    ("ringback", "saw"),
    [
        ("instant", ["progress", "ringing", "answer"]),
        ("on_ringing", ["ringing", "progress", "answer"]),
        ("none", ["ringing", "answer with sdp"]),
    ],
)
def test_ringback_as_the_connection_wants_it(ringback: Any, saw: list[str]) -> None:
    async def script() -> None:
        async with exchange() as x:
            x.dialplan.ringback = ringback
            alice, _ = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            assert alice.saw == saw
            assert alice.sdp.startswith("answer of port")

    played(script())


def test_active_calls_and_registrations_can_be_looked_at() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            x.connect()
            await sleep(42)
            now = x.clock.wall()
            [call] = x.active.calls("account", "connection of alice", now)
            assert call.call_duration in (41, 42)
            assert call.record_type == "call"
            assert call.call_control_id.startswith("v3:")
            assert x.active.calls("another account", "connection of alice", now) == []
            assert x.active.outbound("connection of alice") == x.active.inbound("connection of bob") == 1
            assert [binding.username for binding in x.bindings] == ["alice", "bob"]
            assert x.switchboard.hang_up(call.call_session_id, ending("NORMAL_CLEARING"))
            await settle()
            assert x.active.outbound("connection of alice") == 0
            assert bob.saw[-1] == "bye 16 NORMAL_CLEARING"

    played(script())


def test_live_legs_beat_every_five_seconds_and_a_failing_store_does_not_stop_the_heart() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, _ = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
            x.connect()
            await sleep(26)
            assert set(x.shadow.beats.values()) == {5}
            x.shadow.fail = Unavailable("disk full")
            await sleep(10)
            x.shadow.fail = None
            await sleep(5)
            assert set(x.shadow.beats.values()) == {6}

    played(script())


def test_closing_the_switchboard_ends_every_call_with_a_cause() -> None:
    async def script() -> None:
        async with exchange() as x:
            alice, bob = x.phone("alice"), x.phone("bob", "answer")
            alice.dial("bob")
            await settle()
        assert alice.saw[-1] == bob.saw[-1] == "bye 41 NORMAL_TEMPORARY_FAILURE"
        assert not x.shadow.live

    played(script())
