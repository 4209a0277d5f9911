"""What the settings of a leg's connection, profile and number want of it, whoever calls whom. Data only."""

from typing import Literal

import msgspec

from offhook.voice.binding import Encryption

Direction = Literal["inbound", "outbound", "both"]


class Suppressed(msgspec.Struct, frozen=True):
    """`inbound` in what its far end says, `outbound` in what that hears; made fainter by `limit_db` at most, None for
    no limit."""

    direction: Direction
    limit_db: float | None = None


class Recorded(msgspec.Struct, frozen=True):
    """As what it is recorded."""

    channels: Literal["single", "dual"]
    format: Literal["wav", "mp3"]


class Terms(msgspec.Struct, frozen=True):
    """From its answer on a leg is recorded, where `record` says so, and its noise suppressed. `billing_group` is in its
    detail records; empty for none. `encryption` is how a phone's media is to be protected."""

    record: Recorded | None = None
    suppress: Suppressed | None = None
    billing_group: str = ""
    encryption: Encryption = "none"


NONE = Terms()
