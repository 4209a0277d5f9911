"""Parameters of the commands that gather digits, and what they mean. Knows no single command."""

from typing import Annotated

from offhook.voice.command import Command
from offhook.voice.gathering import Heard, Wanted, new_id
from offhook.voice.leg import Leg
from offhook.voice.parameter import rule
from offhook.voice.resources.problem import Problem

MAX_DIGITS = 128
MAX_MILLIS = 600_000
Count = Annotated[int, rule(low=1, high=MAX_DIGITS)]
Millis = Annotated[int, rule(low=1, high=MAX_MILLIS)]


class Gathering(Command, frozen=True, kw_only=True):
    """What every command that gathers digits may say. An empty terminating digit leaves none."""

    minimum_digits: Count = 1
    maximum_digits: Count = MAX_DIGITS
    terminating_digit: Annotated[str, rule(high=1, pattern="[0-9A-D*#]?", expects="one of 0-9, A-D, * and #")] = "#"
    valid_digits: Annotated[str, rule(low=1, high=16, pattern="[0-9A-D*#]+", expects="of 0-9, A-D, * and #")] = (
        "0123456789#*"
    )
    inter_digit_timeout_millis: Millis = 5000
    timeout_millis: Millis = 60_000

    def problems(self) -> list[Problem]:
        problems = super().problems()
        if self.minimum_digits > self.maximum_digits:
            problems.append(Problem("10033", "minimum_digits is more than maximum_digits.", "/minimum_digits"))
        return problems


class Prompting(Gathering, frozen=True, kw_only=True):
    """A gathering that plays a prompt first, and again. `timeout_millis` is the wait after the prompt."""

    maximum_tries: Annotated[int, rule(low=1, high=128)] = 3

    def wanted(self, leg: Leg, prompts: tuple[Heard, ...], excuse: Heard | None) -> Wanted:
        """What shall be gathered after the prompts; the excuse is played before them when the digits were wrong."""
        return Wanted(
            fewest=self.minimum_digits,
            most=self.maximum_digits,
            ending=self.terminating_digit,
            valid=frozenset(self.valid_digits),
            first=self.timeout_millis / 1000,
            between=self.inter_digit_timeout_millis / 1000,
            tries=self.maximum_tries,
            prompts=prompts,
            excuse=excuse,
            gather_id=new_id(leg),
        )
