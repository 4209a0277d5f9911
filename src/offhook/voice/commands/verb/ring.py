"""Ring: somebody is dialled for a call that hears it ring; what then becomes of them is ordered when they answer."""

from typing import Any, Literal

from offhook.voice.command import CommandRule, Document
from offhook.voice.commands.call import dial
from offhook.voice.commands.call.dial import Dial
from offhook.voice.commands.verb.adopt import to_callbacks
from offhook.voice.floor import Floor
from offhook.voice.hooks import Hooks
from offhook.voice.leg import Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Originated
from offhook.voice.sound import Ringtone


class Ring(Dial, frozen=True, kw_only=True, rename={"from_": "from"}):
    """`link_to` is the call for which it rings, and which hears that unless it rings `silently`. `callbacks` are those
    of the new leg, whose connection is that of the call."""

    connection_id: str
    callbacks: dict[str, Any]
    ringtone: Ringtone = "us"
    rings_back: Literal["audibly", "silently"] = "audibly"

    @property
    def hooks(self) -> Hooks:
        """Where the new leg's events go."""
        return Hooks(callbacks=to_callbacks(self.callbacks))


def decide(floor: Floor, _leg: None, order: Originated[Ring], now: Moment) -> Document:
    command = order.command
    if command.link_to not in floor.legs:
        raise rejected("90018", "The call to link to has already ended.", pointer="/link_to")
    document = dial.decide(floor, None, order, now)
    leg = floor.legs[order.ids.call_control_id]
    leg.meets, leg.taken = command.link_to, "when ordered"
    leg.ringback = "on_ringing" if command.rings_back == "audibly" else "none"
    leg.ringtone = command.ringtone
    return document


RULE = CommandRule("ring", Ring, frozenset(), decide, makes="leg", causes=dial.RULE.causes, codes=dial.RULE.codes)
