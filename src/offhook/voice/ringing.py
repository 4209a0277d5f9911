"""How a leg comes to be answered: it is offered to far ends, one of them takes it, its caller hears of it. No I/O."""

from typing import Literal

import msgspec

from offhook.voice import (
    detection,
    effect,
    entering,
    first_command,
    meeting,
    passage,
    player,
    recorder,
    streaming,
    suppressing,
    transcribing,
)
from offhook.voice.cause import ending
from offhook.voice.effect import Invitation
from offhook.voice.event import CallAnswered, CallInitiated, CallRinging
from offhook.voice.floor import Floor
from offhook.voice.leg import UNANSWERED, Dialog, Leg, Moment
from offhook.voice.place import NoSeat
from offhook.voice.player import Item
from offhook.voice.recording import Settings
from offhook.voice.signal import Ring

# How long a leg may wait for its media after the answer. Our side of ICE is lite: it does not look for its far end,
# so nothing else ends a call that nobody hears and everybody pays for.
MEDIA_SECONDS = 30.0
# Whom a far end sees calling that is not to see who calls (RFC 3323 section 4.1.1.3).
ANONYMOUS = ("anonymous", "Anonymous")


def announce(floor: Floor, leg: Leg, now: Moment, state: Literal["parked", "bridging"]) -> None:
    """A leg came to be: from now on it has a row, and its customer knows of it."""
    floor.save(leg)
    floor.tell(CallInitiated, leg, now, state)


def ring(floor: Floor, leg: Leg, plan: Ring, now: Moment) -> None:
    """Give a leg the far ends that shall ring for it, and its time. `offer` then reaches them."""
    if plan.otherwise is not None:
        leg.otherwise = msgspec.structs.replace(plan.otherwise, by=leg.rings_until)
    leg.rings_until = min(now.mono + plan.seconds, leg.rings_until or float("inf"))
    leg.expires_at = min(now.mono + plan.unheard_seconds, leg.rings_until)
    for target in plan.targets:
        dialog = Dialog(target.dialog, target.port, target.label, sessid=target.sessid)
        dialog.network, dialog.carrier = target.network, target.carrier
        dialog.speaks, dialog.profile = target.speaks, target.profile
        floor.connect(leg, dialog)


def offer(floor: Floor, leg: Leg) -> None:
    """Open a port for each far end of a leg; with its description the far end is invited."""
    floor.emit(*(effect.OfferPort(target.port, target.profile) for target in leg.dialogs))


def invite(floor: Floor, leg: Leg, dialog: Dialog, sdp: str) -> None:
    """Offer the call to one far end."""
    dialog.contact = "told"
    number, name = (leg.caller.number, leg.caller.name) if leg.caller_id == "shown" else ANONYMOUS
    invitation = Invitation(
        ids=leg.ids,
        sdp=sdp,
        caller_number=number,
        caller_name=name,
        callee_number=leg.party.number,
        callee_name=leg.party.name,
        headers=leg.headers,
        client_state=leg.client_state,
        caller_username=leg.caller.username if leg.caller_id == "shown" else "",
    )
    floor.emit(effect.Invite(dialog.id, invitation))


def rang(floor: Floor, leg: Leg, now: Moment) -> None:
    """A far end alerts its user; the first that does so lets the caller hear it."""
    first = leg.stage == "offered"
    leg.move("rang")
    if not first:
        return
    if leg.hooks.callbacks is not None:
        floor.tell(CallRinging, leg, now)
    leg.expires_at = leg.rings_until
    for caller in floor.others(leg):
        if caller.stage in UNANSWERED:
            floor.emit(effect.Ringing(caller.dialog.id, caller.ids))
            if caller.ringback != "none":
                progress(floor, caller)


def early(floor: Floor, leg: Leg, now: Moment) -> None:
    """A far end is heard before it has answered: by those who called it, in place of the platform's ringback."""
    rang(floor, leg, now)
    floor.place_of(leg.id).change(leg.id, part="early")
    for caller in floor.others(leg):
        if caller.stage in UNANSWERED:
            progress(floor, caller)


def progress(floor: Floor, leg: Leg) -> None:
    """Open a caller's early media: ringback, or whatever the platform plays to a parked leg."""
    dialog = leg.dialog
    if dialog.sdp is None or leg.stage != "trying":
        return
    leg.move("progressed")
    floor.emit(effect.Progress(dialog.id, dialog.sdp, leg.ids))
    dialog.sdp = None


