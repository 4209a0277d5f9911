"""Category: wire. The torture messages of RFC 4475 and RFC 5118 (cases SIP-01, SIP-02): what is read, what is refused.

Which of its allowed answers a message that is fit to be used gets, is for those who use it.
"""

import pytest

from offhook.wire.sip_admission import Refused, answer, unsupported
from offhook.wire.sip_framing import Stream, Unframed, read_datagram
from offhook.wire.sip_headers import Via, parse_rack
from offhook.wire.sip_message import Message, Request, Response, write
from offhook.wire.sip_uri import OtherUri, SipUri

from .torture import ALLOWED, MESSAGES, Answer

# Only these may be the last word on a message before anybody has looked at what it asks for.
OF_THE_GRAMMAR: set[Answer] = {400, 414, 416, 505, 513, "drop"}
# Where they end, nobody knows: no length, no number, two of them, no start line.
ENDLESS = {"inv2543", "ncl", "mcl01", "bigcode"}


def read(name: str) -> Message:
    message = read_datagram(MESSAGES[name])
    assert isinstance(message, Message)
    return message


def request(name: str) -> Request:
    message = read(name)
    assert isinstance(message, Request)
    return message


@pytest.mark.parametrize("name", ALLOWED)
def test_every_message_gets_an_allowed_answer(name: str) -> None:
    item = read_datagram(MESSAGES[name])
    allowed = set(ALLOWED[name])
    if isinstance(item, Refused):
        response = answer(item, "tag")
        assert (response.status if response else "drop") in allowed
    elif isinstance(item, Response):
        assert allowed == {"drop"}  # no transaction waits for it
    else:
        assert allowed - OF_THE_GRAMMAR


@pytest.mark.parametrize("name", ALLOWED)
def test_octets_that_come_one_by_one_make_the_same_items_in_a_stream(name: str) -> None:
    at_once, one_by_one = Stream(), Stream()
    expected = at_once.receive(MESSAGES[name])
    items = [item for octet in MESSAGES[name] for item in one_by_one.receive(bytes([octet]))]
    assert items == expected
    assert one_by_one.pending == at_once.pending


@pytest.mark.parametrize("name", ALLOWED)
def test_a_stream_says_of_a_whole_message_what_a_datagram_says(name: str) -> None:
    items = Stream().receive(MESSAGES[name])
    alone = read_datagram(MESSAGES[name])
    if name in ENDLESS:
        assert [type(item) for item in items] == [Unframed]
    elif name in ("clerr", "baddn"):
        assert items == []  # the rest may come yet
    else:
        assert items[0] == alone


@pytest.mark.parametrize("name", ALLOWED)
def test_what_was_read_is_read_again_as_it_was_written(name: str) -> None:
    message = read_datagram(MESSAGES[name])
    if isinstance(message, Message):
        assert read_datagram(write(message)) == message


