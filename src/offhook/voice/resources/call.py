"""Calls as documents: one that was just dialled, one that is asked for, and the reply of a command to one. No I/O."""

from offhook.voice.resources.field import flag, moment, shown, text, whole

_MOST = 2**31 - 1
IDS = shown(text("call_control_id"), text("call_leg_id"), text("call_session_id"))

DIALLED = (
    *IDS,
    *shown(text("client_state", nullable=True), flag("is_alive"), text("record_type")),
)

CALL = (
    *DIALLED,
    *shown(
        whole("call_duration", 0, _MOST),
        moment("start_time", nullable=True),
        moment("end_time", nullable=True),
    ),
)

# Commands that make a recording or a conference tell its id besides.
DONE = shown(text("result"))
