"""Category: wire. SIP's four transactions: their tables, their time lines, and both ends over a network that loses and
doubles (RFC 3261 section 17, RFC 6026)."""

import heapq
from collections.abc import Iterable
from itertools import count, repeat

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.wire.sip_admission import respond
from offhook.wire.sip_framing import read_datagram
from offhook.wire.sip_message import Message, Request, Response, write
from offhook.wire.sip_requests import ack_of, cancel_of, cancelled_key, client_key, server_key
from offhook.wire.sip_transaction import Output, PassUp, Send, State, TimedOut, Transaction, TransportFailed
from offhook.wire.sip_transaction_tables import CLIENT, INVITE_CLIENT, INVITE_SERVER, SERVER, Machine, Timer

from .sip import request

NEVER = float("inf")
INVITE, OPTIONS = request("INVITE"), request("OPTIONS")
machines = pytest.mark.parametrize("machine", [INVITE_CLIENT, CLIENT, INVITE_SERVER, SERVER])


def response(status: int, to: Request = INVITE) -> Response:
    return respond(to, status, "tag")


def client(message: Request, *, reliable: bool = False) -> Transaction:
    transaction, outputs = Transaction.client(message, 0.0, reliable=reliable)
    assert sent(outputs) == [message]
    return transaction


def server(message: Request, *, reliable: bool = False) -> Transaction:
    return Transaction.server(message, 0.0, reliable=reliable)


def sent(outputs: Iterable[Output]) -> list[Message]:
    return [output.message for output in outputs if isinstance(output, Send)]


def passed(outputs: Iterable[Output]) -> list[Message]:
    return [output.message for output in outputs if isinstance(output, PassUp)]


def time_line(transaction: Transaction, until: float = NEVER) -> list[tuple[float, Output]]:
    """Whatever happens by time alone, and when."""
    seen: list[tuple[float, Output]] = []
    while (now := transaction.wakes_at) < until:
        seen += [(now, output) for output in transaction.tick(now)]
    return seen


def sendings(seen: list[tuple[float, Output]]) -> list[float]:
    return [now for now, output in seen if isinstance(output, Send)]


class TestTables:
    @machines
    def test_every_timer_of_a_state_has_its_row_and_no_row_is_without_its_timer(self, machine: Machine) -> None:
        named = {(state, timer) for state, timers in machine.timers.items() for timer in timers}
        assert named == {key for key in machine.table if isinstance(key[1], Timer)}

    @machines
    def test_every_state_is_reached_and_the_end_is_the_end(self, machine: Machine) -> None:
        states = {state for state, _ in machine.table}
        assert states <= {machine.first} | {state for state, _ in machine.table.values()}
        assert State.TERMINATED not in states
        assert {state for state in states if state not in machine.timers} <= {State.PROCEEDING, State.TRYING}


