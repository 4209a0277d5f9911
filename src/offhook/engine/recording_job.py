"""What the process that makes recordings ready is asked, and answers. Apart from it, for it loads much."""

from typing import Literal

import msgspec


class Job(msgspec.Struct, frozen=True):
    """Make the file `result` out of `part`."""

    part: str
    result: str
    format: Literal["wav", "mp3"]
    trim: Literal["nothing", "silence"]


class Made(msgspec.Struct, frozen=True):
    """What came of a job: how long the result is; nothing can be made where there is an error."""

    ms: int = 0
    error: str = ""
