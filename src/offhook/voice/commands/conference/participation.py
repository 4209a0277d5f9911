"""How a leg is to take part in a conference: what a command that lets it in may say about that. Knows no command."""

from offhook.voice import conferencing
from offhook.voice.command import Command
from offhook.voice.commands.call.audible import MediaName
from offhook.voice.commands.call.shared import Url
from offhook.voice.commands.conference.shared import ControlIds, SupervisorRole, on_exit, one_file, part
from offhook.voice.conference import Beeps, Conference, Participant
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import Problem, rejected
from offhook.voice.sound import file_of


class Participation(Command, frozen=True, kw_only=True):
    """The parameters that such commands share."""

    beep_enabled: Beeps | None = None
    end_conference_on_exit: bool = False
    hold: bool = False
    hold_audio_url: Url | None = None
    hold_media_name: MediaName | None = None
    mute: bool = False
    soft_end_conference_on_exit: bool = False
    start_conference_on_enter: bool = False
    supervisor_role: SupervisorRole = "none"
    whisper_call_control_ids: ControlIds = ()

    def problems(self) -> list[Problem]:
        return one_file(self.hold_audio_url, self.hold_media_name, ("hold_audio_url", "hold_media_name"))


def expect_seat(floor: Floor, conference: Conference) -> None:
    """Rejected where the conference has no seat left, those counted who are on the way to it."""
    if len(conference.participants) + len(floor.wanted) >= conference.settings.max_participants:
        raise rejected("90032", "The conference is full.")


def seat(floor: Floor, conference: Conference, command: Participation, leg: Leg, now: Moment) -> None:
    """A leg that has come takes part as its command says; Rejected where there is no seat."""
    conferencing.seat(floor, conference, leg, _participant(leg, command, now), now)
    if command.start_conference_on_enter:
        conferencing.start(floor, conference, now)


def _participant(leg: Leg, command: Participation, now: Moment) -> Participant:
    return Participant(
        leg=leg.ids,
        since=now,
        updated_at=now.wall,
        part=part(command.supervisor_role),
        voice="muted" if command.mute else "open",
        hold="held" if command.hold else "active",
        hold_audio=file_of(command.hold_audio_url, command.hold_media_name),
        coached=frozenset(command.whisper_call_control_ids),
        on_exit=on_exit(command.end_conference_on_exit, command.soft_end_conference_on_exit),
        beeps=command.beep_enabled,
    )
