"""Stop: participants hear no more of what commands to the conference had played to them."""

from offhook.voice import announcing
from offhook.voice.command import CommandRule
from offhook.voice.commands.conference.shared import Some, chosen, conference_of
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.signal import Directed


class StopInConference(Some, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/stop. Speech and files alike; it is no error where there is nothing to stop."""


def decide(floor: Floor, _leg: None, order: Directed[StopInConference], now: Moment) -> None:
    announcing.stop(floor, conference_of(floor), chosen(floor, order.command.call_control_ids), now)


RULE = CommandRule(
    "stop",
    StopInConference,
    frozenset(),
    decide,
    causes=(
        "conference.playback.ended",
        "conference.speak.ended",
        "conference.participant.playback.ended",
        "conference.participant.speak.ended",
    ),
    codes=("90015", "90019", "90058"),
)
