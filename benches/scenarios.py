"""What sipp's far ends say, as its scenarios, made from the messages that they share.

A far end's fields are those of the users' file that `sipp` writes: login, domain, proof, callee.
"""

from typing import Literal

# Without, a server with several threads may tell the caller of the answer before it tells of the ringing.
RING_MILLISECONDS = 20
Proof = Literal["asked for proof", "taken as known"]

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
# It keeps who the caller is, for requests of our own.
_ACKNOWLEDGED = (
    '<recv request="ACK"><action><ereg regexp=".*" search_in="hdr" header="From:" assign_to="caller"/></action></recv>'
)
_TO = "To: <sip:[field3]@[field1]>"
_TAG = ";tag=[pid]d[call_number]"


def _send(text: str) -> str:
    return f"<send><![CDATA[\n{text}\n]]></send>"


def _send_until_heard(text: str) -> str:
    return _send(text).replace("<send>", '<send retrans="500">')


def receive(what: str, more: str = "") -> str:
    return f"<recv {what}{more}/>"


def _register(number: int, proof: str) -> str:
    line = "REGISTER sip:[field1] SIP/2.0\n"
    to = f"To: <sip:[field0]@[field1]>\nCSeq: {number} REGISTER\nExpires: 7200\n"
    return _send_until_heard(f"{line}{_HEAD}{to}{proof}{_EMPTY}")


def _invite(number: int, proof: str, port: str) -> str:
    line = f"INVITE sip:[field3]@[field1] SIP/2.0\n{_HEAD}{_TO}\nCSeq: {number} INVITE\n"
    return _send_until_heard(line + proof + _SDP.format(port=port))


def _like_invite(method: str, number: int, steps: int, tag: str = "[peer_tag_param]") -> str:
    """An ACK of a refusal, or a CANCEL: with the branch of the INVITE that is so many steps before it."""
    head = _HEAD.replace("[branch]", f"[branch-{steps}]")
    return f"{method} sip:[field3]@[field1] SIP/2.0\n{head}{_TO}{tag}\nCSeq: {number} {method}\n{_EMPTY}"


def within(method: str, number: int, more: str = "", end: str = _EMPTY) -> str:
    """A request in the dialog, sent until it is answered; an ACK once."""
    head = f"{method} [next_url] SIP/2.0\n{_HEAD}[routes]\n{_TO}[peer_tag_param]\nCSeq: {number} {method}\n{more}"
    return _send(head + end) if method == "ACK" else _send_until_heard(head + end)


def _response(line: str, tag: str, end: str) -> str:
    return f"SIP/2.0 {line}\n{_ECHO}[last_To:]{tag}\n{end}"


def registers() -> str:
    """REGISTER, the challenge, REGISTER with the proof."""
    challenged = receive('response="401"', ' auth="true"')
    return scenario(_register(1, ""), challenged, _register(2, "[field2]\n"), receive('response="200"'))


def calls(proof: Proof, talk_milliseconds: int) -> str:
    """INVITE to BYE. Who talks plays `words.ulaw`."""
    return scenario(*dialled(proof, talk_milliseconds), *talked(talk_milliseconds), *hung_up())


def dialled(proof: Proof, talk_milliseconds: int = 0) -> tuple[str, ...]:
    """INVITE to the ACK of its answer."""
    inviting = _inviting(proof, talk_milliseconds)
    return *inviting, receive('response="200"', ' rrs="true"'), within("ACK", 2 if proof == "asked for proof" else 1)


def given_up() -> tuple[str, ...]:
    """INVITE to its CANCEL, once it rings."""
    *inviting, ringing = _inviting("asked for proof", 0)
    return (
        *inviting,
        ringing.replace(' optional="true"', ""),
        _send_until_heard(_like_invite("CANCEL", 2, 4, tag="")),
        receive('response="200"'),
        receive('response="487"'),
        _send(_like_invite("ACK", 2, 7)),
    )


