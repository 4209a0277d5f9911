"""All SIP transactions of one node: which one a message is for, which must wake next, and that each is forgotten.

It knows neither sockets nor where a message goes: whoever sends keeps that beside the transaction. Time is an argument
(monotonic seconds). No I/O.

    all = Transactions()
    heard = all.hear(request, now, reliable=False)
        Asked(transaction, request)    -> a new request; answer by all.say(transaction, response, now)
        Cancelled(transaction, invite) -> a new CANCEL and the INVITE that it ends, None where there is none: 481
        Stray(message)                 -> an ACK of a 2xx, a 2xx of an INVITE that is over, or nothing to care about
        Happened(transaction, output)  -> as `sip_transaction` says
    transaction, happened = all.send(request, now, reliable=False)

You must call `tick` when `wakes_at` has come, and answer every request: one that is not, is kept for ever.
"""

import heapq
from collections.abc import Sequence
from itertools import count

import msgspec

from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_requests import Key, cancelled_key, client_key, server_key
from offhook.wire.sip_transaction import DEFAULT, Output, State, Timing, Transaction

_NEVER = float("inf")


class Happened(msgspec.Struct, frozen=True):
    """What a transaction brought about."""

    transaction: Transaction
    output: Output


class Asked(msgspec.Struct, frozen=True):
    """A request that is no copy of another."""

    transaction: Transaction
    request: Request


class Cancelled(msgspec.Struct, frozen=True):
    """A CANCEL, whose own transaction is to be answered 200, and the INVITE's, to be answered 487 if it still waits."""

    transaction: Transaction
    invite: Transaction | None


class Stray(msgspec.Struct, frozen=True):
    """A message that belongs to no transaction."""

    message: Request | Response


Heard = Happened | Asked | Cancelled | Stray


class Transactions:
    """Clients and servers, by what their messages have in common."""

    def __init__(self, timing: Timing = DEFAULT) -> None:
        self._timing = timing
        self._clients: dict[Key, Transaction] = {}
        self._servers: dict[Key, Transaction] = {}
        self._alarms: list[tuple[float, int, Key, Transaction]] = []
        self._ended: list[Transaction] = []
        self._order = count()  # no two alarms compare beyond it

    def __len__(self) -> int:
        return len(self._clients) + len(self._servers)

    @property
    def wakes_at(self) -> float:
        """Call `tick` at this time, if not before."""
        return self._alarms[0][0] if self._alarms else _NEVER

    def knows(self, request: Request) -> bool:
        """Whether a request is a copy of one that is there, the ACK of one's final response, or cancels one."""
        key = cancelled_key(request) if request.method == "CANCEL" else server_key(request)
        return key in self._servers or server_key(request) in self._servers

    def send(self, request: Request, now: float, *, reliable: bool) -> tuple[Transaction, list[Happened]]:
        """A request of ours, with a fresh branch in its top Via; not the ACK of a 2xx, which has no transaction."""
        transaction, outputs = Transaction.client(request, now, reliable=reliable, timing=self._timing)
        key = client_key(request)
        self._clients[key] = transaction
        return transaction, self._after(key, transaction, _NEVER, outputs)

    def say(self, transaction: Transaction, response: Response, now: float) -> list[Happened]:
        """The response to a request that was asked."""
        alarm = transaction.wakes_at
        outputs = transaction.say(response, now)
        return self._after(server_key(transaction.request), transaction, alarm, outputs)

    def failed(self, transaction: Transaction, now: float) -> list[Happened]:
        """What the transaction sent last could not be sent."""
        is_client = self._clients.get(client_key(transaction.request)) is transaction
        key = client_key(transaction.request) if is_client else server_key(transaction.request)
        alarm = transaction.wakes_at
        return self._after(key, transaction, alarm, transaction.transport_failed(now))

    def hear(self, message: Request | Response, now: float, *, reliable: bool) -> Sequence[Heard]:
        """A message of a far end, and whether it came over TCP, TLS or a websocket."""
        key = client_key(message) if isinstance(message, Response) else server_key(message)
        transaction = (self._clients if isinstance(message, Response) else self._servers).get(key)
        if transaction is not None:
            alarm = transaction.wakes_at
            return self._after(key, transaction, alarm, transaction.hear(message, now))
        if isinstance(message, Response) or message.method == "ACK":
            return [Stray(message)]
        return [self._serve(key, message, now, reliable)]

    def _serve(self, key: Key, request: Request, now: float, reliable: bool) -> Asked | Cancelled:
        transaction = Transaction.server(request, now, reliable=reliable, timing=self._timing)
        self._servers[key] = transaction
        if request.method == "CANCEL":
            return Cancelled(transaction, self._servers.get(cancelled_key(request)))
        return Asked(transaction, request)

    def tick(self, now: float) -> list[Happened]:
        """Time has passed."""
        happened: list[Happened] = []
        while self._alarms and self._alarms[0][0] <= now:
            due, _, key, transaction = heapq.heappop(self._alarms)
            if due == transaction.wakes_at:  # or it has moved on since
                happened += self._after(key, transaction, due, transaction.tick(now))
        return happened

    def _after(self, key: Key, transaction: Transaction, alarm: float, outputs: list[Output]) -> list[Happened]:
        """Forget what has ended; wake what has not, unless the alarm that it had is still right."""
        if transaction.state is State.TERMINATED:
            self._forget(key, transaction)
        elif transaction.wakes_at not in (alarm, _NEVER):
            heapq.heappush(self._alarms, (transaction.wakes_at, next(self._order), key, transaction))
        return [Happened(transaction, output) for output in outputs]

    def take_ended(self) -> list[Transaction]:
        """Those that are over since this was last asked: what is kept beside them can be forgotten."""
        ended, self._ended = self._ended, []
        return ended

    def _forget(self, key: Key, transaction: Transaction) -> None:
        self._ended.append(transaction)
        for table in (self._clients, self._servers):
            if table.get(key) is transaction:
                del table[key]
