"""The table of commands: one line each. Routes, checks, schema and reference pages are read off it."""

from offhook.voice.command import CommandRule
from offhook.voice.commands.call import (
    answer,
    bridge,
    client_state_update,
    dial,
    enqueue,
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
    switch_supervisor_role,
    transfer,
)
from offhook.voice.commands.queue import create, delete, remove_call, update, update_call

DIAL: CommandRule = dial.RULE
CREATE_QUEUE: CommandRule = create.RULE

CALL_COMMANDS: dict[str, CommandRule] = {
    rule.name: rule
    for rule in (
        answer.RULE,
        bridge.RULE,
        client_state_update.RULE,
        enqueue.RULE,
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
        switch_supervisor_role.RULE,
        transfer.RULE,
    )
}

QUEUE_COMMANDS: dict[str, CommandRule] = {
    rule.name: rule for rule in (update.RULE, delete.RULE, update_call.RULE, remove_call.RULE)
}
