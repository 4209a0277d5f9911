"""Category: compatibility. The official `telnyx` package, unmodified, with conferences: real calls, real audio."""

import json
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import pytest
import telnyx
from tests.compat.desk import JANE, JOHN, Desk, code_of, opened

from offhook import Call, Client, Ear
from offhook.voice import conference_event as happened
from offhook.voice.event import About, payload
from offhook.voice.leg import LegIds, Party

HZ = (440.0, 880.0, 1320.0)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with opened() as found:
        yield found


@pytest.fixture
async def john(desk: Desk) -> AsyncIterator[Client]:
    async with desk.phone(JOHN) as found:
        await found.ready()
        yield found


async def created(desk: Desk, call: Call, name: str = "team", **body: Any) -> str:
    made = (await desk.api.conferences.create(call_control_id=call.ids.call_control, name=name, **body)).data
    assert made is not None
    return made.id


async def three(desk: Desk, john: Client) -> tuple[str, list[Call], list[Ear]]:
    """A conference of three calls, each with a tone of its own and an ear."""
    calls = [await desk.answered(john, hz) for hz in HZ]
    id = await created(desk, calls[0])
    for call in calls[1:]:
        await desk.api.conferences.actions.join(id, call_control_id=call.ids.call_control)
    ears = [Ear() for _ in calls]
    for call, ear in zip(calls, ears, strict=True):
        call.attach(ear)
    return id, calls, ears


async def refused(operation: Awaitable[Any]) -> tuple[int, str]:
    with pytest.raises(telnyx.APIStatusError) as error:
        await operation
    return code_of(error)


async def test_a_conference_is_made_listed_and_ends(desk: Desk, john: Client) -> None:
    api = desk.api
    calls = [await desk.answered(john) for _ in range(2)]
    made = (
        await api.conferences.create(
            call_control_id=calls[0].ids.call_control, name="team", region="Europe", duration_minutes=60
        )
    ).data
    assert made is not None
    assert (made.name, made.status, made.region, made.record_type) == ("team", "in_progress", "Europe", "conference")
    assert (made.connection_id, made.end_reason) == (desk.connection, None)
    assert (await api.conferences.retrieve(made.id)).data == made
    await api.conferences.actions.join(made.id, call_control_id=calls[1].ids.call_control, mute=True)
    listed = [each async for each in api.conferences.list_participants(made.id, page_size=1)]
    assert [each.call_control_id for each in listed] == [call.ids.call_control for call in calls]
    assert [each.muted for each in listed] == [False, True]
    assert (listed[0].conference.id, listed[0].conference.name) == (made.id, "team")
    muted = [each.id async for each in api.conferences.list_participants(made.id, filter={"muted": True})]
    assert muted == [listed[1].id]
    one = (await api.conferences.retrieve_participant(muted[0], id=made.id)).data
    assert one is not None
    assert (one.call_leg_id, one.status, one.soft_end_conference_on_exit) == (calls[1].ids.leg, "joined", False)
    changed = (await api.conferences.update_participant(muted[0], id=made.id, soft_end_conference_on_exit=True)).data
    assert changed is not None
    assert changed.soft_end_conference_on_exit
    await api.conferences.actions.leave(made.id, call_control_id=calls[1].ids.call_control)
    ended = (await api.conferences.retrieve(made.id)).data
    assert ended is not None
    assert (ended.status, ended.end_reason) == ("completed", "host_left")
    assert ended.ended_by is not None
    assert ended.ended_by.call_control_id == calls[1].ids.call_control
    completed = [each.id async for each in api.conferences.list(filter={"status": "completed", "name": "team"})]
    assert completed == [made.id]
    assert [each async for each in api.conferences.list(filter={"status": "in_progress"})] == []
    assert (await api.calls.retrieve_status(calls[0].ids.call_control)).data.is_alive  # pyright: ignore[reportOptionalMemberAccess]


