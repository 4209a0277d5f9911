"""Category: compatibility. Settings of connections, profiles and numbers that concern every call, set by the official
`telnyx` package: real calls are recorded, cleaned of noise, charged to a billing group, and kept to hours."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import telnyx
from tests.compat.desk import code_of
from tests.compat.scene import Scene, staged

CALLED, CALLER = "+12025550101", "+12025550102"
OUT, IN = "0b9c0a0e-0000-4000-8000-00000000000a", "0b9c0a0e-0000-4000-8000-00000000000b"


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with staged(tmp_path) as made:
        yield made


async def profiled(scene: Scene, **settings: Any) -> None:
    """Both connections call numbers under a new profile."""
    profile = (await scene.api.outbound_voice_profiles.create(name="Out", **settings)).data
    assert profile is not None
    async for each in scene.api.credential_connections.list():
        outbound: Any = {"outbound_voice_profile_id": profile.id, "call_parking_enabled": None}
        await scene.api.credential_connections.update(each.id or "", outbound=outbound, noise_suppression="inbound")


async def number(scene: Scene, **voice: Any) -> None:
    """Settings of the number that is called."""
    [found] = [each async for each in scene.api.phone_numbers.list(filter={"phone_number": CALLED})]
    await scene.api.phone_numbers.update(found.id or "", billing_group_id=IN)
    await scene.api.phone_numbers.voice.update(found.id or "", **voice)


async def records(scene: Scene, kind: str) -> list[Any]:
    asked: Any = {"record_type": kind}
    return [each async for each in scene.api.detail_records.list(filter=asked)]


async def test_a_call_is_recorded_cleaned_and_charged_as_both_sides_want(scene: Scene) -> None:
    recording: Any = {"call_recording_type": "by_caller_phone_number", "call_recording_caller_phone_numbers": [CALLER]}
    await profiled(scene, call_recording=recording, billing_group_id=OUT)
    kept: Any = {"inbound_call_recording_enabled": True, "inbound_call_recording_format": "mp3"}
    await number(scene, call_recording=kept, translated_number="100")
    await scene.set("nothing")
    coming = scene.john.incoming()
    call = await scene.jane.new_call(CALLED, caller_number=CALLER)
    taken = await anext(coming)
    assert taken.local.number == "100"
    await taken.answer()
    await call.answered()
    await call.send_dtmf("5")
    await scene.heard("CallDtmfReceived")
    await call.hangup()
    for leg in (call.ids.call_control, taken.ids.call_control):
        await scene.heard("CallHangup", "CallRecordingSaved", leg=leg or "")
    legs = await records(scene, "webrtc")
    assert {(each.direction, each.billing_group_id) for each in legs} == {("outbound", OUT), ("inbound", IN)}
    assert len(await records(scene, "noise-suppression")) == 2
    found = [each async for each in scene.api.recordings.list()]
    assert {(each.channels, each.initiated_by) for each in found} == {("single", "Trunking")}
    assert sorted(bool(each.download_urls and each.download_urls.mp3) for each in found) == [False, True]


async def test_a_command_has_the_say_over_what_it_names(scene: Scene) -> None:
    recording: Any = {"call_recording_type": "all", "call_recording_channels": "dual"}
    await profiled(scene, call_recording=recording, billing_group_id=OUT)
    await scene.set("nothing")
    leg = await scene.dial(record="record-from-answer", record_channels="single", billing_group_id=IN)
    await scene.heard("CallAnswered")
    await scene.actions.speak(leg, payload="Hello.", voice="female")
    await scene.heard("CallSpeakEnded")  # by now something was recorded
    await scene.actions.hangup(leg)
    await scene.heard("CallHangup", "CallRecordingSaved")
    [made] = [each async for each in scene.api.recordings.list()]
    assert (made.channels, made.initiated_by) == ("single", "OutboundAPI")
    [line] = await records(scene, "webrtc")
    assert line.billing_group_id == IN


async def test_outside_its_window_a_profile_makes_no_calls(scene: Scene) -> None:
    now = datetime.now(UTC)
    start, end = (f"{now + timedelta(hours=hours):%H:%M}" for hours in (2, 3))
    await profiled(scene, calling_window={"start_time": start, "end_time": end})
    await scene.set("nothing")
    with pytest.raises(telnyx.APIStatusError) as error:
        await scene.api.calls.dial(connection_id=scene.desk.connection, to=CALLED, from_=CALLER)
    assert code_of(error)[1] == "10010"
    wrong: Any = {"start_time": "25:00"}
    with pytest.raises(telnyx.BadRequestError) as error:
        await scene.api.outbound_voice_profiles.create(name="Bad", calling_window=wrong)
    assert code_of(error) == (400, "10015")
