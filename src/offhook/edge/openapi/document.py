"""The whole description as one document: tables in, document out."""

from collections.abc import Iterable
from typing import Any

from offhook.edge.openapi.commands import call_operations, conference_operations, queue_operations
from offhook.edge.openapi.envelope import ERRORS, components
from offhook.edge.openapi.operation import JSON, TEXT, Answer, Operation, Shape
from offhook.edge.openapi.others import other_operations
from offhook.edge.openapi.owner import beside_operations, owner_operations
from offhook.edge.openapi.resources import operations
from offhook.voice.resources.active_call import ACTIVE_CALLS
from offhook.voice.resources.catalogue import RESOURCES
from offhook.voice.resources.conference import CONFERENCES, PARTICIPANTS
from offhook.voice.resources.detail_record import DETAIL_RECORDS
from offhook.voice.resources.media_file import MEDIA_FILES
from offhook.voice.resources.phone_number import NUMBER_VOICE
from offhook.voice.resources.problem import TITLES
from offhook.voice.resources.queue import QUEUE_CALLS, QUEUES
from offhook.voice.resources.schema import Schema
from offhook.voice.resources.telephony_credential import TELEPHONY_CREDENTIALS

Document = dict[str, Any]

# Those whose routes are not made from their tables alone.
_OF_THEIR_OWN = (
    ACTIVE_CALLS,
    CONFERENCES,
    DETAIL_RECORDS,
    MEDIA_FILES,
    NUMBER_VOICE,
    PARTICIPANTS,
    QUEUES,
    QUEUE_CALLS,
    TELEPHONY_CREDENTIALS,
)
_ABOUT = """An open voice platform's REST API, as this release has it. Bodies that have a parameter of which nothing is
known are refused; what is taken without effect says so. Replies may have more properties in later releases.

Each refusal lists what is wrong, and has changed nothing. The first problem says its status: `x-error-codes` of a
response are the codes that this one may have. A 5xx tells by `x-should-retry: false` that trying again is of no use."""
_KEY = "key"


def every_operation() -> list[Operation]:
    """All operations of a platform."""
    made = [each for resource in RESOURCES if resource not in _OF_THEIR_OWN for each in operations(resource)]
    tables = [*call_operations(), *conference_operations(), *queue_operations()]
    return [*tables, *made, *other_operations(), *owner_operations(), *beside_operations()]


def document(version: str) -> Document:
    """The description of release `version`."""
    found = every_operation()
    paths: dict[str, Schema] = {}
    for each in found:
        paths.setdefault(each.path, {})[each.method.lower()] = _shown(each)
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "offhook",
            "version": version,
            "description": " ".join(_ABOUT.split("\n")),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{_KEY: []}],
        "tags": [{"name": tag} for tag in dict.fromkeys(each.tag for each in found)],
        "paths": paths,
        "components": {
            "securitySchemes": {_KEY: {"type": "http", "scheme": "bearer", "description": "An API key."}},
            "schemas": dict(sorted((components() | _schemas(found)).items())),
        },
    }


def _schemas(found: Iterable[Operation]) -> dict[str, Schema]:
    shapes = [shape for each in found for shape in each.body.values()]
    shapes += [shape for each in found for answer in each.answers.values() for shape in answer.content.values()]
    return {part.name: part.schema for shape in shapes for part in shape.parts}


def _shown(operation: Operation) -> Schema:
    shown: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": list(operation.parameters),
        "responses": _responses(operation),
    }
    if operation.details:
        shown["description"] = operation.details
    if operation.body:
        shown["requestBody"] = {"content": _content(operation.body)}
    return shown if operation.key else shown | {"security": []}


def _responses(operation: Operation) -> Schema:
    foreign = Answer("The Host or the Origin is not allowed here.", {TEXT: Shape({"type": "string"})})
    answers = {403: foreign, **operation.answers}
    shown = {status: _answer(answer) for status, answer in answers.items()}
    shown |= {status: _refusal(operation, status) for status in operation.refusals}
    return {str(status): shown[status] for status in sorted(shown)}


def _answer(answer: Answer) -> Schema:
    return {"description": answer.means} | ({"content": _content(answer.content)} if answer.content else {})


def _refusal(operation: Operation, status: int) -> Schema:
    codes = sorted(operation.refusals[status])
    shape = operation.refused_as.get(status, Shape(ERRORS.ref))
    return {
        "description": "; ".join(f"{code} {TITLES[code][1]}" for code in codes),
        "content": _content({JSON: shape}),
        "x-error-codes": codes,
    }


def _content(content: Any) -> Schema:
    return {kind: {"schema": shape.schema} for kind, shape in content.items()}
