"""Category: scenarios. Conferences: who takes part, who hears whom, when it ends, and what the customer is told."""

from asyncio import sleep
from collections.abc import Sequence
from typing import Any

import pytest
from tests.scenarios.scene import OK, Scene, play

from offhook.engine.sounds import source
from offhook.engine.store import Unavailable
from offhook.media.commands import Audio
from offhook.testing.fakes import FakePhone, FakeShadow
from offhook.voice.conference import Conference
from offhook.voice.event import payload


def told(s: Scene, family: str = "conference.") -> list[str]:
    """The events of conferences: whose, and which."""
    return [
        f"{event.about.party.label} {event.type.removeprefix('conference.')}"
        for event in s.at.shadow.told
        if event.type.startswith(family)
    ]


def payloads(s: Scene, kind: str) -> list[dict[str, Any]]:
    return [payload(event, "sip.test") for event in s.at.shadow.told if event.type == kind]


def place(s: Scene, phone: FakePhone) -> str:
    return s.at.shadow.live[s.leg(phone)].place


def hearing(s: Scene) -> dict[str, list[str]]:
    """Whom everybody hears."""
    return {phone.username: sorted(s.hears(phone)) for phone in (s.alice, s.bob, s.carol)}


def music(s: Scene, phone: FakePhone) -> bool:
    """Whether a phone hears the platform's waiting music."""
    return s.at.core.plays[s.at.port_of(phone)].get(1) == source("hold_music")


def played(s: Scene, phone: FakePhone) -> list[str]:
    """What customers have played to a phone: its files by name, its beeps."""
    plays = dict(s.at.core.plays[s.at.port_of(phone)])
    plays.pop(1, None)
    return [sound.pcm.decode() if isinstance(sound, Audio) else "beep" for sound in plays.values()]


def live(s: Scene, id: str) -> Conference:
    owner = s.at.switchboard.conferences.identified("account", id)
    assert owner is not None
    conference = owner.session.floor.conference
    assert conference is not None
    return conference


async def made(s: Scene, name: str = "team", **body: Any) -> str:
    """A conference with alice; its id."""
    leg = await s.answered()
    s.backend.confer(leg, name, **body)
    await sleep(0.1)
    document = s.last()
    assert isinstance(document, dict)
    return document["id"]


async def joined(s: Scene, id: str, phone: FakePhone, **body: Any) -> str:
    leg = await s.dial(phone)
    assert await join(s, id, leg, **body) == OK
    return leg


async def join(s: Scene, id: str, leg: str, **body: Any) -> Any:
    s.backend.join(leg, id, **body)
    await sleep(0.1)
    return s.last()


async def order(s: Scene, id: str, name: str, **body: Any) -> Any:
    s.backend.convene(id, name, **body)
    await sleep(0.1)
    return s.last()


async def change(s: Scene, id: str, participant: str, **body: Any) -> Any:
    """Change how one participant beeps, and what its leaving ends."""
    s.backend.convene(id, "", participant, **body)
    await sleep(0.1)
    return s.last()


async def three(s: Scene, **body: Any) -> str:
    """A conference of alice, bob and carol; its id."""
    id = await made(s, **body)
    await joined(s, id, s.bob)
    await joined(s, id, s.carol)
    return id


ALL = {"alice": ["bob", "carol"], "bob": ["alice", "carol"], "carol": ["alice", "bob"]}


def test_everybody_hears_everybody_else() -> None:
    async def script(s: Scene) -> None:
        await three(s)
        assert hearing(s) == ALL
        assert {place(s, phone) for phone in (s.alice, s.bob, s.carol)} == {"conference"}
        assert told(s) == ["alice created", "alice participant.joined", "bob participant.joined",
                           "carol participant.joined"]  # fmt: skip

    play(script)


