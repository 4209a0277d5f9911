"""The operations of calls, conferences and queues, from the table of commands."""

import inspect

from offhook.edge.openapi.envelope import CURSORS
from offhook.edge.openapi.operation import (
    GUARDED,
    WITH_BODY,
    Answer,
    Named,
    Operation,
    by_status,
    data,
    json_body,
    nothing,
    path_names,
    together,
)
from offhook.edge.openapi.resources import document_of, listing, operation
from offhook.voice.command import NOTHING, CommandRule, codes
from offhook.voice.commands import (
    CALL_COMMANDS,
    CONFERENCE_COMMANDS,
    CREATE_CONFERENCE,
    CREATE_QUEUE,
    DIAL,
    JOIN_CONFERENCE,
    QUEUE_COMMANDS,
    UPDATE_PARTICIPANT,
)
from offhook.voice.parameter import parameters
from offhook.voice.resources.active_call import ACTIVE_CALLS
from offhook.voice.resources.call import CALL, DIALLED, DONE
from offhook.voice.resources.conference import CONFERENCES, PARTICIPANT, PARTICIPANTS
from offhook.voice.resources.queue import QUEUE_CALLS, QUEUES
from offhook.voice.resources.schema import Schema, body, reply

# What some commands tell besides: the id of what they have begun.
_BEGUN: Schema = {"recording_id": {"type": "string", "format": "uuid"}, "stream_id": {"type": "string"}}


def _may_begin(document: Schema) -> Schema:
    return document | {"properties": document["properties"] | _BEGUN}


_DONE = data(Named("Done", _may_begin(reply(DONE))))
_DIALLED = data(Named("DialledCall", _may_begin(reply(DIALLED))))
_CALL = data(Named("Call", reply(CALL)))
_CONFERENCE, _QUEUE, _QUEUED = (data(document_of(each)) for each in (CONFERENCES, QUEUES, QUEUE_CALLS))
_PARTICIPANT = data(Named("OneParticipant", reply(PARTICIPANT)))


def call_operations() -> list[Operation]:
    """`/calls`, one call, one operation for each line of the table, and the list of a connection's calls."""
    one = "/v2/calls/{id}"
    acts = [_order(rule, f"{one}/actions/{name}", f"calls_{name}", _DONE) for name, rule in CALL_COMMANDS.items()]
    return [
        _order(DIAL, "/v2/calls", "calls_dial", _DIALLED),
        _show("Show a call that lives, or has ended within ten minutes", one, "calls_show", _CALL, "90015"),
        *acts,
        listing(ACTIVE_CALLS, f"/v2/{ACTIVE_CALLS.path}", "calls_active", "10005", meta=CURSORS),
    ]


def conference_operations() -> list[Operation]:
    """`/conferences`, one of them, one operation for each line of the table, and its participants."""
    one = "/v2/conferences/{id}"
    participant = f"{one}/participants/{{participant}}"
    acts = [
        _order(rule, f"{one}/actions/{name}", f"conferences_{name}", _DONE)
        for name, rule in CONFERENCE_COMMANDS.items()
    ]
    return [
        _order(CREATE_CONFERENCE, "/v2/conferences", "conferences_create", _CONFERENCE),
        operation(CONFERENCES, "list", "/v2/conferences"),
        operation(CONFERENCES, "show", one),
        _order(JOIN_CONFERENCE, f"{one}/actions/join", "conferences_join", _DONE),
        *acts,
        listing(PARTICIPANTS, f"{one}/participants", "conferences_participants", "10005"),
        _show("Show a participant", participant, "conferences_participant", _PARTICIPANT, "10005"),
        _order(UPDATE_PARTICIPANT, participant, "conferences_update_participant", _PARTICIPANT, "10005"),
    ]


def queue_operations() -> list[Operation]:
    """`/queues`, one queue by its name or its id, its calls, one of them."""
    one, queued, rules = "/v2/queues/{name}", "/v2/queues/{name}/calls/{id}", QUEUE_COMMANDS
    return [
        _order(CREATE_QUEUE, "/v2/queues", "queues_create", _QUEUE),
        operation(QUEUES, "list", "/v2/queues"),
        _show("Show a queue, by its name or its id", one, "queues_show", _QUEUE, "10005"),
        _order(rules["update"], one, "queues_update", _QUEUE),
        _order(rules["delete"], one, "queues_delete", nothing()),
        listing(QUEUE_CALLS, f"{one}/calls", "queues_calls", "10005"),
        _show("Show a call in a queue", queued, "queues_call", _QUEUED, "10005"),
        _order(rules["update_call"], queued, "queues_update_call", nothing()),
        _order(rules["remove_call"], queued, "queues_remove_call", nothing()),
    ]


def _order(rule: CommandRule, path: str, id: str, answers: dict[int, Answer], *more: str) -> Operation:
    """A command's operation, as its line in the table has it."""
    said = inspect.cleandoc(inspect.getmodule(rule.command).__doc__ or "")
    form = Named(rule.command.__name__, command_body(rule))
    return Operation(
        method=rule.method,
        path=path,
        id=id,
        tag=_tag(path),
        summary=" ".join(said.split()),
        details=_about(rule),
        parameters=path_names(path),
        body={} if rule.method == "DELETE" else json_body(form),
        answers=answers,
        refusals=together(GUARDED, WITH_BODY, by_status(codes(rule) | set(more))),
    )


def _show(summary: str, path: str, id: str, answers: dict[int, Answer], unknown: str) -> Operation:
    return Operation(
        method="GET",
        path=path,
        id=id,
        tag=_tag(path),
        summary=summary,
        parameters=path_names(path),
        answers=answers,
        refusals=together(GUARDED, by_status((unknown,))),
    )


def command_body(rule: CommandRule) -> Schema:
    """What the body of a command may be. What is ignored may be anything, what is refused may ask for nothing."""
    shape = body(parameters(rule.command), "create")
    ignored: Schema = {name: {"description": "Taken, and without effect."} for name in sorted(rule.command.ignored)}
    refused: Schema = {
        name: {"enum": list(NOTHING), "description": f"Other values are refused: {why}."}
        for name, why in sorted(rule.command.refused.items())
    }
    return shape | {"properties": shape["properties"] | ignored | refused}


def _about(rule: CommandRule) -> str:
    """The command's docstring without the address, the stages that it is for, the events that it may bring about."""
    _, _, said = inspect.cleandoc(rule.command.__doc__ or "").partition(".")
    parts = [" ".join(said.split())]
    if rule.stages:
        parts.append(f"For calls that are {', '.join(sorted(rule.stages))}.")
    if rule.causes:
        parts.append(f"May bring about {', '.join(rule.causes)}.")
    return " ".join(part for part in parts if part)


def _tag(path: str) -> str:
    return path.split("/")[2].capitalize()