class TestInviteClient:
    def test_unanswered_it_is_sent_seven_times_and_times_out(self) -> None:
        transaction = client(INVITE)
        seen = time_line(transaction)
        assert sendings(seen) == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
        assert seen[-1] == (32.0, TimedOut())
        assert transaction.state is State.TERMINATED

    def test_a_provisional_response_ends_the_retransmissions(self) -> None:
        transaction = client(INVITE)
        assert passed(transaction.hear(response(100), 0.1)) == [response(100)]
        assert transaction.wakes_at == NEVER
        assert passed(transaction.hear(response(180), 100.0)) == [response(180)]

    def test_a_refusal_is_acknowledged_each_time_that_it_comes(self) -> None:
        transaction = client(INVITE)
        outputs = transaction.hear(response(486), 0.1)
        ack = ack_of(INVITE, response(486))
        assert (sent(outputs), passed(outputs)) == ([ack], [response(486)])
        assert transaction.hear(response(486), 1.0) == [Send(ack, write(ack))]
        assert transaction.hear(response(180), 1.0) == transaction.hear(response(200), 1.0) == []
        assert time_line(transaction, 32.0) == []
        transaction.tick(32.1)
        assert transaction.state is State.TERMINATED

    def test_every_2xx_goes_up_and_none_is_acknowledged_here(self) -> None:
        """RFC 6026: forks answer, and answers come again, for 64 times T1."""
        transaction = client(INVITE)
        other = respond(INVITE, 200, "fork")
        for now, heard in ((0.1, response(200)), (0.6, response(200)), (31.0, other)):
            assert transaction.hear(heard, now) == [PassUp(heard)]
        assert transaction.hear(response(486), 31.0) == []
        assert transaction.wakes_at == 32.1
        assert time_line(transaction) == []
        assert transaction.state is State.TERMINATED

    def test_on_a_reliable_transport_nothing_is_repeated_and_a_refusal_is_the_end(self) -> None:
        transaction = client(INVITE, reliable=True)
        assert transaction.wakes_at == 32.0
        assert sent(transaction.hear(response(486), 0.1)) == [ack_of(INVITE, response(486))]
        assert (transaction.state, transaction.wakes_at) == (State.TERMINATED, NEVER)

    @pytest.mark.parametrize("status", [None, 180, 486])
    def test_a_transport_that_fails_is_the_end(self, status: int | None) -> None:
        transaction = client(INVITE)
        if status:
            transaction.hear(response(status), 0.1)
        assert transaction.transport_failed(0.2) == [TransportFailed()]
        assert transaction.state is State.TERMINATED

    def test_what_is_overdue_happens_once(self) -> None:
        outputs = client(INVITE).tick(1000.0)
        assert outputs == [Send(INVITE, write(INVITE)), TimedOut()]


class TestClient:
    def test_unanswered_it_is_sent_eleven_times_and_times_out(self) -> None:
        seen = time_line(client(OPTIONS))
        assert sendings(seen) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert seen[-1] == (32.0, TimedOut())

    def test_a_provisional_response_slows_it_down_but_moves_no_deadline(self) -> None:
        transaction = client(OPTIONS)
        transaction.hear(response(100, OPTIONS), 0.1)
        seen = time_line(transaction)
        assert sendings(seen) == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
        assert seen[-1] == (32.0, TimedOut())

    @pytest.mark.parametrize("status", [200, 404])
    def test_a_final_response_goes_up_once(self, status: int) -> None:
        transaction = client(OPTIONS)
        final = response(status, OPTIONS)
        assert transaction.hear(final, 0.1) == [PassUp(final)]
        assert transaction.hear(final, 0.2) == []
        assert transaction.wakes_at == 5.1
        assert time_line(transaction) == []
        assert transaction.state is State.TERMINATED

    def test_on_a_reliable_transport_a_final_response_is_the_end(self) -> None:
        transaction = client(OPTIONS, reliable=True)
        transaction.hear(response(200, OPTIONS), 0.1)
        assert transaction.state is State.TERMINATED


