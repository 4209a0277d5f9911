"""Transcriptions of recordings: what was said in one, as text. They come to be with recordings that ask for it."""

from offhook.voice.resources.field import Field, moment, shown, text
from offhook.voice.resources.resource import Filter, Resource

RECORDING_TRANSCRIPTIONS = Resource(
    path="recording_transcriptions",
    title="recording transcription",
    record_type="recording_transcription",
    id_form="uuid",
    table="recording_transcriptions",
    fields=shown(
        text("id"),
        text("record_type"),
        Field("duration_millis", "whole"),
        text("recording_id"),
        text("status"),
        text("transcription_text", nullable=True),
        moment("created_at"),
        moment("updated_at"),
    ),
    actions=("list", "show", "delete"),
    filters=(
        Filter("created_at", "created_at", ("gte", "lte"), reads="moment"),
        Filter("recording_id", "recording_id"),
    ),
    sorts=(("created_at", "created_at"),),
    default_sort="-created_at",
)
