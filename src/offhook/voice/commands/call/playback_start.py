"""Playback start: a leg hears a file, in place of what it hears otherwise, or (`overlay`) over it."""

import base64
from typing import Annotated, ClassVar

from offhook.voice.command import Command, CommandRule
from offhook.voice.commands.call.audible import Legs, Loop, MediaName, Stop, hearing, items, play
from offhook.voice.commands.call.shared import Url
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.player import file_told
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Ordered
from offhook.voice.sound import Inline, Link, Source, file_of

# As base64 has it: 512 KiB of audio, which is within the bound for a body.
MAX_CONTENT = 700_000

Content = Annotated[
    str,
    rule(
        low=4,
        high=MAX_CONTENT,
        pattern=r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
        expects="base64",
        wrong_code="10028",
    ),
]


class PlaybackStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/playback_start. Queued behind what plays already in the same lane, unless
    `stop` ends that."""

    ignored: ClassVar[frozenset[str]] = frozenset(("audio_type",))

    audio_url: Url | None = None
    media_name: MediaName | None = None
    playback_content: Content | None = None
    cache_audio: bool = True
    loop: Loop = 1
    overlay: bool = False
    stop: Stop | None = None
    target_legs: Legs = "self"

    def problems(self) -> list[Problem]:
        given = [name for name in _SOURCES if getattr(self, name)]
        if not given:
            return [Problem("10004", f"One of {', '.join(_SOURCES)} is required.", "/audio_url")]
        if len(given) > 1:
            return [Problem("10015", f"{' and '.join(given)} cannot be used together.", f"/{given[1]}")]
        return []

    @property
    def source(self) -> Source:
        """What shall be heard."""
        if self.playback_content:
            return Inline(base64.b64decode(self.playback_content))
        if self.audio_url and not self.cache_audio:
            return Link(self.audio_url, "fresh")
        source = file_of(self.audio_url, self.media_name)
        assert source is not None  # `problems` has seen to it
        return source


def decide(floor: Floor, leg: Leg, order: Ordered[PlaybackStart], now: Moment) -> None:
    command = order.command
    legs = hearing(floor, leg, command.target_legs)
    source, told = command.source, file_told(leg.id, command.source)
    lane = "over" if command.overlay else "instead"
    play(floor, legs, items(legs, source, told, command.loop, lane), command.stop, now)


_SOURCES = ("audio_url", "media_name", "playback_content")

RULE = CommandRule(
    "playback_start",
    PlaybackStart,
    ANSWERED,
    decide,
    causes=("call.playback.started", "call.playback.ended"),
    codes=("10004", "10027"),
)
