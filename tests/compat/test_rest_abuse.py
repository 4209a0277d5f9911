"""Category: fault. What a hostile or clumsy HTTP client may send: always an answer in the envelope, never a 5xx.

Bodies (API-01), names (API-05), filters (API-07), keys that are none (API-08) and requests with two meanings (API-09).
"""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offhook.edge.rest import guard
from offhook.voice.resources.problem import TITLES

PATH = "/credential_connections"


def send(rest: Any, content: bytes, path: str = PATH, method: str = "POST", **headers: str) -> httpx.Response:
    headers = {"Authorization": f"Bearer {rest.key}", "Content-Type": "application/json"} | headers
    return httpx.request(method, rest.base_url + path, content=content, headers=headers, timeout=20)


def expect_problem(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    for problem in answer.json()["errors"]:
        assert problem["code"] in TITLES
        assert problem["title"]
        assert problem["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[]", b"null", b"1", b'"x"', b"\xff\xfe", b"{}{}", b"[" * 100_000, b'{"a":' * 100_000,
        b'{"webhook_timeout_secs": NaN}', b'{"webhook_timeout_secs": 1e999}',
        b'{"webhook_timeout_secs": ' + b"9" * 5000 + b"}",
        b'{"inbound": {"timeout_2xx_secs": 1e308}}', b'{"tags": [[]]}', b'{"connection_name": "\\ud800"}',
        b'{"connection_name": "a\\u0000b"}', b'{"\\u0000": 1}',
    ],
)  # fmt: skip
def test_bad_bodies(rest: Any, body: bytes) -> None:
    expect_problem(send(rest, body), 400, 422)


def test_bodies_are_bounded_before_and_after_decompression(rest: Any) -> None:
    expect_problem(send(rest, b" " * (10 << 20)), 413)
    bomb = gzip.compress(b" " * (64 << 20))
    expect_problem(send(rest, bomb, **{"Content-Encoding": "gzip"}), 413, 400)
    fine = gzip.compress(b'{"connection_name": ""}')
    expect_problem(send(rest, fine, **{"Content-Encoding": "gzip"}), 422)
    expect_problem(send(rest, b"no gzip", **{"Content-Encoding": "gzip"}), 400)


def test_empty_bodies_are_empty_objects(rest: Any) -> None:
    made = send(rest, json.dumps(connection("emptybody1")).encode()).json()["data"]
    for body in (b"", b"{}", b" {} "):
        assert send(rest, body, f"{PATH}/{made['id']}", "PATCH").status_code == 200
    expect_problem(send(rest, b"  ", f"{PATH}/{made['id']}", "PATCH"), 400)
    assert send(rest, b"", f"{PATH}/{made['id']}", "DELETE").status_code == 200


def test_of_equal_keys_the_last_one_counts(rest: Any) -> None:
    body = json.dumps(connection("duplicate1")).replace("{", '{"connection_name": "first", ', 1)
    assert send(rest, body.encode()).json()["data"]["connection_name"] == "A name"


def connection(user_name: str, name: str = "A name") -> dict[str, str]:
    return {"connection_name": name, "user_name": user_name, "password": "a long secret"}


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd", "%2e%2e%2f", "line\nbreak", "x" * 256, "📞" * 64, "CON", "'; DROP TABLE connections; --",
        "{{template}}", "*\r\nSET a 1", "<script>alert(1)</script>", "%s%n", "$(id)",
    ],
)  # fmt: skip
def test_names_are_opaque_data(rest: Any, name: str) -> None:
    user = f"opaque{abs(hash(name)) % 10**9}"
    made = send(rest, json.dumps(connection(user, name)).encode())
    assert made.status_code == 201
    assert made.json()["data"]["connection_name"] == name
    id = made.json()["data"]["id"]
    headers = {"Authorization": f"Bearer {rest.key}"}
    query = {"filter[connection_name][contains]": name[:64].ljust(3, "N")}
    listed = httpx.get(rest.base_url + PATH, params=query, headers=headers).json()["data"]
    assert {each["connection_name"] for each in listed} == {name}
    assert send(rest, b"", f"{PATH}/{id}", "DELETE").status_code == 200


