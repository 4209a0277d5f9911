"""Category: scenarios. Parked calls and what a customer's backend does with them."""

from asyncio import sleep
from typing import Any

import pytest
from tests.scenarios.scene import OK, Scene, play

from offhook.engine.sounds import source
from offhook.testing.fakes import FakeShadow
from offhook.voice.sound import Ringtone


def test_a_parked_call_hears_ringback_and_ends_after_a_minute_without_a_command() -> None:
    async def script(s: Scene) -> None:
        leg = await s.park()
        assert s.alice.saw == ["progress"]
        assert s.at.core.plays[s.at.port_of(s.alice)]
        await sleep(50)
        assert await s.order(leg, "client_state_update", client_state="bm90ZQ==") == OK
        await sleep(50)
        assert s.alice.saw == ["progress"]
        await sleep(11)
        assert s.alice.saw[-1] == "bye 102 RECOVERY_ON_TIMER_EXPIRE"
        assert s.events == ["alice call.initiated", "alice call.hangup"]
        assert s.at.shadow.told[-1].about.client_state == "bm90ZQ=="
        assert s.at.shadow.told[-1].fields()["hangup_cause"] == "timeout"

    play(script)


def test_an_answered_parked_call_waits_for_hours() -> None:
    async def script(s: Scene) -> None:
        await s.answered()
        assert s.alice.saw == ["progress", "answer"]
        await sleep(3 * 3600)
        assert s.alice.saw == ["progress", "answer"]
        await sleep(3700)
        assert s.alice.saw[-1] == "bye 602 ALLOTTED_TIMEOUT"

    play(script)


def test_the_ladder_shows_what_a_backend_was_told_and_what_it_commanded() -> None:
    async def script(s: Scene) -> None:
        s.at.shadow.leaves = lambda event: event.type != "call.answered"  # of that nobody wants to be told
        leg = await s.answered()
        await s.order(leg, "bridge", call_control_id=await s.dial(s.bob, link_to=leg))
        s.alice.hang_up()
        await sleep(0.1)
        assert s.at.ladder() == [
            "alice -> INVITE anything",
            "alice webhook call.initiated",
            "alice <- 183 Session Progress",
            "alice <- ringback",
            "alice command answer",
            "alice <- 200 OK",
            "alice media up",
            "bob command dial",
            "bob webhook call.initiated",
            "bob <- INVITE +12025550100",
            "bob -> 180 Ringing",
            "bob -> 200 OK",
            "alice media up",
            "bob media up",
            "alice command bridge",
            "alice >< bob",
            "alice webhook call.bridged",
            "bob webhook call.bridged",
            "alice -> BYE 16 NORMAL_CLEARING",
            "alice webhook call.hangup",
            "bob webhook call.hangup",
            "bob <- BYE 16 NORMAL_CLEARING",
        ]

    play(script)


@pytest.mark.parametrize("linked", [True, False], ids=["one session", "two sessions"])
def test_a_backend_bridges_a_parked_call_to_a_leg_that_it_dials(linked: bool) -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        other = await s.dial(s.bob, **({"link_to": leg} if linked else {}))
        assert await s.order(leg, "bridge", call_control_id=other) == OK
        assert (s.hears(s.alice), s.hears(s.bob)) == (["bob"], ["alice"])
        s.alice.press("5")
        await sleep(0.1)
        assert s.at.core.digits[s.at.port_of(s.bob)] == "5"
        s.bob.hang_up()
        await sleep(0.1)
        assert s.alice.saw[-1] == "bye 16 NORMAL_CLEARING"
        assert sorted(record.seconds > 0 for record in s.at.shadow.records) == [True, True]
        assert s.events == [
            "alice call.initiated",
            "alice call.answered",
            "bob call.initiated",
            "bob call.answered",
            "alice call.bridged",
            "bob call.bridged",
            "alice call.dtmf.received",
            "bob call.hangup",
            "alice call.hangup",
        ]

    play(script)


