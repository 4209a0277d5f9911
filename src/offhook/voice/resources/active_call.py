"""The list of a connection's active calls: its pages, by number and by cursor. No I/O."""

from offhook.voice.resources.call import IDS
from offhook.voice.resources.field import shown, text, whole
from offhook.voice.resources.resource import Resource

ACTIVE_CALLS = Resource(
    path="connections/{id}/active_calls",
    title="active call",
    record_type="call",
    id_form="decimal",
    table="legs",
    fields=(
        *IDS,
        *shown(whole("call_duration", 0, 2**31 - 1), text("client_state", nullable=True), text("record_type")),
    ),
    actions=("list",),
    generic=("page[after]", "page[before]", "page[limit]"),
)
