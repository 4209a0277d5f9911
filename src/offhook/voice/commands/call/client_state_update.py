"""Update the client state: what every later event of the leg carries."""

from offhook.voice.command import Base64, Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import LIVE, Leg, Moment
from offhook.voice.signal import Ordered


class ClientStateUpdate(Command, frozen=True, kw_only=True):
    """PUT /calls/{call_control_id}/actions/client_state_update."""

    client_state: Base64  # pyright: ignore[reportGeneralTypeIssues] -- what all may say, this one must


def decide(_floor: Floor, _leg: Leg, _order: Ordered[ClientStateUpdate], _now: Moment) -> None:
    """Nothing more to do: every command's client_state sticks to its leg."""


RULE = CommandRule("client_state_update", ClientStateUpdate, LIVE, decide, "PUT")
