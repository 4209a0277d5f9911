"""Category: scenarios. What a backend lets be heard on a leg: speech and files, queued, repeated, stopped."""

from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.scenarios.exchange import exchange
from tests.scenarios.scene import OK, Scene

from offhook.media.commands import Audio
from offhook.testing.clock import run
from offhook.testing.fakes import FakePhone
from offhook.voice.player import MAX_QUEUED


class Room(Scene):
    """The same scene, with ears."""

    leg_id = ""

    def heard(self, phone: FakePhone) -> list[str]:
        """What customers' plays a phone's port has, by their text or name."""
        plays = self.at.core.plays[self.at.port_of(phone)]
        return [play.pcm.decode() for number, play in sorted(plays.items()) if number > 1 and isinstance(play, Audio)]

    async def finish(self, phone: FakePhone) -> None:
        """The first of its plays is over."""
        self.at.core.finish(self.at.port_of(phone))
        await sleep(0.1)

    async def say(self, text: str, **body: Any) -> Any:
        return await self.order(self.leg_id, "speak", payload=text, voice="female", **body)

    async def play(self, name: str, **body: Any) -> Any:
        return await self.order(self.leg_id, "playback_start", media_name=name, **body)

    def told(self, kind: str) -> list[tuple[str, Any]]:
        """Events of one kind: whose, and their media name or else their status."""
        found = [event for event in self.at.shadow.told if event.type.startswith(kind)]
        return [
            (f"{event.about.party.label} {event.type.rpartition('.')[2]}", _what(event.fields())) for event in found
        ]


def _what(fields: dict[str, Any]) -> Any:
    return (fields.get("media_name"), fields["status"]) if "status" in fields else fields.get("media_name")


def play(script: Callable[[Room], Awaitable[None]]) -> None:
    async def played() -> None:
        async with exchange() as at:
            room = Room(at)
            room.leg_id = await room.answered()
            await sleep(0.1)
            await script(room)

    run(played())


def test_what_is_said_is_heard_and_told_of_at_its_beginning_and_its_end() -> None:
    async def script(s: Room) -> None:
        assert await s.say("Hello, Alice.", client_state="bm90ZQ==") == OK
        assert s.heard(s.alice) == ["Hello, Alice."]
        assert s.events[-1] == "alice call.speak.started"
        await s.finish(s.alice)
        started, ended = s.at.shadow.told[-2:]
        assert ended.fields() == {"speak_id": started.fields()["speak_id"], "status": "completed"}
        assert len(ended.fields()["speak_id"]) == 10
        assert ended.about.client_state == "bm90ZQ=="

    play(script)


def test_files_queue_and_each_begins_when_the_one_before_has_ended() -> None:
    async def script(s: Room) -> None:
        for name in ("one", "two"):
            assert await s.play(name) == OK
        assert s.heard(s.alice) == ["one"]
        await s.finish(s.alice)
        assert s.heard(s.alice) == ["two"]
        await s.finish(s.alice)
        assert s.told("call.playback") == [
            ("alice started", "one"),
            ("alice ended", ("one", "completed")),
            ("alice started", "two"),
            ("alice ended", ("two", "completed")),
        ]

    play(script)


def test_a_text_that_is_too_long_is_refused_and_nothing_is_said() -> None:
    """Case TXM-06."""

    async def script(s: Room) -> None:
        for payload_type in ("text", "ssml"):
            assert await s.say(f"<speak>{'a ' * 50_000}</speak>", payload_type=payload_type) == "10033"
        assert s.heard(s.alice) == []

    play(script)


def test_speech_of_many_pieces_sounds_from_the_first_and_has_one_beginning_and_one_end() -> None:
    async def script(s: Room) -> None:
        s.at.audio.seconds = 1.0
        await s.say("<speak>One.<break time='1s'/>Two.</speak>", payload_type="ssml")
        await sleep(1)
        assert s.heard(s.alice) == ["One."]
        await s.finish(s.alice)
        assert s.told("call.speak") == [("alice started", None)]
        await sleep(1)
        assert s.heard(s.alice) == ["Two."]
        await s.finish(s.alice)
        assert s.told("call.speak") == [("alice started", None), ("alice ended", (None, "completed"))]

    play(script)


