"""Category: wire. Single frames as text: what sloppy and hostile clients send, and the answer each must get."""

import json
from typing import Any

import pytest

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc import Ignored, Received

from .pair import client, logged_in_server, server, written


def answer_to(text: str) -> dict[str, Any]:
    """The one frame that a logged-in server writes."""
    connection = logged_in_server()
    connection.receive(text, 0.0)
    (answer,) = written(connection)
    return answer


def message_of(method: str, params: str) -> c2s.Message | s2c.Message:
    connection = server() if method == "login" else logged_in_server()
    connection.dialogs.adopt(["c"])
    (event,) = connection.receive(f'{{"id":1,"method":"{method}","params":{params}}}', 0.0)
    assert isinstance(event, Received)
    return event.message


class TestSloppyClients:
    """browser-sdk second reading §0 rule 11, §9: spellings of the mobile SDKs."""

    @pytest.mark.parametrize("key", ["sessid", "sessionId", "sessId"])
    def test_the_session_under_its_three_spellings(self, key: str) -> None:
        login = message_of("login", f'{{"login_token":"t","{key}":"s-1"}}')
        assert isinstance(login, c2s.Login)
        assert login.session_id == "s-1"

    def test_booleans_as_text(self) -> None:
        login = message_of(
            "login", '{"login":"u","passwd":"p","reconnection":"true","loginParams":{"attach_call":"true"}}'
        )
        assert isinstance(login, c2s.Login)
        assert (login.reconnection, login.login_params.attach_call) == (True, True)

    @pytest.mark.parametrize(
        ("agent", "text"),
        [('{"sdkVersion":"2.27.10","data":"Mozilla"}', "2.27.10 Mozilla"), ('"Android-3.7"', "Android-3.7"), ("7", "")],
    )
    def test_the_user_agent_as_object_or_text(self, agent: str, text: str) -> None:
        login = message_of("login", f'{{"login_token":"t","User-Agent":{agent}}}')
        assert isinstance(login, c2s.Login)
        assert login.user_agent == text

    @pytest.mark.parametrize("key", ["callID", "callId"])
    def test_the_call_under_its_two_spellings(self, key: str) -> None:
        bye = message_of("telnyx_rtc.bye", f'{{"sessId":"s","dialogParams":{{"{key}":"c"}}}}')
        assert isinstance(bye, c2s.Bye)
        assert bye.call_id == "c"

    def test_passwords_and_tokens_are_in_no_repr(self) -> None:
        assert "hunter2" not in repr(c2s.Login(login="u", password="hunter2"))
        assert "a.b.c" not in repr(c2s.Login(token="a.b.c"))


class TestBadFrames:
    """JSON-RPC 2.0 §5.1; cases WS-01, WS-10, WS-11."""

    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("{", -32700),
            ("", -32700),
            ("hello", -32700),
            ("[" * 100_000 + "]" * 100_000, -32700),
            ('{"jsonrpc":"2.0","id":1,"method":"login","params":' + '{"a":' * 100_000 + "1" + "}" * 100_001, -32700),
            ('{"id":1,"method":"login","params":{"login":"\\ud800"}}', -32700),
            ("null", -32600),
            ("[]", -32600),
            ('[{"id":1,"method":"telnyx_rtc.ping"}]', -32600),
            ("{}", None),
            ('{"id":1}', -32600),
            ('{"id":1,"method":5}', -32600),
            ('{"id":1.5,"method":"telnyx_rtc.ping"}', -32600),
            ('{"id":null,"method":"telnyx_rtc.ping"}', -32600),
            ('{"id":{},"method":"telnyx_rtc.ping"}', -32600),
            ('{"id":"' + "x" * 10_240 + '","method":"telnyx_rtc.ping"}', -32600),
            ('{"id":' + "9" * 10_240 + ',"method":"telnyx_rtc.ping"}', -32600),
            ('{"id":1,"method":"telnyx_rtc.transfer"}', -32601),
            ('{"id":1,"method":"telnyx_rtc.invite","params":[]}', -32602),
            ('{"id":1,"method":"telnyx_rtc.invite"}', -32602),
            ('{"id":1,"method":"telnyx_rtc.bye","params":{"dialogParams":{}}}', -32602),
            ('{"id":1,"method":"telnyx_rtc.bye","params":{"dialogParams":{"callID":"unknown"}}}', "result"),
            ('{"id":1,"method":"telnyx_rtc.info","params":{"dtmf":"1","dialogParams":{"callID":"unknown"}}}', -32002),
        ],
    )
    def test_each_gets_its_code(self, text: str, code: int | str | None) -> None:
        connection = logged_in_server()
        (event,) = connection.receive(text, 0.0)
        assert isinstance(event, Ignored)
        answers = written(connection)
        if code is None:
            assert answers == []
        elif code == "result":
            assert "result" in answers[0]
        else:
            assert [answer["error"]["code"] for answer in answers] == [code]

    def test_of_duplicate_keys_the_last_counts(self) -> None:
        answer = answer_to('{"id":1,"id":2,"method":"login","method":"telnyx_rtc.ping"}')
        assert (answer["id"], answer["result"]["message"]) == (2, "PONG")

    def test_an_id_that_is_in_use_is_refused(self) -> None:
        connection = logged_in_server()
        connection.receive('{"id":1,"method":"telnyx_rtc.attachCalls"}', 0.0)
        connection.receive('{"id":1,"method":"telnyx_rtc.attachCalls"}', 0.0)
        (answer,) = written(connection)
        assert answer["error"]["code"] == -32600

    def test_requests_that_wait_are_bounded(self) -> None:
        connection = logged_in_server()
        for number in range(1, 400):
            connection.receive(f'{{"id":{number},"method":"telnyx_rtc.attachCalls"}}', 0.0)
        answers = written(connection)
        assert len(answers) == 399 - 256
        assert {answer["error"]["code"] for answer in answers} == {-32600}

    def test_a_response_that_nobody_asked_for_is_ignored(self) -> None:
        connection = logged_in_server()
        assert connection.receive('{"id":"nobody","result":{}}', 0.0) == []
        assert written(connection) == []

    @pytest.mark.parametrize(
        "text", ["{", "null", '{"id":1,"method":"telnyx_rtc.bogus"}', '{"id":1,"method":"telnyx_rtc.invite"}']
    )
    def test_a_client_answers_nothing_that_it_does_not_understand(self, text: str) -> None:
        connection = client()
        (event,) = connection.receive(text, 0.0)
        assert isinstance(event, Ignored)
        assert connection.frames() == []


