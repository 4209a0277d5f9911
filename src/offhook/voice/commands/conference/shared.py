"""Parameters of the commands to conferences, what they mean, and how the API shows conferences. Knows no command."""

from typing import Annotated, Literal

from offhook.voice.command import Document, Form
from offhook.voice.conference import Card, Conference, OnExit, Participant, Region
from offhook.voice.floor import Floor
from offhook.voice.leg import Leg
from offhook.voice.parameter import rule
from offhook.voice.place import Part
from offhook.voice.resources.moment import format_moment
from offhook.voice.resources.problem import Problem, Rejected, rejected

SupervisorRole = Literal["barge", "monitor", "none", "whisper"]
ControlIds = Annotated[tuple[str, ...], rule(high=800)]
CommandId = Annotated[str, rule(low=1, high=255)]


class Regional(Form, frozen=True, kw_only=True):
    """A command that may name the region of its conference: there is one machine, whatever it is called."""

    region: Region | None = None


class Named(Regional, frozen=True, kw_only=True):
    """A command that may have a name: it is carried out once."""

    command_id: CommandId | None = None


class Some(Regional, frozen=True, kw_only=True):
    """A command for these participants, or, where none is named, for all."""

    call_control_ids: ControlIds = ()


def conference_of(floor: Floor) -> Conference:
    """The conference that a command is for; Rejected where it has ended."""
    conference = floor.conference
    assert conference is not None  # commands to conferences go to conferences only
    if not conference.is_live:
        raise no_conference()
    return conference


def no_conference(status: Literal["ended", "unknown"] = "ended") -> Rejected:
    """The refusal for a conference that is over, or that this account never had."""
    if status == "ended":
        return rejected("90019", "The conference has ended.")
    return rejected("90058", "There is no such conference.")


def participant_of(floor: Floor, leg: str, pointer: str = "/call_control_id") -> Leg:
    """The leg of a participant; Rejected where it is none."""
    if leg not in conference_of(floor).participants:
        raise rejected("90015", "This call is not in the conference.", pointer=pointer)
    return floor.legs[leg]


def chosen(floor: Floor, legs: tuple[str, ...]) -> list[Leg]:
    """The participants that a command names, all where it names none; Rejected where one of them is none."""
    everybody = conference_of(floor).participants
    return [participant_of(floor, leg, "/call_control_ids") for leg in dict.fromkeys(legs) or everybody]


def on_exit(end: bool | None, soft_end: bool | None) -> OnExit:
    """What becomes of the conference when this participant leaves."""
    if end:
        return "hangs up"
    return "lets go" if soft_end else "goes on"


def part(role: SupervisorRole) -> Part:
    """A supervisor's part; `barge` and `none` are the same but for who is counted as a supervisor."""
    return "party" if role == "none" else role


def one_file(url: str | None, media_name: str | None, names: tuple[str, str]) -> list[Problem]:
    """What is wrong with naming a file in two ways."""
    if url and media_name:
        return [Problem("10015", f"{names[0]} and {names[1]} cannot be used together.", f"/{names[1]}")]
    return []


# ---- documents -----------------------------------------------------------------------------------------------


def conference_document(card: Card) -> Document:
    """A conference as the API shows it."""
    by = card.ended_by
    return {
        "connection_id": None if card.owner is None else card.owner.party.connection_id,
        "created_at": format_moment(card.created_at),
        "end_reason": card.end_reason if card.status == "completed" else None,
        "ended_by": {
            "call_control_id": by and by.call_control_id,
            "call_session_id": by and by.call_session_id,
        },
        "expires_at": format_moment(card.expires_at),
        "id": card.id,
        "name": card.name,
        "record_type": "conference",
        "region": card.region,
        "status": card.status,
        "updated_at": format_moment(card.updated_at),
    }


def participant_document(conference: Conference, participant: Participant) -> Document:
    """A participant as a list shows it. Its id is that of its leg."""
    return {
        "call_control_id": participant.leg.call_control_id,
        "call_leg_id": participant.leg.call_leg_id,
        "conference": {"id": conference.card.id, "name": conference.card.name},
        "created_at": format_moment(participant.since.wall),
        "end_conference_on_exit": participant.on_exit == "hangs up",
        "id": participant.leg.call_leg_id,
        "muted": participant.voice == "muted",
        "on_hold": conference.part_of(participant) == "waiting",
        "record_type": "participant",
        "soft_end_conference_on_exit": participant.on_exit == "lets go",
        "status": "joined",
        "updated_at": format_moment(participant.updated_at),
        "whisper_call_control_ids": sorted(participant.coached),
    }


def one_participant_document(conference: Conference, participant: Participant) -> Document:
    """A participant as it is shown by itself. Labels are of TeXML."""
    listed = participant_document(conference, participant)
    del listed["conference"], listed["record_type"]
    return dict(sorted((listed | {"conference_id": conference.card.id, "label": None}).items()))


def find_participant(conference: Conference, id: str) -> Participant:
    """A participant by its id or call_control_id; a 404 where there is none."""
    for leg, participant in conference.participants.items():
        if id in (leg, participant.leg.call_leg_id):
            return participant
    raise rejected("10005", "The requested participant is not in this conference.")