def test_a_conference_is_told_with_its_documented_fields() -> None:
    async def script(s: Scene) -> None:
        id = await made(s, client_state="YWxpY2U=", region="Europe")
        document = s.last()
        assert isinstance(document, dict)
        assert (document["status"], document["region"], document["name"]) == ("in_progress", "Europe", "team")
        await joined(s, id, s.bob, client_state="Ym9i")
        [event] = payloads(s, "conference.created")
        assert event.pop("occurred_at").endswith("Z")
        assert event == {
            "call_control_id": s.leg(s.alice),
            "call_leg_id": s.alice.ids and s.alice.ids.call_leg_id,
            "call_session_id": s.alice.ids and s.alice.ids.call_session_id,
            "client_state": "YWxpY2U=",
            "conference_id": id,
            "connection_id": "connection of alice",
        }
        bob = payloads(s, "conference.participant.joined")[1]
        assert (bob["call_control_id"], bob["client_state"]) == (s.leg(s.bob), "YWxpY2U=")
        assert s.at.shadow.live[s.leg(s.bob)].client_state == "Ym9i"

    play(script)


def test_a_bridge_that_is_refused_leaves_the_participant_where_it_is() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        assert await s.order(s.leg(s.alice), "bridge", call_control_id="v3:nobody") == "90018"
        assert place(s, s.alice) == "conference"
        assert live(s, id).is_live

    play(script)


def test_leaving_parks_the_leg_and_the_last_one_ends_the_conference() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        await joined(s, id, s.bob)
        assert await order(s, id, "leave", call_control_id=s.leg(s.alice)) == OK
        assert place(s, s.alice) == "parked"
        assert (s.hears(s.alice), s.hears(s.bob)) == ([], [])
        assert await s.order(s.leg(s.alice), "speak", payload="Hello.", voice="female") == OK
        s.bob.hang_up()
        await sleep(0.1)
        assert s.events[-3:] == ["bob call.hangup", "bob conference.participant.left", "alice conference.ended"]
        assert payloads(s, "conference.ended")[0]["reason"] == "all_left"
        card = s.at.shadow.conferences[id]
        assert (card.status, card.end_reason, card.ended_by) == ("completed", "all_left", None)
        assert s.at.switchboard.conferences.identified("account", id) is None
        assert await order(s, id, "end") == "90058"

    play(script)


@pytest.mark.parametrize(("body", "after"), [
    ({"end_conference_on_exit": True}, "bye 16 NORMAL_CLEARING"), ({"soft_end_conference_on_exit": True}, "answer"),
])  # fmt: skip
@pytest.mark.parametrize("how", ["hangs up", "is moved"])
def test_a_host_ends_the_conference_when_it_goes(body: dict[str, bool], after: str, how: str) -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        host = await joined(s, id, s.bob, **body)
        other = await joined(s, id, s.carol)
        if how == "hangs up":
            s.bob.hang_up()
        else:
            await s.order(host, "enqueue", queue_name="support")
        await sleep(0.1)
        card = s.at.shadow.conferences[id]
        assert (card.status, card.end_reason) == ("completed", "host_left")
        assert card.ended_by is not None
        assert card.ended_by.call_control_id == host
        assert s.alice.saw[-1] == after
        assert (other in s.at.shadow.live) == (after == "answer")
        if other in s.at.shadow.live:
            assert place(s, s.carol) == "parked"
        assert told(s).count("alice ended") == 1

    play(script)


def test_the_end_hangs_everybody_up_once() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        for _ in range(2):
            assert await order(s, id, "end", command_id="once") in (OK, "90058")
        assert not s.at.shadow.live
        assert s.at.shadow.conferences[id].end_reason == "ended_via_api"
        assert told(s)[-1] == "alice ended"
        assert s.at.shadow.remembered == {(id, "once"): OK}

    play(script)


def test_a_conference_lasts_as_long_as_it_may() -> None:
    async def script(s: Scene) -> None:
        id = await made(s, duration_minutes=5)
        await sleep(299)
        assert live(s, id).is_live
        await sleep(2)
        assert s.at.shadow.conferences[id].end_reason == "time_exceeded"
        assert not s.at.shadow.live

    play(script)


