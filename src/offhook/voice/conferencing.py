"""How legs take part in a conference, who waits and who beeps, when it ends, and what the customer is told. No I/O.

Each function that is not given the conference does nothing on a floor that is none.
"""

from typing import Any

from offhook.voice import effect, metering, player, taping
from offhook.voice.conference import Conference, EndReason, OnExit, Participant
from offhook.voice.conference_event import (
    ConferenceCreated,
    ConferenceEnded,
    ConferenceEvent,
    ParticipantJoined,
    ParticipantLeft,
)
from offhook.voice.event import About, about
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg, LegIds, Moment
from offhook.voice.place import NoSeat
from offhook.voice.player import Item, Told
from offhook.voice.resources.problem import rejected


def tell(floor: Floor, event: type[ConferenceEvent], whom: About, now: Moment, *own: Any) -> None:
    """Tell the customer what happened in the conference that this floor is."""
    conference = floor.conference
    assert conference is not None  # who tells has one
    floor.emit(effect.Tell(event(whom, now.wall, conference.card.id, client_state(floor, conference), *own)))


def client_state(floor: Floor, conference: Conference) -> str | None:
    """The state that all events of a conference carry: its owner's."""
    owner = conference.card.owner
    leg = None if owner is None else floor.legs.get(owner.ids.call_control_id)
    return leg.client_state if leg is not None else owner and owner.client_state


# ---- come and go ---------------------------------------------------------------------------------------------


def created(floor: Floor, conference: Conference, now: Moment) -> None:
    """A conference has been opened with a leg, which takes its seat next."""
    assert conference.card.owner is not None  # it has been opened
    floor.emit(effect.KeepConference(conference.card))
    tell(floor, ConferenceCreated, conference.card.owner, now)


def seat(floor: Floor, conference: Conference, leg: Leg, participant: Participant, now: Moment) -> None:
    """A leg that has come takes part from now on; Rejected where there is no seat."""
    try:
        floor.move(leg, conference.place, conference.part_of(participant))
    except NoSeat:
        raise rejected("90032", "The conference has no seat left for this participant.") from None
    conference.participants[leg.id] = participant
    conference.change_participant(leg.id, now)
    metering.begin(floor, leg, "conference-participant", conference.card.id, now)
    floor.save(leg)
    tell(floor, ParticipantJoined, about(leg), now)
    wait_or_hear(floor, conference, leg, now)
    taping.came(floor, conference, leg, now)
    if conference.beeps(participant, "on_enter"):
        beep(floor, conference)


def left(floor: Floor, leg: Leg, now: Moment) -> None:
    """A participant leaves, or has ended; whoever calls this moves it next."""
    conference = floor.conference
    participant = conference and conference.participants.pop(leg.id, None)
    if conference is None or participant is None:
        return
    if leg.stage != "ended":
        player.of(leg).forsake(floor, leg, None, "cancelled", now)
        metering.end(floor, leg, "conference-participant", conference.card.id, now)
    tell(floor, ParticipantLeft, about(leg), now)
    conference.contest = conference.contest.without(leg.id)
    taping.went(floor, conference, leg, now)
    if participant.on_exit != "goes on":
        end(conference, participant.on_exit, "host_left", now, leg.ids)
    elif conference.beeps(participant, "on_exit"):
        beep(floor, conference)


def forget_gone(conference: Conference) -> None:
    """Forget who was ended by force, past the rules."""
    if len(conference.place) < len(conference.participants):
        for id in [id for id in conference.participants if id not in conference.place]:
            del conference.participants[id]


# ---- begin and end -------------------------------------------------------------------------------------------


def start(floor: Floor, conference: Conference, now: Moment) -> None:
    """Whoever waits for the conference to begin, and for nothing else, hears and is heard from now on."""
    if conference.card.status != "init":
        return
    conference.change(now, status="in_progress")
    floor.emit(effect.KeepConference(conference.card))
    for id in list(conference.participants):
        conference.change_participant(id, now)
        wait_or_hear(floor, conference, floor.legs[id], now)


def end(conference: Conference, others: OnExit, why: EndReason, now: Moment, by: LegIds | None = None) -> None:
    """Let a conference end with this decision, and its participants hang up or be parked; the first reason counts."""
    if conference.is_live and conference.fate == "goes on":
        conference.fate = others
        conference.change(now, end_reason=why, ended_by=by)


def expire(floor: Floor, now: Moment) -> None:
    """End a conference that has lasted as long as it may."""
    conference = floor.conference
    if (
        conference is not None
        and conference.is_live
        and conference.expires is not None
        and conference.expires <= now.mono
    ):
        end(conference, "hangs up", "time_exceeded", now)


def finish(floor: Floor, conference: Conference, now: Moment) -> None:
    """A conference in which nobody takes part any more is over, unless somebody is on the way to it."""
    empty = not conference.participants and (not floor.wanted or conference.fate != "goes on")
    if not conference.is_live or not empty:
        return
    owner, reason = conference.card.owner, conference.card.end_reason or "all_left"
    assert owner is not None  # it was live
    taping.end(floor, conference)
    floor.emit(effect.ClosePort(conference.port))
    conference.change(now, status="completed", end_reason=reason)
    floor.emit(effect.KeepConference(conference.card))
    tell(floor, ConferenceEnded, owner, now, reason)


# ---- what is heard -------------------------------------------------------------------------------------------


def wait_or_hear(floor: Floor, conference: Conference, leg: Leg, now: Moment) -> None:
    """Let a participant that waits hear what its customer has for it, and one that does not wait the others."""
    participant = conference.participants[leg.id]
    source = conference.waiting_audio(participant)
    player.of(leg).stop_of(floor, leg, music_name(conference), "all", "instead", now)
    if conference.part_of(participant) == "waiting" and source is not None:
        player.of(leg).add(floor, leg, Item(source, Told("nothing", music_name(conference)), rounds=0))


def music_name(conference: Conference) -> str:
    """As whose a participant hears what there is to wait with."""
    return f"{conference.card.id}/music"


def beep(floor: Floor, conference: Conference) -> None:
    """Everybody who does not wait hears a beep."""
    for id in conference.place:
        if conference.place.seat(id).part != "waiting":
            floor.emit(effect.Beep(floor.legs[id].dialog.port, "conference"))
    floor.emit(effect.Beep(conference.port, "conference"))
