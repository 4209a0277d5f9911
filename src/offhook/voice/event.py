"""What the customer is told of a call, as past-tense facts. How they travel (webhooks) is not known here."""

from typing import Literal

import msgspec

from offhook.voice.cause import Ending
from offhook.voice.leg import LegIds, Party, Side


class CallInitiated(msgspec.Struct, frozen=True):
    """A leg came to be: the one that dials, or one that is rung."""

    ids: LegIds
    party: Party
    side: Side
    destination: str
    at: float


class CallAnswered(msgspec.Struct, frozen=True):
    """A leg was answered; from now on it costs."""

    ids: LegIds
    party: Party
    at: float


class CallBridged(msgspec.Struct, frozen=True):
    """Two legs have met."""

    ids: LegIds
    other: LegIds
    at: float


class DtmfReceived(msgspec.Struct, frozen=True):
    """A leg's far end pressed one key."""

    ids: LegIds
    digit: str
    at: float


class CallHungUp(msgspec.Struct, frozen=True):
    """A leg ended. `source` is who ended it first, as the Voice API names it."""

    ids: LegIds
    party: Party
    side: Side
    ending: Ending
    source: Literal["caller", "callee", "unknown"]
    at: float


Event = CallInitiated | CallAnswered | CallBridged | DtmfReceived | CallHungUp
