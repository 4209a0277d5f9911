"""Category: integration. SIP's door in turned time: what is repeated, given up and forgotten. The far end is a trunk.

Cases SIP-14 and SIP-15: no call is stuck, nothing is left 64 times T1 after it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from offhook.edge.sip import SipDoor
from offhook.edge.sip_far_end import FarEnd
from offhook.edge.sip_transport import Flow
from offhook.edge.sip_ways import OneWay, Reach
from offhook.engine.ports import Contact, Identity, Invitation, LegIds, Reply
from offhook.testing.clock import LoopClock, run
from offhook.testing.fakes import SeededChance
from offhook.voice.cause import Ending, ending
from offhook.voice.dialing import SipDomains
from offhook.wire.sip_admission import respond
from offhook.wire.sip_dialog import as_uac
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_framing import read_datagram
from offhook.wire.sip_headers import Via
from offhook.wire.sip_message import Request, Response

IDS = LegIds("v3:control", "session", "leg")
OFFER = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"
SDP: Fields = (("Content-Type", "application/sdp"),)
CONTACT = ("Contact", "<sip:carrier@192.0.2.9>")
FORGOTTEN = 70.0  # seconds: more than 64 times T1, and what comes after


class Wire:
    """A flow whose other end is the test."""

    transport = "UDP"
    peer, local = ("192.0.2.9", 5060), ("192.0.2.1", 5060)

    def __init__(self) -> None:
        self.sent: list[tuple[float, Request | Response]] = []

    def send(self, octets: bytes) -> bool:
        message = read_datagram(octets)
        assert isinstance(message, Request | Response)
        self.sent.append((asyncio.get_running_loop().time(), message))
        return True

    def answering(self, via: Via) -> Flow:
        return self

    def proved(self) -> None: ...

    def close(self) -> None: ...

    def requests(self, method: str) -> list[Request]:
        return [it for _, it in self.sent if isinstance(it, Request) and it.method == method]

    def responses(self, status: int) -> list[Response]:
        return [it for _, it in self.sent if isinstance(it, Response) and it.status == status]


class Exchange:
    """Does what it is asked, and notes the ends."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, Ending]] = []
        self.dialogs: list[str] = []

    def register(self, *_: Any) -> str:
        return "binding"

    def invited(self, _: str, invite: Any, reply: Reply) -> None:
        self.dialogs.append(invite.dialog)
        reply.done()

    def answered(self, *_: Any, reply: Reply, **__: Any) -> None:
        reply.done()

    def hung_up(self, _: str, dialog: str, why: Ending, reply: Reply | None) -> None:
        self.ends.append((asyncio.get_running_loop().time(), why))

    def __getattr__(self, name: str) -> Any:
        return lambda *_: None


class Carrier:
    """The door, and the far end that is a trunk: known by where it is."""

    def __init__(self) -> None:
        self.exchange, self.wire = Exchange(), Wire()
        self.door = SipDoor(self.exchange, None, SipDomains(), (), LoopClock(0.0), SeededChance(), self, None)  # type: ignore[arg-type]
        self.door.trunks = self  # type: ignore[assignment]
        who = Identity("account", "connection", "")
        self.far_end = self.door.far_end(who, self._reach, lambda: None)
        self.far_end.register(Contact("192.0.2.9", 5060, "UDP", rung="never", speaks="sip"))

    def _reach(self, invitation: Invitation) -> OneWay:
        number = invitation.callee_number
        return OneWay(Reach(self.wire, f"sip:{number}@192.0.2.9", f"<sip:{number}@192.0.2.9>", "sip.test"))

    def from_source(self, request: Request, flow: Flow) -> FarEnd:
        return self.far_end

    def destination(self, far_end: FarEnd, request: Request) -> None:
        """As any far end's."""

    def hears(self, message: Request | Response) -> None:
        self.door.agent.heard(message, self.wire)

    def dial(self) -> Request:
        self.far_end.invite("d", Invitation(IDS, OFFER, "+1555", "", "+1666", ""))
        return self.wire.requests("INVITE")[-1]

    def dialled(self, more: Fields = ()) -> Request:
        """A call of the carrier comes in."""
        fields = (
            ("Via", "SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bK1"), ("From", "<sip:+1777@c>;tag=theirs"),
            ("To", "<sip:+1555@sip.test>"), ("Call-ID", "c"), ("CSeq", "1 INVITE"), CONTACT, *SDP, *more,
        )  # fmt: skip
        invite = Request(method="INVITE", uri="sip:+1555@sip.test", fields=fields, body=OFFER.encode())
        self.hears(invite)
        return invite

    def answer(self) -> Response:
        self.far_end.answer(self.exchange.dialogs[-1], OFFER, IDS)
        return self.wire.responses(200)[-1]

    def acknowledge(self, invite: Request, response: Response) -> None:
        dialog = as_uac(invite, response)
        self.hears(dialog.request("ACK", "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKack", sequence=1)[1])

    def is_idle(self) -> bool:
        return len(self.door.agent) == len(self.door.calls) == 0


def turned(play: Callable[[Carrier], Awaitable[None]]) -> None:
    async def main() -> None:
        carrier = Carrier()
        await play(carrier)
        await asyncio.sleep(FORGOTTEN)
        assert carrier.is_idle()
        assert len(carrier.exchange.ends) <= 1
        carrier.door.close()

    run(main())