@pytest.mark.parametrize("value", ["a" * 7000, "a" * 900 + "!", "(" * 900, "\\" * 900, "%" * 300, "_" * 900])
def test_filters_take_no_time(rest: Any, value: str) -> None:
    began = time.process_time()
    headers = {"Authorization": f"Bearer {rest.key}"}
    answer = httpx.get(
        rest.base_url + PATH, params={"filter[connection_name][contains]": value}, headers=headers, timeout=10
    )
    assert answer.status_code in (200, 422)
    assert time.process_time() - began < 0.5


LISTS = (
    "webhook_deliveries",
    "call_events",
    "call_control_applications",
    "texml_applications",
    "mobile_push_credentials",
)


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    [
        {"filter[webhook][contains]": "a" * 1000 + "!"}, {"filter[attempts][contains]": "%" * 300},
        {"filter[application_name][contains]": "(" * 1000}, {"filter[alias]": "' OR 1=1 --"},
        {"filter[status]": "x"}, {"filter[started_at][gte]": "9" * 1000}, {"filter[occurred_at][eq]": "0"},
        {"filter[event_type]": "," * 1000}, {"filter[from]": "1" * 1000}, {"page[size]": "9" * 9}, {"page[size]": "-"},
        {"sort": "document"}, {"filter[secret]": "x"}, {"filter[failed]": "\0"}, {"filter[name][eq][eq]": "x"},
    ],
)  # fmt: skip
def test_lists_of_what_was_told_take_any_question(rest: Any, path: str, query: dict[str, str]) -> None:
    headers = {"Authorization": f"Bearer {rest.key}"}
    answer = httpx.get(f"{rest.base_url}/{path}", params=query, headers=headers, timeout=10)
    assert answer.status_code in (200, 400, 422)
    if answer.status_code == 200:
        assert answer.json()["data"] == []
    else:
        expect_problem(answer, 400, 422)


@pytest.mark.parametrize("id", ["../../etc/passwd", "%2e%2e", "x" * 2000, "\n", "1" * 19, "{{7*7}}", "null"])
@pytest.mark.parametrize("path", LISTS)
def test_ids_of_any_form_are_not_found(rest: Any, path: str, id: str) -> None:
    headers = {"Authorization": f"Bearer {rest.key}"}
    for method, end in (("GET", ""), ("DELETE", ""), ("POST", "/actions/redeliver")):
        url = f"{rest.base_url}/{path}/{quote(id, safe='')}{end}"
        expect_problem(httpx.request(method, url, headers=headers), 404)


@pytest.mark.parametrize(
    "name",
    ["../../etc/passwd", "%2e%2e%2f", "line\nbreak", "x" * 256, "📞" * 64, "'; DROP TABLE events; --", "{{template}}"],
)
def test_names_of_applications_are_opaque_data(rest: Any, name: str) -> None:
    for path, field in (("call_control_applications", "application_name"), ("texml_applications", "friendly_name")):
        url = {"call_control_applications": "webhook_event_url", "texml_applications": "voice_url"}[path]
        made = send(rest, json.dumps({field: name, url: "https://a.test/"}).encode(), f"/{path}")
        assert (made.status_code, made.json()["data"][field]) == (201, name)
        assert send(rest, b"", f"/{path}/{made.json()['data']['id']}", "DELETE").status_code == 200


def test_a_number_of_a_million_digits(rest: Any) -> None:
    body = json.dumps({"phone_number": "+" + "1" * 1_000_000}).encode()
    headers = {"Authorization": f"Bearer {rest.key}"}
    expect_problem(httpx.post(f"{rest.root}/_offhook/numbers", content=body, headers=headers), 422)


@pytest.mark.parametrize(
    "headers",
    [
        {}, {"Authorization": ""}, {"Authorization": "Bearer"}, {"Authorization": "bearer x"},
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer " + "x" * 5000}, {"X-Api-Key": "KEY"},
    ],
)  # fmt: skip
def test_no_usable_key(rest: Any, headers: dict[str, str]) -> None:
    answer = httpx.get(f"{rest.base_url}/whoami?api_key={rest.key}", headers=headers)
    expect_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"


def test_two_keys_are_no_key(rest: Any) -> None:
    headers = [("Authorization", f"Bearer {rest.key}"), ("Authorization", f"Bearer {rest.other_key}")]
    expect_problem(httpx.get(f"{rest.base_url}/whoami", headers=headers), 401)


