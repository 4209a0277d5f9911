"""One SIP transaction: what came and what is to be said in, what to send and what to pass up out (RFC 3261 section 17).

It moves through the tables of `sip_transaction_tables` and keeps their timers. It knows neither sockets nor dialogs nor
what a request is for. Time is an argument (monotonic seconds).

You must carry out what every method returns, in its order, call `tick` when `wakes_at` has come, and forget the
transaction once its state is TERMINATED.

    transaction = Transaction.server(request, now, reliable=False)
    for output in transaction.say(respond(request, 401, tag), now): ...
        Send(message, octets) -> to where the first was sent, or where the request came from
        PassUp(message)       -> a response for a client; for an INVITE server the ACK of its 2xx
        TimedOut()            -> to a client as if 408 had come; to a server: its response was never acknowledged
        TransportFailed()     -> to a client as if 503 had come
"""

import msgspec

from offhook.wire.sip_message import Request, Response, write
from offhook.wire.sip_requests import ack_of
from offhook.wire.sip_transaction_tables import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    Do,
    Machine,
    State,
    Timer,
    Trigger,
)

__all__ = ["Output", "PassUp", "Send", "State", "TimedOut", "Timing", "Transaction", "TransportFailed"]


class Timing(msgspec.Struct, frozen=True):
    """Seconds: RFC 3261 table 4's estimate of the round trip, the longest wait between retransmissions of requests and
    responses, and how long a message may stay in the network."""

    t1: float = 0.5
    t2: float = 4.0
    t4: float = 5.0


DEFAULT = Timing()


class Send(msgspec.Struct, frozen=True):
    """The octets of a message, for the wire; the same each time that it is sent again."""

    message: Request | Response
    octets: bytes


class PassUp(msgspec.Struct, frozen=True):
    """A message for whoever uses the transaction."""

    message: Request | Response


class TimedOut(msgspec.Struct, frozen=True):
    """Timer B, F or H fired: nobody answered, or acknowledged, in 64 times T1."""


class TransportFailed(msgspec.Struct, frozen=True):
    """What was to be sent could not be."""


Output = Send | PassUp | TimedOut | TransportFailed

_ON_UNRELIABLE_ONLY = frozenset({Timer.A, Timer.E, Timer.G})
_NOTHING_IS_LATE_ON_RELIABLE = frozenset({Timer.D, Timer.I, Timer.J, Timer.K})


def duration(timer: Timer, timing: Timing, reliable: bool) -> float | None:
    """How long the timer runs when it starts; None where it never does."""
    if timer in _ON_UNRELIABLE_ONLY:
        return None if reliable else timing.t1
    if reliable and timer in _NOTHING_IS_LATE_ON_RELIABLE:
        return 0.0
    return timing.t4 if timer in (Timer.I, Timer.K) else 64 * timing.t1


