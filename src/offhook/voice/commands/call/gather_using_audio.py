"""Gather using audio: a leg is asked for digits by a file."""

from offhook.voice import gathering
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.audible import MediaName
from offhook.voice.commands.call.pressing import Prompting
from offhook.voice.commands.call.shared import Url
from offhook.voice.floor import Floor
from offhook.voice.gathering import Heard
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.player import file_told
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Ordered
from offhook.voice.sound import file_of


class GatherUsingAudio(Prompting, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/gather_using_audio. The customer is told of the prompt as of any file."""

    audio_url: Url | None = None
    media_name: MediaName | None = None
    invalid_audio_url: Url | None = None
    invalid_media_name: MediaName | None = None

    def problems(self) -> list[Problem]:
        problems = super().problems()
        if not self.audio_url and not self.media_name:
            problems.append(Problem("10004", "One of audio_url and media_name is required.", "/audio_url"))
        if self.audio_url and self.media_name:
            problems.append(Problem("10015", "audio_url and media_name cannot be used together.", "/media_name"))
        if self.invalid_audio_url and self.invalid_media_name:
            detail = "invalid_audio_url and invalid_media_name cannot be used together."
            problems.append(Problem("10015", detail, "/invalid_media_name"))
        return problems


def decide(floor: Floor, leg: Leg, order: Ordered[GatherUsingAudio], now: Moment) -> None:
    command = order.command
    prompt = _heard(leg, command.audio_url, command.media_name)
    assert prompt is not None  # `problems` has seen to it
    excuse = _heard(leg, command.invalid_audio_url, command.invalid_media_name)
    gathering.start(floor, leg, command.wanted(leg, (prompt,), excuse), now)


def _heard(leg: Leg, url: str | None, media_name: str | None) -> Heard | None:
    source = file_of(url, media_name)
    return None if source is None else Heard(source, file_told(leg.id, source))


RULE = CommandRule(
    "gather_using_audio",
    GatherUsingAudio,
    ANSWERED,
    decide,
    causes=("call.playback.started", "call.playback.ended", "call.gather.ended"),
    codes=("10004",),
)