class TestInviteServer:
    def test_a_request_that_comes_again_gets_the_last_provisional_response(self) -> None:
        transaction = server(INVITE)
        assert transaction.hear(INVITE, 0.1) == []
        for status in (100, 180):
            said = transaction.say(response(status), 0.2)
            assert transaction.hear(INVITE, 0.5) == said
        assert transaction.wakes_at == NEVER

    def test_a_refusal_is_repeated_until_it_is_acknowledged(self) -> None:
        transaction = server(INVITE)
        said = transaction.say(response(486), 0.0)
        assert transaction.hear(INVITE, 0.1) == said
        assert sendings(time_line(transaction, 8.0)) == [0.5, 1.5, 3.5, 7.5]
        assert transaction.hear(ack_of(INVITE, response(486)), 8.0) == []
        assert transaction.state is State.CONFIRMED
        assert transaction.hear(ack_of(INVITE, response(486)), 9.0) == transaction.hear(INVITE, 9.0) == []
        assert time_line(transaction) == []
        assert transaction.state is State.TERMINATED

    def test_a_refusal_that_nobody_acknowledges(self) -> None:
        transaction = server(INVITE)
        transaction.say(response(486), 0.0)
        seen = time_line(transaction)
        assert sendings(seen) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
        assert seen[-1] == (32.0, TimedOut())

    def test_a_2xx_is_repeated_by_whoever_said_it_and_its_ack_goes_up(self) -> None:
        """RFC 6026: the transaction stays to keep copies of the INVITE from being another call."""
        transaction = server(INVITE)
        said = transaction.say(response(200), 0.0)
        assert transaction.hear(INVITE, 0.1) == []
        assert transaction.say(response(200), 0.5) == said
        ack = request("ACK")
        assert transaction.hear(ack, 0.6) == [PassUp(ack)]
        assert transaction.say(response(486), 0.7) == []
        assert transaction.wakes_at == 32.0
        assert time_line(transaction) == []
        assert transaction.state is State.TERMINATED

    def test_on_a_reliable_transport_a_refusal_is_sent_once_and_its_ack_is_the_end(self) -> None:
        transaction = server(INVITE, reliable=True)
        transaction.say(response(486), 0.0)
        assert transaction.wakes_at == 32.0
        transaction.hear(ack_of(INVITE, response(486)), 0.1)
        assert transaction.state is State.TERMINATED

    def test_a_transport_that_fails_is_told_and_may_recover(self) -> None:
        transaction = server(INVITE)
        transaction.say(response(180), 0.1)
        assert transaction.transport_failed(0.1) == [TransportFailed()]
        assert sent(transaction.say(response(200), 0.2)) == [response(200)]


class TestServer:
    def test_copies_are_dropped_until_there_is_something_to_say_and_then_get_that(self) -> None:
        transaction = server(OPTIONS)
        assert transaction.hear(OPTIONS, 0.1) == []
        for status in (100, 200):
            said = transaction.say(response(status, OPTIONS), 0.2)
            assert transaction.hear(OPTIONS, 0.3) == said
        assert transaction.say(response(500, OPTIONS), 0.4) == []
        assert transaction.wakes_at == 32.2
        assert time_line(transaction) == []
        assert transaction.state is State.TERMINATED

    def test_on_a_reliable_transport_its_final_response_is_the_end(self) -> None:
        transaction = server(OPTIONS, reliable=True)
        assert sent(transaction.say(response(200, OPTIONS), 0.1)) == [response(200, OPTIONS)]
        assert transaction.state is State.TERMINATED


class TestKeys:
    def test_a_response_finds_the_request_of_its_branch_and_method(self) -> None:
        assert client_key(response(200)) == client_key(INVITE) != client_key(cancel_of(INVITE))

    def test_an_ack_and_a_cancel_find_their_invite(self) -> None:
        assert server_key(ack_of(INVITE, response(486))) == server_key(INVITE) == cancelled_key(cancel_of(INVITE))
        assert server_key(cancel_of(INVITE)) != server_key(INVITE)

    def test_two_senders_may_use_the_same_branch(self) -> None:
        assert server_key(request(via="SIP/2.0/UDP a;branch=z9hG4bK1")) != server_key(
            request(via="SIP/2.0/UDP b;branch=z9hG4bK1")
        )

    def test_without_a_branch_the_rest_decides(self) -> None:
        """RFC 2543, and a branch that is the magic cookie alone (RFC 4475 section 3.2.1)."""
        for via in ("SIP/2.0/UDP a", "SIP/2.0/UDP a;branch=z9hG4bK", "SIP/2.0/UDP a;branch=1"):
            old = request(via=via)
            assert server_key(old) == server_key(ack_of(old, response(486, old)))
            assert server_key(old) != server_key(request(via=via, cseq="3"))

    def test_what_follows_an_invite_goes_its_way(self) -> None:
        invite = request(more=(("Route", "<sip:p1;lr>"), ("Route", "<sip:p2;lr>"), ("Authorization", "Digest x")))
        ack, cancel = ack_of(invite, response(401, invite)), cancel_of(invite)
        for following in (ack, cancel):
            assert following.uri == invite.uri
            assert following.every("Via") == invite.every("Via")
            assert following.every("Route") == ["<sip:p1;lr>", "<sip:p2;lr>"]
            assert following.cseq.number == invite.cseq.number
        assert (ack.to.tag, cancel.to.tag) == ("tag", "")
        assert (ack.first("Authorization"), cancel.first("Authorization")) == ("Digest x", None)


