"""Streaming stop: a leg's audio goes over a websocket no more."""

from typing import Annotated

from offhook.voice import streaming
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered


class StreamingStop(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/streaming_stop. Without `stream_id`, whatever streams there are."""

    stream_id: Annotated[str, rule(low=1, high=64)] | None = None


def decide(floor: Floor, leg: Leg, order: Ordered[StreamingStop], now: Moment) -> None:
    if streaming.NAME not in leg.doings:
        raise rejected("90048", "This call is not being streamed.")
    streaming.of(leg).stop(floor, leg, order.command.stream_id, now)


RULE = CommandRule("streaming_stop", StreamingStop, ANSWERED, decide, causes=("streaming.stopped",), codes=("90048",))