def test_a_leg_that_should_park_does_so_when_the_other_has_gone() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        other = await s.dial(s.bob)
        await s.order(leg, "bridge", call_control_id=other, park_after_unbridge="self")
        s.bob.hang_up()
        await sleep(0.1)
        assert s.alice.saw == ["progress", "answer"]
        third = await s.dial(s.carol)
        assert await s.order(third, "bridge", call_control_id=leg) == OK
        assert s.hears(s.carol) == ["alice"]

    play(script)


def test_a_second_bridge_leaves_the_first_partner_behind() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        bob, carol = await s.dial(s.bob), await s.dial(s.carol)
        await s.order(leg, "bridge", call_control_id=bob)
        assert await s.order(carol, "bridge", call_control_id=leg, prevent_double_bridge=True) == "10027"
        assert s.hears(s.alice) == ["bob"]
        assert await s.order(carol, "bridge", call_control_id=leg) == OK
        assert s.hears(s.alice) == ["carol"]
        assert s.bob.saw[-1] == "bye 16 NORMAL_CLEARING"

    play(script)


def test_a_bridge_that_is_there_already_stays() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        other = await s.dial(s.bob)
        for _ in range(2):
            assert await s.order(leg, "bridge", call_control_id=other) == OK
        assert (s.hears(s.alice), s.hears(s.bob)) == (["bob"], ["alice"])
        assert s.events.count("alice call.bridged") == 1

    play(script)


def test_a_transfer_rings_and_meets_and_a_failed_one_leaves_the_leg_parked() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        assert await s.order(leg, "transfer", to="sip:bob@sip.test") == OK
        assert s.bob.saw == ["invite"]
        assert s.at.core.plays[s.at.port_of(s.alice)]  # ringback
        s.bob.hang_up("USER_BUSY")
        await sleep(0.1)
        assert not s.at.core.plays[s.at.port_of(s.alice)]
        assert await s.order(leg, "transfer", to="sip:carol@sip.test") == OK
        s.carol.answer_call()
        await sleep(0.1)
        assert (s.hears(s.alice), s.hears(s.carol)) == (["carol"], ["alice"])

    play(script)


def test_a_linked_call_meets_by_itself_and_answers_for_it() -> None:
    async def script(s: Scene) -> None:
        leg = await s.park()
        await s.dial(s.bob, link_to=leg, bridge_on_answer=True, bridge_intent=True)
        assert s.alice.saw == ["progress", "answer"]
        assert s.hears(s.bob) == ["alice"]
        assert s.bob.invitation is not None
        assert s.bob.invitation.caller_number == "+15550100001"

    play(script)


@pytest.mark.parametrize("country", ["us", "uk"])
def test_whoever_waits_for_a_leg_that_rings_hears_the_ringtone_that_was_asked_for(country: Ringtone) -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        s.backend.dial("sip:bob@sip.test", link_to=leg)
        await sleep(0.1)
        rung = s.last()
        assert isinstance(rung, dict)
        ringtone = {"play_ringtone": True, "ringtone": country}
        assert await s.order(leg, "bridge", call_control_id=rung["call_control_id"], **ringtone) == OK
        assert list(s.at.core.plays[s.at.port_of(s.alice)].values()) == [source(country)]
        s.bob.answer_call()
        await sleep(0.1)
        assert not s.at.core.plays[s.at.port_of(s.alice)]
        assert s.hears(s.alice) == ["bob"]

    play(script)


