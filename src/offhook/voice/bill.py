"""The bill of one leg: a line for its minutes and one for each add-on that it used, and their detail records.

Knows the documented forms of records, no database; no I/O.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import msgspec

from offhook.voice.cause import CAUSES
from offhook.voice.effect import Close
from offhook.voice.event import CallCost
from offhook.voice.numbering import E164, compact
from offhook.voice.rating import Charge, PricePlan, Unit, Way, charge, dollars, seconds
from offhook.voice.resources.moment import format_moment
from offhook.voice.usage import AddOn, Usage

Document = dict[str, Any]

LEG_RECORDS = ("webrtc_detail_record", "sip_trunking_detail_record")
_MEASURED_IN: dict[Unit, str] = {"minute": "minutes", "character": "characters", "use": "invocations"}


class Line(msgspec.Struct, frozen=True):
    """One line: `usage` is what it is for, None for the leg's own minutes. `id` is that of its detail record: the same
    whenever the bill is made, so that a second one cannot be written."""

    id: str
    record_type: str
    charge: Charge
    usage: Usage | None = None


def lines(leg: Close, plan: PricePlan) -> list[Line]:
    """The leg's bill, its own minutes first."""
    rate = plan.rate(leg.party.carrier, way(leg), number(leg))
    own = Line(leg.ids.call_leg_id, record_type(leg.party.carrier), charge(rate, seconds(leg.seconds)))
    return [own, *(_line(leg, usage, plan) for usage in leg.usages)]


def record(leg: Close, line: Line, connection_name: str) -> Document:
    """A line's detail record as the API shows it."""
    if line.usage is None:
        return _common(leg, line, connection_name) | _of_leg(leg, line)
    return _common(leg, line, connection_name) | _of_usage(leg, line, line.usage)


def cost(leg: Close, bill: list[Line]) -> CallCost | None:
    """What tells the customer of a bill; None for a leg that has no events."""
    charges = tuple(line.charge for line in bill)
    return None if leg.about is None else CallCost(leg.about, leg.ended_at, charges)


def record_type(part: str) -> str:
    """The type of the records of a part, or of what `filter[record_type]` names. Queues have no type of their own in
    the API: waiting in one is a feature of call control."""
    return ("call-control" if part == "queue" else part).replace("-", "_") + "_detail_record"


def way(leg: Close) -> Way:
    """Seen from who pays for it: what the platform dials for it is outbound, what comes in is inbound."""
    return "inbound" if leg.side == "incoming" else "outbound"


def number(leg: Close) -> str:
    """The number that a leg was dialled to, in +E.164; empty where that is no number."""
    if leg.party.network == "pstn" and leg.side == "outgoing":
        return leg.party.number  # as dialling has read it, whatever form it was dialled in
    dialled = leg.destination.removeprefix("sip:").removeprefix("tel:").partition("@")[0].partition(",")[0]
    found = compact(dialled) or ""
    return found if E164.fullmatch(found) else ""


def _line(leg: Close, usage: Usage, plan: PricePlan) -> Line:
    rate = plan.rate(usage.add_on)
    used = seconds(usage.seconds) if rate.unit == "minute" else usage.units
    id = _uuid(f"{leg.ids.call_leg_id}/{usage.add_on}/{usage.about}")
    return Line(id, record_type(usage.add_on), charge(rate, used), usage)


def moment(at: float) -> str:
    """A point in time as records write it."""
    return format_moment(at, "milliseconds")


