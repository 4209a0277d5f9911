"""Gather using audio: one participant is asked for digits by a file that only it hears."""

from typing import Annotated

from offhook.voice import gathering
from offhook.voice.command import Base64, CommandRule, Form
from offhook.voice.commands.call.audible import MediaName
from offhook.voice.commands.call.pressing import MAX_DIGITS, Count, Millis
from offhook.voice.commands.call.shared import ControlId, Url
from offhook.voice.commands.conference.shared import one_file, participant_of
from offhook.voice.floor import Floor
from offhook.voice.gathering import Heard, Wanted, new_id
from offhook.voice.leg import Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.player import file_told
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import Directed
from offhook.voice.sound import file_of


class GatherInConference(Form, frozen=True, kw_only=True):
    """POST /conferences/{id}/actions/gather_using_audio. The events are those of the participant's call: the prompt is
    told as any file, the digits by `call.gather.ended`. `timeout_millis` is the wait after the prompt, unless
    `initial_timeout_millis` is shorter."""

    call_control_id: ControlId
    audio_url: Url | None = None
    media_name: MediaName | None = None
    invalid_audio_url: Url | None = None
    invalid_media_name: MediaName | None = None
    client_state: Base64 | None = None
    gather_id: Annotated[str, rule(high=100)] = ""
    initial_timeout_millis: Millis | None = None
    inter_digit_timeout_millis: Millis = 5000
    timeout_millis: Millis = 60_000
    minimum_digits: Count = 1
    maximum_digits: Count = MAX_DIGITS
    maximum_tries: Annotated[int, rule(low=1, high=128)] = 3
    stop_playback_on_dtmf: bool = True
    terminating_digit: Annotated[str, rule(high=1, pattern="[0-9A-D*#]?", expects="one of 0-9, A-D, * and #")] = "#"
    valid_digits: Annotated[str, rule(low=1, high=16, pattern="[0-9A-D*#]+", expects="of 0-9, A-D, * and #")] = (
        "0123456789#*"
    )

    def problems(self) -> list[Problem]:
        problems = one_file(self.audio_url, self.media_name, ("audio_url", "media_name"))
        problems += one_file(
            self.invalid_audio_url, self.invalid_media_name, ("invalid_audio_url", "invalid_media_name")
        )
        if not self.audio_url and not self.media_name:
            problems.append(Problem("10004", "One of audio_url and media_name is required.", "/audio_url"))
        if self.minimum_digits > self.maximum_digits:
            problems.append(Problem("10033", "minimum_digits is more than maximum_digits.", "/minimum_digits"))
        return problems

    def wanted(self, leg: Leg) -> Wanted:
        """What shall be gathered from this leg."""
        return Wanted(
            fewest=self.minimum_digits,
            most=self.maximum_digits,
            ending=self.terminating_digit,
            valid=frozenset(self.valid_digits),
            first=min(self.initial_timeout_millis or self.timeout_millis, self.timeout_millis) / 1000,
            between=self.inter_digit_timeout_millis / 1000,
            tries=self.maximum_tries,
            prompts=tuple(filter(None, (_heard(leg, self.audio_url, self.media_name),))),
            excuse=_heard(leg, self.invalid_audio_url, self.invalid_media_name),
            gather_id=self.gather_id or new_id(leg),
            prompt_lasts="until a digit" if self.stop_playback_on_dtmf else "to its end",
        )


def decide(floor: Floor, _leg: None, order: Directed[GatherInConference], now: Moment) -> None:
    command = order.command
    leg = participant_of(floor, command.call_control_id)
    if command.client_state is not None:
        leg.client_state = command.client_state
        floor.save(leg)
    gathering.start(floor, leg, command.wanted(leg), now)


def _heard(leg: Leg, url: str | None, media_name: str | None) -> Heard | None:
    source = file_of(url, media_name)
    return None if source is None else Heard(source, file_told(leg.id, source))


RULE = CommandRule(
    "gather_using_audio",
    GatherInConference,
    frozenset(),
    decide,
    causes=("call.playback.started", "call.playback.ended", "call.gather.ended"),
    codes=("10004", "90015", "90019", "90058"),
)