def test_a_leg_that_rings_in_a_session_of_its_own_is_met_when_it_answers() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        s.backend.dial("sip:bob@sip.test")
        await sleep(0.1)
        rung = s.last()
        assert isinstance(rung, dict)
        ringtone = {"play_ringtone": True, "ringtone": "fr"}
        assert await s.order(leg, "bridge", call_control_id=rung["call_control_id"], **ringtone) == OK
        assert list(s.at.core.plays[s.at.port_of(s.alice)].values()) == [source("fr")]
        s.bob.answer_call()
        await sleep(0.1)
        assert (s.hears(s.alice), s.hears(s.bob)) == (["bob"], ["alice"])
        s.bob.hang_up()
        await sleep(0.1)
        assert s.events[-2:] == ["bob call.hangup", "alice call.hangup"]

    play(script)


@pytest.mark.parametrize(("name", "code"), [("speak", "90034"), ("bridge", "90034")])
def test_what_rings_for_somebody_is_not_moved(name: str, code: str) -> None:
    async def script(s: Scene) -> None:
        leg = await s.park()
        s.backend.dial("sip:bob@sip.test", link_to=leg, bridge_on_answer=True)
        await sleep(0.1)
        rung, other = s.last(), await s.dial(s.carol)
        assert isinstance(rung, dict)
        bodies = {"speak": (rung["call_control_id"], {"payload": "Hello.", "voice": "female"}),
                  "bridge": (other, {"call_control_id": rung["call_control_id"]})}  # fmt: skip
        assert await s.order(bodies[name][0], name, **bodies[name][1]) == code

    play(script)


def test_a_burst_of_commands_is_refused_in_part_and_hangs_nobody_up() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        before = len(s.backend.answers)
        for _ in range(600):
            s.backend.order(leg, "send_dtmf", digits="1")
        await sleep(1)
        answers = s.backend.answers[before:]
        refused = [answer for answer in answers if answer != OK]
        assert len(answers) == 600
        assert set(map(str, refused)) == {"10011"}
        assert len(refused) < 600
        assert "alice call.hangup" not in s.events
        assert await s.order(leg, "send_dtmf", digits="1") == OK
        for _ in range(600):
            s.backend.dial("sip:bob@sip.test", link_to=leg)
        await sleep(1)
        assert len([answer for answer in s.backend.answers if answer == "10011"]) > len(refused)
        assert "alice call.hangup" not in s.events

    play(script)


def test_digits_after_a_destination_are_sent_once_it_has_answered() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        assert await s.order(leg, "transfer", to="sip:bob@sip.test,1w2W3a") == OK
        s.bob.answer_call()
        await sleep(0.1)
        assert s.at.core.digits[s.at.port_of(s.bob)] == "1w2W3A"
        assert s.hears(s.bob) == ["alice"]
        assert await s.order(leg, "transfer", to="sip:bob@sip.test,1x") == "90026"

    play(script)


def test_a_command_id_belongs_to_one_command_whatever_is_sent_with_it_later() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        s.backend.confer(leg, "team", command_id="once")
        await sleep(0.1)
        made = s.last()
        assert await s.order(leg, "send_dtmf", digits="1", command_id="once") == "10027"
        s.backend.confer(leg, "team", command_id="once")
        await sleep(0.1)
        assert s.last() == made

    play(script)


def test_nobody_who_is_left_rings_for_a_call_that_has_ended() -> None:
    async def script(s: Scene) -> None:
        leg = await s.park()
        s.backend.dial("sip:bob@sip.test", link_to=leg, bridge_on_answer=True)
        await sleep(0.1)
        s.alice.hang_up()
        await sleep(0.1)
        assert s.bob.saw[-1] == "bye 487 ORIGINATOR_CANCEL"

    play(script)


def test_two_commands_that_want_each_others_leg_bridge_once() -> None:
    async def script(s: Scene) -> None:
        leg, other = await s.answered(), await s.dial(s.bob)
        s.backend.order(leg, "bridge", call_control_id=other)
        s.backend.order(other, "bridge", call_control_id=leg)
        await sleep(0.1)
        assert (s.hears(s.alice), s.hears(s.bob)) == (["bob"], ["alice"])
        assert OK in s.backend.answers[-2:]
        assert s.events.count("alice call.bridged") == 1

    play(script)