def _uuid(name: str) -> str:
    """A UUID (version 8, RFC 9562 section 5.8) that stands for this name."""
    digits = hashlib.sha256(name.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-a{digits[17:20]}-{digits[20:32]}"


def _common(leg: Close, line: Line, connection_name: str) -> Document:
    charge = line.charge
    return {
        "id": line.id,
        "record_type": line.record_type,
        "connection_id": leg.party.connection_id,
        "connection_name": connection_name,
        "rate": dollars(charge.rate.micros),
        "rate_measured_in": _measured_in(charge),
        "cost": dollars(charge.micros),
        "currency": charge.currency,
        "billing_group_id": leg.party.terms.billing_group or None,
        "billing_group_name": None,
        "tags": "",
    }


def _measured_in(charge: Charge) -> str:
    unit = _MEASURED_IN[charge.rate.unit]
    return unit if charge.rate.per == 1 else f"{charge.rate.per} {unit}"


def _of_leg(leg: Close, line: Line) -> Document:
    """What a leg's own record has. `direction` is the client's: a call that it dials is outbound. For a leg of the
    telephone network it is that of the platform."""
    cause = CAUSES[leg.ending.cause]
    caller = leg.caller.number or leg.caller.username
    return {
        "call_id": leg.dialog,
        "session_id": leg.party.sessid or None,
        "telnyx_leg_id": leg.ids.call_leg_id,
        "telnyx_session_id": leg.ids.call_session_id,
        "telnyx_call_control_id": leg.ids.call_control_id,
        "fs_channel_id": leg.ids.call_leg_id,
        "auth_username": leg.party.username,
        "direction": way(leg) if leg.party.network == "pstn" else _seen_by_client(leg),
        "cli": caller,
        "cld": leg.destination,
        "caller_number": caller,
        "caller_name": leg.caller.name,
        "dest_number": leg.destination,
        "call_sec": line.charge.used,
        "billed_sec": line.charge.billed,
        "hangup_cause": cause.hangup_cause,
        "sip_hangup_cause": str(cause.sip),
        "started_at": moment(leg.started_at),
        "answered_at": None if leg.answered_at is None else moment(leg.answered_at),
        "finished_at": moment(leg.ended_at),
        "country_code": None,
        "source_country_code": None,
        "payment_method": "rate-deck",
    }


def _seen_by_client(leg: Close) -> Way:
    return "outbound" if leg.side == "incoming" else "inbound"


def _of_usage(leg: Close, line: Line, usage: Usage) -> Document:
    """What an add-on's record has: whose it is, how much, and what its own type is documented to have."""
    ended = leg.ended_at if usage.ended_at is None else usage.ended_at
    measured = {"call_sec": line.charge.used, "billed_sec": line.charge.billed}
    return {
        "call_leg_id": leg.ids.call_leg_id,
        "call_session_id": leg.ids.call_session_id,
        "call_control_id": leg.ids.call_control_id,
        "user_id": leg.party.account_id,
        "is_telnyx_billable": line.charge.rate.micros > 0,
        "started_at": moment(usage.began_at),
        "finished_at": moment(ended),
        **(measured if line.charge.rate.unit == "minute" else {}),
        **_OWN[usage.add_on](leg, usage),
    }


def _of_participant(leg: Close, usage: Usage) -> Document:
    return {
        "conference_id": usage.about,
        "originating_number": leg.caller.number or leg.caller.username,
        "destination_number": leg.destination,
        "joined_at": moment(usage.began_at),
        "left_at": moment(leg.ended_at if usage.ended_at is None else usage.ended_at),
    }


def _of_recording(_leg: Close, usage: Usage) -> Document:
    """`notice` is how those who were recorded were told, for whoever has to show that they were."""
    every = usage.notice_every
    return {
        "recording_id": usage.about,
        "notice": None if every is None else "beep",
        "notice_interval_secs": every,
        "notice_first_at": None if every is None else moment(usage.began_at),
    }


_OWN: dict[AddOn, Callable[[Close, Usage], Document]] = {
    "recording": _of_recording,
    "tts": lambda _leg, usage: {"speak_id": usage.about, "number_of_characters": usage.units},
    "media-streaming": lambda _leg, usage: {"stream_id": usage.about},
    "stt": lambda _leg, usage: {"transcription_id": usage.about},
    "amd": lambda _leg, usage: {"feature": "PREMIUM", "invoked_at": moment(usage.began_at)},
    "conference-participant": _of_participant,
    "noise-suppression": lambda _leg, usage: {"feature": usage.about},
    "queue": lambda _leg, usage: {"feature": "queue", "queue": usage.about},
}
