"""What a leg uses beside its minutes: one line for each use of an add-on. Knows no prices and no legs; no I/O."""

from typing import Literal

import msgspec

# As the record types of the API name them; `queue` has none of its own there.
AddOn = Literal[
    "recording", "tts", "media-streaming", "stt", "amd", "conference-participant", "noise-suppression", "queue"
]  # fmt: skip


class Usage(msgspec.Struct, frozen=True):
    """One use: of time (`seconds`), or of something that is counted (`units`: characters of speech, detections).

    `about` says which of its kind it is (a recording's id, a conference's), `began_at` and `ended_at` (None while it
    goes on) when, in Unix seconds. While time runs, `since_mono` and `since_wall` say from when on it is not in
    `seconds` yet. `notice_every` is for recordings of which people are told by a beep, every so many seconds.
    """

    add_on: AddOn
    about: str
    began_at: float
    seconds: float = 0.0
    units: int = 0
    since_mono: float | None = None
    since_wall: float | None = None
    ended_at: float | None = None
    notice_every: float | None = None

    def running(self, mono: float, wall: float) -> "Usage":
        """Time runs from now on; where it does already nothing changes."""
        if self.since_mono is not None:
            return self
        return msgspec.structs.replace(self, since_mono=mono, since_wall=wall, ended_at=None)

    def stopped(self, mono: float, wall: float) -> "Usage":
        """Time runs no more; where it did not nothing changes."""
        return self if self.since_mono is None else self._stopped(mono - self.since_mono, wall)

    def cut_off(self, wall: float) -> "Usage":
        """The same where only the wall clock is known: at the last sign of life before a crash."""
        return self if self.since_wall is None else self._stopped(wall - self.since_wall, wall)

    def counted(self, units: int, wall: float) -> "Usage":
        """So many units more."""
        return msgspec.structs.replace(self, units=self.units + units, ended_at=wall)

    def _stopped(self, seconds: float, wall: float) -> "Usage":
        seconds = self.seconds + max(0.0, seconds)
        return msgspec.structs.replace(self, seconds=seconds, since_mono=None, since_wall=None, ended_at=wall)
