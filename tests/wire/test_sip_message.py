"""Category: wire. SIP messages: round trips, line ends, bounds, and the answer that a bad one is due (case SIP-04)."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.sip_admission import Refused, answer, respond
from offhook.wire.sip_fields import MAX_FIELDS
from offhook.wire.sip_framing import MAX_HEAD, read_datagram
from offhook.wire.sip_grammar import Malformed, split_commas
from offhook.wire.sip_headers import NameAddr, Via, parse_name_addr, parse_via
from offhook.wire.sip_message import Message, Request, Response, write
from offhook.wire.sip_uri import SipUri

from .sip import over_the_wire, request
from .test_sip_uri import hosts, sip_uris

tokens = st.text(string.ascii_letters + string.digits + "-.!%*_+`'~", min_size=1, max_size=16)
values = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40).map(
    lambda text: text.strip(" \t")
)
headers = st.lists(st.tuples(tokens.map(lambda token: f"X-{token}"), values), max_size=6).map(tuple)
header_params = st.lists(st.tuples(tokens.map(str.lower), st.none() | tokens), max_size=4).map(tuple)
displays = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)


def refused(octets: bytes) -> Refused:
    item = read_datagram(octets)
    assert isinstance(item, Refused)
    return item


def answered(octets: bytes) -> Response | None:
    return answer(refused(octets), "tag")


class TestRoundTrips:
    @given(tokens, sip_uris, headers, st.binary(max_size=60))
    def test_requests(self, method: str, uri: SipUri, more: tuple[tuple[str, str], ...], body: bytes) -> None:
        message = request(method, more, uri=str(uri), body=body)
        assert read_datagram(write(message)) == message
        assert message.target == uri

    @given(st.integers(100, 699), values, headers, st.binary(max_size=60))
    def test_responses(self, status: int, reason: str, more: tuple[tuple[str, str], ...], body: bytes) -> None:
        message = Response(status=status, reason=reason, fields=(*request().fields, *more), body=body)
        assert read_datagram(write(message)) == message

    @given(st.builds(NameAddr, sip_uris, displays, header_params))
    def test_addresses(self, address: NameAddr) -> None:
        assert parse_name_addr(str(address)) == address

    @given(st.lists(st.builds(NameAddr, sip_uris, displays, header_params), min_size=1, max_size=4))
    def test_lists_of_addresses(self, addresses: list[NameAddr]) -> None:
        assert [parse_name_addr(element) for element in split_commas(", ".join(map(str, addresses)))] == addresses

    @given(st.builds(Via, tokens.map(str.upper), hosts, st.none() | st.integers(0, 65535), header_params))
    def test_vias(self, via: Via) -> None:
        assert parse_via(str(via)) == via


class TestNames:
    def test_short_and_odd_names_become_those_of_the_rfcs(self) -> None:
        message = over_the_wire(request(more=(("m", "<sip:a@b>"), ("x", "90"), ("USER-AGENT", "u"), ("x-Odd", "1"))))
        assert [name for name, _ in message.fields[6:]] == ["Contact", "Session-Expires", "User-Agent", "x-Odd"]
        assert (message.first("X-ODD"), message.every("session-expires")) == ("1", ["90"])

    def test_elements_of_all_lines(self) -> None:
        message = request(more=(("Supported", "timer, 100rel"), ("Supported", "Path,")))
        assert message.elements("Supported") == ["timer", "100rel", "Path"]
        assert message.has_option("Supported", "path")
        assert not message.has_option("Require", "path")

    def test_a_star_takes_all_bindings_away(self) -> None:
        assert request("REGISTER", (("Contact", "*"),)).takes_all_away
        assert request("REGISTER", (("Contact", "*"),)).contacts == ()
        assert not request("REGISTER").takes_all_away

    def test_octets_that_are_not_utf_8_are_latin_1(self) -> None:
        octets = write(request()).replace(b'"Alice"', b'"J\xf6rg"')
        message = read_datagram(octets)
        assert isinstance(message, Request)
        assert message.from_.display == "Jörg"


class TestWhereItCameFrom:
    """RFC 3261 section 18.2, RFC 3581 section 4."""

    @pytest.mark.parametrize(
        ("via", "stamped", "reply_to"),
        [
            ("192.0.2.7;rport;branch=b", "192.0.2.7;rport=9;branch=b;received=192.0.2.7", ("192.0.2.7", 9)),
            ("10.0.0.1:5070;branch=b", "10.0.0.1:5070;branch=b;received=192.0.2.7", ("192.0.2.7", 5070)),
            ("192.0.2.7;branch=b", "192.0.2.7;branch=b", ("192.0.2.7", 5060)),
            ("192.0.2.7;maddr=203.0.113.1", "192.0.2.7;maddr=203.0.113.1", ("192.0.2.7", 5060)),
            ("192.0.2.7;received=9.9.9.9", "192.0.2.7;received=192.0.2.7", ("192.0.2.7", 5060)),
            ("h;received=9.9.9.9;rport=1", "h;received=192.0.2.7;rport=9", ("192.0.2.7", 9)),
        ],
    )
    def test_top_via(self, via: str, stamped: str, reply_to: tuple[str, int]) -> None:
        first = request(via=f"SIP/2.0/UDP {via}, SIP/2.0/TCP other").came_from("192.0.2.7", 9)
        assert first.first("Via") == f"SIP/2.0/UDP {stamped}, SIP/2.0/TCP other"
        assert first.via.reply_to() == reply_to


class TestResponses:
    def test_what_must_be_copied_is_copied_as_it_was_written(self) -> None:
        message = request(more=(("Via", "SIP/2.0/TCP  far ; branch=x"), ("Subject", "no")))
        response = respond(message, 180, "our-tag", (("Contact", "<sip:us>"),))
        assert (response.status, response.reason, response.to.tag) == (180, "Ringing", "our-tag")
        assert response.every("Via") == message.every("Via")
        names = [name for name, _ in response.fields]
        assert names == ["Via", "From", "To", "Call-ID", "CSeq", "Via", "Contact"]

    def test_trying_has_no_tag_and_a_tag_that_is_there_stays(self) -> None:
        assert respond(request(), 100, "ours").to.tag == ""
        assert respond(request(to="<sip:bob@example.com>;tag=theirs"), 200, "ours").to.tag == "theirs"


class TestBadMessages:
    """Case SIP-04, and what else must not get through."""

    def test_the_phrase_says_what_is_wrong_and_quotes_nothing(self) -> None:
        response = answered(write(request(cseq="0 " + "A" * 400)))
        assert response is not None
        assert (response.status, response.reason) == (400, "CSeq is malformed")

    def test_long_tags_and_many_long_values_are_fine(self) -> None:
        long = request("REGISTER", (("Accept", "A" * 120),) * 50, sender=f"<sip:a@b>;tag={'t' * 190}")
        assert over_the_wire(long).from_.tag == "t" * 190

    @pytest.mark.parametrize("name", ["From", "To", "Call-ID", "CSeq"])
    def test_what_every_request_must_have_is_missed(self, name: str) -> None:
        lacking = Request(method="INVITE", uri="sip:a@b", fields=tuple(f for f in request().fields if f[0] != name))
        response = answered(write(lacking))
        assert (response.reason if response else None) == (None if name == "CSeq" else f"{name} is missing")

    @pytest.mark.parametrize(
        "octets", [b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\xff\xfe", b"SIP/2.0 999 x\r\n\r\n", b"a"]
    )
    def test_what_is_not_for_us_gets_silence(self, octets: bytes) -> None:
        assert answered(octets) is None

    def test_an_ack_and_a_response_get_silence(self) -> None:
        assert answered(write(request("ACK", cseq="x"))) is None
        assert answered(write(Response(status=200, fields=request(cseq="x").fields))) is None

    @pytest.mark.parametrize("end", [b"\n", b"\r"])
    def test_a_bare_line_end_hides_no_header(self, end: bytes) -> None:
        response = answered(write(request(more=(("Subject", "a|Route: <sip:evil>"),))).replace(b"|", end))
        assert response is not None
        assert response.reason == "a line does not end in CR LF"

    def test_a_line_end_is_never_written(self) -> None:
        for forged in (request(more=(("Subject", "a\r\nRoute: x"),)), request(uri="sip:a\nb"), request(cseq="1\r2")):
            with pytest.raises(ValueError, match="line end"):
                write(forged)

    def test_bounds(self) -> None:
        many = answered(write(request(more=(("X", "y"),) * MAX_FIELDS)))
        large = answered(write(request(more=(("X", "y" * MAX_HEAD),))))
        assert [response and response.status for response in (many, large)] == [513, 513]

    def test_versions_schemes_and_long_uris(self) -> None:
        assert [
            response and response.status
            for response in (
                answered(write(request()).replace(b"com SIP/2.0", b"com SIP/3.0", 1)),
                answered(write(request(uri="http://example.com"))),
                answered(write(request(uri="sip:" + "h" * 3000))),
            )
        ] == [505, 416, 414]

    @pytest.mark.parametrize("text", ['"a" <sip:b', "<sip:a>;=x", "", "<>", "sip:a@b?Route=x", '"a <sip:b>', "*"])
    def test_addresses_that_are_none(self, text: str) -> None:
        with pytest.raises(Malformed):
            parse_name_addr(text)

    @pytest.mark.parametrize("text", ['"a, b', "<a, b", 'x, "'])
    def test_a_list_whose_quotes_are_open(self, text: str) -> None:
        with pytest.raises(Malformed):
            split_commas(text)


def test_hostile_repetition_costs_little() -> None:
    """A pattern that goes back over what it has read would be here for hours."""
    for piece in (b"<" + b" " * 30000, b'"' * 30000, b"<sip:a>" + b";" * 30000, b", <" * 10000, b"\\" * 30000):
        head = write(request()).replace(b"Max-Forwards: 70", b"Contact: " + piece)
        assert isinstance(read_datagram(head), Refused)


def test_displays_are_quoted_whatever_they_hold() -> None:
    assert str(NameAddr(SipUri("h"), 'a "b" \\')) == '"a \\"b\\" \\\\" <sip:h>'
    assert isinstance(request(), Message)
