"""A fuzz target: any bytes as a conversation of text frames, heard by both roles of the browser SDK's protocol."""

import contextlib
import json
import random
from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import Any

from offhook.wire import rtc_c2s as c2s
from offhook.wire import rtc_s2c as s2c
from offhook.wire.rtc import MAX_DIALOGS, MAX_OWED, Connection, LocalProtocolError, Received, Role
from offhook.wire.rtc_values import Code

LOGIN = '{"id":"first","method":"login","params":{"login":"u","passwd":"p"}}'
# Pieces that mean something to the protocol, for the mutations below.
WORDS = (
    *(kind.method.encode() for kind in (*c2s.KINDS, *s2c.KINDS)),
    *(b'"id":null', b'"id":1.5', b'"result":null', b'"result":{}', b'"error":{}', b'"params":[]', b'"sdp":"v=0"'),
    *(b'"callID":""', b'"callId":"c"', b'"dialogParams":{}', b'"sessid":7', b'"true"', b"#SPU 9", b"#SPE"),
    *(b"\\ud800", b"\\u0000", b"\\r\\n", b"\xff", b"9" * 400, b"-0", b"1e999", b"[" * 5000, b'{"a":' * 5000),
)


def fuzz_rtc(data: bytes) -> None:
    """Each line is a frame. No exception may leave, no request may get two answers, nothing may grow without bound."""
    lines = data.decode(errors="replace").split("\n")[:200]  # a websocket lets nothing through that is not UTF-8
    _hear_as_server(lines)
    _hear_as_client(lines)


def _hear_as_server(lines: Sequence[str]) -> None:
    server = _connection(Role.SERVER)
    written: list[bytes] = []
    for number, line in enumerate([LOGIN, *lines]):
        for event in server.receive(line, float(number)):
            if isinstance(event, Received) and event.ticket is not None:
                _respond(server, event.ticket, event.message)
        _push(server, number)
        written += server.frames()
        server.tick(number + 0.5)
    frames = [json.loads(frame) for frame in written]
    answered = Counter(json.dumps(frame["id"]) for frame in frames if "method" not in frame and frame["id"] is not None)
    asked = Counter(_id_of(line) for line in [LOGIN, *lines])
    assert all(times <= asked[id] for id, times in answered.items()), "more answers than requests"
    assert not any(frame.get("error", {}).get("code") == -32000 for frame in frames)
    assert len(server.dialogs) <= MAX_DIALOGS


def _respond(server: Connection, ticket: int, message: c2s.Message | s2c.Message) -> None:
    """Accept logins, leave some requests open (never answered calls are the hardest), refuse the rest."""
    if isinstance(message, c2s.Login | c2s.AnonymousLogin):
        server.log_in(ticket, "session")
    elif ticket % 3:
        server.refuse(ticket, Code.CALL_ERROR, "fuzz")
    assert len(server._owed) <= MAX_OWED  # pyright: ignore[reportPrivateUsage]


def _push(server: Connection, number: int) -> None:
    """Say something about a call that the lines may know."""
    kinds = (s2c.Ringing, s2c.Answer, s2c.Bye, s2c.Candidate)
    with contextlib.suppress(LocalProtocolError):  # that is the table at work
        server.send(kinds[number % len(kinds)](call_id="c"))


def _hear_as_client(lines: Sequence[str]) -> None:
    client = _connection(Role.CLIENT)
    client.dialogs.adopt(["c"])
    for number, line in enumerate(lines):
        client.receive(line, float(number))
        client.tick(number + 0.5)
        for frame in client.frames():
            assert "error" not in json.loads(frame)
    assert len(client._asked) <= MAX_OWED  # pyright: ignore[reportPrivateUsage]


def _connection(role: Role) -> Connection:
    numbers = count()
    return Connection(role, lambda: f"own-{next(numbers)}", 0.0, voice_sdk_id="v")


def _id_of(line: str) -> str | None:
    """The id under which an answer to this line could come."""
    try:
        message: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(message, dict) or "id" not in message:
        return None
    frame_id = message["id"]
    integral = isinstance(frame_id, float) and frame_id.is_integer()  # JSON knows only numbers: 1.0 is 1
    return json.dumps(int(frame_id) if integral else frame_id)


def mutated(seed: bytes, chance: random.Random, words: Sequence[bytes] = WORDS) -> bytes:
    """`seed` with some bytes changed, cut, doubled or replaced by words of the protocol."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data) + 1)
        end = min(len(data), at + chance.randint(0, 30))
        match chance.randrange(5):
            case 0:
                data[at:end] = b""
            case 1:
                data[at:at] = chance.choice(words)
            case 2:
                data[at:end] = bytes(chance.randrange(256) for _ in range(end - at))
            case 3:
                data[at:at] = data[at:end]
            case _:
                data[at:at] = b"\n"
    return bytes(data)