class Transaction:
    """One of the four, by its machine."""

    def __init__(self, machine: Machine, request: Request, now: float, *, reliable: bool, timing: Timing) -> None:
        self.request = request
        self.state = machine.first
        self._machine = machine
        self._reliable = reliable
        self._timing = timing
        self._due: dict[Timer, float] = {}
        self._wait = timing.t1  # until the next retransmission
        self._said: Send | None = None
        self._ack: Send | None = None
        self._enter(machine.first, now)

    @classmethod
    def client(
        cls, request: Request, now: float, *, reliable: bool, timing: Timing = DEFAULT
    ) -> tuple["Transaction", list[Output]]:
        """For a request of ours, which is the first output. Its top Via has a fresh branch. No ACK has one."""
        machine = INVITE_CLIENT if request.method == "INVITE" else CLIENT
        transaction = cls(machine, request, now, reliable=reliable, timing=timing)
        transaction._said = Send(request, write(request))
        return transaction, [transaction._said]

    @classmethod
    def server(cls, request: Request, now: float, *, reliable: bool, timing: Timing = DEFAULT) -> "Transaction":
        """For a request of the far end that belongs to none that is there. INVITE is owed 100 within 200 ms if nothing
        else is said by then; whoever answers says it."""
        machine = INVITE_SERVER if request.method == "INVITE" else SERVER
        return cls(machine, request, now, reliable=reliable, timing=timing)

    @property
    def wakes_at(self) -> float:
        """Call `tick` at this time, if not before."""
        return min(self._due.values(), default=float("inf"))

    def hear(self, message: Request | Response, now: float) -> list[Output]:
        """A message of the far end that belongs to this transaction."""
        if isinstance(message, Response):
            return self._move(_heard(message.status), now, message)
        return self._move(Trigger.HEARD_ACK if message.method == "ACK" else Trigger.HEARD_REQUEST, now, message)

    def say(self, response: Response, now: float) -> list[Output]:
        """Answer. After a final response only an INVITE's 2xx can be said again."""
        trigger = _said(response.status)
        if (self.state, trigger) not in self._machine.table:
            return []
        self._said = Send(response, write(response))
        return self._move(trigger, now)

    def transport_failed(self, now: float) -> list[Output]:
        """The last `Send` could not be carried out."""
        return self._move(Trigger.FAILED, now)

    def tick(self, now: float) -> list[Output]:
        """Time has passed."""
        outputs: list[Output] = []
        while self._due:
            timer = min(self._due, key=self._due.__getitem__)
            if self._due[timer] > now:
                break
            del self._due[timer]
            outputs += self._move(timer, now)
            self._restart(timer, now)
        return outputs

    def _move(self, trigger: Trigger | Timer, now: float, message: Request | Response | None = None) -> list[Output]:
        row = self._machine.table.get((self.state, trigger))
        if row is None:
            return []
        state, deeds = row
        if state is not self.state:
            self._enter(state, now)
        return [output for deed in deeds if (output := self._do(deed, message)) is not None]

    def _do(self, deed: Do, message: Request | Response | None) -> Output | None:
        match deed:
            case Do.SEND:
                return self._said
            case Do.SEND_ACK:
                return self._acknowledge(message)
            case Do.PASS_UP:
                return None if message is None else PassUp(message)
            case Do.TIME_OUT:
                return TimedOut()
            case Do.FAIL:
                return TransportFailed()

    def _acknowledge(self, message: Request | Response | None) -> Send | None:
        if self._ack is None and isinstance(message, Response):
            ack = ack_of(self.request, message)
            self._ack = Send(ack, write(ack))
        return self._ack

    def _enter(self, state: State, now: float) -> None:
        """A timer that runs for no time has fired already: on a reliable transport nothing is worth waiting for."""
        self.state = state
        wanted = self._machine.timers.get(state, ())
        self._due = {timer: due for timer, due in self._due.items() if timer in wanted}
        for timer in wanted:
            lasts = duration(timer, self._timing, self._reliable)
            if lasts == 0.0:
                self._enter(self._machine.table[state, timer][0], now)
                return
            if timer not in self._due and lasts is not None:
                self._due[timer] = now + lasts

    def _restart(self, timer: Timer, now: float) -> None:
        """Each retransmission waits twice as long as the one before; those that T2 bounds, not longer than it."""
        if timer not in self._machine.timers.get(self.state, ()):
            return
        self._wait *= 2
        if timer is not Timer.A:
            self._wait = min(self._wait, self._timing.t2)
        if timer is Timer.E and self.state is State.PROCEEDING:
            self._wait = self._timing.t2
        self._due[timer] = now + self._wait


def _heard(status: int) -> Trigger:
    if status < 200:
        return Trigger.HEARD_1XX
    return Trigger.HEARD_2XX if status < 300 else Trigger.HEARD_OTHER


def _said(status: int) -> Trigger:
    if status < 200:
        return Trigger.SAID_1XX
    return Trigger.SAID_2XX if status < 300 else Trigger.SAID_OTHER
