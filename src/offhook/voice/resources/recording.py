"""Recordings: audio of a call or conference that can be downloaded. They come to be by commands."""

from offhook.voice.resources.field import Field, group, moment, shown, text, texts
from offhook.voice.resources.resource import Filter, Resource

# What the deletion of many asks for.
DELETED = (texts("ids", required=True, low=1),)

RECORDINGS = Resource(
    path="recordings",
    title="recording",
    record_type="recording",
    id_form="uuid",
    table="recordings",
    fields=shown(
        text("id"),
        text("record_type"),
        text("call_control_id"),
        text("call_leg_id"),
        text("call_session_id"),
        text("channels"),
        text("conference_id", nullable=True),
        text("connection_id"),
        group("download_urls", text("mp3", nullable=True), text("wav", nullable=True)),
        Field("duration_millis", "whole"),
        text("from"),
        text("initiated_by"),
        moment("recording_started_at"),
        moment("recording_ended_at", nullable=True),
        text("source"),
        text("status"),
        text("to"),
        moment("created_at"),
        moment("updated_at"),
    ),
    actions=("list", "show", "delete"),
    filters=(
        Filter("call_control_id", "call_control_id"),
        Filter("call_leg_id", "call_leg_id"),
        Filter("call_session_id", "call_session_id"),
        Filter("conference_id", "conference_id"),
        Filter("conference_region", None),
        Filter("connection_id", "connection_id"),
        Filter("created_at", "created_at", ("gte", "lte"), reads="moment"),
        Filter("end_time", "ended_at", ("gte", "lte"), reads="moment"),
        Filter("from", "caller"),
        Filter("sip_call_id", None),
        Filter("start_time", "started_at", ("gte", "lte"), reads="moment"),
        Filter("to", "called"),
    ),
    sorts=(("created_at", "created_at"),),
    default_sort="-created_at",
)
