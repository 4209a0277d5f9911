"""Category: wire. SIP dialogs from both ends: tags, routes, order, targets (RFC 3261 section 12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.sip_admission import respond
from offhook.wire.sip_dialog import Dialog, OutOfOrder, Stage, as_uac, as_uas, local_id, record_route
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_message import Request, Response

from .sip import VIA, over_the_wire, request

ALICE, BOB = "sip:alice@192.0.2.7", "sip:bob@192.0.2.9:5070;transport=tcp"
THROUGH = (("Record-Route", "<sip:p2;lr>"), ("Record-Route", "<sip:p1;lr>"))


def invite(*more: tuple[str, str]) -> Request:
    return request("INVITE", (("Contact", f"<{ALICE}>"), *more))


def answered(call: Request, status: int = 200, tag: str = "bob", contact: str = BOB) -> Response:
    return over_the_wire(respond(call, status, tag, (("Contact", f"<{contact}>"), *record_route(call))))


def ends(*more: tuple[str, str]) -> tuple[Dialog, Dialog]:
    """Alice's and Bob's dialog of one call; `more` is in the INVITE as it reaches Bob."""
    call = over_the_wire(invite(*more))
    return as_uac(invite(), answered(call)), as_uas(call, "bob", 200)


class TestTwoEnds:
    def test_each_is_the_mirror_of_the_other(self) -> None:
        alice, bob = ends(*THROUGH)
        assert alice.id == (bob.call_id, bob.remote_tag, bob.local_tag) == (alice.call_id, "9fxced76sl", "bob")
        assert (alice.target, bob.target) == (BOB, ALICE)
        assert alice.routes == bob.routes[::-1] == ("<sip:p1;lr>", "<sip:p2;lr>")
        assert alice.stage is bob.stage is Stage.CONFIRMED

    @given(st.lists(st.sampled_from(["alice", "bob"]), max_size=8))
    def test_requests_either_way_find_their_dialog_and_are_in_order(self, turns: list[str]) -> None:
        alice, bob = ends(*THROUGH)
        pair = {"alice": alice, "bob": bob}
        for turn in turns:
            other = "bob" if turn == "alice" else "alice"
            pair[turn], info = pair[turn].request("INFO", VIA)
            info = over_the_wire(info)
            assert local_id(info) == pair[other].id
            assert info.uri == pair[turn].target
            pair[other] = pair[other].heard(info)

    def test_the_ack_of_a_2xx_has_the_number_of_its_invite_and_counts_not(self) -> None:
        alice, bob = ends()
        after, ack = alice.request("ACK", VIA, sequence=2)
        assert (after, str(ack.cseq), ack.uri) == (alice, "2 ACK", BOB)
        assert bob.heard(ack) == bob
        _, bye = after.request("BYE", VIA)
        assert str(bye.cseq) == "3 BYE"


class TestOrder:
    def test_what_is_older_or_the_same_is_refused(self) -> None:
        alice, bob = ends()
        alice, first = alice.request("INFO", VIA)
        alice, second = alice.request("INFO", VIA)
        bob = bob.heard(second)
        for late in (first, second):
            with pytest.raises(OutOfOrder):
                bob.heard(late)

    def test_gaps_are_fine(self) -> None:
        """A challenge of a proxy, which the far end answered, used one up."""
        alice, bob = ends()
        for _ in range(3):
            alice, _ = alice.request("INFO", VIA)
        _, bye = alice.request("BYE", VIA)
        assert bob.heard(bye).remote_sequence == 6

    def test_a_dialog_that_has_run_out_of_numbers_says_so(self) -> None:
        call = request("INVITE", (("Contact", f"<{ALICE}>"),), cseq=str(2**31 - 1))
        with pytest.raises(ValueError, match="sequence"):
            as_uac(call, answered(call)).request("BYE", VIA)


class TestRoutes:
    def test_loose_routing(self) -> None:
        alice, _ = ends(*THROUGH)
        _, bye = alice.request("BYE", VIA)
        assert (bye.uri, bye.every("Route")) == (BOB, ["<sip:p1;lr>", "<sip:p2;lr>"])
        assert str(alice.next_hop) == "sip:p1;lr"

    def test_a_strict_router_is_put_into_the_request_uri(self) -> None:
        alice, _ = ends(("Record-Route", "<sip:p2;lr>, <sip:p1;transport=tcp>"))
        _, bye = alice.request("BYE", VIA)
        assert (bye.uri, bye.every("Route")) == ("sip:p1;transport=tcp", ["<sip:p2;lr>", f"<{BOB}>"])
        assert str(alice.next_hop) == "sip:p1;transport=tcp"

    def test_without_proxies_the_target_is_the_next_hop(self) -> None:
        alice, _ = ends()
        assert str(alice.next_hop) == BOB


class TestEarly:
    def test_forks_make_dialogs_of_their_own(self) -> None:
        first, second = (as_uac(invite(), answered(invite(), 183, tag)) for tag in ("one", "two"))
        assert first.id != second.id
        assert first.stage is second.stage is Stage.EARLY

    def test_the_2xx_says_the_route_and_the_target_that_hold(self) -> None:
        early = as_uac(invite(), answered(invite(*THROUGH), 183))
        confirmed = early.confirmed(answered(invite(THROUGH[0]), 200, contact="sip:bob@elsewhere"))
        assert (early.routes, confirmed.routes) == (("<sip:p1;lr>", "<sip:p2;lr>"), ("<sip:p2;lr>",))
        assert (confirmed.target, confirmed.stage, confirmed.id) == ("sip:bob@elsewhere", Stage.CONFIRMED, early.id)

    def test_an_early_one_may_lack_a_contact_and_others_may_not(self) -> None:
        bare: Fields = tuple(field for field in answered(invite()).fields if field[0] != "Contact")
        assert as_uac(invite(), Response(status=180, fields=bare)).target == invite().uri
        with pytest.raises(Malformed):
            as_uac(invite(), Response(status=200, fields=bare))
        with pytest.raises(Malformed):
            as_uas(request("INVITE"), "bob")


class TestTarget:
    def test_a_request_that_refreshes_it_moves_it_and_others_do_not(self) -> None:
        alice, bob = ends()
        moved = (("Contact", "<sip:alice@moved>"),)
        alice, info = alice.request("INFO", VIA, moved)
        assert bob.heard(info).target == ALICE
        alice, again = alice.request("INVITE", VIA, moved)
        assert bob.heard(again).target == "sip:alice@moved"

    def test_headers_in_a_contact_never_become_ours(self) -> None:
        call = request("INVITE", (("Contact", "<sip:alice@a?Route=%3Csip:evil%3E>"),))
        _, bye = as_uas(call, "bob").request("BYE", VIA)
        assert bye.uri == "sip:alice@a"