def test_an_invite_that_nobody_answers_is_given_up() -> None:
    async def play(carrier: Carrier) -> None:
        carrier.dial()
        await asyncio.sleep(40)
        assert len(carrier.wire.requests("INVITE")) == 7
        [(at, why)] = carrier.exchange.ends
        assert (at, why.cause) == (32.0, "NO_USER_RESPONSE")

    turned(play)


def test_a_call_that_is_not_wanted_any_more_is_cancelled_once_something_is_heard() -> None:
    async def play(carrier: Carrier) -> None:
        invite = carrier.dial()
        carrier.far_end.bye("d", ending("ORIGINATOR_CANCEL"))
        assert carrier.wire.requests("CANCEL") == []
        carrier.hears(respond(invite, 100, ""))
        assert len(carrier.wire.requests("CANCEL")) == 1  # and nobody ever answers it
        await asyncio.sleep(40)
        assert carrier.is_idle()

    turned(play)


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_ended() -> None:
    async def play(carrier: Carrier) -> None:
        invite = carrier.dial()
        carrier.hears(respond(invite, 180, "theirs"))
        carrier.far_end.bye("d", ending("ORIGINATOR_CANCEL"))
        [cancel] = carrier.wire.requests("CANCEL")
        carrier.hears(respond(invite, 200, "theirs", (CONTACT, *SDP), OFFER.encode()))
        assert len(carrier.wire.requests("ACK")) == 1
        [bye] = carrier.wire.requests("BYE")
        carrier.hears(respond(cancel, 200, "theirs"))
        carrier.hears(respond(invite, 200, "theirs", (CONTACT, *SDP), OFFER.encode()))
        assert (len(carrier.wire.requests("ACK")), len(carrier.wire.requests("BYE"))) == (2, 1)
        carrier.hears(respond(bye, 200, ""))
        assert carrier.exchange.ends == []

    turned(play)


def test_an_answer_that_is_never_acknowledged_is_repeated_then_ended() -> None:
    async def play(carrier: Carrier) -> None:
        carrier.dialled()
        carrier.answer()
        await asyncio.sleep(31)
        assert len(carrier.wire.responses(200)) == 10
        await asyncio.sleep(2)
        assert len({bye.cseq for bye in carrier.wire.requests("BYE")}) == 1
        [(_, why)] = carrier.exchange.ends
        assert why.cause == "RECOVERY_ON_TIMER_EXPIRE"

    turned(play)


def test_a_bye_waits_for_the_acknowledgement_of_the_answer() -> None:
    async def play(carrier: Carrier) -> None:
        invite = carrier.dialled()
        response = carrier.answer()
        carrier.far_end.bye(carrier.exchange.dialogs[-1], ending("NORMAL_CLEARING"))
        assert carrier.wire.requests("BYE") == []
        carrier.acknowledge(invite, response)
        [bye] = carrier.wire.requests("BYE")
        carrier.hears(respond(bye, 200, ""))

    turned(play)


@pytest.mark.parametrize("refresher", ["uac", "uas"])
def test_a_session_that_is_not_refreshed_ends(refresher: str) -> None:
    """RFC 4028 section 10. The far end has vanished; where we refresh, our request is not answered."""

    async def play(carrier: Carrier) -> None:
        timer = (("Supported", "timer"), ("Session-Expires", f"90;refresher={refresher}"), ("Allow", "UPDATE"))
        invite = carrier.dialled(timer)
        response = carrier.answer()
        assert response.one("Session-Expires") == f"90;refresher={refresher}"
        carrier.acknowledge(invite, response)
        await asyncio.sleep(91)
        [(at, why)] = carrier.exchange.ends
        assert at <= 90
        assert why.cause == "RECOVERY_ON_TIMER_EXPIRE"
        assert bool(carrier.wire.requests("UPDATE")) is (refresher == "uas")
        assert len(carrier.wire.requests("BYE")) >= 1

    turned(play)


def test_a_session_is_refreshed_as_long_as_it_is_answered() -> None:
    async def play(carrier: Carrier) -> None:
        timer = (("Supported", "timer"), ("Session-Expires", "90;refresher=uas"))
        invite = carrier.dialled(timer)
        carrier.acknowledge(invite, carrier.answer())
        for number in range(1, 5):
            await asyncio.sleep(46)
            refresh = carrier.wire.requests("INVITE")[-1]  # it has not said that it allows UPDATE
            assert len({it.cseq.number for it in carrier.wire.requests("INVITE")}) == number
            more = (CONTACT, ("Session-Expires", "90;refresher=uac"), *SDP)
            carrier.hears(respond(refresh, 200, "", more, OFFER.encode()))
            assert carrier.wire.requests("ACK")[-1].cseq.number == refresh.cseq.number
        assert carrier.exchange.ends == []
        carrier.far_end.bye(carrier.exchange.dialogs[-1], ending("NORMAL_CLEARING"))

    turned(play)


def test_too_short_a_session_is_asked_for_again_with_what_the_far_end_takes() -> None:
    async def play(carrier: Carrier) -> None:
        invite = carrier.dial()
        carrier.hears(respond(invite, 422, "theirs", (("Min-SE", "7200"),)))
        again = carrier.wire.requests("INVITE")[-1]
        assert (again.cseq.number, again.one("Session-Expires"), again.one("Min-SE")) == (2, "7200", "7200")
        carrier.hears(respond(again, 486, "theirs"))
        [(_, why)] = carrier.exchange.ends
        assert (why.cause, why.sip_code) == ("USER_BUSY", 486)

    turned(play)
