"""End: the conference ends, and everybody in it hangs up."""

from offhook.voice import conferencing
from offhook.voice.command import CommandRule, Form
from offhook.voice.commands.conference.shared import CommandId, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class EndConference(Form, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/end."""

    command_id: CommandId | None = None


def decide(floor: Floor, _leg: None, _order: Directed[EndConference], now: Moment) -> None:
    conferencing.end(conference_of(floor), "hangs up", "ended_via_api", now)


RULE = CommandRule(
    "end",
    EndConference,
    frozenset(),
    decide,
    causes=("call.hangup", "conference.ended", "conference.participant.left"),
    codes=("90019", "90058"),
)
