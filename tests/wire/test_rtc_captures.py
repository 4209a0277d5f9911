"""Category: wire. The recorded conversations of the browser SDK 2.27.10, replayed against both roles.

Addresses, passwords, tokens and most SDP texts in `captures/` are replaced. A capture in which the recording
gateway broke a rule on purpose is replayed too; there our frames differ where ours keep the rule.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc import Connection, Event, Ignored, Received, Refused, Role, Succeeded
from offhook.wire.rtc_values import Code

CAPTURES = sorted((Path(__file__).parent / "captures").glob("*.jsonl"))
REQUESTS = {kind.method: kind for kind in c2s.KINDS}
PUSHES = {kind.method: kind for kind in s2c.KINDS}
# The connection says these by itself, so a replay must not say them again.
BY_ITSELF = {"telnyx_rtc.clientReady", "telnyx_rtc.ping", "telnyx_rtc.gatewayState"}
# What is recorded there is what our server never does: late, null or unwanted answers, states of a broken gateway.
RULE_BREAKERS = {"invite_result_late", "disconnect_then_connect_trying_first", "bye_error", "login_refused_minus32000"}
# The recorded gateway answered a call whose bye had reached it; our server drops that, our client ignores it.
ANSWERED_AFTER_BYE = "outbound_cancel_before_answer"
# The page was closed before it acknowledged the last frames.
PAGE_CLOSED = "login_anonymous"

Line = dict[str, Any]
_T = TypeVar("_T")


def sockets(path: Path) -> list[list[Line]]:
    """The lines of each socket of a capture."""
    found: list[list[Line]] = []
    for line in map(json.loads, path.read_text().splitlines()):
        if line["dir"] == "open" or not found:
            found.append([])
        if line["dir"] != "open":
            found[-1].append(line)
    return found


def each_socket() -> Iterator[Any]:
    for path in CAPTURES:
        for number, lines in enumerate(sockets(path)):
            yield pytest.param(path.stem, lines, id=f"{path.stem}-{number}")


def typed(value: Any, kind: type[_T]) -> _T:
    return msgspec.json.decode(json.dumps(value), type=kind, strict=False)


def shape(value: Any) -> Any:
    """Keys and types, without values; what only some gateways add is left out."""
    if isinstance(value, dict):
        left_out = {"call_report_id", "dc", "region", "jsonrpc"}
        return {key: shape(item) for key, item in value.items() if key not in left_out}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


class Platform:
    """A server connection that answers and pushes what the recorded gateway did."""

    def __init__(self, lines: list[Line]) -> None:
        ids = (f"server-{number}" for number in range(10_000))
        self.connection = Connection(Role.SERVER, lambda: next(ids), 0.0, voice_sdk_id="VSDK0")
        self.answers = {line["msg"].get("id"): line["msg"] for line in lines if is_answer(line, "s2c")}
        self.events: list[Event] = []
        self.frames: list[Line] = []

    def hear(self, message: Line) -> None:
        events = self.connection.receive(json.dumps(message), 0.0)
        self.events += events
        for event in events:
            if isinstance(event, Received) and event.ticket is not None:
                self.respond(event, event.ticket, self.answers.get(message["id"]))
        self.drain()

    def respond(self, event: Received, ticket: int, recorded: Line | None) -> None:
        assert isinstance(event.message, c2s.Request)
        if recorded is None or not recorded.get("result"):
            self.connection.refuse(ticket, Code.LOGIN_REFUSED, "as recorded")
        elif isinstance(event.message, c2s.Login | c2s.AnonymousLogin):
            self.connection.log_in(ticket, recorded["result"]["sessid"], ("call-1",))
        else:
            self.connection.answer(ticket, typed(recorded["result"], event.message.result_type))

    def say(self, message: Line) -> None:
        if message["method"] not in BY_ITSELF | {"telnyx_rtc.bogus"}:
            params = message["params"]
            call_id = params.get("callID")
            if message["method"] == "telnyx_rtc.attach" and call_id:
                self.connection.dialogs.adopt([call_id])
            self.connection.send(typed(params, PUSHES[message["method"]]))
        self.drain()

    def drain(self) -> None:
        self.frames += map(json.loads, self.connection.frames())


def replayed(lines: list[Line]) -> Platform:
    """A server that has heard and said all that is recorded."""
    platform = Platform(lines)
    adopt_reattached(platform.connection, lines)
    for line in lines:
        if line["dir"] == "c2s":
            platform.hear(line["msg"])
        elif "method" in line["msg"]:
            platform.say(line["msg"])
    return platform


def is_answer(line: Line, direction: str) -> bool:
    return line["dir"] == direction and ("result" in line["msg"] or "error" in line["msg"])


def adopt_reattached(connection: Connection, lines: list[Line]) -> None:
    """Calls that live on from the capture's earlier socket."""
    for line in lines:
        connection.dialogs.adopt(line["msg"].get("params", {}).get("reattached_sessions") or ())


