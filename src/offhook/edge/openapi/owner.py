"""The operations that only the platform's owner has, and what is beside the API on the same port. No table has them."""

from offhook.edge.openapi.operation import (
    GUARDED,
    JSON,
    TEXT,
    Answer,
    Named,
    Operation,
    Shape,
    by_status,
    data,
    json_body,
    nothing,
    path_names,
    query,
    text,
    together,
)
from offhook.edge.openapi.resources import changing, document_of, operations
from offhook.voice.resources.account import BALANCE, SETTABLE
from offhook.voice.resources.carrier import CARRIERS
from offhook.voice.resources.field import text as text_field
from offhook.voice.resources.phone_number import PHONE_NUMBERS
from offhook.voice.resources.schema import Schema, body, reply

_TAG = "Owner"
_NUMBER = text_field("phone_number", required=True, pattern=r"\+[1-9][0-9]{6,14}", expects="+E.164", wrong_code="10016")
_TEXT: Schema = {"type": "string"}
_SIGNED = (query("expires", _TEXT), query("signature", _TEXT))


def owner_operations() -> list[Operation]:
    """Everything below `/_offhook/`."""
    return [*operations(CARRIERS, "/_offhook"), *_behind_a_key(), *_open()]


def _behind_a_key() -> list[Operation]:
    settings = [field for field in PHONE_NUMBERS.fields if "update" in field.lives_in]
    number = Named("PhoneNumberAdd", body((_NUMBER, *settings), "create"))
    account = Named("AccountUpdate", body(SETTABLE, "update"))
    return [
        Operation(
            method="POST",
            path="/_offhook/numbers",
            id="owner_add_number",
            tag=_TAG,
            summary="Add a phone number",
            body=json_body(number),
            answers=data(document_of(PHONE_NUMBERS), 201),
            refusals=changing((_NUMBER, *settings), "10016"),
        ),
        Operation(
            method="DELETE",
            path="/_offhook/tokens/{id}",
            id="owner_revoke_token",
            tag=_TAG,
            summary="Revoke a login token, by its jti",
            parameters=path_names("/{id}"),
            answers=nothing(),
            refusals=together(GUARDED, by_status(("10005",))),
        ),
        Operation(
            method="PATCH",
            path="/_offhook/account",
            id="owner_change_account",
            tag=_TAG,
            summary="Set what was paid in, and what may be owed",
            body=json_body(account),
            answers=data(Named("Balance", reply(BALANCE))),
            refusals=changing(SETTABLE),
        ),
    ]


def _open() -> list[Operation]:
    destination = (
        query("destination", _TEXT),
        query("from", _TEXT, "The username that calls."),
        query("format", _TEXT, "json for programs; all else is text."),
    )
    ladder, unknown = "/_offhook/sessions/{id}/ladder", text("No such session.", 404)
    explained = {200: Answer("Who would ring, why, and what it costs.", {TEXT: Shape(_TEXT), JSON: Shape({})})}
    return [
        _get("/_offhook/health", "health", "Answer while the process runs", _json("It does.")),
        _get("/_offhook/ready", "ready", "Answer once calls are taken", _json("They are.")),
        _get("/_offhook/info", "info", "Tell settings, identities and numbers", _json("All of them.")),
        _get("/_offhook/openapi.json", "openapi", "Show this description", _json("This.")),
        _get(
            "/_offhook/explain",
            "explain",
            "Tell who would ring for a destination",
            explained | text("A parameter is missing, or nobody is called so.", 400),
            *destination,
        ),
        _get("/_offhook/held", "held", "Tell how much is held", _json("Live legs, and what the doors keep of calls.")),
        _get("/_offhook/sessions", "sessions", "List the latest sessions", _json("Their ids, oldest first.")),
        _get(ladder, "ladder", "Show a session's ladder", text("The ladder.") | unknown, *path_names(ladder)),
        _get(
            f"{ladder}.svg",
            "ladder_drawn",
            "Draw a session's ladder",
            text("The drawing.", content_type="image/svg+xml") | unknown,
            *path_names(ladder),
        ),
        Operation(
            method="POST",
            path="/_offhook/reset",
            id="owner_reset",
            tag=_TAG,
            summary="End every call and bring all back to the start",
            answers=nothing(),
            key=False,
        ),
    ]


def beside_operations() -> list[Operation]:
    """The console or the websocket on `/`, and the download of recordings by signed links."""
    audio = {"audio/mpeg": Shape({}), "audio/wav": Shape({})}
    download = {
        200: Answer("The recording.", audio),
        206: Answer("The part of it that was asked for.", audio),
        304: Answer("It has not changed."),
        412: Answer("It is another than the one that was meant."),
        416: Answer("It has no such part."),
    }
    page = text("The console.", content_type="text/html") | {
        101: Answer("The websocket of the browser SDK's protocol, for whoever asks for an upgrade."),
        400: Answer("This upgrade is none.", {TEXT: Shape(_TEXT)}),
    }
    refused = text("This link is not valid (any more), or the Host or Origin is not allowed.", 403)
    gone = text("This recording was deleted.", 404)
    path = "/recordings/{name}"
    return [
        _get("/", "root", "Show the console, or open a websocket", page, tag="Beside the API"),
        _get(
            path,
            "recording_file",
            "Download a recording by a signed link",
            download | refused | gone,
            *path_names(path),
            *_SIGNED,
            tag="Beside the API",
        ),
    ]


def _json(means: str) -> dict[int, Answer]:
    return {200: Answer(means, {JSON: Shape({"type": "object"})})}


def _get(
    path: str, id: str, summary: str, answers: dict[int, Answer], *parameters: Schema, tag: str = _TAG
) -> Operation:
    return Operation(
        method="GET",
        path=path,
        id=f"owner_{id}" if tag == _TAG else id,
        tag=tag,
        summary=summary,
        parameters=parameters,
        answers=answers,
        key=False,
    )
