"""sipp as the far ends of SIP's benches: what they say, and that every one of their calls went as it should.

Its scenarios are made here from the messages that they share. Knows no peer. sipp's own CPU counts nowhere.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from benches import processes
from benches.platform import Identity

# More than anybody can answer in a second: how many there are at once is what bounds them.
RATE = 5_000
SECONDS = 600
# Without, a server with several threads may tell the caller of the answer before it tells of the ringing.
RING_MILLISECONDS = 20
Transport = Literal["u1", "t1"]

_HEAD = """Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
From: <sip:[field0]@[field1]>;tag=[pid]c[call_number]
Call-ID: [call_id]
Max-Forwards: 70
Contact: <sip:[field0]@[local_ip]:[local_port];transport=[transport]>
"""
_ECHO = """[last_Via:]
[last_From:]
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
Contact: <sip:callee@[local_ip]:[local_port];transport=[transport]>
"""
_SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
_EMPTY = "Content-Length: 0\n\n"
_TO = "To: <sip:[field3]@[field1]>"
_TAG = ";tag=[pid]d[call_number]"


class SippFailed(Exception):
    """A call of sipp's did not go as it should."""


class Server(NamedTuple):
    """Whom far ends speak to, and the domain that is in their addresses."""

    address: str
    domain: str
    transport: Transport = "u1"


def _send(text: str) -> str:
    return f"<send><![CDATA[\n{text}\n]]></send>"


def _send_until_heard(text: str) -> str:
    return _send(text).replace("<send>", '<send retrans="500">')


def _receive(what: str, more: str = "") -> str:
    return f"<recv {what}{more}/>"


def _register(number: int, proof: str) -> str:
    line = "REGISTER sip:[field1] SIP/2.0\n"
    to = f"To: <sip:[field0]@[field1]>\nCSeq: {number} REGISTER\nExpires: 600\n"
    return _send_until_heard(f"{line}{_HEAD}{to}{proof}{_EMPTY}")


def _invite(number: int, proof: str, port: str) -> str:
    line = f"INVITE sip:[field3]@[field1] SIP/2.0\n{_HEAD}{_TO}\nCSeq: {number} INVITE\n"
    return _send_until_heard(line + proof + _SDP.format(port=port))


def _ack_refusal() -> str:
    head = _HEAD.replace("[branch]", "[branch-1]")
    return _send(f"ACK sip:[field3]@[field1] SIP/2.0\n{head}{_TO}[peer_tag_param]\nCSeq: 1 ACK\n{_EMPTY}")


def _within(method: str, number: int) -> str:
    line = f"{method} [next_url] SIP/2.0\n{_HEAD}[routes]\n{_TO}[peer_tag_param]\nCSeq: {number} {method}\n{_EMPTY}"
    return _send(line) if method == "ACK" else _send_until_heard(line)


def _response(line: str, tag: str, end: str) -> str:
    return f"SIP/2.0 {line}\n{_ECHO}[last_To:]{tag}\n{end}"


def registers() -> str:
    """REGISTER, the challenge, REGISTER with the proof."""
    challenged = _receive('response="401"', ' auth="true"')
    return _scenario(_register(1, ""), challenged, _register(2, "[field2]\n"), _receive('response="200"'))


def calls(proof: Literal["asked for proof", "taken as known"], talk_milliseconds: int) -> str:
    """INVITE to BYE. Who talks plays `words.ulaw`."""
    port = "[rtpstream_audio_port]" if talk_milliseconds else "[media_port]"
    proving = (_receive('response="407"', ' auth="true"'), _ack_refusal(), _invite(2, "[field2]\n", port))
    ringing = (_receive(f'response="{status}"', ' optional="true"') for status in (100, 180, 183))
    playing = '<nop><action><exec rtp_stream="words.ulaw,-1,0"/></action></nop>'
    talking = (playing, f'<pause milliseconds="{talk_milliseconds}"/>')
    return _scenario(
        _invite(1, "", port),
        *(proving if proof == "asked for proof" else ()),
        *ringing,
        _receive('response="200"', ' rrs="true"'),
        _within("ACK", 2 if proof == "asked for proof" else 1),
        *(talking if talk_milliseconds else ()),
        _within("BYE", 3),
        _receive('response="200"'),
    )