async def test_everybody_hears_the_others_and_not_who_is_muted_or_held(desk: Desk, john: Client) -> None:
    actions = desk.api.conferences.actions
    id, calls, ears = await three(desk, john)
    legs = [call.ids.call_control for call in calls]
    await actions.mute(id, call_control_ids=[legs[2]])
    await ears[0].hears_tone(880)
    await ears[1].hears_tone(440)
    await actions.unmute(id, call_control_ids=[legs[2]])
    await actions.hold(id, call_control_ids=[legs[0]])
    await ears[1].hears_tone(1320)
    await ears[2].hears_tone(880)
    await actions.unhold(id, call_control_ids=[legs[0]])
    await actions.update(id, call_control_id=legs[0], supervisor_role="monitor")
    await ears[1].hears_tone(1320)
    await actions.mute(id, call_control_ids=[legs[2]])
    whisper = {"supervisor_role": "whisper", "whisper_call_control_ids": [legs[1]]}
    await actions.update(id, call_control_id=legs[0], **whisper)
    await ears[1].hears_tone(440)
    await ears[2].hears_tone(880)
    await actions.end_conference(id)
    for call in calls:
        await call.ended()


async def test_an_agent_is_dialled_straight_into_a_conference(desk: Desk, john: Client) -> None:
    caller = await desk.answered(john)
    id = await created(desk, caller, start_conference_on_create=False)
    async with desk.phone(JANE) as jane:
        await jane.ready()
        config = {"id": id, "start_conference_on_enter": True, "end_conference_on_exit": True}
        agent = await desk.agent(jane, conference_config=config)
        ears = [Ear(), Ear()]
        caller.attach(ears[0])
        agent.attach(ears[1])
        await ears[0].hears_tone(880)
        await ears[1].hears_tone(440)
        await agent.hangup()
        await caller.ended()


async def test_each_operation_is_refused_with_its_code(desk: Desk, john: Client) -> None:
    api, actions = desk.api, desk.api.conferences.actions
    call, other = await desk.answered(john), await desk.answered(john)
    id, leg, stranger = await created(desk, call), call.ids.call_control, other.ids.call_control
    wrong: list[tuple[Awaitable[Any], tuple[int, str]]] = [
        (api.conferences.create(call_control_id=stranger, name="team"), (422, "90033")),
        (api.conferences.create(call_control_id=stranger, name="b", max_participants=1), (422, "10033")),
        (api.conferences.list(filter={"status": "over"}), (422, "10032")),  # pyright: ignore[reportArgumentType]
        (api.conferences.retrieve("none"), (404, "10005")),
        (api.conferences.list_participants("none"), (404, "10005")),
        (api.conferences.retrieve_participant("none", id=id), (404, "10005")),
        (api.conferences.update_participant("none", id=id), (404, "10005")),
        (actions.join(id, call_control_id=leg), (422, "90044")),
        (actions.join("none", call_control_id=leg), (422, "90058")),
        (actions.leave(id, call_control_id=stranger), (422, "90015")),
        (actions.update(id, call_control_id=stranger, supervisor_role="barge"), (422, "90015")),
        (actions.mute(id, call_control_ids=[stranger]), (422, "90015")),
        (actions.unmute(id, call_control_ids=[stranger]), (422, "90015")),
        (actions.hold(id, audio_url="http://a.test/a", media_name="a"), (400, "10015")),
        (actions.unhold(id, call_control_ids=[stranger]), (422, "90015")),
        (actions.play(id), (422, "10004")),
        (actions.speak(id, payload="<speak>", voice="female", payload_type="ssml"), (400, "10015")),
        (actions.stop(id, call_control_ids=[stranger]), (422, "90015")),
        (actions.send_dtmf(id, digits="x"), (422, "90026")),
        (actions.gather_dtmf_audio(id, call_control_id=leg), (422, "10004")),
        (actions.end_conference("none"), (422, "90058")),
    ]
    for operation, code in wrong:
        assert await refused(operation) == code
    await actions.end_conference(id)
    assert await refused(actions.mute(id)) == (422, "90019")
    assert await refused(actions.end_conference(id)) == (422, "90019")


