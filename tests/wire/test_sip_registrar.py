"""Category: unit. What a REGISTER does to the contacts of one address of record."""

from offhook.wire.sip_message import Request
from offhook.wire.sip_registrar import Accepted, Refused, Registered, Terms, register

from .sip import request

TERMS = Terms(shortest=60, usual=3600, longest=7200, most=3)
ONE = "<sip:alice@192.0.2.7:5060>"
TWO = "<sip:alice@192.0.2.8:5060>"
PHONE = '"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>"'


def asks(*contacts: str, expires: str = "", cseq: str = "1", path: str = "") -> Request:
    more = [("Contact", contact) for contact in contacts]
    more += [("Expires", expires)] if expires else []
    more += [("Path", path)] if path else []
    return request("REGISTER", tuple(more), cseq=cseq)


def accepted(asked: Request, contacts: tuple[Registered, ...] = (), first: int = 1, now: float = 0.0) -> Accepted:
    outcome = register(asked, contacts, first, now, TERMS)
    assert isinstance(outcome, Accepted)
    return outcome


def refused(asked: Request, contacts: tuple[Registered, ...] = ()) -> Refused:
    outcome = register(asked, contacts, 1, 0.0, TERMS)
    assert isinstance(outcome, Refused)
    return outcome


def numbers(outcome: Accepted) -> list[int]:
    return [contact.number for contact in outcome.contacts]


class TestContacts:
    """RFC 3261 section 10.3, steps 6 to 8."""

    def test_a_contact_is_registered_for_as_long_as_is_usual(self) -> None:
        outcome = accepted(asks(ONE))
        assert outcome.fields(asks(), 10.0) == (("Contact", f"{ONE};expires=3590"),)

    def test_its_own_expiration_goes_before_that_of_the_request(self) -> None:
        outcome = accepted(asks(f"{ONE};expires=90", TWO, expires="120"))
        assert [contact.expires_at for contact in outcome.contacts] == [90.0, 120.0]

    def test_nobody_is_registered_for_longer_than_the_longest(self) -> None:
        assert accepted(asks(ONE, expires="999999")).contacts[0].expires_at == 7200.0

    def test_too_short_a_time_is_refused_and_the_shortest_named(self) -> None:
        outcome = refused(asks(ONE, expires="59"))
        assert (outcome.status, outcome.more) == (423, (("Min-Expires", "60"),))

    def test_a_refresh_keeps_its_number_and_place(self) -> None:
        before = accepted(asks(ONE, TWO)).contacts
        outcome = accepted(asks(ONE, cseq="2"), before, first=3, now=100.0)
        assert numbers(outcome) == [1, 2]
        assert outcome.touched == {1}
        assert outcome.contacts[0].expires_at == 3700.0

    def test_zero_seconds_take_a_contact_away(self) -> None:
        before = accepted(asks(ONE, TWO)).contacts
        assert numbers(accepted(asks(f"{ONE};expires=0", cseq="2"), before)) == [2]

    def test_without_a_contact_nothing_changes_and_all_are_told(self) -> None:
        before = accepted(asks(ONE, TWO)).contacts
        outcome = accepted(asks(cseq="2"), before, now=600.0)
        assert outcome.contacts == before
        assert [value for _, value in outcome.fields(asks(), 600.0)] == [f"{ONE};expires=3000", f"{TWO};expires=3000"]

    def test_what_has_expired_is_gone(self) -> None:
        before = accepted(asks(ONE, expires="60")).contacts
        assert accepted(asks(cseq="2"), before, now=60.0).contacts == ()

    def test_a_request_that_was_overtaken_changes_nothing(self) -> None:
        before = accepted(asks(ONE, cseq="7")).contacts
        assert refused(asks(f"{ONE};expires=0", cseq="7"), before).status == 500

    def test_headers_in_a_contact_are_left_out(self) -> None:
        assert str(accepted(asks("<sip:alice@192.0.2.7?Route=evil>")).contacts[0].uri) == "sip:alice@192.0.2.7"


class TestAll:
    """RFC 3261 section 10.2.2."""

    def test_the_star_takes_all_away(self) -> None:
        before = accepted(asks(ONE, TWO)).contacts
        assert accepted(asks("*", expires="0", cseq="2"), before).contacts == ()

    def test_only_with_zero_seconds_and_alone(self) -> None:
        assert refused(asks("*", expires="3600")).status == 400
        assert refused(asks("*")).status == 400
        assert refused(asks("*", ONE, expires="0")).status == 400


class TestBounds:
    def test_contacts_are_counted_over_all_requests(self) -> None:
        before = accepted(asks(*(f"<sip:a@192.0.2.{number}>" for number in range(3)))).contacts
        outcome = refused(asks(ONE, cseq="2"), before)
        assert outcome.status == 403
        assert refused(asks(*(f"<sip:a@192.0.2.{number}>" for number in range(1000)))).status == 403

    def test_a_contact_of_another_scheme_is_refused(self) -> None:
        assert refused(asks("<mailto:alice@example.com>")).status == 400


class TestOutbound:
    """RFC 5626 section 6, RFC 3327."""

    def test_a_phone_with_another_address_is_the_same_phone(self) -> None:
        before = accepted(asks(f"{ONE};+sip.instance={PHONE}")).contacts
        outcome = accepted(asks(f"{TWO};+sip.instance={PHONE}", cseq="2"), before, first=2)
        assert numbers(outcome) == [1]
        assert str(outcome.contacts[0].uri) == TWO.strip("<>")

    def test_each_flow_of_a_phone_has_its_place(self) -> None:
        flows = [f"{ONE};+sip.instance={PHONE};reg-id={number}" for number in (1, 2)]
        before = accepted(asks(*flows)).contacts
        assert numbers(before_again := accepted(asks(flows[1], cseq="2"), before, first=3)) == [1, 2]
        assert before_again.touched == {2}
        assert ("Require", "outbound") in before_again.fields(asks(), 0.0)

    def test_the_path_is_kept_and_told(self) -> None:
        asked = asks(ONE, path="<sip:edge.example.com;lr>")
        outcome = accepted(asked)
        assert outcome.contacts[0].path == ("<sip:edge.example.com;lr>",)
        assert ("Path", "<sip:edge.example.com;lr>") in outcome.fields(asked, 0.0)