def taken(floor: Floor, leg: Leg, dialog: Dialog, now: Moment) -> None:
    """The first far end whose answer was accepted has the leg; the others are cancelled."""
    for loser in [other for other in leg.dialogs if other is not dialog]:
        floor.say_bye(loser, ending("ORIGINATOR_CANCEL", "answered elsewhere"))
        floor.disconnect(leg, loser)
    leg.party = msgspec.structs.replace(
        leg.party, username=dialog.label, sessid=dialog.sessid, network=dialog.network, carrier=dialog.carrier
    )
    answered(floor, leg, now)
    for caller in floor.others(leg):
        if caller.stage in UNANSWERED:
            answer(floor, caller, now)
        meeting.met(floor, caller, leg, now)
    _meet(floor, leg, now)


def answer(floor: Floor, leg: Leg, now: Moment) -> None:
    """The platform answers a leg whose far end dialled."""
    dialog = leg.dialog
    floor.emit(effect.Answer(dialog.id, dialog.sdp, leg.ids, leg.answer_headers))
    dialog.sdp = None
    answered(floor, leg, now)


def answered(floor: Floor, leg: Leg, now: Moment) -> None:
    """A leg is answered, whoever did it: it costs from now on, and its time limit runs."""
    leg.move("answered")
    leg.answered_at, leg.answered_wall = now.mono, now.wall
    leg.expires_at = now.mono + leg.time_limit
    leg.media_by = now.mono + MEDIA_SECONDS if leg.dialog.media == "awaited" else None
    floor.place_of(leg.id).change(leg.id, part="party")
    floor.save(leg)
    floor.tell(CallAnswered, leg, now, leg.dialog.codec)
    first_command.await_it(leg, now)
    if leg.greeting is not None:
        player.of(leg).add(floor, leg, Item(leg.greeting, player.file_told(leg.id, leg.greeting)))
    detection.start(floor, leg, now)
    if leg.digits:
        floor.emit(effect.SendDigits(leg.dialog.port, leg.digits))
    streaming.answered(floor, leg)
    transcribing.answered(floor, leg, now)
    if recorder.NAME in leg.doings:
        recorder.of(leg).answered(floor, leg, now)
    _keep_terms(floor, leg, now)
    entering.answered(floor, leg)


def _keep_terms(floor: Floor, leg: Leg, now: Moment) -> None:
    """What the leg's owner wants of every leg; a command that has ordered a recording has the say over that."""
    record, suppress = leg.party.terms.record, leg.party.terms.suppress
    if suppress is not None:
        suppressing.start(floor, leg, suppress, now)
    if record is not None and not recorder.of(leg).recordings.stages:
        recorder.start(floor, recorder.of_leg(floor, leg), Settings(record.channels, record.format), "Trunking", now)


def _meet(floor: Floor, leg: Leg, now: Moment) -> None:
    """Bridge a leg to the one that it was dialled for, which is answered by that if it was not, or fetched if it is
    elsewhere; or let it supervise that one."""
    meets, leg.meets = leg.meets, None
    if meets is None or leg.taken == "when ordered":
        return
    other = floor.legs.get(meets)
    if leg.role != "party":
        _supervise(floor, leg, other, now)
        return
    if other is None:
        passage.fetch(floor, leg, meets)
        return
    if leg.taken == "stays" and meeting.partners(floor, other):
        meeting.end(floor, leg, ending("NORMAL_CLEARING", "the leg that it should meet is bridged already"), now)
        return
    if other.stage in UNANSWERED:
        answer(floor, other, now)
    meeting.bridge(floor, leg, other, now)


def _supervise(floor: Floor, leg: Leg, other: Leg | None, now: Moment) -> None:
    try:
        if other is not None and meeting.partners(floor, other):
            meeting.supervise(floor, leg, other, leg.role, now)
            return
    except NoSeat:
        meeting.end(floor, leg, ending("NORMAL_CIRCUIT_CONGESTION", "too many supervise these legs already"), now)
        return
    meeting.end(floor, leg, ending("NORMAL_CLEARING", "the leg to supervise is not bridged any more"), now)
