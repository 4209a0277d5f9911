"""Category: wire. All transactions of a node: who a message is for, and that none is kept for ever (case SIP-05)."""

import random

from offhook.wire.sip_admission import respond
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_requests import ack_of, cancel_of
from offhook.wire.sip_transaction import PassUp, Send, TimedOut, Transaction, TransportFailed
from offhook.wire.sip_transactions import Asked, Cancelled, Happened, Heard, Stray, Transactions

from .sip import request

INVITE = request()


def numbered(number: int, method: str = "INVITE") -> Request:
    return request(method, via=f"SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK{number}")


def asked(node: Transactions, message: Request, *, reliable: bool = False) -> Transaction:
    (heard,) = node.hear(message, 0.0, reliable=reliable)
    assert isinstance(heard, Asked)
    assert heard.request == message
    return heard.transaction


def outputs(heard: list[Happened]) -> list[object]:
    return [happened.output for happened in heard]


class TestRequests:
    def test_a_copy_is_no_second_request(self) -> None:
        node = Transactions()
        transaction = asked(node, INVITE)
        (said,) = node.say(transaction, respond(INVITE, 100, "tag"), 0.1)
        assert node.hear(INVITE, 0.5, reliable=False) == [said]
        assert len(node) == 1

    def test_a_cancel_finds_its_invite_and_is_one_of_its_own(self) -> None:
        node = Transactions()
        invite = asked(node, INVITE)
        (heard,) = node.hear(cancel_of(INVITE), 0.1, reliable=False)
        assert isinstance(heard, Cancelled)
        assert heard.invite is invite is not heard.transaction
        assert len(node) == 2

    def test_a_cancel_of_nothing(self) -> None:
        (heard,) = Transactions().hear(cancel_of(INVITE), 0.0, reliable=False)
        assert isinstance(heard, Cancelled)
        assert heard.invite is None

    def test_an_ack_of_a_refusal_stays_below_and_that_of_a_2xx_is_for_the_dialog(self) -> None:
        node = Transactions()
        refusal = respond(INVITE, 486, "tag")
        node.say(asked(node, INVITE), refusal, 0.0)
        assert node.hear(ack_of(INVITE, refusal), 0.1, reliable=False) == []
        elsewhere = numbered(7, "ACK")
        assert node.hear(elsewhere, 0.1, reliable=False) == [Stray(elsewhere)]


class TestResponses:
    def test_a_response_is_for_the_request_of_its_branch(self) -> None:
        node = Transactions()
        first, _ = node.send(numbered(1), 0.0, reliable=True)
        node.send(numbered(2), 0.0, reliable=True)
        ringing = respond(numbered(1), 180, "tag")
        assert node.hear(ringing, 0.1, reliable=True) == [Happened(first, PassUp(ringing))]

    def test_a_response_to_nobody_is_stray(self) -> None:
        late = respond(INVITE, 200, "tag")
        assert Transactions().hear(late, 0.0, reliable=False) == [Stray(late)]


class TestTime:
    def test_what_is_due_happens_when_it_is_due(self) -> None:
        node = Transactions()
        node.send(numbered(1), 0.0, reliable=False)
        node.send(numbered(2), 0.2, reliable=False)
        assert node.wakes_at == 0.5
        (first,) = node.tick(0.5)
        assert isinstance(first.output, Send)
        assert first.output.message == numbered(1)
        assert node.wakes_at == 0.7
        timed_out = [each for each in outputs(node.tick(100.0)) if isinstance(each, TimedOut)]
        assert (len(timed_out), len(node), node.wakes_at) == (2, 0, float("inf"))

    def test_copies_set_no_alarms_of_their_own(self) -> None:
        node = Transactions()
        node.say(asked(node, INVITE), respond(INVITE, 486, "tag"), 0.0)
        for _ in range(1000):
            node.hear(INVITE, 0.1, reliable=False)
        assert len(node._alarms) == 1  # pyright: ignore[reportPrivateUsage]

    def test_a_connection_that_breaks_ends_what_waits_for_it(self) -> None:
        node = Transactions()
        sent, _ = node.send(numbered(1), 0.0, reliable=True)
        assert outputs(node.failed(sent, 1.0)) == [TransportFailed()]
        served = asked(node, numbered(2, "OPTIONS"), reliable=True)
        node.say(served, respond(served.request, 100, "tag"), 0.0)
        assert outputs(node.failed(served, 1.0)) == [TransportFailed()]
        assert len(node) == 0

    def test_after_a_flood_nothing_is_left(self) -> None:
        """Whatever is answered, acknowledged, lost: 64 times T1 after the last word every transaction is gone."""
        chance = random.Random(1)
        node = Transactions()
        for number in range(500):
            now, reliable = number / 100, chance.random() < 0.5
            node.tick(now)
            message = numbered(number, chance.choice(["INVITE", "OPTIONS"]))
            if chance.random() < 0.5:
                _flood_out(node, message, now, reliable, chance)
            else:
                _flood_in(node, message, now, reliable, chance)
        while node.wakes_at < float("inf"):
            node.tick(node.wakes_at)
        assert len(node) == 0


def _flood_in(node: Transactions, message: Request, now: float, reliable: bool, chance: random.Random) -> None:
    heard: list[Heard] = list(node.hear(message, now, reliable=reliable))
    (new,) = heard
    assert isinstance(new, Asked)
    response = respond(message, chance.choice([200, 401, 486]), "tag")
    node.say(new.transaction, response, now)
    if message.method == "INVITE" and chance.random() < 0.5:
        node.hear(ack_of(message, response), now, reliable=reliable)


def _flood_out(node: Transactions, message: Request, now: float, reliable: bool, chance: random.Random) -> None:
    node.send(message, now, reliable=reliable)
    statuses = chance.choice([[], [200], [180, 486], [100, 200]])
    for response in (respond(message, status, "tag") for status in statuses):
        assert isinstance(response, Response)
        node.hear(response, now, reliable=reliable)
