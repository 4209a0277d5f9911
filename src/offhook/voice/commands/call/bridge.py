"""Bridge: two answered legs hear each other, whichever sessions they are of."""

from functools import partial
from typing import Annotated, ClassVar, Literal

from offhook.voice import meeting, recorder
from offhook.voice.command import CommandRule, Wants
from offhook.voice.commands.call.shared import MAX_NAME, NO_VIDEO, MuteDtmf, Recorded, mute
from offhook.voice.effect import Save
from offhook.voice.floor import Floor
from offhook.voice.leg import ANSWERED, RUNG, Leg, Moment
from offhook.voice.parameter import rule
from offhook.voice.queue import Queue
from offhook.voice.resources.problem import Problem, Rejected, rejected
from offhook.voice.signal import Ordered
from offhook.voice.sound import Ringtone


class Bridge(Recorded, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/bridge.

    `park_after_unbridge` is for the leg that is told to bridge: it parks when the other one has gone. A leg that still
    rings is met when it answers; until then `play_ringtone` lets the first one hear it, as telephones ring in the
    country `ringtone`. With `queue`, the other leg is the first of that queue, which leaves it in any case. The
    official package cannot leave `call_control_id` out; beside `queue` it must be empty.
    """

    refused: ClassVar[dict[str, str]] = {"video_room_id": NO_VIDEO, "video_room_context": NO_VIDEO}

    call_control_id: Annotated[str, rule(high=255)] = ""
    queue: Annotated[str, rule(high=MAX_NAME)] = ""
    park_after_unbridge: Literal["self"] | None = None
    hold_after_unbridge: bool = False
    prevent_double_bridge: bool = False
    play_ringtone: bool = False
    ringtone: Ringtone = "us"
    mute_dtmf: MuteDtmf = "none"

    @property
    def legs(self) -> tuple[tuple[str, str], ...]:
        """The other legs that it names, with their pointers."""
        return (("/call_control_id", self.call_control_id),) if self.call_control_id else ()

    def problems(self) -> list[Problem]:
        if not self.call_control_id and not self.queue:
            return [Problem("10004", "The call_control_id parameter is required.", "/call_control_id")]
        if self.call_control_id and self.queue:
            return [Problem("10015", "Either call_control_id or queue says whom to bridge with.", "/queue")]
        return []


def about_queue(leg: str, queue: Queue | None) -> Rejected | None:
    """Why a leg cannot be bridged with the first of a queue, if that can be seen from outside."""
    if queue is None:
        return rejected("10017", "There is no such queue.", pointer="/queue")
    if not queue.turns:
        return rejected("10027", "The queue is empty.", pointer="/queue")
    return _itself("/queue") if next(iter(queue.turns)) == leg else None


def about_other(leg: str, other: Save | None, command: Bridge) -> Rejected | None:
    """Why a leg cannot be bridged with this one, if that can be seen from outside."""
    if command.call_control_id == leg:
        return _itself("/call_control_id")
    if other is None:
        return rejected("90018", "The call has already ended.", pointer="/call_control_id")
    if other.stage not in RUNG | ANSWERED:
        return rejected("90034", "The call to bridge with has not been answered yet.", pointer="/call_control_id")
    if command.prevent_double_bridge and other.place == "bridge":
        return rejected("10027", "The call to bridge with is bridged already.", pointer="/call_control_id")
    return None


def _itself(pointer: str) -> Rejected:
    return rejected("10015", "A call cannot be bridged with itself.", pointer=pointer)


def decide(floor: Floor, leg: Leg, order: Ordered[Bridge], now: Moment) -> Wants | None:
    command = order.command
    if command.call_control_id == leg.id:
        raise _itself("/call_control_id")
    meet = partial(_meet, floor, command)
    if command.queue:
        return Wants("", meet, queue=command.queue)
    other = floor.legs.get(command.call_control_id)
    if other is None:
        taken = "stays" if command.prevent_double_bridge else "comes"
        return Wants(command.call_control_id, meet, taken, rung="comes")
    if other.stage not in RUNG | ANSWERED:
        raise rejected("90034", "The call to bridge with has not been answered yet.", pointer="/call_control_id")
    if command.prevent_double_bridge and meeting.partners(floor, other):
        raise rejected("10027", "The call to bridge with is bridged already.", pointer="/call_control_id")
    meet(leg, other, now)
    return None


def _record(floor: Floor, command: Bridge, leg: Leg, now: Moment) -> None:
    settings = command.to_record
    if settings is not None:
        recorder.start(floor, recorder.of_leg(floor, leg), settings, "StartCallRecordingAPI", now)


def _meet(floor: Floor, command: Bridge, leg: Leg, other: Leg, now: Moment) -> None:
    _record(floor, command, leg, now)
    leg.unbridged = "park" if command.park_after_unbridge or command.hold_after_unbridge else "hangup"
    if other.stage in RUNG:
        other.meets, other.ringtone = leg.id, command.ringtone
        other.ringback = "on_ringing" if command.play_ringtone else "none"
    else:
        meeting.bridge(floor, leg, other, now)
    mute(leg, other, command.mute_dtmf)


RULE = CommandRule(
    "bridge",
    Bridge,
    ANSWERED,
    decide,
    waiting="leaves",
    causes=("call.bridged", "call.dequeued", "conference.participant.left", "conference.ended", "call.recording.saved"),
    codes=("10004", "10017", "10027", "90015", "90018", "90034"),
)
