"""Category: compatibility. Every official parameter of a command is honoured, or stands in the ledger."""

from typing import Any

import pytest
from telnyx.types.calls import (
    action_enqueue_params,
    action_gather_params,
    action_gather_using_audio_params,
    action_gather_using_speak_params,
    action_leave_queue_params,
    action_pause_recording_params,
    action_resume_recording_params,
    action_speak_params,
    action_start_playback_params,
    action_start_recording_params,
    action_stop_gather_params,
    action_stop_playback_params,
    action_stop_recording_params,
)
from tests.compat.test_ledger import LEDGER, hints, literals

from offhook.voice.commands import CALL_COMMANDS
from offhook.voice.parameter import parameters

OFFICIAL: dict[str, Any] = {
    "enqueue": action_enqueue_params.ActionEnqueueParams,
    "gather": action_gather_params.ActionGatherParams,
    "gather_stop": action_stop_gather_params.ActionStopGatherParams,
    "gather_using_audio": action_gather_using_audio_params.ActionGatherUsingAudioParams,
    "gather_using_speak": action_gather_using_speak_params.ActionGatherUsingSpeakParams,
    "leave_queue": action_leave_queue_params.ActionLeaveQueueParams,
    "playback_start": action_start_playback_params.ActionStartPlaybackParams,
    "playback_stop": action_stop_playback_params.ActionStopPlaybackParams,
    "record_pause": action_pause_recording_params.ActionPauseRecordingParams,
    "record_resume": action_resume_recording_params.ActionResumeRecordingParams,
    "record_start": action_start_recording_params.ActionStartRecordingParams,
    "record_stop": action_stop_recording_params.ActionStopRecordingParams,
    "speak": action_speak_params.ActionSpeakParams,
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_command_has_exactly_the_official_parameters(name: str) -> None:
    form, official, entry = CALL_COMMANDS[name].command, hints(OFFICIAL[name]), LEDGER["commands"][name]
    ours = {field.name: field for field in parameters(form)}
    assert official.keys() == ours.keys() | form.ignored | form.refused.keys()
    assert sorted(entry["honoured"]) == sorted(ours)
    assert entry.get("ignored", {}).keys() == form.ignored
    assert all(len(reason) > 12 for reason in entry.get("ignored", {}).values())
    for parameter, field in ours.items():
        assert literals(official[parameter]) <= set(field.choices) or not literals(official[parameter]), parameter


def test_the_ledger_has_no_other_commands() -> None:
    assert LEDGER["commands"].keys() == OFFICIAL.keys()
