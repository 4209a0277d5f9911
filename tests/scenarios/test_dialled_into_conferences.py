"""Category: scenarios. Legs that are dialled for a conference: they enter it with their answer, or end."""

from asyncio import sleep
from typing import Any

import pytest
from tests.scenarios.scene import Scene, play

from offhook.testing.fakes import FakePhone


async def dial(s: Scene, phone: FakePhone, **config: Any) -> str:
    """Dial a phone for a conference, and let it answer; its leg."""
    return await s.dial(phone, conference_config=config)


def told(s: Scene) -> list[str]:
    """What happened in conferences, and which calls were hung up."""
    return [event for event in s.events if "conference." in event or "hangup" in event]


def conference(s: Scene) -> str:
    [id] = s.at.shadow.conferences
    return id


def test_the_first_opens_the_conference_of_a_name_and_others_enter_it() -> None:
    async def script(s: Scene) -> None:
        for phone in (s.alice, s.bob, s.carol):
            await dial(s, phone, conference_name="team")
        assert s.at.shadow.conferences[conference(s)].name == "team"
        assert told(s) == ["alice conference.created", "alice conference.participant.joined",
                           "bob conference.participant.joined", "carol conference.participant.joined"]  # fmt: skip
        assert sorted(s.hears(s.carol)) == ["alice", "bob"]

    play(script)


def test_they_take_part_as_the_config_says() -> None:
    async def script(s: Scene) -> None:
        await dial(s, s.alice, conference_name="team", start_conference_on_create=False)
        await dial(s, s.bob, conference_name="team", mute=True)
        assert s.at.shadow.conferences[conference(s)].status == "init"
        assert (s.hears(s.alice), s.hears(s.bob)) == ([], [])
        host = {"start_conference_on_enter": True, "end_conference_on_exit": True}
        await dial(s, s.carol, id=conference(s), **host)
        assert s.at.shadow.conferences[conference(s)].status == "in_progress"
        assert (sorted(s.hears(s.alice)), sorted(s.hears(s.bob))) == (["carol"], ["alice", "carol"])
        s.carol.hang_up()
        await sleep(0.1)
        assert s.at.shadow.conferences[conference(s)].end_reason == "host_left"
        assert not s.at.shadow.live

    play(script)


def test_nobody_enters_before_the_answer() -> None:
    async def script(s: Scene) -> None:
        s.backend.dial("sip:bob@sip.test", conference_config={"conference_name": "team"})
        await sleep(0.1)
        assert not s.at.shadow.conferences
        s.bob.hang_up()
        await sleep(0.1)
        assert told(s) == ["bob call.hangup"]

    play(script)


def test_a_leg_ends_whose_conference_has_ended_meanwhile() -> None:
    async def script(s: Scene) -> None:
        await dial(s, s.alice, conference_name="team")
        s.backend.dial("sip:bob@sip.test", conference_config={"id": conference(s)})
        await sleep(0.1)
        s.alice.hang_up()
        await sleep(0.1)
        s.bob.answer_call()
        await sleep(0.1)
        assert told(s)[-2:] == ["alice conference.ended", "bob call.hangup"]
        assert not s.at.shadow.live

    play(script)


def test_a_leg_ends_for_which_the_conference_has_no_seat() -> None:
    async def script(s: Scene) -> None:
        leg = await s.answered()
        s.backend.confer(leg, "team", max_participants=2)
        await sleep(0.1)
        await dial(s, s.bob, conference_name="team")
        await dial(s, s.carol, conference_name="team")
        assert s.events[-1] == "carol call.hangup"
        assert s.carol.saw[-1] == "bye 16 NORMAL_CLEARING"
        assert s.hears(s.alice) == ["bob"]

    play(script)


@pytest.mark.parametrize(("body", "code"), [
    ({"conference_config": {"id": "b3a6e1c0-0000-4000-8000-000000000000"}}, "90058"),
    ({"conference_config": {"mute": True}}, "10004"),
    ({"conference_config": {"conference_name": "team", "beep_enabled": "sometimes"}}, "10032"),
    ({"conference_config": {"conference_name": "team"}, "supervise_call_control_id": "v3:somebody"}, "10015"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused(body: dict[str, Any], code: str) -> None:
    async def script(s: Scene) -> None:
        s.backend.dial("sip:bob@sip.test", **body)
        await sleep(0.1)
        assert s.last() == code
        assert not s.events

    play(script)