@pytest.mark.parametrize(
    "request_text",
    [
        "POST /v2/whoami HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /v2/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /v2/whoami HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /v2/whoami HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na",
        "GET /v2/whoami HTTP/1.1\r\nHost: x\r\n" + "".join(f"X-{n}: {'a' * 8190}\r\n" for n in range(100)) + "\r\n",
        "POST /v2/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "POST /v2/whoami HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n",
        "GET /v2/whoami HTTP/1.1\nHost: x\n\n",
        "GET /v2/whoami HTTP/9.9\r\nHost: x\r\n\r\n",
        "GET /v2/who\x01ami HTTP/1.1\r\nHost: x\r\n\r\n",
        "nonsense\r\n\r\n",
    ],
)
def test_requests_with_two_meanings_are_refused_and_the_connection_closed(rest: Any, request_text: str) -> None:
    with socket.create_connection(("127.0.0.1", rest.port), timeout=10) as sock:
        try:
            sock.sendall(request_text.encode("latin-1"))
        except ConnectionError:
            return
        assert read_to_end(sock)[:12] in (b"HTTP/1.1 400", b"HTTP/1.0 400", b"HTTP/1.1 431", b"")


def read_to_end(sock: socket.socket) -> bytes:
    received = b""
    try:
        while chunk := sock.recv(65536):
            received += chunk
    except ConnectionError:
        pass
    return received


@pytest.fixture(scope="module")
def http(rest: Any) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=rest.root, headers={"Authorization": f"Bearer {rest.key}"}, timeout=20) as client:
        yield client


def test_a_body_that_dribbles_in_is_cut_off(rest: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "BODY_SECONDS", 0.2)
    head = f"POST /v2{PATH} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {rest.key}\r\nContent-Length: 99\r\n\r\n{{"
    with socket.create_connection(("127.0.0.1", rest.port), timeout=10) as sock:
        sock.sendall(head.encode())
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"Connection: close" in answer


texts = st.text(max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
FIELDS = """connection_name user_name password inbound outbound tags active jitter_buffer connection_id expires_at name
tag phone_number call_recording max_destination_rate whitelisted_destinations webhook_timeout_secs channel_limit"""
PARAMETERS = """filter[connection_name][contains] filter[phone_number] filter[record_type] page[size] sort page[number]
filter[date_range] filter[started_at][gte] filter[tag] filter[country_iso_alpha2]"""
field_names = st.sampled_from(FIELDS.split())
parameters = st.sampled_from(PARAMETERS.split())
bodies = st.dictionaries(
    field_names | texts, json_values | st.dictionaries(field_names, json_values, max_size=4), max_size=6
)
targets = st.sampled_from(
    [
        ("POST", "/v2/credential_connections"),
        ("POST", "/v2/telephony_credentials"),
        ("POST", "/v2/outbound_voice_profiles"),
        ("PATCH", "/v2/phone_numbers/1234567890123456789"),
        ("POST", "/_offhook/numbers"),
        ("POST", "/v2/telephony_credentials/11111111-1111-4111-8111-111111111111/token"),
    ]
)
small = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@small
@given(target=targets, body=bodies)
def test_no_body_makes_a_5xx(http: httpx.Client, target: tuple[str, str], body: dict[str, Any]) -> None:
    method, path = target
    content = json.dumps(body).encode()
    answer = http.request(method, path, content=content)
    assert answer.status_code < 500, answer.text


@small
@given(
    path=st.sampled_from(["credential_connections", "phone_numbers", "phone_numbers/voice", "detail_records"]),
    query=st.dictionaries(
        parameters | texts,
        texts | st.sampled_from(["webrtc", "1", "created_at", "null", "last_999_days", "2026-01-01T00:00:00Z"]),
        max_size=4,
    ),
    id=texts,
)
def test_no_query_or_id_makes_a_5xx(http: httpx.Client, path: str, query: dict[str, str], id: str) -> None:
    assert http.get(f"/v2/{path}", params=clean(query)).status_code < 500
    assert http.get(f"/v2/{path}/{quote(clean(id), safe='')}").status_code < 500


def clean(value: Any) -> Any:
    """What an HTTP client can send at all: no halves of surrogate pairs."""
    if isinstance(value, dict):
        return {clean(name): clean(each) for name, each in value.items()}
    return "".join(character for character in value if not "\ud800" <= character <= "\udfff")
