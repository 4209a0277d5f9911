"""What may go on on a leg beside its place: playing, gathering. It travels with the leg from owner to owner. No I/O."""

from typing import Any, Protocol


class Doing(Protocol):
    """Something that goes on on a leg. `floor` is the `Floor` that has the leg now, `leg` is the `Leg`, `now` a
    `Moment`; both are not named here because a leg has its doings."""

    @property
    def wakes_at(self) -> float | None:
        """The monotonic time at which `tick` is wanted."""
        ...

    def tick(self, floor: Any, leg: Any, now: Any) -> None:
        """Its time has come."""
        ...

    def leg_ended(self, floor: Any, leg: Any, now: Any) -> None:
        """Its leg ends: say what is still to be said of it. The leg's own end is told afterwards."""
        ...
