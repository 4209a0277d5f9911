"""Play: participants hear a file, over the others' voices."""

from offhook.voice import announcing
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.audible import Loop, MediaName, rounds
from offhook.voice.commands.call.shared import Url
from offhook.voice.commands.conference.shared import Some, chosen, conference_of, one_file
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Directed
from offhook.voice.sound import file_of


class PlayToConference(Some, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/play."""

    audio_url: Url | None = None
    media_name: MediaName | None = None
    loop: Loop = 1

    def problems(self) -> list[Problem]:
        if not self.audio_url and not self.media_name:
            return [Problem("10004", "One of audio_url and media_name is required.", "/audio_url")]
        return one_file(self.audio_url, self.media_name, ("audio_url", "media_name"))


def decide(floor: Floor, _leg: None, order: Directed[PlayToConference], _now: Moment) -> None:
    command = order.command
    source, legs = file_of(command.audio_url, command.media_name), chosen(floor, command.call_control_ids)
    assert source is not None  # `problems` has seen to it
    announcing.announce(floor, conference_of(floor), legs, not command.call_control_ids, source, rounds(command.loop))


RULE = CommandRule(
    "play",
    PlayToConference,
    frozenset(),
    decide,
    causes=(
        "conference.playback.started",
        "conference.playback.ended",
        "conference.participant.playback.started",
        "conference.participant.playback.ended",
    ),
    codes=("10004", "10027", "90015", "90019", "90058"),
)
