"""Category: compatibility. Every official parameter of a command is honoured, or stands in the ledger."""

from typing import Any

import pytest
from telnyx.types import call_dial_params, conference_create_params, conference_update_participant_params
from telnyx.types.calls import (
    action_answer_params,
    action_bridge_params,
    action_enqueue_params,
    action_gather_params,
    action_gather_using_audio_params,
    action_gather_using_speak_params,
    action_hangup_params,
    action_leave_queue_params,
    action_pause_recording_params,
    action_refer_params,
    action_reject_params,
    action_resume_recording_params,
    action_send_dtmf_params,
    action_send_sip_info_params,
    action_speak_params,
    action_start_forking_params,
    action_start_noise_suppression_params,
    action_start_playback_params,
    action_start_recording_params,
    action_start_streaming_params,
    action_start_transcription_params,
    action_stop_forking_params,
    action_stop_gather_params,
    action_stop_noise_suppression_params,
    action_stop_playback_params,
    action_stop_recording_params,
    action_stop_streaming_params,
    action_stop_transcription_params,
    action_switch_supervisor_role_params,
    action_transfer_params,
    action_update_client_state_params,
)
from telnyx.types.conferences import (
    action_end_conference_params,
    action_gather_dtmf_audio_params,
    action_hold_params,
    action_join_params,
    action_leave_params,
    action_mute_params,
    action_play_params,
    action_record_pause_params,
    action_record_resume_params,
    action_record_start_params,
    action_record_stop_params,
    action_stop_params,
    action_unhold_params,
    action_unmute_params,
    action_update_params,
)
from telnyx.types.conferences import (
    action_send_dtmf_params as conference_dtmf_params,
)
from telnyx.types.conferences import (
    action_speak_params as conference_speak_params,
)
from tests.compat.test_ledger import LEDGER, hints, literals

from offhook.voice.commands import (
    CALL_COMMANDS,
    CONFERENCE_COMMANDS,
    CREATE_CONFERENCE,
    DIAL,
    JOIN_CONFERENCE,
    UPDATE_PARTICIPANT,
)
from offhook.voice.parameter import parameters

# Values of official types that are refused as unknown: a codec under licence, and engines that are not here.
REFUSED: dict[str, frozenset[Any]] = {
    "noise_suppression_engine": frozenset(
        (
            "DeepFilterNet", "Krisp", "AiCoustics", "aic_l_quail", "aic_l_rook", "aic_s_quail", "aic_s_rook",
            "quail_voice_focus_s", "quail_voice_focus_xs",
        )
    ),
    "stream_bidirectional_codec": frozenset(("AMR-WB",)),
    "stream_codec": frozenset(("AMR-WB",)),
}  # fmt: skip

