"""Category: wire. A webhook's bytes: envelope, query, what is signed. Telnyx webhooks, API versions 1 and 2."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from offhook.wire import webhook

AT = "2026-01-01T10:00:00.120000Z"
DATA = webhook.data("id-1", "call.answered", AT, {"to": "bob", "client_state": None, "custom_headers": [{"name": "X"}]})


def test_version_2_in_full_with_its_keys_in_order() -> None:
    assert webhook.body(DATA, "2", 3, "https://app.test/hook") == (
        b'{"data":{"event_type":"call.answered","id":"id-1","occurred_at":"2026-01-01T10:00:00.120000Z",'
        b'"payload":{"client_state":null,"custom_headers":[{"name":"X"}],"to":"bob"},"record_type":"event"},'
        b'"meta":{"attempt":3,"delivered_to":"https://app.test/hook"}}'
    )


def test_version_1_is_flat() -> None:
    assert json.loads(webhook.body(DATA, "1", 1, "https://app.test/")) == {
        "created_at": AT,
        "event_type": "call_answered",
        "id": "id-1",
        "meta": {"attempt": 1, "delivered_to": "https://app.test/"},
        "payload": {"client_state": None, "custom_headers": [{"name": "X"}], "to": "bob"},
        "record_type": "event",
    }


@pytest.mark.parametrize(("event_type", "inside"), [("conference.created", True), ("call.bridged", False)])
def test_conferences_have_their_time_in_both_places(event_type: str, inside: bool) -> None:
    event = json.loads(webhook.data("id", event_type, AT, {"x": 1}))
    assert event["occurred_at"] == AT
    assert ("occurred_at" in event["payload"]) == inside


@pytest.mark.parametrize(
    ("version", "name", "time"), [("2", "call.answered", "occurred_at"), ("1", "call_answered", "created_at")]
)
def test_a_get_has_the_fields_in_its_query(version: webhook.Version, name: str, time: str) -> None:
    query = webhook.query(DATA, version, 2, "https://app.test/?a=b")
    url = webhook.with_query("https://app.test/?a=b", query)
    assert parse_qs(urlsplit(url).query, keep_blank_values=True) == {
        "a": ["b"], "attempt": ["2"], "client_state": [""], "custom_headers": ['[{"name":"X"}]'],
        "delivered_to": ["https://app.test/?a=b"], "event_type": [name], "id": ["id-1"], time: [AT],
        "record_type": ["event"], "to": ["bob"],
    }  # fmt: skip
    assert webhook.with_query("https://app.test/hook", "x=1") == "https://app.test/hook?x=1"


def test_what_is_signed_and_the_headers_that_say_so() -> None:
    assert webhook.signed(1767261600, b'{"a":"\xc3\xa9"}') == b'1767261600|{"a":"\xc3\xa9"}'
    assert dict(webhook.headers(17, "c2ln")) == {
        "content-type": "application/json",
        "user-agent": "telnyx-webhooks",
        "telnyx-timestamp": "17",
        "telnyx-signature-ed25519": "c2ln",
    }


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@app.test:8443/hook?a=b", "https://app.test:8443/hook?a=b"),
        ("https://a:b@c@app.test/", "https://app.test/"),
        ("https://app.test/?mail=a@b", "https://app.test/?mail=a@b"),
        ("http://x@[", ""),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert webhook.public(url) == shown
