"""Queues and the calls in them as lists and documents; what changes them are commands. No I/O."""

from offhook.voice.commands.queue.create import CreateQueue
from offhook.voice.parameter import parameters
from offhook.voice.resources.field import flag, moment, shown, text, unseen, whole
from offhook.voice.resources.resource import Resource

_MOST = 2**31 - 1

QUEUES = Resource(
    path="queues",
    title="queue",
    record_type="queue",
    id_form="uuid",
    table="queues",
    fields=(
        *unseen(parameters(CreateQueue), "max_size"),
        text("id", read_only=True),
        text("record_type", read_only=True),
        text("name", read_only=True),
        whole("current_size", 0, _MOST, read_only=True),
        whole("average_wait_time_secs", 0, _MOST, read_only=True),
        moment("created_at", read_only=True),
        moment("updated_at", read_only=True),
    ),
)

QUEUE_CALLS = Resource(
    path="queues/{queue_name}/calls",
    title="queued call",
    record_type="queue_call",
    id_form="uuid",
    table="queues",
    fields=shown(
        text("call_control_id"),
        text("call_leg_id"),
        text("call_session_id"),
        text("connection_id"),
        moment("enqueued_at"),
        text("from"),
        flag("is_alive"),
        text("queue_id"),
        whole("queue_position", 0, _MOST),
        text("record_type"),
        text("to"),
        whole("wait_time_secs", 0, _MOST),
    ),
    actions=("list", "show"),
    sorts=(("enqueued_at", "enqueued_at"),),
    default_sort="enqueued_at",
    generic=("page[after]", "page[before]", "page[limit]"),
)
