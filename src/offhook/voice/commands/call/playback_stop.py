"""Playback stop: what a leg hears by command, files and speech, ends; so does what it has had played to others."""

from offhook.voice import player
from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.audible import Stop, opposite
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class PlaybackStop(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/playback_stop. `overlay` stops what plays over, not what plays instead."""

    overlay: bool = False
    stop: Stop = "all"


def decide(floor: Floor, leg: Leg, order: Ordered[PlaybackStop], now: Moment) -> None:
    command, lane = order.command, "over" if order.command.overlay else "instead"
    stopped = player.of(leg).stop(floor, leg, command.stop, lane, now)
    other = opposite(floor, leg)
    if other is not None:
        stopped |= player.of(other).stop_of(floor, other, leg.id, command.stop, lane, now)
    if not stopped:
        raise rejected("10027", "Nothing is being played on this call.")


RULE = CommandRule(
    "playback_stop",
    PlaybackStop,
    ANSWERED,
    decide,
    causes=("call.playback.ended", "call.speak.ended"),
    codes=("10027",),
)