class Network:
    """Both ends of one transaction, 50 ms apart. `fates` says of each packet how many copies arrive, in its order."""

    def __init__(self, message: Request, final: int, fates: Iterable[int]) -> None:
        self._fates = iter(fates)
        self._order = count()
        self._flying: list[tuple[float, int, Transaction | None, bytes]] = []
        self._message, self._final = message, final
        self.server: Transaction | None = None
        self.asked = 0
        self.told: list[Output] = []
        self.client, outputs = Transaction.client(message, 0.0, reliable=False)
        self._carry(None, outputs, 0.0)

    def run(self) -> float:
        """Until nothing can happen any more; when that was."""
        now = 0.0
        while (now := self._next()) < NEVER:
            while self._flying and self._flying[0][0] <= now:
                self._arrive(now)
            self._from_client(self.client.tick(now), now)
            if self.server:
                self._carry(self.client, self.server.tick(now), now)
            self.ended = now
        return self.ended

    def _next(self) -> float:
        flying = self._flying[0][0] if self._flying else NEVER
        return min(flying, self.client.wakes_at, self.server.wakes_at if self.server else NEVER)

    def _carry(self, to: Transaction | None, outputs: list[Output], now: float) -> None:
        for output in outputs:
            if isinstance(output, Send):
                for copy in range(next(self._fates, 1)):
                    flight = (now + 0.05 + copy, next(self._order), to, output.octets)
                    heapq.heappush(self._flying, flight)

    def _from_client(self, outputs: list[Output], now: float) -> None:
        self.told += [output for output in outputs if not isinstance(output, Send)]
        self._carry(None, outputs, now)

    def _arrive(self, now: float) -> None:
        _, _, to, octets = heapq.heappop(self._flying)
        message = read_datagram(octets)
        assert isinstance(message, Request | Response)
        if to is not None:
            if to.state is not State.TERMINATED:
                self._from_client(to.hear(message, now), now)
        elif isinstance(message, Request):
            self._serve(message, now)

    def _serve(self, message: Request, now: float) -> None:
        if self.server is None:
            self.asked += 1
            self.server = Transaction.server(message, now, reliable=False)
            outputs = self.server.say(respond(message, 100, "tag"), now)
            outputs += self.server.say(respond(message, self._final, "tag"), now)
        else:
            outputs = self.server.hear(message, now)
        self._carry(self.client, outputs, now)


fates = st.lists(st.integers(0, 3), max_size=12)


@settings(max_examples=100, deadline=None)
@given(fates, st.sampled_from([(INVITE, 486), (OPTIONS, 200), (OPTIONS, 404)]))
def test_whatever_is_lost_and_doubled_each_side_hears_once_and_both_end(
    fates: list[int], call: tuple[Request, int]
) -> None:
    """But for an INVITE's 2xx, which is repeated and acknowledged above the transaction."""
    message, final = call
    network = Network(message, final, fates)
    assert network.run() <= 100.0
    finals = [output for output in network.told if isinstance(output, PassUp) and _is_final(output.message)]
    assert network.client.state is State.TERMINATED
    assert network.server is None or network.server.state is State.TERMINATED
    assert network.asked <= 1
    assert len(finals) + network.told.count(TimedOut()) == 1


def _is_final(message: Message) -> bool:
    return isinstance(message, Response) and message.status >= 200


def test_a_network_that_loses_all_times_out_and_asks_nobody() -> None:
    network = Network(OPTIONS, 200, repeat(0))
    assert network.run() == 32.0
    assert (network.told, network.asked) == ([TimedOut()], 0)