class TestBounds:
    """Cases WS-11, WS-12: what would become a SIP header, and SDP. The error names the field, never its value."""

    @pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\0"])
    @pytest.mark.parametrize(
        "field", ["caller_id_name", "caller_id_number", "destination_number", "clientState", "callID"]
    )
    def test_no_value_holds_a_line_end(self, field: str, end: str) -> None:
        params = {"sdp": "v=0", "dialogParams": {"callID": "n", field: f"Eve{end}X-Evil: 1"}}
        answer = answer_to(json.dumps({"id": 1, "method": "telnyx_rtc.invite", "params": params}))
        assert answer["error"]["code"] == -32602
        assert field in answer["error"]["message"]
        assert "Evil" not in answer["error"]["message"]

    @pytest.mark.parametrize(
        "header",
        [
            {"name": "X-A", "value": "1\r\nX-B: 2"},
            {"name": "X-A\r\n", "value": "1"},
            {"name": "X A", "value": "1"},
            {"name": "", "value": "1"},
            {"name": "X-A", "value": "x" * 1025},
            {"name": "X-A"},
        ],
    )
    def test_no_header_becomes_two(self, header: dict[str, str]) -> None:
        params = {"sdp": "v=0", "dialogParams": {"callID": "n", "custom_headers": [header]}}
        answer = answer_to(json.dumps({"id": 1, "method": "telnyx_rtc.invite", "params": params}))
        assert answer["error"]["code"] == -32602

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("destination_number", "1" * 129),
            ("caller_id_name", "x" * 129),
            ("custom_headers", [{"name": "X-A", "value": "1"}] * 51),
        ],
    )
    def test_lengths(self, field: str, value: object) -> None:
        params = {"sdp": "v=0", "dialogParams": {"callID": "n", field: value}}
        answer = answer_to(json.dumps({"id": 1, "method": "telnyx_rtc.invite", "params": params}))
        assert answer["error"]["code"] == -32602

    def test_names_in_any_script_are_welcome(self) -> None:
        params = {"sdp": "v=0", "dialogParams": {"callID": "n", "caller_id_name": "Zoë \u202e 北京 🎧"}}
        invite = message_of("telnyx_rtc.invite", json.dumps(params))
        assert isinstance(invite, c2s.Invite)
        assert invite.dialog.caller_id_name == "Zoë \u202e 北京 🎧"

    @pytest.mark.parametrize("digits", ["", "x", "1\n", "1" * 129, "１"])
    def test_only_digits_are_digits(self, digits: str) -> None:
        params = {"dtmf": digits, "dialogParams": {"callID": "c"}}
        answer = answer_to(json.dumps({"id": 1, "method": "telnyx_rtc.info", "params": params}))
        assert answer["error"]["code"] == -32602