@pytest.mark.parametrize(("name", "lines"), list(each_socket()))
def test_the_server_understands_all_that_the_browser_says_and_answers_in_shape(name: str, lines: list[Line]) -> None:
    platform = replayed(lines)

    asked = [
        line["msg"] for line in lines if line["dir"] == "c2s" and "id" in line["msg"] and "result" not in line["msg"]
    ]
    answers: dict[Any, list[Line]] = {}
    for frame in platform.frames:
        assert frame["voice_sdk_id"] == "VSDK0"
        if "method" not in frame:
            answers.setdefault(frame["id"], []).append(frame)
    assert [len(answers.get(request["id"], ())) for request in asked] == [1] * len(asked)
    assert not any(frame.get("error", {}).get("code") == -32000 for frame in platform.frames)
    assert not [event for event in platform.events if isinstance(event, Ignored) and "refused" in event.what]
    if name in RULE_BREAKERS:
        return
    for request in asked:
        recorded = platform.answers.get(request["id"])
        if recorded and request.get("method") not in ("telnyx_rtc.endOfCandidates", "telnyx_rtc.candidate"):
            assert shape(recorded).keys() <= shape(answers[request["id"]][0]).keys()
            assert (
                shape(recorded.get("result", {})).items() <= shape(answers[request["id"]][0].get("result", {})).items()
            )


@pytest.mark.parametrize(("name", "lines"), list(each_socket()))
def test_the_server_says_calls_as_the_recorded_gateway_did(name: str, lines: list[Line]) -> None:
    platform = replayed(lines)
    recorded = [
        line["msg"]
        for line in lines
        if line["dir"] == "s2c" and line["msg"].get("method") not in BY_ITSELF | {None, "telnyx_rtc.bogus"}
    ]
    ours = [frame for frame in platform.frames if frame.get("method") not in BY_ITSELF | {None}]
    if name == "s2c_info_event_display":  # it displays to a call that nobody has
        recorded = [frame for frame in recorded if frame["method"] != "telnyx_rtc.display"]
    if name == ANSWERED_AFTER_BYE:
        assert recorded.pop()["method"] == "telnyx_rtc.answer"
    assert [frame["method"] for frame in ours] == [frame["method"] for frame in recorded]
    for mine, theirs in zip(ours, recorded, strict=True):
        # Who calls whom is told on the invite only; clients that dialled know it.
        known = {key: value for key, value in shape(theirs["params"]).items() if key in shape(mine["params"])}
        assert {key: shape(mine["params"])[key] for key in known} == known
        missing = {key for key in theirs["params"] if key not in mine["params"]}
        assert missing <= {"caller_id_name", "caller_id_number", "callee_id_name", "callee_id_number"}


@pytest.mark.parametrize(("name", "lines"), list(each_socket()))
def test_the_client_understands_all_that_the_gateway_says(name: str, lines: list[Line]) -> None:
    next_ids: list[str] = []
    client = Connection(Role.CLIENT, lambda: next_ids.pop(0), 0.0)
    adopt_reattached(client, lines)
    own = [line["msg"] for line in lines if line["dir"] == "c2s"]
    by_itself = {
        method: [frame["id"] for frame in own if frame.get("method") == method]
        for method in ("telnyx_rtc.gatewayState", "telnyx_rtc.ping")
    }
    events: list[Event] = []
    expected = 0
    for line in lines:
        message = line["msg"]
        if line["dir"] == "c2s" and message.get("method") in REQUESTS:
            if message["method"] not in by_itself and "id" in message:
                next_ids.append(message["id"])
                client.send(typed(message["params"], REQUESTS[message["method"]]))
        elif line["dir"] == "s2c":
            trigger = {"telnyx_rtc.clientReady": "telnyx_rtc.gatewayState", "telnyx_rtc.ping": "telnyx_rtc.ping"}
            waiting = by_itself.get(trigger.get(message.get("method"), ""), [])
            next_ids += [waiting.pop(0)] if waiting else ["unrecorded"] if message.get("method") in trigger else []
            events += client.receive(json.dumps(message), 0.0)
            expected += "error" in message
    assert len([event for event in events if isinstance(event, Refused)]) == expected
    ignored = [event for event in events if isinstance(event, Ignored)]
    to_ignore = sum(line["msg"].get("method") in ("telnyx_rtc.bogus", "telnyx_rtc.display") for line in lines)
    assert len(ignored) == to_ignore + (name == ANSWERED_AFTER_BYE)
    if any(isinstance(event, Succeeded) and isinstance(event.request, c2s.Login) for event in events):
        assert client.session_id
    acks = [json.loads(frame)["result"]["method"] for frame in client.frames() if b'"result"' in frame]
    recorded_acks = [frame["result"]["method"] for frame in own if "result" in frame]
    if name == PAGE_CLOSED:
        acks = acks[: len(recorded_acks)]
    assert acks == recorded_acks
