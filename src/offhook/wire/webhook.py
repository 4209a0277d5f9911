"""A webhook's facts → the bytes that are sent and signed. Knows no socket, no clock and no key.

Version 2 is the envelope `{"data": …, "meta": …}`; version 1 is flat, its event type written with underscores. Keys
come in alphabetical order in both, as the hosted product writes them. `texml` is a form with the payload alone.
"""

from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlencode, urlsplit, urlunsplit

import msgspec

Version = Literal["1", "2", "texml"]
Document = dict[str, Any]

USER_AGENT = "telnyx-webhooks"
TIMESTAMP = "telnyx-timestamp"
SIGNATURE = "telnyx-signature-ed25519"
FORM = "application/x-www-form-urlencoded"

_encoder = msgspec.json.Encoder(order="sorted")


def data(id: str, event_type: str, occurred_at: str, payload: Mapping[str, Any]) -> bytes:
    """An event as JSON; `id` stays the same at every attempt. `occurred_at` is ISO 8601 in UTC.

    Of conferences the official types have it in the payload, of calls beside it: those get it in both places.
    """
    stamped = {**payload, "occurred_at": occurred_at} if event_type.startswith("conference.") else payload
    event = {"event_type": event_type, "id": id, "occurred_at": occurred_at, "payload": stamped}
    return _encoder.encode(event | {"record_type": "event"})


def body(data: bytes, version: Version, attempt: int, delivered_to: str) -> bytes:
    """What is POSTed: the event's `data`, and which attempt this is (from 1), to which URL."""
    if version == "texml":
        return _form(data).encode()
    meta = _encoder.encode({"attempt": attempt, "delivered_to": public(delivered_to)})
    if version == "2":
        return b'{"data":' + data + b',"meta":' + meta + b"}"
    return _encoder.encode(_flat(data) | {"meta": msgspec.Raw(meta)})


def query(data: bytes, version: Version, attempt: int, delivered_to: str) -> str:
    """What a GET has in its query: the fields of the event and of its payload side by side.

    A null is an empty value; lists and objects are JSON texts.
    """
    if version == "texml":
        return _form(data)
    event: Document = _flat(data) if version == "1" else msgspec.json.decode(data)
    fields = event.pop("payload") | event | {"attempt": attempt, "delivered_to": public(delivered_to)}
    return urlencode(sorted((name, _text(value)) for name, value in fields.items()))


def with_query(url: str, query: str) -> str:
    """The URL with more in its query."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))


def signed(timestamp: int, sent: bytes) -> bytes:
    """The bytes that the signature covers; `sent` is the body, or of a GET the query that the webhook added."""
    return b"%d|%b" % (timestamp, sent)


def form(parameters: Mapping[str, str]) -> str:
    """Parameters as a form, or as a query."""
    return urlencode(sorted(parameters.items()))


def headers(timestamp: int, signature: str, version: Version = "2") -> tuple[tuple[str, str], ...]:
    """The headers of one attempt; `timestamp` is Unix seconds, `signature` base64."""
    return (
        ("content-type", FORM if version == "texml" else "application/json"),
        ("user-agent", USER_AGENT),
        (TIMESTAMP, str(timestamp)),
        (SIGNATURE, signature),
    )


def public(url: str) -> str:
    """The URL without a username and password."""
    if "@" not in url:
        return url
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _form(data: bytes) -> str:
    """The payload, whose words are TeXML's: all but the stamp of conferences begin with a capital."""
    payload: dict[str, str] = msgspec.json.decode(data)["payload"]
    return form({name: value for name, value in payload.items() if name != "occurred_at"})


def _flat(data: bytes) -> Document:
    event: Document = msgspec.json.decode(data)
    event["created_at"] = event.pop("occurred_at")
    event["event_type"] = event["event_type"].replace(".", "_")
    return event


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else _encoder.encode(value).decode()