def test_whoever_waits_for_the_start_hears_music_until_it_comes() -> None:
    async def script(s: Scene) -> None:
        id = await made(s, start_conference_on_create=False)
        await joined(s, id, s.bob)
        assert (s.hears(s.alice), s.hears(s.bob)) == ([], [])
        assert music(s, s.alice)
        assert music(s, s.bob)
        assert s.at.shadow.conferences[id].status == "init"
        await joined(s, id, s.carol, start_conference_on_enter=True)
        assert hearing(s) == ALL
        assert not music(s, s.bob)
        assert s.at.shadow.conferences[id].status == "in_progress"

    play(script)


def test_the_customers_own_audio_is_heard_while_waiting_and_on_hold() -> None:
    async def script(s: Scene) -> None:
        id = await made(s, start_conference_on_create=False, hold_media_name="wait")
        await joined(s, id, s.bob, hold=True, hold_media_name="held")
        assert (played(s, s.alice), played(s, s.bob)) == (["wait"], ["held"])
        assert s.at.core.loops[s.at.port_of(s.alice)][-1] == 0
        await joined(s, id, s.carol, start_conference_on_enter=True)
        assert (played(s, s.alice), played(s, s.bob)) == ([], ["held"])
        assert await order(s, id, "unhold", call_control_ids=[s.leg(s.bob)]) == OK
        assert played(s, s.bob) == []
        assert hearing(s) == ALL

    play(script)


def test_held_participants_neither_hear_nor_are_heard() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        assert await order(s, id, "hold", call_control_ids=[s.leg(s.bob)]) == OK
        assert hearing(s) == {"alice": ["carol"], "bob": [], "carol": ["alice"]}
        assert music(s, s.bob)
        assert not music(s, s.alice)
        assert await order(s, id, "hold", audio_url="http://files.test/a.wav") == OK
        assert played(s, s.bob) == ["http://files.test/a.wav"]
        assert hearing(s) == {"alice": [], "bob": [], "carol": []}
        assert await order(s, id, "unhold", call_control_ids=[]) == OK
        assert hearing(s) == ALL

    play(script)


def test_muted_participants_hear_and_are_not_heard() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        assert await order(s, id, "mute", call_control_ids=[s.leg(s.bob)]) == OK
        assert hearing(s) == {"alice": ["carol"], "bob": ["alice", "carol"], "carol": ["alice"]}
        await order(s, id, "hold", call_control_ids=[s.leg(s.bob)])
        await order(s, id, "unhold", call_control_ids=[s.leg(s.bob)])
        assert hearing(s)["alice"] == ["carol"]
        assert await order(s, id, "mute") == OK
        assert hearing(s) == {"alice": [], "bob": [], "carol": []}
        assert await order(s, id, "unmute") == OK
        assert hearing(s) == ALL

    play(script)


def test_supervisors_listen_whisper_and_barge_in() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        await joined(s, id, s.bob)
        boss = await joined(s, id, s.carol, supervisor_role="monitor")
        assert hearing(s) == {"alice": ["bob"], "bob": ["alice"], "carol": ["alice", "bob"]}
        agent = s.leg(s.bob)
        whisper = {"call_control_id": boss, "supervisor_role": "whisper", "whisper_call_control_ids": [agent]}
        assert await order(s, id, "update", **whisper) == OK
        assert hearing(s) == {"alice": ["bob"], "bob": ["alice", "carol"], "carol": ["alice", "bob"]}
        assert await order(s, id, "update", call_control_id=boss, supervisor_role="barge") == OK
        assert hearing(s) == ALL
        assert await order(s, id, "update", call_control_id=boss, supervisor_role="none") == OK
        assert hearing(s) == ALL

    play(script)


@pytest.mark.parametrize(("beeps", "entered", "gone"), [
    ("never", [], []), ("on_enter", ["beep"], []), ("on_exit", [], ["beep"]), ("always", ["beep"], ["beep"]),
])  # fmt: skip
def test_beeps_are_heard_when_they_were_asked_for(beeps: str, entered: Sequence[str], gone: Sequence[str]) -> None:
    async def script(s: Scene) -> None:
        id = await made(s, beep_enabled=beeps)
        s.at.core.plays[s.at.port_of(s.alice)].clear()
        await joined(s, id, s.bob)
        assert played(s, s.alice) == entered
        s.at.core.plays[s.at.port_of(s.alice)].clear()
        await joined(s, id, s.carol, supervisor_role="monitor")
        assert played(s, s.alice) == []
        s.bob.hang_up()
        await sleep(0.1)
        assert played(s, s.alice) == gone

    play(script)


