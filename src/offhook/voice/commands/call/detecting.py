"""The parameters of answering-machine detection, and what they mean. Knows no single command."""

from typing import cast

from offhook.voice.greeting import Config, Mode, Wanted
from offhook.voice.resources.problem import Problem

# What a customer may be told of it, by the two ways that there are.
DETECTION_EVENTS = (
    "call.machine.detection.ended",
    "call.machine.greeting.ended",
    "call.machine.premium.detection.started",
    "call.machine.premium.detection.ended",
    "call.machine.premium.greeting.ended",
)
SCREENING = "premium_ios_call_screening_detection"


def about_detection(mode: str) -> list[Problem]:
    """What is wrong with the mode that is asked for."""
    if mode != SCREENING:
        return []
    why = "no call screening of iOS is told from other machines"
    return [Problem("10027", f"{SCREENING} is not possible here: {why}.", "/answering_machine_detection")]


def detects(mode: str, config: Config | None) -> Wanted | None:
    """What is to be detected; None for nothing. Of the premium mode only two settings can be changed."""
    if mode == "disabled":
        return None
    given = config or Config()
    if mode == "premium":
        given = Config(
            total_analysis_time_millis=given.total_analysis_time_millis,
            greeting_duration_millis=given.greeting_duration_millis,
        )
    return Wanted(cast(Mode, mode), given)