def _inviting(proof: Proof, talk_milliseconds: int) -> tuple[str, ...]:
    port = "[rtpstream_audio_port]" if talk_milliseconds else "[media_port]"
    proving = (
        receive('response="407"', ' auth="true"'), _send(_like_invite("ACK", 1, 2)), _invite(2, "[field2]\n", port)
    )  # fmt: skip
    ringing = (receive(f'response="{status}"', ' optional="true"') for status in (100, 183, 180))
    return _invite(1, "", port), *(proving if proof == "asked for proof" else ()), *ringing


def talked(milliseconds: int) -> tuple[str, ...]:
    playing = '<nop><action><exec rtp_stream="words.ulaw,-1,0"/></action></nop>'
    return (playing, pause(milliseconds)) if milliseconds else ()


def hung_up(number: int = 9) -> tuple[str, ...]:
    return within("BYE", number), receive('response="200"')


def held(number: int) -> tuple[str, ...]:
    """The call is put on hold, and taken back."""
    steps: list[str] = []
    for again, direction in enumerate(("sendonly", "sendrecv")):
        offer = f"{_SDP.format(port='[media_port]')}a={direction}\n"
        asking = within("INVITE", number + again, end=offer)
        trying = receive('response="100"', ' optional="true"')
        steps += [asking, trying, receive('response="200"'), within("ACK", number + again)]
    return tuple(steps)


def pressed(number: int) -> tuple[str, ...]:
    """Two digits, by INFO."""
    relay = "Content-Type: application/dtmf-relay\nContent-Length: [len]\n\nSignal={}\nDuration=100\n"
    steps: list[str] = []
    for again, digit in enumerate("15"):
        steps += [within("INFO", number + again, end=relay.format(digit)), receive('response="200"')]
    return tuple(steps)


def referred(number: int, to: str) -> tuple[str, ...]:
    """A blind transfer, up to the platform's BYE."""
    asking = within("REFER", number, f"Refer-To: <sip:{to}@[field1]>\n")
    told = receive('request="NOTIFY"'), _send(_response("200 OK", "", _EMPTY))
    return asking, receive('response="202"'), *told, *told, *is_hung_up()


def is_hung_up() -> tuple[str, ...]:
    return receive('request="BYE"'), _send(_response("200 OK", "", _EMPTY))


def is_called(media_port: int) -> str:
    """It rings, answers after a while, and waits for the BYE. Its audio is at `media_port`, whoever is there."""
    return scenario(*rung(), *answered(media_port), *is_hung_up())


def rung() -> tuple[str, ...]:
    return receive('request="INVITE"', ' rrs="true"'), _send(_response("180 Ringing", _TAG, _EMPTY))


def answered(media_port: int) -> tuple[str, ...]:
    """After a while."""
    answer = _response("200 OK", _TAG, _SDP.format(port=media_port))
    return pause(RING_MILLISECONDS), _send_until_heard(answer), _ACKNOWLEDGED


def is_given_up() -> tuple[str, ...]:
    """The CANCEL while it rings, and what both requests are answered."""
    refused = _response("487 Request Terminated", _TAG, _EMPTY).replace(
        "[last_CSeq:]", "CSeq: [last_cseq_number] INVITE"
    )
    return (
        receive('request="CANCEL"'),
        _send(_response("200 OK", _TAG, _EMPTY)),
        _send_until_heard(refused),
        receive('request="ACK"'),
    )


def hangs_up_on_caller(after_milliseconds: int = 0) -> tuple[str, ...]:
    """Of who was called, `answered`."""
    line = "BYE [next_url] SIP/2.0\nVia: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]\n"
    between = f"From: <sip:callee@[local_ip]>{_TAG}\nTo:[$caller]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70\n"
    bye = _send_until_heard(line + between + _EMPTY)
    return pause(after_milliseconds), bye, receive('response="200"')


def pause(milliseconds: int) -> str:
    return f'<pause milliseconds="{milliseconds}"/>'


def scenario(*steps: str) -> str:
    kept = '<Reference variables="caller"/>' if _ACKNOWLEDGED in steps else ""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="bench">{"".join(steps)}{kept}</scenario>\n'