def test_a_participants_own_wish_for_beeps_has_the_say() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        await joined(s, id, s.bob, beep_enabled="on_enter")
        assert played(s, s.alice) == ["beep"]
        s.at.core.plays[s.at.port_of(s.alice)].clear()
        bob = s.bob.ids
        assert bob is not None
        shown = await change(s, id, bob.call_leg_id, beep_enabled="on_exit", end_conference_on_exit=True)
        assert (shown["end_conference_on_exit"], shown["soft_end_conference_on_exit"]) == (True, False)
        shown = await change(s, id, bob.call_leg_id, end_conference_on_exit=False)
        assert shown["end_conference_on_exit"] is False
        assert await order(s, id, "leave", call_control_id=s.leg(s.bob)) == OK
        assert played(s, s.alice) == ["beep"]

    play(script)


def test_what_all_hear_is_told_once_and_what_some_hear_for_each() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        assert await order(s, id, "play", media_name="news") == OK
        assert [played(s, phone) for phone in (s.alice, s.bob, s.carol)] == [["news"]] * 3
        assert hearing(s) == ALL
        for phone in (s.alice, s.bob, s.carol):
            s.at.core.finish(s.at.port_of(phone))
        await sleep(0.1)
        assert told(s, "conference.playback") == ["alice playback.started", "alice playback.ended"]
        [event] = payloads(s, "conference.playback.ended")
        assert event.keys() == {"conference_id", "connection_id", "creator_call_session_id", "media_name", "media_url",
                                "occurred_at"}  # fmt: skip
        some = [s.leg(s.bob), s.leg(s.carol)]
        assert await order(s, id, "speak", payload="Hello.", voice="female", call_control_ids=some) == OK
        assert [played(s, phone) for phone in (s.alice, s.bob, s.carol)] == [[], ["Hello."], ["Hello."]]
        assert await order(s, id, "stop") == OK
        assert played(s, s.bob) == []
        kind = "participant.speak"
        assert told(s, f"conference.{kind}") == [
            f"bob {kind}.started", f"carol {kind}.started", f"bob {kind}.ended", f"carol {kind}.ended",
        ]  # fmt: skip

    play(script)


def test_speech_to_a_conference_is_charged_once() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        await order(s, id, "speak", payload="Hello.", voice="female")
        used = [use for leg in s.at.shadow.live.values() for use in leg.usages]
        assert [use.units for use in used if use.add_on == "tts"] == [6]
        assert sorted(use.about for use in used if use.add_on == "conference-participant") == [id] * 3

    play(script)


def test_a_participant_that_goes_does_not_hold_up_an_announcement() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        await order(s, id, "play", media_name="news", loop="infinity")
        s.bob.hang_up()
        await order(s, id, "leave", call_control_id=s.leg(s.carol))
        assert played(s, s.carol) == []
        assert told(s, "conference.playback") == ["alice playback.started"]
        await order(s, id, "stop")
        assert told(s, "conference.playback")[-1] == "alice playback.ended"

    play(script)


def test_digits_are_asked_of_one_participant_and_heard_by_nobody_else() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        leg = s.leg(s.bob)
        asked = {"call_control_id": leg, "media_name": "pin", "maximum_digits": 2, "gather_id": "pin"}
        assert await order(s, id, "gather_using_audio", **asked, stop_playback_on_dtmf=False) == OK
        assert played(s, s.bob) == ["pin"]
        s.bob.press("1")
        await sleep(0.1)
        assert played(s, s.bob) == ["pin"]
        s.bob.press("2")
        await sleep(0.1)
        [event] = payloads(s, "call.gather.ended")
        assert (event["digits"], event["status"], event["gather_id"]) == ("12", "valid", "pin")
        assert s.at.core.digits[s.at.port_of(s.alice)] == ""
        assert await order(s, id, "send_dtmf", digits="3w4", call_control_ids=[leg]) == OK
        assert (s.at.core.digits[s.at.port_of(s.bob)], s.at.core.digits[s.at.port_of(s.carol)]) == ("3w4", "")

    play(script)


