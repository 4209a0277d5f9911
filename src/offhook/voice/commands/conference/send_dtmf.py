"""Send DTMF: the far ends of participants get digits from the platform."""

from typing import Annotated

from offhook.voice.command import Base64, CommandRule, Form
from offhook.voice.commands.call.shared import KEYS, Digits
from offhook.voice.commands.conference.shared import ControlIds, chosen
from offhook.voice.effect import SendDigits
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.parameter import rule
from offhook.voice.signal import Directed


class SendDtmfToConference(Form, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/send_dtmf."""

    digits: Digits
    call_control_ids: ControlIds = ()
    client_state: Base64 | None = None
    duration_millis: Annotated[int, rule(low=100, high=500)] = 250


def decide(floor: Floor, _leg: None, order: Directed[SendDtmfToConference], _now: Moment) -> None:
    command = order.command
    for leg in chosen(floor, command.call_control_ids):
        if command.client_state is not None:
            leg.client_state = command.client_state
            floor.save(leg)
        floor.emit(SendDigits(leg.dialog.port, command.digits.translate(KEYS), command.duration_millis))


RULE = CommandRule("send_dtmf", SendDtmfToConference, frozenset(), decide, codes=("90015", "90019", "90058"))
