"""Suppression start: the noise goes from what a leg's far end says or hears."""

from typing import Annotated, Literal

import msgspec

from offhook.voice import suppressing
from offhook.voice.command import Command, CommandRule
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.signal import Ordered
from offhook.voice.terms import Direction, Suppressed


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of the engines by whose names the API knows them."""

    attenuation_limit: Annotated[int, rule(low=0, high=100)] | None = None
    enhancement_level: Annotated[float, rule(low=0, high=1)] | None = None
    family: Literal["sparrow", "quail"] | None = None
    mode: Literal["standard", "advanced"] | None = None
    model: (
        Literal["krisp-viva-tel-v2.kef", "krisp-viva-tel-lite-v1.kef", "krisp-viva-pro-v1.kef", "krisp-viva-ss-v1.kef"]
        | None
    ) = None
    size: Literal["s", "l", "xs", "xxs", "vf_l", "vf_1_1_l"] | None = None
    suppression_level: Annotated[float, rule(low=0, high=100)] | None = None
    voice_gain: Annotated[float, rule(low=0.1, high=4)] | None = None


class SuppressionStart(Command, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/suppression_start. There is one engine, whichever is named. Of the engines'
    settings `attenuation_limit` counts, in dB, where it is for the engine that is named."""

    direction: Direction = "inbound"
    noise_suppression_engine: Literal[
        "Denoiser", "DeepFilterNet", "Krisp", "AiCoustics", "aic_l_quail", "aic_l_rook", "aic_s_quail", "aic_s_rook",
        "quail_voice_focus_s", "quail_voice_focus_xs", "A", "B", "C", "D",
    ] = "Denoiser"  # fmt: skip
    noise_suppression_engine_config: EngineConfig | None = None

    @property
    def wanted(self) -> Suppressed:
        """What is to be suppressed."""
        config, limited = self.noise_suppression_engine_config, self.noise_suppression_engine in ("DeepFilterNet", "B")
        return Suppressed(self.direction, config.attenuation_limit if config is not None and limited else None)


def decide(floor: Floor, leg: Leg, order: Ordered[SuppressionStart], now: Moment) -> None:
    suppressing.start(floor, leg, order.command.wanted, now)


RULE = CommandRule("suppression_start", SuppressionStart, ANSWERED, decide)
