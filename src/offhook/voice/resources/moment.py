"""Points in time: ISO 8601 text ⇄ Unix seconds. No clock: now is always an argument."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]{5,15}(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?")
_YEAR_10000 = 253_402_300_800


def parse_moment(text: str) -> float | None:
    """Unix seconds; without a zone it is UTC, without a time midnight. None for what is no point in time after 1970."""
    if not _SHAPE.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if 0 <= seconds < _YEAR_10000 else None


@lru_cache(1024)  # what happens at one moment tells of it in many places
def format_moment(seconds: float, to: Literal["microseconds", "milliseconds"] = "microseconds") -> str:
    """ISO 8601 in UTC: with microseconds, as the hosted product writes it, but for detail records."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec=to).removesuffix("+00:00") + "Z"
