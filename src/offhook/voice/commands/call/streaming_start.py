"""Streaming start: a leg's audio goes over a websocket to a customer's program, which may answer over it."""

from typing import Annotated, Any, ClassVar

import msgspec

from offhook.voice import streaming
from offhook.voice.command import OK, Command, CommandRule, Document
from offhook.voice.commands.call.shared import NO_AI
from offhook.voice.commands.call.streamed import AnyCodec, Rate, StreamUrl, Token, to_stream
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.signal import Ordered
from offhook.voice.stream import Codec, Mode, Targets, Track


class CustomParameter(msgspec.Struct, frozen=True):
    """Something of the customer's own that the stream's first frame carries."""

    name: Annotated[str, rule(low=1, high=128)]
    value: Annotated[str, rule(high=1024)]


class StreamingStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/streaming_start."""

    ignored: ClassVar[frozenset[str]] = frozenset()
    refused: ClassVar[dict[str, Any]] = {"dialogflow_config": NO_AI, "enable_dialogflow": NO_AI}

    stream_url: StreamUrl
    stream_track: Track = "inbound_track"
    stream_codec: AnyCodec = "default"
    stream_bidirectional_mode: Mode = "mp3"
    stream_bidirectional_codec: Codec = "PCMU"
    stream_bidirectional_target_legs: Targets = "opposite"
    stream_bidirectional_sampling_rate: Rate | None = None
    stream_auth_token: Token = ""
    custom_parameters: tuple[CustomParameter, ...] = ()


def decide(floor: Floor, leg: Leg, order: Ordered[StreamingStart], _now: Moment) -> Document:
    command = order.command
    own = tuple((each.name, each.value) for each in command.custom_parameters)
    wanted = to_stream(command, command.stream_bidirectional_sampling_rate, command.stream_auth_token, own)
    assert wanted is not None  # the URL is required
    return OK | {"stream_id": streaming.of(leg).start(floor, leg, wanted)}


RULE = CommandRule(
    "streaming_start",
    StreamingStart,
    ANSWERED,
    decide,
    causes=("streaming.started", "streaming.failed", "streaming.stopped"),
    codes=("90045",),
)