def is_called(media_port: int) -> str:
    """It rings, answers after a while, and waits for the BYE. Its audio is at `media_port`, whoever is there."""
    return _scenario(
        _receive('request="INVITE"'),
        _send(_response("180 Ringing", _TAG, _EMPTY)),
        f'<pause milliseconds="{RING_MILLISECONDS}"/>',
        _send_until_heard(_response("200 OK", _TAG, _SDP.format(port=media_port))),
        _receive('request="ACK"'),
        _receive('request="BYE"'),
        _send(_response("200 OK", "", _EMPTY)),
    )


def _scenario(*steps: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="bench">{"".join(steps)}</scenario>\n'


def _words() -> bytes:
    """A second of G.711 µ-law that is no silence."""
    return bytes((37 * n + n * n // 11) & 0xFF for n in range(8_000))


class Sipp:
    """Runs of sipp, in a folder of their own."""

    def __init__(self, folder: Path, server: Server) -> None:
        (folder / "words.ulaw").write_bytes(_words())
        self._program = processes.program("sipp", "sip-tester")
        self._folder = folder
        self._server = server
        self._runs = 0

    async def run(
        self, scenario: str, users: Sequence[Identity], count: int, at_once: int, callee: str = "", port: int = 0
    ) -> None:
        """So many calls, each of the next of the users. SippFailed where one of them fails."""
        process = await self._start(scenario, port, callee, users, "-m", count, "-l", at_once, "-r", RATE)
        try:
            if await process.wait() != 0:
                raise SippFailed(f"{callee or 'REGISTER'} ended with {process.returncode}: {self._errors()}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @contextlib.asynccontextmanager
    async def serving(self, scenario: str, port: int) -> AsyncGenerator[None, None]:
        """Somebody who is called at this port, while the block runs."""
        process = await self._start(scenario, port)
        try:
            yield
        finally:
            process.kill()
            await process.wait()

    async def _start(
        self, scenario: str, port: int, callee: str = "", users: Sequence[Identity] = (), *more: object
    ) -> asyncio.subprocess.Process:
        self._runs += 1
        name = self._folder / f"{self._runs}"
        name.with_suffix(".xml").write_text(scenario)
        known = ("-inf", self._users(name, users, callee)) if users else ()
        return await asyncio.create_subprocess_exec(
            self._program, self._server.address, "-sf", name.with_suffix(".xml"), *known,
            "-t", self._server.transport, "-i", "127.0.0.1", "-p", str(port or processes.free_port()),
            "-mi", "127.0.0.1", "-nostdin", "-timeout", str(SECONDS), "-timeout_error",
            "-trace_err", "-error_file", name.with_suffix(".errors"), "-auth_uri", self._proved(callee),
            *map(str, more),
            cwd=self._folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    def _proved(self, callee: str) -> str:
        """Of itself sipp proves its password for the address that it sends to, not for the one that it asks for."""
        return f"{callee}@{self._server.domain}" if callee else self._server.domain

    def _users(self, name: Path, users: Sequence[Identity], callee: str) -> Path:
        file = name.with_suffix(".csv")
        lines = [
            f"{login};{self._server.domain};[authentication username={login} password={password}];{callee}"
            for login, password in users
        ]
        file.write_text("\n".join(["SEQUENTIAL", *lines, ""]))
        return file

    def _errors(self) -> str:
        said = [file.read_text(errors="replace") for file in self._folder.glob("*.errors")]
        return "".join(said)[:1_000] or "it says nothing"


@contextlib.contextmanager
def opened(server: Server) -> Generator[Sipp, None, None]:
    """A `Sipp`; NoPeer where it is not installed."""
    with tempfile.TemporaryDirectory(prefix="offhook-sipp-") as folder:
        yield Sipp(Path(folder), server)
