"""A leg that was dialled for a conference enters it when it is answered, and opens it where there is none yet."""

from functools import partial
from typing import Annotated

import msgspec

from offhook.voice import conferencing
from offhook.voice.command import CommandRule, Enters, Wants
from offhook.voice.commands.call.shared import MAX_NAME
from offhook.voice.commands.conference.participation import Participation, expect_seat, seat
from offhook.voice.commands.conference.shared import conference_of
from offhook.voice.conference import Conference, Settings
from offhook.voice.event import about
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import Problem
from offhook.voice.signal import UNASKED, Ordered


class ConferenceConfig(Participation, frozen=True, kw_only=True):
    """Which conference, and how the leg takes part: a live one by its `id`, or the one of that name, which is opened
    where there is none; the id counts where both are given.

    `early_media` changes nothing: no far end here is heard before it answers.
    """

    id: str | None = None
    conference_name: Annotated[str, rule(low=1, high=MAX_NAME)] | None = None
    early_media: bool = True
    start_conference_on_create: bool = True

    def problems(self) -> list[Problem]:
        found = super().problems()
        if not self.id and not self.conference_name:
            found.append(Problem("10004", "id or conference_name must say which conference it is.", "/conference_name"))
        return [msgspec.structs.replace(each, pointer=f"/conference_config{each.pointer}") for each in found]

    @property
    def settings(self) -> Settings:
        """The conference that it opens, where it opens one."""
        return Settings()

    @property
    def entered(self) -> Enters:
        """The conference that it names."""
        return Enters("conference", self.id, "refused") if self.id else Enters("conference", self.conference_name or "")


def order(leg: Leg, config: ConferenceConfig) -> Ordered[ConferenceConfig]:
    """The command by which the leg enters. Its customer has had an answer for the whole."""
    return Ordered(leg.id, UNASKED, RULE, config, into=config.entered)


def decide(_floor: Floor, _leg: Leg, order: Ordered[ConferenceConfig], _now: Moment) -> Enters:
    """The leg's owner has nothing against it."""
    return order.command.entered


def reserve(floor: Floor, order: Ordered[ConferenceConfig], _now: Moment) -> Wants:
    conference = floor.conference
    assert conference is not None  # `Enters` leads to conferences
    if order.command.id or conference.is_live:
        expect_seat(floor, conference_of(floor))
    return Wants(order.leg, partial(_enter, floor, conference, order.command))


def _enter(floor: Floor, conference: Conference, command: ConferenceConfig, leg: Leg, _same: Leg, now: Moment) -> None:
    """Others may have opened it, or ended it, while the leg was on its way."""
    if command.id:
        conference_of(floor)
    elif not conference.is_live:
        status = "in_progress" if command.start_conference_on_create else "init"
        conference.open(about(leg), command.settings, status, None, now)
        conferencing.created(floor, conference, now)
    seat(floor, conference, command, leg, now)


RULE = CommandRule("enter_conference", ConferenceConfig, ANSWERED, decide, reserve=reserve)
