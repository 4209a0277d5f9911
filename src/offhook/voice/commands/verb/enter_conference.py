"""Enter conference: an answered leg takes part in the conference of a name, which is opened where there is none."""

from typing import Annotated

import msgspec

from offhook.voice.command import CommandRule
from offhook.voice.commands.call.shared import Url
from offhook.voice.commands.conference import enter
from offhook.voice.commands.conference.enter import ConferenceConfig
from offhook.voice.conference import MAX_PARTICIPANTS, Beeps, Settings
from offhook.voice.leg import ANSWERED
from offhook.voice.parameter import rule
from offhook.voice.sound import Link


class EnterConference(ConferenceConfig, frozen=True, kw_only=True):
    """`wait_audio_url` is heard until the conference starts. What is said of the conference counts for whoever opens
    it."""

    max_participants: Annotated[int, rule(low=2, high=MAX_PARTICIPANTS)] = 250
    beeps: Beeps = "never"
    wait_audio_url: Url | None = None

    @property
    def settings(self) -> Settings:
        """The conference that it opens."""
        wait = Link(self.wait_audio_url) if self.wait_audio_url else None
        return msgspec.structs.replace(
            Settings(), max_participants=self.max_participants, beeps=self.beeps, wait_audio=wait
        )


RULE = CommandRule(
    "enter_conference",
    EnterConference,
    ANSWERED,
    enter.decide,
    reserve=enter.reserve,
    causes=("conference.created", "conference.participant.joined"),
    codes=("90019", "90032", "90058"),
)
