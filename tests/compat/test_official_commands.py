"""Category: compatibility. Every command of a voice app through the unmodified official package: once as it is meant,
with the events it leads to as the package reads them, and once as it must be refused.

What a command does to the sound is the matter of the other modules; this one leaves none out.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import pytest_asyncio
import telnyx
from tests.compat.desk import code_of
from tests.compat.scene import JANES, NOWHERE, Scene, staged

Deed = Callable[[Scene], Awaitable[Any]]
SAID: Any = {"payload": "Hello.", "voice": "female"}
OPERATIONS = Path(__file__).with_name("operations.txt").read_text().splitlines()
COMMAND = re.compile(r"[12] (?!GET)(\w+) (/(?:calls|conferences|queues)\b.*)")
ACTION = re.compile(r"/(\w+)/\{\w+\}/actions/(\w+)")


class Row(NamedTuple):
    """In a situation (see `Scene`) `legal` is done and leads to `events`; then `illegal` is refused with `code`."""

    situation: str
    legal: Deed | None
    events: tuple[str, ...]
    illegal: Deed
    code: tuple[int, str]


ROWS = {
    "POST /calls": Row(
        "nothing", lambda it: it.dial(), ("CallInitiated", "CallAnswered"),
        lambda it: it.dial(link_to="v3:nobody"), (422, "90015"),
    ),
    "calls answer": Row(
        "parked", lambda it: it.actions.answer(it.leg), ("CallAnswered",),
        lambda it: it.actions.answer(it.leg), (422, "10027"),
    ),
    "calls reject": Row(
        "parked", lambda it: it.actions.reject(it.leg, cause="USER_BUSY"), ("CallHangup",),
        lambda it: it.actions.reject(it.leg, cause="USER_BUSY"), (422, "90018"),
    ),
    "calls hangup": Row(
        "parked", lambda it: it.actions.hangup(it.leg), ("CallHangup",),
        lambda it: it.actions.hangup(it.leg), (422, "90018"),
    ),
    "calls bridge": Row(
        "two", lambda it: it.actions.bridge(it.leg, call_control_id_to_bridge_with=it.other), ("CallBridged",),
        lambda it: it.actions.bridge(it.leg, call_control_id_to_bridge_with=it.leg), (400, "10015"),
    ),
    "calls transfer": Row(
        "answered", lambda it: it.actions.transfer(it.leg, to=JANES), ("CallInitiated", "CallAnswered", "CallBridged"),
        lambda it: it.actions.transfer(it.leg, to="911"), (422, "90911"),
    ),
    "calls enqueue": Row(
        "answered", lambda it: it.actions.enqueue(it.leg, queue_name=it.name), ("CallEnqueued",),
        lambda it: it.actions.enqueue(it.leg, queue_name="another"), (422, "90038"),
    ),
    "calls leave_queue": Row(
        "waiting", lambda it: it.actions.leave_queue(it.leg), ("CallLeftQueue",),
        lambda it: it.actions.leave_queue(it.leg), (422, "90035"),
    ),
    "calls speak": Row(
        "answered", lambda it: it.actions.speak(it.leg, **SAID), ("CallSpeakStarted", "CallSpeakEnded"),
        lambda it: it.actions.speak(it.leg, payload="<speak>", payload_type="ssml", voice="female"), (400, "10015"),
    ),
    "calls playback_start": Row(
        "answered", lambda it: it.actions.start_playback(it.leg, audio_url=it.audio_url),
        ("CallPlaybackStarted", "CallPlaybackEnded"),
        lambda it: it.actions.start_playback(it.leg), (422, "10004"),
    ),
    "calls playback_stop": Row(
        "playing", lambda it: it.actions.stop_playback(it.leg), ("CallPlaybackEnded",),
        lambda it: it.actions.stop_playback(it.leg), (422, "10027"),
    ),
    "calls gather": Row(
        "answered", lambda it: it.gathered(it.actions.gather(it.leg, maximum_digits=1)),
        ("CallDtmfReceived", "CallGatherEnded"),
        lambda it: it.actions.gather(it.leg, maximum_digits=200), (422, "10033"),
    ),
    "calls gather_using_speak": Row(
        "answered", lambda it: it.gathered(it.actions.gather_using_speak(it.leg, maximum_digits=1, **SAID)),
        ("CallGatherEnded",),
        lambda it: it.actions.gather_using_speak(it.leg, terminating_digit="12", **SAID), (422, "10033"),
    ),
    "calls gather_using_audio": Row(
        "answered",
        lambda it: it.gathered(it.actions.gather_using_audio(it.leg, audio_url=it.audio_url, maximum_digits=1)),
        ("CallGatherEnded",),
        lambda it: it.actions.gather_using_audio(it.leg), (422, "10004"),
    ),
    "calls gather_stop": Row(
        "gathering", lambda it: it.actions.stop_gather(it.leg), ("CallGatherEnded",),
        lambda it: it.actions.stop_gather(it.leg), (422, "10027"),
    ),
    "calls send_dtmf": Row(
        "answered", lambda it: it.actions.send_dtmf(it.leg, digits="1w2"), (),
        lambda it: it.actions.send_dtmf(it.leg, digits="Z"), (422, "90026"),
    ),
    "calls client_state_update": Row(
        "answered", lambda it: it.actions.update_client_state(it.leg, client_state="bmV3"), (),
        lambda it: it.actions.update_client_state(it.leg, client_state="no base64"), (422, "90017"),
    ),
    "calls record_start": Row(
        "answered", lambda it: it.actions.start_recording(it.leg, channels="single", format="mp3"), (),
        lambda it: it.actions.start_recording(it.leg, channels="single", format="ogg"), (422, "10032"),  # type: ignore[arg-type]
    ),
    "calls record_stop": Row(
        "recording", lambda it: it.actions.stop_recording(it.leg), ("CallRecordingSaved",),
        lambda it: it.actions.stop_recording(it.leg), (422, "10027"),
    ),
    "calls record_pause": Row(
        "recording", lambda it: it.actions.pause_recording(it.leg), (),
        lambda it: it.actions.pause_recording(it.leg, recording_id="another"), (400, "10015"),
    ),
    "calls record_resume": Row(
        "recording_paused", lambda it: it.actions.resume_recording(it.leg), (),
        lambda it: it.actions.resume_recording(it.leg, recording_id="another"), (400, "10015"),
    ),
    "calls streaming_start": Row(
        "answered", lambda it: it.actions.start_streaming(it.leg, stream_url=it.stream_url), ("CallStreamingStarted",),
        lambda it: it.actions.start_streaming(it.leg, stream_url="http://no.websocket/"), (400, "10015"),
    ),
    "calls streaming_stop": Row(
        "streaming", lambda it: it.actions.stop_streaming(it.leg), ("CallStreamingStopped",),
        lambda it: it.actions.stop_streaming(it.leg), (422, "90048"),
    ),
    "calls fork_start": Row(
        "answered", lambda it: it.actions.start_forking(it.leg, rx=NOWHERE), ("CallForkStarted",),
        lambda it: it.actions.start_forking(it.leg), (422, "10004"),
    ),
    "calls fork_stop": Row(
        "forking", lambda it: it.actions.stop_forking(it.leg), ("CallForkStopped",),
        lambda it: it.actions.stop_forking(it.leg), (422, "90031"),
    ),
    "calls transcription_start": Row(
        "answered", lambda it: it.actions.start_transcription(it.leg), ("Transcription",),
        lambda it: it.actions.start_transcription(it.leg), (422, "90053"),
    ),
    "calls transcription_stop": Row(
        "transcribing", lambda it: it.actions.stop_transcription(it.leg), (),
        lambda it: it.actions.stop_transcription(it.leg), (422, "10027"),
    ),
    "calls suppression_start": Row(
        "answered", lambda it: it.actions.start_noise_suppression(it.leg), (),
        lambda it: it.actions.start_noise_suppression(it.leg, noise_suppression_engine="Cotton"), (422, "10032"),
    ),
    "calls suppression_stop": Row(
        "suppressing", lambda it: it.actions.stop_noise_suppression(it.leg), (),
        lambda it: it.actions.stop_noise_suppression(it.leg), (422, "10027"),
    ),
    "calls switch_supervisor_role": Row(
        "supervised", lambda it: it.actions.switch_supervisor_role(it.other, role="barge"), (),
        lambda it: it.actions.switch_supervisor_role(it.leg, role="barge"), (422, "10027"),
    ),
    "calls refer": Row("answered", None, (), lambda it: it.actions.refer(it.leg, sip_address=JANES), (422, "10027")),
    "calls send_sip_info": Row(
        "answered", None, (),
        lambda it: it.actions.send_sip_info(it.leg, body="x", content_type="text/plain"), (422, "10027"),
    ),

    "POST /conferences": Row(
        "answered", lambda it: it.api.conferences.create(call_control_id=it.leg, name=it.name),
        ("ConferenceCreated", "ConferenceParticipantJoined"),
        lambda it: it.api.conferences.create(call_control_id=it.leg, name=it.name), (422, "90033"),
    ),
    "conferences join": Row(
        "met", lambda it: it.meeting.join(it.conference, call_control_id=it.other), ("ConferenceParticipantJoined",),
        lambda it: it.meeting.join(it.conference, call_control_id=it.other), (422, "90044"),
    ),
    "conferences leave": Row(
        "met_both", lambda it: it.meeting.leave(it.conference, call_control_id=it.other),
        ("ConferenceParticipantLeft",),
        lambda it: it.meeting.leave(it.conference, call_control_id=it.other), (422, "90015"),
    ),
    "conferences update": Row(
        "met", lambda it: it.meeting.update(it.conference, call_control_id=it.leg, supervisor_role="monitor"), (),
        lambda it: it.meeting.update(it.conference, call_control_id=it.other, supervisor_role="barge"), (422, "90015"),
    ),
    "PATCH /conferences/*/participants/*": Row(
        "met", lambda it: it.api.conferences.update_participant(it.leg, id=it.conference, end_conference_on_exit=True),
        (),
        lambda it: it.api.conferences.update_participant("nobody", id=it.conference), (404, "10005"),
    ),
    "conferences mute": Row(
        "met", lambda it: it.meeting.mute(it.conference), (),
        lambda it: it.meeting.mute(it.conference, call_control_ids=[it.other]), (422, "90015"),
    ),
    "conferences unmute": Row(
        "met", lambda it: it.meeting.unmute(it.conference), (),
        lambda it: it.meeting.unmute(it.conference, call_control_ids=[it.other]), (422, "90015"),
    ),
    "conferences hold": Row(
        "met", lambda it: it.meeting.hold(it.conference, call_control_ids=[it.leg]), (),
        lambda it: it.meeting.hold(it.conference, call_control_ids=[it.other]), (422, "90015"),
    ),
    "conferences unhold": Row(
        "met", lambda it: it.meeting.unhold(it.conference, call_control_ids=[it.leg]), (),
        lambda it: it.meeting.unhold(it.conference, call_control_ids=[it.other]), (422, "90015"),
    ),
    "conferences play": Row(
        "met", lambda it: it.meeting.play(it.conference, audio_url=it.audio_url),
        ("ConferencePlaybackStarted", "ConferencePlaybackEnded"),
        lambda it: it.meeting.play(it.conference), (422, "10004"),
    ),
    "conferences speak": Row(
        "met", lambda it: it.meeting.speak(it.conference, call_control_ids=[it.leg], **SAID),
        ("ConferenceParticipantSpeakStarted", "ConferenceParticipantSpeakEnded"),
        lambda it: it.meeting.speak(it.conference, payload="", voice="female"), (422, "10033"),
    ),
    "conferences stop": Row(
        "met_playing", lambda it: it.meeting.stop(it.conference), ("ConferencePlaybackEnded",),
        lambda it: it.meeting.stop(it.conference, call_control_ids=[it.other]), (422, "90015"),
    ),
    "conferences send_dtmf": Row(
        "met", lambda it: it.meeting.send_dtmf(it.conference, digits="1"), (),
        lambda it: it.meeting.send_dtmf(it.conference, digits="Z"), (422, "90026"),
    ),
    "conferences gather_using_audio": Row(
        "met", lambda it: it.gathered(
            it.meeting.gather_dtmf_audio(
                it.conference, call_control_id=it.leg, audio_url=it.audio_url, maximum_digits=1
            )
        ),
        ("CallGatherEnded",),
        lambda it: it.meeting.gather_dtmf_audio(it.conference, call_control_id=it.leg), (422, "10004"),
    ),
    "conferences record_start": Row(
        "met", lambda it: it.meeting.record_start(it.conference, format="mp3"), (),
        lambda it: it.meeting.record_start(it.conference, format="ogg"), (422, "10032"),  # type: ignore[arg-type]
    ),
    "conferences record_stop": Row(
        "met_recording", lambda it: it.meeting.record_stop(it.conference), ("ConferenceRecordingSaved",),
        lambda it: it.meeting.record_stop(it.conference), (422, "10027"),
    ),
    "conferences record_pause": Row(
        "met_recording", lambda it: it.meeting.record_pause(it.conference), (),
        lambda it: it.meeting.record_pause(it.conference, recording_id="another"), (400, "10015"),
    ),
    "conferences record_resume": Row(
        "met_recording_paused", lambda it: it.meeting.record_resume(it.conference), (),
        lambda it: it.meeting.record_resume(it.conference, recording_id="another"), (400, "10015"),
    ),
    "conferences end": Row(
        "met", lambda it: it.meeting.end_conference(it.conference), ("ConferenceParticipantLeft", "ConferenceEnded"),
        lambda it: it.meeting.end_conference(it.conference), (422, "90019"),
    ),

    "POST /queues": Row(
        "nothing", lambda it: it.api.queues.create(queue_name=it.name), (),
        lambda it: it.api.queues.create(queue_name=it.name), (422, "10012"),
    ),
    "POST /queues/*": Row(
        "queue", lambda it: it.api.queues.update(it.name, max_size=3), (),
        lambda it: it.api.queues.update(it.name, max_size=0), (422, "10033"),
    ),
    "DELETE /queues/*": Row(
        "queue", lambda it: it.api.queues.delete(it.name), (),
        lambda it: it.api.queues.delete(it.name), (404, "10005"),
    ),
    "PATCH /queues/*/calls/*": Row(
        "waiting", lambda it: it.api.queues.calls.update(it.leg, queue_name=it.name, keep_after_hangup=False), (),
        lambda it: it.api.queues.calls.update(it.leg, queue_name="another", keep_after_hangup=True), (404, "10005"),
    ),
    "DELETE /queues/*/calls/*": Row(
        "waiting", lambda it: it.api.queues.calls.remove(it.leg, queue_name=it.name), ("CallLeftQueue",),
        lambda it: it.api.queues.calls.remove(it.leg, queue_name=it.name), (404, "10005"),
    ),
}  # fmt: skip


def commands() -> set[str]:
    """What `operations.txt` has of commands, named as the rows are."""
    found: set[str] = set()
    for method, path in (match.groups() for line in OPERATIONS if (match := COMMAND.fullmatch(line))):
        action = ACTION.fullmatch(path)
        found.add(" ".join(action.groups()) if action else f"{method} {re.sub(r'{[^}]*}', '*', path)}")
    return found


def test_no_command_is_left_out() -> None:
    assert commands() == ROWS.keys()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    async with staged(tmp_path_factory.mktemp("scene")) as scene:
        yield scene


@pytest_asyncio.fixture(loop_scope="module")
async def scene(stage: Scene) -> AsyncIterator[Scene]:
    yield stage
    await stage.clear()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("command", ROWS)
async def test_a_command_is_obeyed_once_and_refused_once(scene: Scene, command: str) -> None:
    row = ROWS[command]
    await scene.set(row.situation)
    if row.legal is not None:
        await row.legal(scene)
        await scene.heard(*row.events)
    with pytest.raises(telnyx.APIStatusError) as error:
        await row.illegal(scene)
    assert code_of(error) == row.code