def test_a_far_end_that_is_lost_while_its_leg_moves_ends_the_leg() -> None:
    shadow = FakeShadow()

    async def script(s: Scene) -> None:
        leg, other = await s.answered(), await s.dial(s.bob)
        shadow.seconds = lambda: 1.0
        s.backend.order(leg, "bridge", call_control_id=other)
        await sleep(0.5)
        s.bob.vanish()
        await sleep(10)
        assert s.alice.saw[-1] == "bye 41 NORMAL_TEMPORARY_FAILURE"
        assert not shadow.live
        assert not s.at.core.open_ports

    play(script, shadow)


def test_a_command_that_was_seen_before_is_answered_alike_and_does_nothing() -> None:
    async def script(s: Scene) -> None:
        leg = await s.park()
        assert await s.order(leg, "answer", command_id="once") == OK
        assert await s.order(leg, "answer", command_id="once") == OK
        assert s.events.count("alice call.answered") == 1
        assert s.at.shadow.remembered == {(leg, "once"): OK}

    play(script)


@pytest.mark.parametrize(
    ("name", "body", "code"),
    [
        ("bridge", {"call_control_id": "v3:other"}, "90034"),
        ("transfer", {"to": "sip:bob@sip.test"}, "90034"),
        ("send_dtmf", {"digits": "1"}, "90034"),
    ],
)
def test_commands_that_want_an_answered_call_say_so(name: str, body: dict[str, Any], code: str) -> None:
    async def script(s: Scene) -> None:
        assert await s.order(await s.park(), name, **body) == code
        assert s.alice.saw == ["progress"]

    play(script)


def test_a_far_end_answers_its_own_call_and_nobody_else_does() -> None:
    async def script(s: Scene) -> None:
        s.backend.dial("sip:bob@sip.test")
        await sleep(0.1)
        dialled = s.last()
        assert isinstance(dialled, dict)
        assert await s.order(dialled["call_control_id"], "answer") == "90102"
        assert await s.order(dialled["call_control_id"], "reject", cause="USER_BUSY") == "90102"
        assert await s.order(dialled["call_control_id"], "hangup") == OK
        assert s.bob.saw[-1] == "bye 487 ORIGINATOR_CANCEL"
        assert await s.order(dialled["call_control_id"], "hangup") in ("90018", "90015")

    play(script)


def test_the_first_of_several_destinations_to_answer_has_the_call() -> None:
    async def script(s: Scene) -> None:
        s.backend.dial(["sip:bob@sip.test", "sip:carol@sip.test"], timeout_secs=20)
        await sleep(0.1)
        assert (s.bob.saw, s.carol.saw) == (["invite"], ["invite"])
        s.carol.answer_call()
        await sleep(0.1)
        assert s.bob.saw[-1] == "bye 487 ORIGINATOR_CANCEL"
        assert s.events[-1] == "bob call.answered"

    play(script)


def test_a_call_that_nobody_answers_ends_at_its_timeout() -> None:
    async def script(s: Scene) -> None:
        s.backend.dial("sip:bob@sip.test", timeout_secs=20)
        await sleep(19)
        assert s.bob.saw == ["invite"]
        await sleep(2)
        assert s.bob.saw[-1] == "bye 19 NO_ANSWER"
        assert s.at.shadow.told[-1].fields()["hangup_cause"] == "timeout"

    play(script)


def test_a_call_to_somebody_who_is_not_there_is_accepted_and_ends_with_its_cause() -> None:
    async def script(s: Scene) -> None:
        s.backend.dial("sip:nobody@sip.test")
        await sleep(0.1)
        assert isinstance(s.last(), dict)
        assert s.events == ["nobody call.initiated", "nobody call.hangup"]
        assert s.at.shadow.told[-1].fields()["hangup_cause"] == "not_found"

    play(script)