class TestMeaning:
    """RFC 4475 section 3.1.1: what must be understood in messages that only look wrong."""

    def test_folding_blanks_and_short_names(self) -> None:
        message = request("wsinv")
        assert (message.max_forwards, message.cseq.number, message.cseq.method) == (68, 9, "INVITE")
        assert len(message.elements("Via")) == 3
        assert message.via == Via("UDP", "192.0.2.2", params=(("branch", "390skdjuw"),))
        assert message.from_.display == 'J Rosenberg \\"'
        assert (message.to.tag, message.from_.tag) == ("1918181833n", "98asjd8")
        (contact,) = message.contacts
        assert (contact.display, contact.param("newparam"), contact.param("q")) == (
            'Quoted string ""',
            "newvalue",
            "0.33",
        )
        assert message.first("newfangledheader") == "newfangled value continued newfangled value"
        assert message.first("Subject") == ""
        assert len(message.body) == 150

    def test_every_symbol_that_is_legal(self) -> None:
        message = request("intmeth")
        assert message.method == "!interesting-Method0123456789_*+`.%indeed'~"
        assert isinstance(message.target, SipUri)
        assert message.target.user == "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"
        assert message.target.password == "&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"
        assert message.to.display == "BEL:\x07 NUL:\0 DEL:\x7f"
        assert message.from_.display == "token1~` token2'+_ token3*%!.-"
        assert message.from_.param("fromparam''~+*_!.-%") == "работающий"

    def test_escapes_are_undone_once(self) -> None:
        message = request("esc01")
        assert isinstance(message.target, SipUri)
        assert (message.target.user, message.target.host) == ("sips:user@example.com", "example.net")
        uri = message.contacts[0].uri
        assert isinstance(uri, SipUri)
        assert (uri.user, uri.params) == ("caller", (("lr", None), ("name", "value%41")))

    def test_an_escaped_null_is_part_of_the_user(self) -> None:
        message = request("escnull")
        uris = [contact.uri for contact in (message.to, *message.contacts)]
        assert [uri.user for uri in uris if isinstance(uri, SipUri)] == ["null-\0-null", "\0", "\0\0"]

    def test_methods_and_names_know_no_escapes(self) -> None:
        message = request("esc02")
        assert message.method == "RE%47IST%45R"
        assert message.to.display == "%Z%45"
        assert len(message.contacts) == 2
        assert message.first("C%6Fntact") is not None

    def test_octets_after_the_body_are_another_message_only_in_a_stream(self) -> None:
        assert request("dblreq").method == "REGISTER"
        assert request("dblreq").body == b""
        methods = [item.method for item in Stream().receive(MESSAGES["dblreq"]) if isinstance(item, Request)]
        assert methods == ["REGISTER", "INVITE"]

    def test_semicolons_may_be_part_of_the_user(self) -> None:
        target = request("semiuri").target
        assert isinstance(target, SipUri)
        assert (target.user, target.host) == ("user;par=u@example.net", "example.com")

    def test_parameters_belong_to_the_uri_only_inside_brackets(self) -> None:
        (outside,), (inside,) = request("cparam01").contacts, request("cparam02").contacts
        assert isinstance(outside.uri, SipUri)
        assert isinstance(inside.uri, SipUri)
        assert (outside.param("unknownparam"), outside.uri.param("unknownparam")) == ("", None)
        assert (inside.param("unknownparam"), inside.uri.param("unknownparam")) == (None, "")

    def test_headers_in_a_uri_stay_there(self) -> None:
        message = request("escruri")
        assert isinstance(message.target, SipUri)
        assert message.target.headers == "Route=%3Csip:example.com%3E"
        assert message.first("Route") is None

    def test_foreign_schemes_are_read_where_they_may_stand(self) -> None:
        message = request("unksm2")
        assert message.to.uri == OtherUri("isbn", "2983792873")
        assert [type(contact.uri) for contact in message.contacts] == [OtherUri]

    def test_bodies_are_octets(self) -> None:
        body = request("mpart01").body
        assert body == MESSAGES["mpart01"].partition(b"\r\n\r\n")[2]
        assert b"\x82\x01\x52" in body

    def test_every_extension_that_is_not_known_is_named(self) -> None:
        required = ("nothingSupportsThis", "nothingSupportsThisEither")
        of_proxies = ("noProxiesSupportThis", "norDoAnyProxiesSupportThis")
        assert unsupported(request("bext01"), ()) == (*required, *of_proxies)
        assert unsupported(request("bext01"), [option.lower() for option in required]) == of_proxies

    def test_a_bare_cookie_is_no_branch(self) -> None:
        assert request("badbranch").via.branch == ""


class TestIPv6:
    """RFC 5118: addresses with and without brackets."""

    def test_what_looks_like_a_port_is_part_of_the_address(self) -> None:
        target = request("port-ambiguous").target
        assert isinstance(target, SipUri)
        assert (target.host, target.port) == ("2001:db8::10:5070", None)

    def test_a_port_after_the_brackets(self) -> None:
        target = request("port-unambiguous").target
        assert isinstance(target, SipUri)
        assert (target.host, target.port) == ("2001:db8::10", 5070)

    def test_received_is_read_with_brackets_and_without(self) -> None:
        for name in ("via-received-param-with-delim", "via-received-param-no-delim"):
            assert request(name).via.reply_to() == ("2001:db8::9:255", 5060)


def test_rack_names_a_response_and_its_request() -> None:
    assert str(parse_rack("776656  1 INVITE")) == "776656 1 INVITE"
