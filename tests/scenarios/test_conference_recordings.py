"""Category: scenarios. Recordings of conferences, and who has the floor: what is ordered of the core, told and paid.

Case STO-10: whoever is recorded with a beep is told again and again.
"""

from asyncio import sleep
from typing import Any

import pytest
from tests.scenarios.scene import OK, Scene, play
from tests.scenarios.test_conferences import joined, made, order, payloads, three

from offhook.media import events
from offhook.media.commands import Record, Tones
from offhook.testing.fakes import FakePhone
from offhook.voice.usage import Usage

START: dict[str, Any] = {"format": "wav"}


def circle(s: Scene) -> int:
    """The port of the one conference."""
    (port,) = s.at.core.circles
    return port


async def recorded(s: Scene, id: str, **body: Any) -> str:
    """A recording of the conference; its id."""
    answer = await order(s, id, "record_start", **START, **body)
    assert isinstance(answer, dict)
    return answer["recording_id"]


def usages(s: Scene, phone: FakePhone) -> dict[str, Usage]:
    return {each.about: each for each in s.at.shadow.live[s.leg(phone)].usages if each.add_on == "recording"}


def beeps(s: Scene, port: int) -> int:
    """How many beeps that tell of a recording a port has had."""
    return sum(isinstance(sound, Tones) and sound.tones[0].hz == [1400.0] for sound in s.at.core.played[port])


def test_the_circle_is_recorded_with_its_creator_apart() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        recording = await recorded(s, id, channels="dual", trim="trim-silence", custom_file_name="team")
        (record,) = s.at.core.recordings.values()
        assert isinstance(record, Record)
        assert (record.port, record.recording, record.channels, record.tracks) == (circle(s), recording, 2, "both")
        assert s.at.core.circles[circle(s)].apart == s.at.port_of(s.alice)
        (card,) = s.at.shadow.recordings
        assert (card.id, card.source, card.conference_id) == (recording, "conference", id)
        assert card.initiated_by == "StartConferenceRecordingAPI"
        assert card.about.ids.call_control_id == s.leg(s.alice)
        assert await order(s, id, "record_pause", recording_id=recording) == OK
        assert s.at.core.paused == {recording: True}
        assert await order(s, id, "record_resume") == OK
        assert s.at.core.paused == {recording: False}
        assert await order(s, id, "record_stop", client_state="c3RvcA==") == OK
        assert s.at.core.recordings == {}
        for name in ("record_stop", "record_pause", "record_resume"):
            assert await order(s, id, name) == "10027"

    play(script)


def test_what_is_played_to_all_is_recorded_once_and_stops_with_the_rest() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        await recorded(s, id)
        await order(s, id, "play", audio_url="http://a.test/all.wav")
        await order(s, id, "play", audio_url="http://a.test/bob.wav", call_control_ids=[s.leg(s.bob)])
        assert len(s.at.core.plays[circle(s)]) == 1
        await order(s, id, "stop")
        assert s.at.core.plays[circle(s)] == {}

    play(script)


def test_one_may_begin_while_all_wait_for_the_conference_to_start() -> None:
    async def script(s: Scene) -> None:
        id = await made(s, start_conference_on_create=False)
        recording = await recorded(s, id, play_beep=True)
        assert s.at.core.recordings.keys() == {recording}
        assert beeps(s, s.at.port_of(s.alice)) == 0

    play(script)


def test_it_ends_with_its_conference() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        await recorded(s, id)
        await order(s, id, "end")
        await sleep(0.1)
        assert s.at.core.recordings == {}
        assert s.at.core.circles == {}

    play(script)


def test_whoever_takes_part_longest_pays_and_then_the_next() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)
        first, second = await recorded(s, id), await recorded(s, id)
        assert usages(s, s.alice).keys() == {first, second}
        assert usages(s, s.bob) == {}
        await order(s, id, "record_pause", recording_id=second)
        await sleep(10)
        await order(s, id, "leave", call_control_id=s.leg(s.alice))
        paid = usages(s, s.alice)
        assert paid[first].seconds == pytest.approx(10, abs=0.5)
        assert paid[second].seconds < 0.5
        assert {each.since_mono for each in paid.values()} == {None}
        assert usages(s, s.bob).keys() == {first}
        await sleep(10)
        s.bob.hang_up()
        await sleep(0.1)
        assert usages(s, s.carol).keys() == {first}
        s.at.core.end_recording(first, "no_space")
        await sleep(0.1)
        assert usages(s, s.carol)[first].since_mono is None

    play(script)


def test_sto_10_everybody_hears_the_beep_again_and_again_and_whoever_comes_late() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        await joined(s, id, s.bob)
        recording = await recorded(s, id, play_beep=True)
        ports = [s.at.port_of(s.alice), s.at.port_of(s.bob), circle(s)]
        assert [beeps(s, port) for port in ports] == [1, 1, 1]
        await sleep(30.5)
        assert [beeps(s, port) for port in ports] == [3, 3, 3]
        await joined(s, id, s.carol)
        assert beeps(s, s.at.port_of(s.carol)) == 1
        await order(s, id, "record_pause")
        await sleep(60)
        assert [beeps(s, port) for port in ports] == [3, 3, 3]
        await order(s, id, "record_resume")
        assert [beeps(s, port) for port in ports] == [4, 4, 4]
        notice = usages(s, s.alice)[recording].notice_every
        assert notice == 15
        await order(s, id, "record_stop")
        await sleep(60)
        assert [beeps(s, port) for port in ports] == [4, 4, 4]

    play(script)


def test_without_a_beep_nobody_is_told() -> None:
    async def script(s: Scene) -> None:
        id = await made(s)
        recording = await recorded(s, id)
        await sleep(40)
        assert beeps(s, s.at.port_of(s.alice)) == 0
        assert usages(s, s.alice)[recording].notice_every is None

    play(script)


def test_sto_10_a_leg_is_told_again_and_again() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        await s.order(leg, "record_start", channels="dual", format="wav", play_beep=True)
        await sleep(30.5)
        assert beeps(s, s.at.port_of(s.alice)) == 3

    play(script)


def test_whoever_goes_on_talking_gets_the_floor_and_that_is_told_once() -> None:
    async def script(s: Scene) -> None:
        id = await three(s)

        async def talks(phone: FakePhone | None, reports: int) -> None:
            for _ in range(reports):
                port = None if phone is None else s.at.port_of(phone)
                s.at.core.tell(events.Loudest(circle(s), 0, port, -20.0))
            await sleep(0.1)

        await talks(s.bob, 2)
        assert payloads(s, "conference.floor.changed") == []
        await talks(s.bob, 5)
        await talks(None, 5)
        await talks(s.carol, 2)
        await talks(s.bob, 1)
        await talks(s.carol, 3)
        bob, carol = payloads(s, "conference.floor.changed")
        assert (bob["call_control_id"], carol["call_control_id"]) == (s.leg(s.bob), s.leg(s.carol))
        assert bob.keys() == {
            "call_control_id", "call_leg_id", "call_session_id", "client_state", "conference_id", "connection_id",
            "occurred_at",
        }  # fmt: skip
        assert bob["conference_id"] == id
        await order(s, id, "leave", call_control_id=s.leg(s.carol))
        await talks(s.bob, 3)
        assert len(payloads(s, "conference.floor.changed")) == 3

    play(script)
