"""Detail records: one for each line of an ended leg's bill, asked for by type and date.

The calendar is UTC; now is an argument.
"""

import re
from datetime import UTC, datetime, timedelta

from offhook.voice.resources.field import moment, shown, text
from offhook.voice.resources.resource import Filter, Resource

RECORD_TYPES = (
    "ai-voice-assistant", "amd", "call-control", "conference", "conference-participant", "embedding", "fax",
    "inference", "inference-speech-to-text", "media_storage", "media-streaming", "messaging", "noise-suppression",
    "recording", "sip-trunking", "siprec-client", "stt", "tts", "verify", "webrtc", "wireless",
)  # fmt: skip
_COMPARISONS = ("eq", "gt", "gte", "lt", "lte")
# Of these, each type has its own: a filter by one that a type lacks finds nothing of it.
_DOCUMENT_FIELDS = (
    "auth_username", "billed_sec", "billing_group_id", "call_id", "call_sec", "caller_name",
    "caller_number", "cld", "cli", "conference_id", "connection_name", "currency", "dest_number",
    "destination_number", "direction", "feature", "fs_channel_id", "hangup_cause", "number_of_characters",
    "originating_number", "payment_method", "queue", "recording_id", "session_id", "sip_hangup_cause", "speak_id",
    "stream_id", "transcription_id", "user_id",
)  # fmt: skip

DETAIL_RECORDS = Resource(
    path="detail_records",
    title="detail record",
    record_type="webrtc_detail_record",
    id_form="uuid",
    table="detail_records",
    # What the records of every type have; `voice.bill` says what each type has besides.
    fields=shown(
        text("id"),
        text("record_type"),
        text("connection_id"),
        text("connection_name"),
        text("rate"),
        text("rate_measured_in"),
        text("cost"),
        text("currency"),
        text("billing_group_id", nullable=True),
        text("billing_group_name", nullable=True),
        moment("started_at"),
        moment("finished_at"),
    ),
    actions=("list",),
    filters=(
        Filter("record_type", "record_type", choices=RECORD_TYPES),
        Filter("date_range", None),
        Filter("connection_id", "connection_id"),
        Filter("telnyx_session_id", "call_session_id"),
        Filter("telnyx_leg_id", "call_leg_id"),
        Filter("telnyx_call_control_id", "call_control_id"),
        Filter("call_session_id", "call_session_id"),
        Filter("call_leg_id", "call_leg_id"),
        Filter("call_control_id", "call_control_id"),
        Filter("created_at", "created_at", _COMPARISONS, reads="moment"),
        Filter("started_at", "started_at", _COMPARISONS, reads="moment"),
        Filter("finished_at", "finished_at", _COMPARISONS, reads="moment"),
        Filter("answered_at", "document.answered_at", _COMPARISONS, reads="moment"),
        *(Filter(name, f"document.{name}", null=True) for name in _DOCUMENT_FIELDS),
    ),
    sorts=(
        ("created_at", "created_at"),
        ("started_at", "started_at"),
        ("finished_at", "finished_at"),
        ("answered_at", "document.answered_at"),
        ("cost", "micros"),
    ),
    bad_query=400,
    default_sort="-created_at",
    max_page_size=50,
)

_LAST_DAYS = re.compile(r"last_([0-9]{1,3})_days")
_WHICH = {"last": -1, "this": 0, "next": 1}
_DAYS = {"yesterday": -1, "today": 0, "tomorrow": 1}


def window(name: str, now: float) -> tuple[float, float] | None:
    """From when until (and without) when a `date_range` goes, in Unix seconds; None for an unknown name.

    Weeks begin on Monday. `last_7_days` are the seven days before today, and today.
    """
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    which, _, unit = name.partition("_")
    if name in _DAYS:
        return _span(today + timedelta(_DAYS[name]), today + timedelta(_DAYS[name] + 1))
    if unit == "week" and which in _WHICH:
        monday = today + timedelta(7 * _WHICH[which] - today.weekday())
        return _span(monday, monday + timedelta(7))
    if unit == "month" and which in _WHICH:
        return _span(_month(today, _WHICH[which]), _month(today, _WHICH[which] + 1))
    if last := _LAST_DAYS.fullmatch(name):
        return _span(today - timedelta(int(last[1])), today + timedelta(1))
    return None


def _month(today: datetime, offset: int) -> datetime:
    months = today.year * 12 + today.month - 1 + offset
    return today.replace(year=months // 12, month=months % 12 + 1, day=1)


def _span(begin: datetime, end: datetime) -> tuple[float, float]:
    return begin.timestamp(), end.timestamp()
