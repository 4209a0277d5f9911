"""The table of commands: one line each. Routes, checks, schema and reference pages are read off it."""

from offhook.voice.command import CommandRule
from offhook.voice.commands.call import (
    answer,
    bridge,
    client_state_update,
    dial,
    hangup,
    reject,
    send_dtmf,
    transfer,
)

DIAL: CommandRule = dial.RULE

CALL_COMMANDS: dict[str, CommandRule] = {
    rule.name: rule
    for rule in (
        answer.RULE,
        bridge.RULE,
        client_state_update.RULE,
        hangup.RULE,
        reject.RULE,
        send_dtmf.RULE,
        transfer.RULE,
    )
}
