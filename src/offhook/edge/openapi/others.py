"""The operations of the API that stand in no table: money, tokens, files, numbers' voice. As their routes do it."""

from typing import Any

import msgspec

from offhook.edge.openapi.envelope import ERRORS, EXPIRED
from offhook.edge.openapi.operation import (
    GUARDED,
    JSON,
    Answer,
    Named,
    Operation,
    Shape,
    any_of,
    by_status,
    data,
    json_body,
    nothing,
    path_names,
    query,
    together,
)
from offhook.edge.openapi.resources import changing, document_of, listing, operation, operations
from offhook.voice.resources.account import BALANCE, WHOAMI
from offhook.voice.resources.detail_record import DETAIL_RECORDS
from offhook.voice.resources.media_file import MEDIA_FILES
from offhook.voice.resources.phone_number import NUMBER_VOICE
from offhook.voice.resources.recording import DELETED
from offhook.voice.resources.registration_status import REGISTRATION
from offhook.voice.resources.schema import Schema, body, reply
from offhook.voice.resources.telephony_credential import TELEPHONY_CREDENTIALS
from offhook.voice.resources.webhook_delivery import WEBHOOK_DELIVERIES

_CSV = "text/csv"
_ANY = "application/octet-stream"
_FORM = "multipart/form-data"
_CREDENTIALS = "Telephony credentials"


def other_operations() -> list[Operation]:
    """All of them."""
    return [*_of_account(), *_of_credentials(), *_of_numbers(), *_of_media(), *_of_reports()]


def _of_account() -> list[Operation]:
    whoami = _asking("/v2/whoami", "whoami", "Account", "Tell whose key this is", Named("Whoami", reply(WHOAMI)))
    return [whoami, _asking("/v2/balance", "balance", "Account", "Show the balance", Named("Balance", reply(BALANCE)))]


def _asking(path: str, id: str, tag: str, summary: str, document: Named) -> Operation:
    return Operation(method="GET", path=path, id=id, tag=tag, summary=summary, answers=data(document), refusals=GUARDED)


def _of_credentials() -> list[Operation]:
    registration = Operation(
        method="POST",
        path="/v2/credential_connections/{id}/actions/check_registration_status",
        id="credential_connections_registration_status",
        tag="Credential connections",
        summary="Tell who is registered under a connection's own username",
        parameters=path_names("/{id}"),
        answers=data(Named("RegistrationStatus", reply(REGISTRATION))),
        refusals=together(GUARDED, by_status(("10005",))),
    )
    key: Schema = {
        "name": "Idempotency-Key",
        "in": "header",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    }
    token = Operation(
        method="POST",
        path="/v2/telephony_credentials/{id}/token",
        id="telephony_credentials_token",
        tag=_CREDENTIALS,
        summary="Mint a login token",
        details="The same Idempotency-Key within a day is answered by the same token.",
        parameters=(*path_names("/{id}"), key),
        answers={201: Answer("The token.", {"text/plain": Shape({"type": "string"})})},
        refusals=together(GUARDED, by_status(("10005", "10015", "10027", "10036"))),
    )
    return [*map(_may_have_expired, operations(TELEPHONY_CREDENTIALS)), registration, token]


def _may_have_expired(made: Operation) -> Operation:
    """The refusal to change a credential that has expired is worded like no other."""
    if made.method != "PATCH":
        return made
    either = Shape(any_of(ERRORS.ref, EXPIRED.ref), (ERRORS, EXPIRED))
    return msgspec.structs.replace(made, refused_as={422: either})


def _of_numbers() -> list[Operation]:
    one = "/v2/phone_numbers/{id}/voice"
    return [
        operation(NUMBER_VOICE, "list", "/v2/phone_numbers/voice"),
        operation(NUMBER_VOICE, "show", one),
        operation(NUMBER_VOICE, "update", one),
    ]


def _of_media() -> list[Operation]:
    one = "/v2/media/{id}"
    create, update = operation(MEDIA_FILES, "create", "/v2/media"), operation(MEDIA_FILES, "update", one)
    download = Operation(
        method="GET",
        path=f"{one}/download",
        id="media_download",
        tag="Media",
        summary="Download a media file, as it was uploaded and with the type that it was given",
        parameters=path_names(one),
        answers={200: Answer("The file.", {"*/*": Shape({})})},
        refusals=together(GUARDED, by_status(("10005",))),
    )
    several = query("filter[content_type][]", {"type": ["array", "string"], "items": {"type": "string"}})
    files = operation(MEDIA_FILES, "list", "/v2/media")
    return [
        _uploading(create),
        msgspec.structs.replace(_uploading(update), method="PUT"),
        msgspec.structs.replace(files, parameters=(*files.parameters, several)),
        operation(MEDIA_FILES, "show", one),
        msgspec.structs.replace(operation(MEDIA_FILES, "delete", one), answers=nothing()),
        download,
    ]


def _uploading(made: Operation) -> Operation:
    """The file may be in the body, in place of a URL."""
    fields = tuple(field for field in MEDIA_FILES.fields if field.name != "media_url")
    form = body(fields, "create" if made.method == "POST" else "update")
    upload = form | {"properties": form["properties"] | {"media": {"type": "string", "contentMediaType": _ANY}}}
    refusals = together(made.refusals, by_status(("90040",)))
    return msgspec.structs.replace(made, body={**made.body, _FORM: Shape(upload)}, refusals=refusals)


def _of_reports() -> list[Operation]:
    records = listing(DETAIL_RECORDS, "/v2/detail_records", "detail_records_list")
    pages = records.answers[200]
    either = msgspec.structs.replace(pages, content={**pages.content, _CSV: Shape({"type": "string"})})
    delete = Named("RecordingsToDelete", body(DELETED, "create"))
    redeliver = "/v2/webhook_deliveries/{id}/actions/redeliver"
    status: dict[str, Any] = {"type": "object", "properties": {"status": {"const": "ok"}}, "required": ["status"]}
    return [
        msgspec.structs.replace(
            records, answers={200: either}, refusals=together(records.refusals, {400: frozenset(("10004",))})
        ),
        Operation(
            method="POST",
            path="/v2/recordings/actions/delete",
            id="recordings_delete_many",
            tag="Recordings",
            summary="Delete several recordings",
            body=json_body(delete),
            answers={200: Answer("They are gone.", {JSON: Shape(status)})},
            refusals=changing(DELETED, "10005"),
        ),
        Operation(
            method="POST",
            path=redeliver,
            id="webhook_deliveries_redeliver",
            tag="Webhook deliveries",
            summary="Deliver a webhook again that was delivered, or given up",
            parameters=path_names(redeliver),
            answers=data(document_of(WEBHOOK_DELIVERIES)),
            refusals=together(GUARDED, by_status(("10005", "10027"))),
        ),
    ]