def test_what_repeats_is_one_play_of_the_core() -> None:
    async def script(s: Room) -> None:
        await s.say("<speak>One.<break/>Two.</speak>", payload_type="ssml", loop="infinity")
        assert s.heard(s.alice) == ["One.Two."]
        assert s.at.core.loops[s.at.port_of(s.alice)][-1] == 0
        await s.play("three", loop=3, stop="all")
        assert s.at.core.loops[s.at.port_of(s.alice)][-1] == 3

    play(script)


@pytest.mark.parametrize(
    ("which", "left", "statuses"),
    [("current", ["two"], ["cancelled"]), ("all", [], ["cancelled", "cancelled"])],
)
def test_a_stop_ends_the_current_file_or_all(which: str, left: list[str], statuses: list[str]) -> None:
    async def script(s: Room) -> None:
        await s.play("one")
        await s.play("two")
        assert await s.order(s.leg_id, "playback_stop", stop=which) == OK
        assert s.heard(s.alice) == left
        assert [what[1] for who, what in s.told("call.playback.ended")] == statuses
        assert await s.order(s.leg_id, "playback_stop") == (OK if left else "10027")

    play(script)


def test_an_overlay_sounds_beside_the_rest_and_is_stopped_by_itself() -> None:
    async def script(s: Room) -> None:
        await s.play("bed")
        await s.play("note", overlay=True)
        assert s.heard(s.alice) == ["bed", "note"]
        assert await s.order(s.leg_id, "playback_stop", overlay=True) == OK
        assert s.heard(s.alice) == ["bed"]

    play(script)


def test_a_file_that_is_not_there_is_told_as_such_and_the_next_one_plays() -> None:
    async def script(s: Room) -> None:
        s.at.audio.missing = {"one"}
        await s.play("one")
        await s.play("two")
        assert s.told("call.playback") == [("alice ended", ("one", "file_not_found")), ("alice started", "two")]
        assert s.at.shadow.told[-2].fields()["status_detail"] == "there is no one"

    play(script)


def test_a_hang_up_ends_what_plays_and_what_waits_before_the_call_ends() -> None:
    async def script(s: Room) -> None:
        await s.play("one")
        await s.say("never")
        s.alice.hang_up()
        await sleep(0.1)
        assert s.events[-3:] == ["alice call.playback.ended", "alice call.speak.ended", "alice call.hangup"]
        assert s.told("call.playback.ended") == [("alice ended", ("one", "call_hangup"))]

    play(script)


def test_audio_that_comes_too_late_is_for_nobody() -> None:
    async def script(s: Room) -> None:
        s.at.audio.seconds = 5.0
        await s.play("late")
        await s.order(s.leg_id, "playback_stop")
        await s.play("later")
        s.alice.hang_up()
        await sleep(10)
        assert "alice call.playback.started" not in s.events
        assert s.events[-1] == "alice call.hangup"

    play(script)


def test_nothing_is_played_into_a_call_whose_media_are_not_up() -> None:
    async def script(s: Room) -> None:
        leg = await s.dial_without_media(s.bob)
        assert await s.order(leg, "speak", payload="Hello.", voice="male") == OK
        assert s.heard(s.bob) == []
        s.at.connect()
        await sleep(0.1)
        assert s.heard(s.bob) == ["Hello."]

    play(script)


def test_a_bridged_leg_hears_it_in_place_of_the_other_or_both_hear_it() -> None:
    async def script(s: Room) -> None:
        other = await s.dial(s.bob)
        await s.order(s.leg_id, "bridge", call_control_id=other)
        await s.say("For Bob.", target_legs="opposite")
        await s.play("both", target_legs="both")
        assert (s.heard(s.alice), s.heard(s.bob)) == (["both"], ["For Bob."])
        await s.finish(s.bob)
        await s.finish(s.alice)
        assert s.told("call.speak") == [("alice started", None), ("alice ended", (None, "completed"))]
        assert s.told("call.playback") == [("alice started", "both"), ("alice ended", ("both", "completed"))]
        assert s.heard(s.bob) == ["both"]
        assert await s.order(s.leg_id, "playback_stop") == OK
        assert s.heard(s.bob) == []

    play(script)


