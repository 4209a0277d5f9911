"""The table of commands: one line each. Routes, checks, schema and reference pages are read off it."""

from offhook.voice.command import CommandRule
from offhook.voice.commands.call import (
    answer,
    bridge,
    client_state_update,
    dial,
    enqueue,
    fork_start,
    fork_stop,
    gather,
    gather_stop,
    gather_using_audio,
    gather_using_speak,
    hangup,
    leave_queue,
    playback_start,
    playback_stop,
    record_pause,
    record_resume,
    record_start,
    record_stop,
    refer,
    reject,
    send_dtmf,
    send_sip_info,
    speak,
    streaming_start,
    streaming_stop,
    suppression_start,
    suppression_stop,
    switch_supervisor_role,
    transcription_start,
    transcription_stop,
    transfer,
)
from offhook.voice.commands.conference import create as create_conference
from offhook.voice.commands.conference import (
    end,
    hold,
    join,
    leave,
    mute,
    play,
    stop,
    unhold,
    unmute,
    update_participant,
)
from offhook.voice.commands.conference import (
    gather_using_audio as gather_in_conference,
)
from offhook.voice.commands.conference import (
    record_pause as pause_recording_conference,
)
from offhook.voice.commands.conference import (
    record_resume as resume_recording_conference,
)
from offhook.voice.commands.conference import (
    record_start as record_conference,
)
from offhook.voice.commands.conference import (
    record_stop as stop_recording_conference,
)
from offhook.voice.commands.conference import (
    send_dtmf as send_dtmf_to_conference,
)
from offhook.voice.commands.conference import (
    speak as speak_to_conference,
)
from offhook.voice.commands.conference import (
    update as update_conference,
)
from offhook.voice.commands.queue import create, delete, remove_call, update, update_call

DIAL: CommandRule = dial.RULE
CREATE_QUEUE: CommandRule = create.RULE
CREATE_CONFERENCE: CommandRule = create_conference.RULE
JOIN_CONFERENCE: CommandRule = join.RULE
UPDATE_PARTICIPANT: CommandRule = update_participant.RULE

CALL_COMMANDS: dict[str, CommandRule] = {
    rule.name: rule
    for rule in (
        answer.RULE,
        bridge.RULE,
        client_state_update.RULE,
        enqueue.RULE,
        fork_start.RULE,
        fork_stop.RULE,
        gather.RULE,
        gather_stop.RULE,
        gather_using_audio.RULE,
        gather_using_speak.RULE,
        hangup.RULE,
        leave_queue.RULE,
        playback_start.RULE,
        playback_stop.RULE,
        record_pause.RULE,
        record_resume.RULE,
        record_start.RULE,
        record_stop.RULE,
        refer.RULE,
        reject.RULE,
        send_dtmf.RULE,
        send_sip_info.RULE,
        speak.RULE,
        streaming_start.RULE,
        streaming_stop.RULE,
        suppression_start.RULE,
        suppression_stop.RULE,
        transcription_start.RULE,
        transcription_stop.RULE,
        switch_supervisor_role.RULE,
        transfer.RULE,
    )
}

QUEUE_COMMANDS: dict[str, CommandRule] = {
    rule.name: rule for rule in (update.RULE, delete.RULE, update_call.RULE, remove_call.RULE)
}

CONFERENCE_COMMANDS: dict[str, CommandRule] = {
    rule.name: rule
    for rule in (
        end.RULE,
        gather_in_conference.RULE,
        hold.RULE,
        leave.RULE,
        mute.RULE,
        pause_recording_conference.RULE,
        play.RULE,
        record_conference.RULE,
        resume_recording_conference.RULE,
        send_dtmf_to_conference.RULE,
        speak_to_conference.RULE,
        stop.RULE,
        stop_recording_conference.RULE,
        unhold.RULE,
        unmute.RULE,
        update_conference.RULE,
    )
}
