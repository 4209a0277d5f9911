"""Category: compatibility. The official `telnyx` package, unmodified, has conferences of real calls recorded, and hears
who talks."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import telnyx
from tests.compat.desk import JOHN, Desk, code_of, opened
from tests.compat.test_official_conferences import created
from tests.compat.test_official_recordings import Hearing, channels, downloaded, hearing, pitch, strength

from offhook import Client, Ear

__all__ = ["hearing"]
BEEP_EVERY = 1.5
BEEP_HZ = 1400
RATE = 16_000


@pytest.fixture
async def desk(hearing: Hearing) -> AsyncIterator[Desk]:
    async with opened(webhook_url=hearing._endpoint.url, beep_every=BEEP_EVERY) as found:  # pyright: ignore[reportPrivateUsage]
        yield found


@pytest.fixture
async def john(desk: Desk) -> AsyncIterator[Client]:
    async with desk.phone(JOHN) as found:
        await found.ready()
        yield found


def beeps(sound: Any) -> int:
    """How often the tone of a recorder begins in a recording."""
    heard = [strength(sound, at / 10, BEEP_HZ, 0.1) > 20 for at in range(int(len(sound) / RATE * 10) - 1)]
    return sum(now and not before for before, now in zip([False, *heard], heard, strict=False))


async def test_a_conference_is_recorded_and_its_floor_told(desk: Desk, john: Client, hearing: Hearing) -> None:
    actions, recordings = desk.api.conferences.actions, desk.api.recordings
    calls = [await desk.answered(john, hz) for hz in (440.0, 880.0)]
    legs = [call.ids.call_control for call in calls]
    id = await created(desk, calls[0], client_state="b3duZXI=")
    await actions.join(id, call_control_id=legs[1], mute=True)
    ears = [Ear() for _ in calls]
    for call, ear in zip(calls, ears, strict=True):
        call.attach(ear)
    started = await actions.record_start(id, format="wav", channels="dual", custom_file_name="Team")
    mixed = await actions.record_start(id, format="mp3")
    ids = [each.data.recording_id for each in (started, mixed)]  # pyright: ignore -- told beyond the official types
    await ears[1].hears_tone(440)
    floor = (await hearing.of("conference.floor.changed")).data
    assert (floor.payload["call_control_id"], floor.payload["conference_id"]) == (legs[0], id)
    await actions.record_pause(id, recording_id=ids[0])
    await actions.unmute(id, call_control_ids=[legs[1]])
    await actions.mute(id, call_control_ids=[legs[0]])
    await ears[0].hears_tone(880)
    floor = (await hearing.of("conference.floor.changed")).data
    assert floor.payload["call_control_id"] == legs[1]
    await actions.record_resume(id, recording_id=ids[0])
    await ears[0].hears_tone(880)
    await actions.record_stop(id, recording_id=ids[0], client_state="c3RvcA==")
    saved = await hearing.of("conference.recording.saved")
    assert type(saved).__name__ == "ConferenceRecordingSavedWebhookEvent"
    told = saved.data.payload
    assert (told.recording_id, told.conference_id, told.call_control_id) == (ids[0], id, legs[0])
    assert (told.channels, told.format, told.client_state) == ("dual", "wav", "c3RvcA==")
    status, content = await downloaded(told.recording_urls.wav)
    assert status == 200
    creator, others = channels(content)
    length = (told.recording_ended_at - told.recording_started_at).total_seconds()
    assert abs(len(creator) / RATE - length) < 0.03
    assert pitch(creator, 0.3) == 440
    assert pitch(others, 0.3) == 0
    await actions.end_conference(id)
    last = (await hearing.of("conference.recording.saved")).data.payload
    assert (last.recording_id, last.format, last.channels, last.client_state) == (ids[1], "mp3", "single", "b3duZXI=")
    found = {each.id: each async for each in recordings.list(filter={"conference_id": id})}
    assert found.keys() == set(ids)
    shown = (await recordings.retrieve(ids[1])).data
    assert shown is not None
    assert (shown.source, shown.conference_id, shown.initiated_by) == ("conference", id, "StartConferenceRecordingAPI")
    (sound,) = channels((await downloaded((shown.download_urls and shown.download_urls.mp3) or ""))[1])
    assert [strength(sound, 0.3, hz) > 5 for hz in (440, 880)] == [True, False]
    assert max(strength(sound, at / 5, 880) for at in range(int(len(sound) / RATE * 5))) > 5


async def test_sto_10_beeps_come_again_and_again_and_are_in_the_recording(
    desk: Desk, john: Client, hearing: Hearing
) -> None:
    """Case STO-10, a leg and a conference at a time: at the start and at the interval; the detail record says so."""
    calls = [await desk.answered(john, 440.0), await desk.answered(john, 440.0)]
    alone, member = (call.ids.call_control for call in calls)
    id = await created(desk, calls[1])
    await desk.api.calls.actions.start_recording(alone, channels="dual", format="wav", play_beep=True)
    await desk.api.conferences.actions.record_start(id, format="wav", play_beep=True)
    ears = [Ear() for _ in calls]
    for call, ear in zip(calls, ears, strict=True):
        call.attach(ear)
    for _ in range(2):
        for ear in ears:
            await ear.hears(lambda heard: heard.is_tone(BEEP_HZ))
            await ear.hears_silence()
    await desk.api.calls.actions.stop_recording(alone)
    await desk.api.conferences.actions.record_stop(id)
    saved = [await hearing.of(kind) for kind in ("call.recording.saved", "conference.recording.saved")]
    for event in saved:
        payload = event.data.payload
        sound = channels((await downloaded(payload.recording_urls.wav))[1])[-1]
        seconds = len(sound) / RATE
        assert beeps(sound) in (int(seconds / BEEP_EVERY), int(seconds / BEEP_EVERY) + 1), seconds
    for call in calls:
        await call.hangup()
    records = [
        each.model_dump()
        async for each in desk.api.detail_records.list(filter={"record_type": "recording"})  # pyright: ignore
    ]
    assert [(each["notice"], each["notice_interval_secs"]) for each in records] == [("beep", BEEP_EVERY)] * 2
    assert {each["call_control_id"] for each in records} == {alone, member}


async def test_each_operation_is_refused_with_its_code(desk: Desk, john: Client) -> None:
    actions = desk.api.conferences.actions
    id = await created(desk, await desk.answered(john))
    for operation, code in [
        (actions.record_start(id, format="ogg"), (422, "10032")),  # pyright: ignore[reportArgumentType]
        (actions.record_start(id, format="wav", custom_file_name="../x"), (400, "10015")),
        (actions.record_start("none", format="wav"), (422, "90058")),
        (actions.record_stop(id), (422, "10027")),
        (actions.record_pause(id, recording_id="x"), (400, "10015")),
        (actions.record_resume(id), (422, "10027")),
    ]:
        with pytest.raises(telnyx.APIStatusError) as error:
            await operation
        assert code_of(error) == code
    await actions.end_conference(id)
    with pytest.raises(telnyx.APIStatusError) as error:
        await actions.record_start(id, format="wav")
    assert code_of(error) == (422, "90019")