RULES = (
    CALL_COMMANDS
    | {f"conferences/{name}": rule for name, rule in CONFERENCE_COMMANDS.items()}
    | {
        "dial": DIAL,
        "conferences/create": CREATE_CONFERENCE,
        "conferences/join": JOIN_CONFERENCE,
        "conferences/update_participant": UPDATE_PARTICIPANT,
    }
)
OFFICIAL: dict[str, Any] = {
    "conferences/create": conference_create_params.ConferenceCreateParams,
    "conferences/end": action_end_conference_params.ActionEndConferenceParams,
    "conferences/gather_using_audio": action_gather_dtmf_audio_params.ActionGatherDtmfAudioParams,
    "conferences/hold": action_hold_params.ActionHoldParams,
    "conferences/join": action_join_params.ActionJoinParams,
    "conferences/leave": action_leave_params.ActionLeaveParams,
    "conferences/mute": action_mute_params.ActionMuteParams,
    "conferences/play": action_play_params.ActionPlayParams,
    "conferences/record_pause": action_record_pause_params.ActionRecordPauseParams,
    "conferences/record_resume": action_record_resume_params.ActionRecordResumeParams,
    "conferences/record_start": action_record_start_params.ActionRecordStartParams,
    "conferences/record_stop": action_record_stop_params.ActionRecordStopParams,
    "conferences/send_dtmf": conference_dtmf_params.ActionSendDtmfParams,
    "conferences/speak": conference_speak_params.ActionSpeakParams,
    "conferences/stop": action_stop_params.ActionStopParams,
    "conferences/unhold": action_unhold_params.ActionUnholdParams,
    "conferences/unmute": action_unmute_params.ActionUnmuteParams,
    "conferences/update": action_update_params.ActionUpdateParams,
    "conferences/update_participant": conference_update_participant_params.ConferenceUpdateParticipantParams,
    "answer": action_answer_params.ActionAnswerParams,
    "bridge": action_bridge_params.ActionBridgeParams,
    "client_state_update": action_update_client_state_params.ActionUpdateClientStateParams,
    "dial": call_dial_params.CallDialParams,
    "enqueue": action_enqueue_params.ActionEnqueueParams,
    "fork_start": action_start_forking_params.ActionStartForkingParams,
    "fork_stop": action_stop_forking_params.ActionStopForkingParams,
    "gather": action_gather_params.ActionGatherParams,
    "gather_stop": action_stop_gather_params.ActionStopGatherParams,
    "gather_using_audio": action_gather_using_audio_params.ActionGatherUsingAudioParams,
    "gather_using_speak": action_gather_using_speak_params.ActionGatherUsingSpeakParams,
    "hangup": action_hangup_params.ActionHangupParams,
    "leave_queue": action_leave_queue_params.ActionLeaveQueueParams,
    "playback_start": action_start_playback_params.ActionStartPlaybackParams,
    "playback_stop": action_stop_playback_params.ActionStopPlaybackParams,
    "record_pause": action_pause_recording_params.ActionPauseRecordingParams,
    "record_resume": action_resume_recording_params.ActionResumeRecordingParams,
    "record_start": action_start_recording_params.ActionStartRecordingParams,
    "record_stop": action_stop_recording_params.ActionStopRecordingParams,
    "refer": action_refer_params.ActionReferParams,
    "reject": action_reject_params.ActionRejectParams,
    "send_dtmf": action_send_dtmf_params.ActionSendDtmfParams,
    "send_sip_info": action_send_sip_info_params.ActionSendSipInfoParams,
    "speak": action_speak_params.ActionSpeakParams,
    "streaming_start": action_start_streaming_params.ActionStartStreamingParams,
    "streaming_stop": action_stop_streaming_params.ActionStopStreamingParams,
    "suppression_start": action_start_noise_suppression_params.ActionStartNoiseSuppressionParams,
    "suppression_stop": action_stop_noise_suppression_params.ActionStopNoiseSuppressionParams,
    "transcription_start": action_start_transcription_params.ActionStartTranscriptionParams,
    "transcription_stop": action_stop_transcription_params.ActionStopTranscriptionParams,
    "switch_supervisor_role": action_switch_supervisor_role_params.ActionSwitchSupervisorRoleParams,
    "transfer": action_transfer_params.ActionTransferParams,
}
# Parameters by which every command has a name and a state, though the official type of some lacks them.
EVERYWHERE = {"client_state", "command_id"}
# Which of these a platform knows is the business of the engine that it has.
ANY_TEXT = {"transcription_language"}


@pytest.mark.parametrize("name", OFFICIAL)
def test_a_command_has_exactly_the_official_parameters(name: str) -> None:
    form, official, entry = RULES[name].command, hints(OFFICIAL[name]), LEDGER["commands"][name]
    ours = {field.name: field for field in parameters(form)}
    known = ours.keys() | form.ignored | form.refused.keys()
    assert known - EVERYWHERE <= official.keys()
    assert official.keys() - known - {"id"} == set()
    assert sorted(ours) == sorted(entry["honoured"])
    for parameter, field in ours.items():
        words = literals(official.get(parameter)) - REFUSED.get(parameter, frozenset())
        assert parameter in ANY_TEXT or not words or words <= set(field.choices) or field.only, parameter


@pytest.mark.parametrize("name", OFFICIAL)
def test_what_is_ignored_or_refused_has_its_reason_in_the_ledger(name: str) -> None:
    form, entry = RULES[name].command, LEDGER["commands"][name]
    ignored, refused = entry.get("ignored", {}) | entry.get("later", {}), entry.get("refused", {})
    official = hints(OFFICIAL[name])
    some_values = {
        field.name for field in parameters(form) if field.only and set(field.only) != literals(official.get(field.name))
    }
    assert ignored.keys() == form.ignored
    assert refused.keys() == form.refused.keys() | some_values
    assert all(len(reason) > 12 for reason in (*ignored.values(), *refused.values()))


def test_the_ledger_has_no_other_commands() -> None:
    assert LEDGER["commands"].keys() == OFFICIAL.keys()