def test_what_a_leg_had_played_to_another_ends_with_it() -> None:
    async def script(s: Room) -> None:
        other = await s.dial(s.bob)
        await s.order(other, "bridge", call_control_id=s.leg_id, park_after_unbridge="self")
        await s.say("For Bob.", target_legs="opposite", loop="infinity")
        s.alice.hang_up()
        await sleep(0.1)
        assert s.heard(s.bob) == []
        assert s.told("call.speak.ended") == [("alice ended", (None, "call_hangup"))]

    play(script)


def test_a_leg_goes_on_hearing_when_it_moves_to_another_owner() -> None:
    async def script(s: Room) -> None:
        s.at.audio.seconds = 1.0
        await s.play("one")
        await sleep(1)
        await s.play("two")
        other = await s.dial(s.bob)
        assert await s.order(other, "bridge", call_control_id=s.leg_id) == OK
        assert s.heard(s.alice) == ["one"]
        await sleep(1)
        await s.finish(s.alice)
        assert s.heard(s.alice) == ["two"]
        assert s.told("call.playback")[-1] == ("alice started", "two")

    play(script)


def test_customers_audio_takes_the_place_of_waiting_music() -> None:
    async def script(s: Room) -> None:
        other = await s.dial(s.bob)
        await s.order(s.leg_id, "bridge", call_control_id=other)
        s.bob.hold()
        await sleep(0.1)
        port = s.at.port_of(s.alice)
        assert list(s.at.core.plays[port]) == [1]
        await s.say("Hello.")
        assert 1 not in s.at.core.plays[port]
        await s.finish(s.alice)
        assert list(s.at.core.plays[port]) == [1]

    play(script)


@pytest.mark.parametrize("how", ["dial", "transfer"])
def test_a_leg_that_is_dialled_can_be_greeted_with_a_file(how: str) -> None:
    async def script(s: Room) -> None:
        if how == "dial":
            await s.dial(s.bob, media_name="greeting")
        else:
            await s.order(s.leg_id, "transfer", to="sip:bob@sip.test", media_name="greeting")
            s.bob.answer_call()
            await sleep(0.1)
            s.at.connect()
            await sleep(0.1)
            assert s.hears(s.alice) == ["bob"]
        await sleep(0.1)
        assert s.heard(s.bob) == ["greeting"]
        await s.finish(s.bob)
        assert s.told("call.playback") == [("bob started", "greeting"), ("bob ended", ("greeting", "completed"))]

    play(script)


def test_only_what_is_next_is_prepared_and_what_was_stopped_never_is() -> None:
    async def script(s: Room) -> None:
        for name in ("one", "two", "three", "four", "five"):
            await s.play(name)
        assert s.at.audio.asked == ["one", "two"]
        await s.finish(s.alice)
        assert s.at.audio.asked == ["one", "two", "three"]
        await s.play("six", stop="all")
        assert s.heard(s.alice) == ["six"]
        assert "five" not in s.at.audio.asked

    play(script)


def test_a_queue_has_an_end() -> None:
    async def script(s: Room) -> None:
        for number in range(MAX_QUEUED):
            assert await s.play(f"file {number}") == OK
        assert await s.play("one more") == "10027"
        assert await s.play("all anew", stop="all") == OK
        assert s.heard(s.alice) == ["all anew"]

    play(script)


@pytest.mark.parametrize("name", ["speak", "playback_start", "playback_stop"])
def test_nothing_is_played_before_the_answer(name: str) -> None:
    async def script(s: Room) -> None:
        s.backend.dial("sip:bob@sip.test")
        await sleep(0.1)
        dialled = s.last()
        assert isinstance(dialled, dict)
        body = {"speak": {"payload": "a", "voice": "female"}, "playback_start": {"media_name": "a"}}.get(name, {})
        assert await s.order(dialled["call_control_id"], name, **body) == "90034"

    play(script)