async def test_files_speech_and_digits_reach_participants(desk: Desk, john: Client) -> None:
    actions = desk.api.conferences.actions
    calls = [await desk.answered(john) for _ in range(2)]
    id = await created(desk, calls[0])
    await actions.join(id, call_control_id=calls[1].ids.call_control)
    for call in calls:
        call.attach(Ear())
    await actions.send_dtmf(id, digits="5", call_control_ids=[calls[1].ids.call_control], client_state="YQ==")
    await actions.speak(id, payload="Hello everybody.", voice="female")
    await actions.play(id, media_name="none", call_control_ids=[calls[1].ids.call_control])
    await actions.gather_dtmf_audio(id, call_control_id=calls[1].ids.call_control, media_name="none")
    await actions.stop(id)


async def test_a_conference_that_a_crash_cut_off_is_over_after_it(tmp_path: Path) -> None:
    async with opened(tmp_path / "db") as desk, desk.phone(JOHN) as john:
        await john.ready()
        id = await created(desk, await desk.answered(john))
    async with opened(tmp_path / "db") as desk:
        found = (await desk.api.conferences.retrieve(id)).data
        assert found is not None
        assert (found.status, found.end_reason) == ("completed", "all_left")


ABOUT = About(LegIds("v3:leg", "session", "leg"), Party("a", "account", "1", "a"), "+1", "+2", "", "outgoing", 0.0)
COMMON = (ABOUT, 0.0, "conference", "YQ==")
EVENTS = {
    "ConferenceCreatedWebhookEvent": happened.ConferenceCreated(*COMMON),
    "ConferenceEndedWebhookEvent": happened.ConferenceEnded(*COMMON, "host_left"),
    "ConferenceParticipantJoinedWebhookEvent": happened.ParticipantJoined(*COMMON),
    "ConferenceParticipantLeftWebhookEvent": happened.ParticipantLeft(*COMMON),
    "ConferencePlaybackStartedWebhookEvent": happened.PlaybackStarted(*COMMON, "creator", None, "news"),
    "ConferencePlaybackEndedWebhookEvent": happened.PlaybackEnded(*COMMON, "creator", None, "news"),
    "ConferenceSpeakStartedWebhookEvent": happened.SpeakStarted(*COMMON, "creator"),
    "ConferenceSpeakEndedWebhookEvent": happened.SpeakEnded(*COMMON, "creator"),
    "ConferenceParticipantPlaybackStartedWebhookEvent": happened.ParticipantPlaybackStarted(*COMMON, "creator", "u"),
    "ConferenceParticipantPlaybackEndedWebhookEvent": happened.ParticipantPlaybackEnded(*COMMON, "creator", "u"),
    "ConferenceParticipantSpeakStartedWebhookEvent": happened.ParticipantSpeakStarted(*COMMON, "creator"),
    "ConferenceParticipantSpeakEndedWebhookEvent": happened.ParticipantSpeakEnded(*COMMON, "creator"),
}


@pytest.mark.parametrize("kind", EVENTS)
def test_the_package_knows_the_events_of_conferences_by_their_class(kind: str) -> None:
    event = EVENTS[kind]
    body = {"event_type": event.type, "id": "1", "occurred_at": "2026-01-01T00:00:00Z", "record_type": "event"}
    sent = payload(event, "sip.test")
    read: Any = telnyx.Telnyx(api_key="none").webhooks.unsafe_unwrap(json.dumps({"data": body | {"payload": sent}}))
    assert type(read).__name__ == kind
    assert read.data.payload.conference_id == "conference"
    assert type(read.data.payload).model_fields.keys() <= sent.keys()
