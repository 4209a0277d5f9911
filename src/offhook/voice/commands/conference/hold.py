"""Hold: participants neither hear the others nor are heard; they get music, or a file, until they are unheld."""

from offhook.voice import conferencing
from offhook.voice.command import CommandRule
from offhook.voice.commands.call.audible import MediaName
from offhook.voice.commands.call.shared import Url
from offhook.voice.commands.conference.shared import Some, chosen, conference_of, one_file
from offhook.voice.floor import Floor
from offhook.voice.leg import Moment
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Directed
from offhook.voice.sound import file_of


class HoldConference(Some, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/hold. Who is held already hears what is named now."""

    audio_url: Url | None = None
    media_name: MediaName | None = None

    def problems(self) -> list[Problem]:
        return one_file(self.audio_url, self.media_name, ("audio_url", "media_name"))


def decide(floor: Floor, _leg: None, order: Directed[HoldConference], now: Moment) -> None:
    command, conference = order.command, conference_of(floor)
    audio = file_of(command.audio_url, command.media_name)
    for leg in chosen(floor, command.call_control_ids):
        conference.change_participant(leg.id, now, hold="held", hold_audio=audio)
        conferencing.wait_or_hear(floor, conference, leg, now)


RULE = CommandRule("hold", HoldConference, frozenset(), decide, codes=("90015", "90019", "90058"))
