"""Category: unit. The small parts of SIP calls: identities, keys in INFO, referrals, keep-alives, directions."""

import pytest

from offhook.wire import sdp, stun_keepalive
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_identity import Caller, anonymous_fields, caller_of, identity_fields, passed_on, sendable
from offhook.wire.sip_info import PLAIN, RELAY, digit_of
from offhook.wire.sip_refer import ReferTo, Replaces, fragment, refer_to, status_of
from offhook.wire.sip_uri import SipUri, TelUri

from .sip import request


class TestIdentity:
    """RFC 3323, RFC 3325."""

    def test_what_the_network_asserts_goes_before_from(self) -> None:
        asserted = ("P-Asserted-Identity", '"Bob" <tel:+15550100>')
        assert caller_of(request(more=(asserted,))) == Caller("+15550100", "Bob")
        assert caller_of(request()) == Caller("alice", "Alice")

    def test_what_cannot_be_read_asserts_nothing(self) -> None:
        assert caller_of(request(more=(("P-Asserted-Identity", "<<>>"),))).number == "alice"

    def test_ours_says_who_calls_and_hides_who_does_not_want_to_be_known(self) -> None:
        shown = dict(identity_fields(Caller("+1555", "Ann"), "<sip:bob@b>", "sip.test", "t", ""))
        assert shown["From"] == '"Ann" <sip:+1555@sip.test>;tag=t'
        assert shown["P-Asserted-Identity"] == '"Ann" <sip:+1555@sip.test>'
        hidden = dict(anonymous_fields("<sip:bob@b>", "t"))
        assert hidden["From"] == '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=t'
        assert (hidden["Privacy"], "P-Asserted-Identity" in hidden) == ("id", False)

    def test_only_headers_of_users_pass(self) -> None:
        given = (("X-A", "1"), ("User-to-User", "2"), ("Route", "<sip:evil>"))
        assert passed_on(request(more=given)) == given[:2]
        assert sendable((*given, ("X-Evil", "1\r\nRoute: <sip:evil>"))) == given[:2]


class TestInfo:
    @pytest.mark.parametrize(
        ("kind", "body", "digit"),
        [
            (RELAY, b"Signal=5\r\nDuration=160\r\n", "5"),
            (RELAY, b"signal = #\nDuration=100", "#"),
            (RELAY, b"Signal=10\r\n", "*"),
            (PLAIN, b"d", "D"),
            (PLAIN, b" 16 ", ""),
        ],
    )
    def test_keys(self, kind: str, body: bytes, digit: str) -> None:
        assert digit_of(kind, body) == digit

    @pytest.mark.parametrize(("kind", "body"), [(RELAY, b"Duration=1"), (PLAIN, b""), (PLAIN, b"55"), (PLAIN, b"\xff")])
    def test_what_is_none(self, kind: str, body: bytes) -> None:
        with pytest.raises(Malformed):
            digit_of(kind, body)


class TestReferral:
    """RFC 3515, RFC 3891."""

    def test_whom_to_call(self) -> None:
        assert refer_to(request("REFER", (("Refer-To", "<tel:+15550100>"),))) == ReferTo(TelUri("+15550100"))
        replacing = "<sip:bob@b?Replaces=a%40c%3Bto-tag%3D1%3Bfrom-tag%3D2&X=1>"
        found = refer_to(request("REFER", (("Refer-To", replacing),)))
        assert found == ReferTo(SipUri("b", "bob"), Replaces("a@c", "1", "2"))

    def test_one_is_wanted(self) -> None:
        for more in ((), (("Refer-To", "<sip:a@b>"), ("Refer-To", "<sip:c@d>"))):
            with pytest.raises(Malformed):
                refer_to(request("REFER", more))

    def test_how_it_went_is_told_and_read(self) -> None:
        assert status_of(fragment(486)) == 486
        assert status_of(b"hello") is None


class TestKeepAlive:
    """RFC 5389 section 15.2, with the example of RFC 5769 section 2.2 and 2.3."""

    ID = bytes.fromhex("b7e7a701bc34d686fa87dfae")

    def test_the_address_comes_back(self) -> None:
        asked = bytes.fromhex("000100002112a442") + self.ID
        assert stun_keepalive.is_stun(asked)
        assert stun_keepalive.answer(asked, "192.0.2.1", 32853) == (
            bytes.fromhex("0101000c2112a442") + self.ID + bytes.fromhex("002000080001a147e112a643")
        )
        v6 = stun_keepalive.answer(asked, "2001:db8:1234:5678:11:2233:4455:6677", 32853)
        assert v6 is not None
        assert v6[20:] == bytes.fromhex("002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d9")

    def test_nothing_else_is_answered(self) -> None:
        assert stun_keepalive.answer(bytes.fromhex("011100002112a442") + self.ID, "192.0.2.1", 1) is None
        assert not stun_keepalive.is_stun(b"OPTIONS sip:a@b SIP/2.0\r\n")
        assert not stun_keepalive.is_stun(b"\0\0\0\0")


class TestDirection:
    """RFC 3264 section 5.1."""

    SDP = "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0\r\n"

    def test_of_the_audio_or_of_all(self) -> None:
        assert sdp.direction(self.SDP) == "sendrecv"
        assert sdp.direction(self.SDP + "a=sendonly\r\n") == "sendonly"
        assert sdp.direction(self.SDP.replace("t=0 0\r\n", "t=0 0\r\na=inactive\r\n")) == "inactive"
        assert sdp.direction(self.SDP + "m=video 5002 RTP/AVP 96\r\na=inactive\r\n") == "sendrecv"

    def test_an_old_phone_holds_by_its_address(self) -> None:
        assert sdp.direction(self.SDP.replace("c=IN IP4 192.0.2.1", "c=IN IP4 0.0.0.0")) == "sendonly"
