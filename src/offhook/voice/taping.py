"""Recordings of a conference: what there is beside those of legs. No I/O.

Its audio is that of its circle, where those are heard whom all hear: whispers are not. It is paid for by whoever takes
part longest, and by the next when that one leaves. It is told as of the leg that the conference was made with.
"""

import msgspec

from offhook.voice import effect, recorder
from offhook.voice.conference import Conference
from offhook.voice.event import about
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, Moment
from offhook.voice.recorder import Recorded
from offhook.voice.signal import RecordingOver


def of_conference(floor: Floor, conference: Conference, client_state: str | None = None) -> Recorded:
    """A conference as what is recorded, told with this state from now on where there is one."""
    owner = conference.card.owner
    assert owner is not None  # who records has a live conference
    leg = floor.legs.get(owner.ids.call_control_id)
    told = owner if leg is None else about(leg)
    if client_state is not None:
        told = msgspec.structs.replace(told, client_state=client_state)
    id = conference.card.id
    return Recorded(
        conference.recordings, id, "conference", conference.port, told, _payer(floor, conference),
        (*_hearing(floor, conference), conference.port), id,
    )  # fmt: skip


def came(floor: Floor, conference: Conference, leg: Leg, now: Moment) -> None:
    """A leg takes part from now on: it hears that it is recorded, and pays where nobody else does."""
    if conference.recordings.stages:
        recorder.bill(floor, of_conference(floor, conference), now)
    if conference.recordings.is_heard and conference.place.seat(leg.id).part != "waiting":
        floor.emit(effect.Beep(leg.dialog.port))


def went(floor: Floor, conference: Conference, leg: Leg, now: Moment) -> None:
    """A leg takes part no more: somebody else pays where it did."""
    if conference.recordings.stages:
        recorder.pass_bill(floor, of_conference(floor, conference), leg, now)


def over(floor: Floor, conference: Conference, signal: RecordingOver, now: Moment) -> None:
    """A recording has ended by itself."""
    if conference.recordings.stages:
        recorder.over(floor, of_conference(floor, conference), signal.recording, now)


def tick(floor: Floor, now: Moment) -> None:
    """It may be time for a beep."""
    conference = floor.conference
    if conference is not None and conference.recordings.stages:
        recorder.beep_if_due(floor, of_conference(floor, conference), now)


def end(floor: Floor, conference: Conference) -> None:
    """The conference is over, and so are its recordings."""
    if conference.recordings.stages:
        recorder.end(floor, of_conference(floor, conference))


def _payer(floor: Floor, conference: Conference) -> Leg | None:
    first = next(iter(conference.participants), None)
    return None if first is None else floor.legs.get(first)


def _hearing(floor: Floor, conference: Conference) -> tuple[int, ...]:
    """The ports of those who hear what goes on."""
    ids = [id for id in conference.place if conference.place.seat(id).part != "waiting"]
    return tuple(floor.legs[id].dialog.port for id in ids)
