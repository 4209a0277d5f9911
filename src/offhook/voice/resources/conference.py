"""Conferences and their participants as lists and documents; what changes them are commands. No I/O."""

from offhook.voice.commands.conference.create import CreateConference
from offhook.voice.parameter import parameters
from offhook.voice.resources.field import flag, group, moment, shown, text, texts, unseen
from offhook.voice.resources.resource import Filter, Resource

CONFERENCES = Resource(
    path="conferences",
    title="conference",
    record_type="conference",
    id_form="uuid",
    table="conferences",
    fields=(
        *unseen(parameters(CreateConference), "name", "region"),
        text("id", read_only=True),
        text("record_type", read_only=True),
        *shown(
            text("connection_id", nullable=True),
            text("status"),
            text("end_reason", nullable=True),
            group("ended_by", text("call_control_id", nullable=True), text("call_session_id", nullable=True)),
        ),
        moment("created_at", read_only=True),
        moment("expires_at", read_only=True),
        moment("updated_at", read_only=True),
    ),
    actions=("create", "list", "show"),
    filters=(
        Filter("application_name", "application_name", ("contains",), shortest=3),
        Filter("application_session_id", "call_session_id"),
        Filter("connection_id", "connection_id"),
        # Of events, which the official type offers for every list.
        Filter("failed", "status", choices=("true", "false")),
        Filter("from", "caller"),
        Filter("leg_id", "call_leg_id"),
        Filter("name", "name"),
        Filter("occurred_at", "created_at", ("eq", "gt", "gte", "lt", "lte"), reads="moment"),
        Filter("outbound.outbound_voice_profile_id", "outbound_voice_profile_id"),
        Filter("product", "status", choices=("call_control", "fax", "texml")),
        Filter("status", "status", choices=("init", "in_progress", "completed")),
        Filter("to", "called"),
        Filter("type", "status", choices=("command", "webhook")),
    ),
    sorts=(("created_at", "created_at"), ("expires_at", "expires_at")),
    default_sort="-expires_at",
    generic=("region", "page[after]", "page[before]", "page[limit]"),
)

_PARTICIPANT = shown(
    text("id"),
    text("call_control_id"),
    text("call_leg_id"),
    flag("end_conference_on_exit"),
    flag("muted"),
    flag("on_hold"),
    flag("soft_end_conference_on_exit"),
    text("status"),
    texts("whisper_call_control_ids"),
    moment("created_at"),
    moment("updated_at"),
)
# As one is shown by itself; labels are of TeXML.
PARTICIPANT = (*_PARTICIPANT, *shown(text("conference_id"), text("label", nullable=True)))

PARTICIPANTS = Resource(
    path="conferences/{conference_id}/participants",
    title="participant",
    record_type="participant",
    id_form="uuid",
    table="conferences",
    fields=(*shown(text("record_type"), group("conference", text("id"), text("name"))), *_PARTICIPANT),
    actions=("list", "show", "update"),
    filters=(
        Filter("muted", "muted", choices=("true", "false")),
        Filter("on_hold", "on_hold", choices=("true", "false")),
        Filter("whispering", "whispering", choices=("true", "false")),
    ),
    generic=("region", "page[after]", "page[before]", "page[limit]"),
)