def test_a_leg_moves_between_bridge_queue_and_conferences() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        leg, other = await s.dial(s.bob), await s.dial(s.carol)
        await s.order(leg, "bridge", call_control_id=other, park_after_unbridge="self")
        assert await join(s, id, other) == OK
        assert place(s, s.bob) == "parked"
        assert await s.order(leg, "enqueue", queue_name="support") == OK
        assert await join(s, id, leg) == OK
        assert "bob call.dequeued" in s.events
        assert hearing(s) == ALL
        s.backend.confer(leg, "second")
        await sleep(0.1)
        assert hearing(s) == {"alice": ["carol"], "bob": [], "carol": ["alice"]}
        assert await s.order(leg, "bridge", call_control_id=other) == OK
        assert (s.hears(s.bob), s.hears(s.carol), s.hears(s.alice)) == (["carol"], ["bob"], [])
        assert s.at.shadow.conferences[id].status == "in_progress"
        assert [card.status for card in s.at.shadow.conferences.values()].count("completed") == 1

    play(script)


@pytest.mark.parametrize(
    ("leg", "body", "code"),
    [
        ("alice", {}, "90044"),
        ("carol", {}, "90032"),
        ("ringing", {}, "90034"),
        ("nobody", {}, "90015"),
        ("carol", {"supervisor_role": "host"}, "10032"),
        ("carol", {"hold_audio_url": "http://a.test/a", "hold_media_name": "a"}, "10015"),
    ],
)
def test_a_join_that_cannot_be_says_why(leg: str, body: dict[str, Any], code: str) -> None:
    async def script(s: Scene) -> None:
        id = await made(s, max_participants=2)
        await joined(s, id, s.bob)
        if leg == "ringing":
            s.backend.dial("sip:carol@sip.test")
            await sleep(0.1)
            one = s.leg(s.carol)
        else:
            one = {"alice": s.leg(s.alice), "nobody": "v3:none"}.get(leg) or await s.dial(s.carol)
        assert await join(s, id, one, **body) == code
        assert told(s)[-1] == "bob participant.joined"

    play(script)


def test_a_name_is_taken_while_its_conference_lives() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        leg = await s.dial(s.bob)
        s.backend.confer(leg, "team")
        await sleep(0.1)
        assert s.last() == "90033"
        assert place(s, s.bob) == "parked"
        await order(s, id, "end")
        for _ in range(2):
            s.backend.confer(leg, "team", command_id="again")
            await sleep(0.1)
        first, second = s.backend.answers[-2:]
        assert isinstance(second, dict)
        assert first == second
        assert second["id"] != id
        assert told(s).count("bob created") == 1

    play(script)


def test_commands_for_those_who_are_not_there_change_nothing() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        stranger = await s.dial(s.bob)
        for name in ("mute", "unmute", "hold", "unhold", "stop"):
            assert await order(s, id, name, call_control_ids=[s.leg(s.alice), stranger]) == "90015"
        assert live(s, id).participants[s.leg(s.alice)].voice == "open"
        for name, body in (("leave", {}), ("update", {"supervisor_role": "barge"})):
            assert await order(s, id, name, call_control_id=stranger, **body) == "90015"
        assert await change(s, id, "none", beep_enabled="never") == "10005"

    play(script)


def test_what_cannot_be_stored_makes_no_conference() -> None:
    shadow = FakeShadow()

    async def script(s: Scene) -> None:
        leg = await s.answered()
        shadow.fail = Unavailable("disk full")
        s.backend.confer(leg, "team")
        await sleep(0.1)
        shadow.fail = None
        assert isinstance(s.last(), str)
        assert not shadow.conferences
        assert not told(s)
        other = await s.dial(s.bob)
        s.backend.confer(other, "team")
        await sleep(0.1)
        assert isinstance(s.last(), dict)

    play(script, shadow)
