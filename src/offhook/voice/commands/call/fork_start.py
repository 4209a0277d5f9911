"""Fork start: copies of what a leg's far end says and hears go out as RTP, to addresses that a customer names."""

import ipaddress
import re
from typing import Annotated, Literal

from offhook.voice import forking, streaming
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import Problem, rejected
from offhook.voice.signal import Ordered

Target = Annotated[str, rule(high=80, pattern=r"(?:udp:.+:[0-9]{1,5})?", expects="udp:ip_address:port")]
_TARGET = re.compile(r"udp:(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})")


class ForkStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/fork_start. The copies are PCMU at 8 kHz, whatever the call's codec is."""

    rx: Target = ""
    tx: Target = ""
    stream_type: Literal["decrypted"] = "decrypted"

    def problems(self) -> list[Problem]:
        if not self.rx and not self.tx:
            return [Problem("10004", "rx or tx is required.", "/rx")]
        given = [(name, getattr(self, name)) for name in ("rx", "tx") if getattr(self, name)]
        return [
            Problem("10015", f"{name} is no udp:ip_address:port.", f"/{name}")
            for name, target in given
            if endpoint(target) is None
        ]

    @property
    def addresses(self) -> list[tuple[str, str]]:
        """Which addresses this server would send to, with the parameter that has each."""
        found = [(name, endpoint(getattr(self, name))) for name in ("rx", "tx")]
        return [(f"/{name}", each[0]) for name, each in found if each is not None]


def endpoint(target: str) -> tuple[str, int] | None:
    """The address and port of a target; None where it is none."""
    parts = _TARGET.fullmatch(target)
    if parts is None or not 0 < int(parts[3]) < 65536:
        return None
    try:
        return str(ipaddress.ip_address(parts[1] or parts[2])), int(parts[3])
    except ValueError:
        return None


def decide(floor: Floor, leg: Leg, order: Ordered[ForkStart], now: Moment) -> None:
    if streaming.is_used(leg):
        raise rejected("90045", "This call is being streamed: a call has a stream or a fork.")
    forking.start(floor, leg, order.command.rx, order.command.tx, now)


RULE = CommandRule(
    "fork_start",
    ForkStart,
    ANSWERED,
    decide,
    causes=("call.fork.started", "call.fork.stopped"),
    codes=("10004", "10027", "90045"),
)
