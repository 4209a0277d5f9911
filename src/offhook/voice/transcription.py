"""How a leg is to be transcribed. Data only."""

from typing import Literal

import msgspec

Tracks = Literal["inbound", "outbound", "both"]


class Settings(msgspec.Struct, frozen=True):
    """Which sides of a leg an engine shall listen to, in a `language` as the customer wrote it, empty for any, and
    whether the customer is told what may be corrected yet."""

    tracks: Tracks = "inbound"
    language: str = ""
    results: Literal["final", "interim"] = "final"
