"""Parameters of the commands that let a leg be streamed, and what they mean. Knows no single command.

They stand in each such command: the form of a command has one base.
"""

from typing import Annotated, Literal, Protocol

from offhook.voice.parameter import rule
from offhook.voice.stream import Codec, Mode, Settings, Targets, Track, form

StreamUrl = Annotated[str, rule(pattern=r"wss?://[^\s/?#][^\s]*", expects="a ws or wss URL", high=2048)]
StreamCodec = Codec | Literal["default"]
Token = Annotated[str, rule(high=4000, pattern=r"[\x21-\x7e]*", expects="visible ASCII characters")]
Rate = Literal[8000, 16000, 22050, 24000, 48000]
AnyCodec = Literal["default", "PCMU", "PCMA", "G722", "OPUS", "L16"]


class Streamed(Protocol):
    """What all of them have."""

    @property
    def stream_url(self) -> str | None: ...
    @property
    def stream_track(self) -> Track: ...
    @property
    def stream_codec(self) -> AnyCodec: ...
    @property
    def stream_bidirectional_mode(self) -> Mode: ...
    @property
    def stream_bidirectional_codec(self) -> Codec: ...
    @property
    def stream_bidirectional_target_legs(self) -> Targets: ...


def to_stream(
    command: Streamed, rate: Rate | None = None, token: str = "", parameters: tuple[tuple[str, str], ...] = ()
) -> Settings | None:
    """How the leg is to be streamed, if it is."""
    if command.stream_url is None:
        return None
    return Settings(
        url=command.stream_url,
        track=command.stream_track,
        sends=form(command.stream_codec, rate),
        takes=form(command.stream_bidirectional_codec, rate),
        mode=command.stream_bidirectional_mode,
        targets=command.stream_bidirectional_target_legs,
        token=token,
        parameters=parameters,
    )
