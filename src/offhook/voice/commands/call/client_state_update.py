"""Update the client state: what every later event of the leg carries."""

from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import LIVE, Leg, Moment
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Ordered


class ClientStateUpdate(Command, frozen=True, kw_only=True):
    """PUT /calls/{call_control_id}/actions/client_state_update. Its `client_state` is required."""

    def problems(self) -> list[Problem]:
        if self.client_state is None:
            return [Problem("10004", "The client_state parameter is required.", "/client_state")]
        return []


def decide(_floor: Floor, _leg: Leg, _order: Ordered[ClientStateUpdate], _now: Moment) -> None:
    """Nothing more to do: every command's client_state sticks to its leg."""


RULE = CommandRule("client_state_update", ClientStateUpdate, LIVE, decide, "PUT", codes=("10004",))
