"""The shell around SIP's transactions: sends what they say, keeps where each goes to, wakes them. Knows no user and no
call.

Nothing is kept for a stranger: each new request is shown to `User.gate` first, and what that refuses is answered
without a transaction. Whatever is let through must be answered, by `answer`.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from typing import Protocol
from weakref import WeakKeyDictionary

import msgspec
import structlog

from offhook.edge.sip_transport import Flow, is_reliable
from offhook.engine.ports import Chance, Clock
from offhook.wire import sip_transaction
from offhook.wire.sip_admission import Refused, answer, respond
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed, quoted
from offhook.wire.sip_headers import MAGIC_COOKIE
from offhook.wire.sip_message import Request, Response, write
from offhook.wire.sip_requests import cancel_of
from offhook.wire.sip_status import reason
from offhook.wire.sip_transaction import PassUp, Send, TimedOut, Timing, Transaction
from offhook.wire.sip_transactions import Cancelled, Happened, Heard, Stray, Transactions
from offhook.wire.sip_uri import write_host

_log = structlog.get_logger("offhook.edge")

# What is to be done with a new request, once there is a transaction to answer it by.
Serve = Callable[[Transaction], None]
Hear = Callable[[Response], None]


class User(Protocol):
    """Who uses the transactions (RFC 3261's TU)."""

    def gate(self, request: Request, flow: Flow) -> Serve | Response | None:
        """What becomes of a new request, no ACK and no CANCEL: it is let through, answered at once, or dropped.
        Malformed, which says the status, where something in it cannot be read."""
        ...

    def cancelled(self, invite: Transaction) -> None:
        """The far end does not want an answer to its INVITE any more."""
        ...

    def acknowledged(self, ack: Request, flow: Flow) -> None:
        """An ACK that belongs to no transaction: of a 2xx."""
        ...

    def accepted_late(self, response: Response, flow: Flow) -> None:
        """A 2xx to an INVITE whose transaction is over."""
        ...

    def lost(self, flow: Flow) -> None:
        """A connection is gone."""
        ...


class Watch(Protocol):
    """Who looks at every message that comes and goes. No method raises."""

    def heard(self, message: Request | Response, flow: Flow) -> None:
        """One has come; `settled` comes when it was dealt with."""
        ...

    def settled(self) -> None: ...

    def sent(self, message: Request | Response, flow: Flow) -> None: ...


class Agent:
    """Implements `sip_transport.Receiver`. Set `user` before anything is heard. `watch` looks at all of it."""

    user: User
    watch: Watch | None = None

    def __init__(self, clock: Clock, chance: Chance, timing: Timing = sip_transaction.DEFAULT) -> None:
        self.timing = timing
        self._clock = clock
        self._chance = chance
        self._transactions = Transactions(timing)
        self._ways: WeakKeyDictionary[Transaction, Flow] = WeakKeyDictionary()
        self._hears: WeakKeyDictionary[Transaction, Hear] = WeakKeyDictionary()
        self._tag_key = chance.token(32).encode()
        self._timer: asyncio.TimerHandle | None = None
        self._alarm = float("inf")

    def __len__(self) -> int:
        """How many transactions there are."""
        return len(self._transactions)

    def now(self) -> float:
        return self._clock.monotonic()

    def close(self) -> None:
        """No timer stays behind."""
        if self._timer is not None:
            self._timer.cancel()

    # ---- what comes in -------------------------------------------------------------------------------------

    def heard(self, item: Request | Response | Refused, flow: Flow) -> None:
        if self.watch is not None and not isinstance(item, Refused):
            self.watch.heard(item, flow)
        try:
            match item:
                case Response():
                    self._heed(self._transactions.hear(item, self.now(), reliable=is_reliable(flow)), flow)
                case Request():
                    self._hear_request(item.came_from(*flow.peer), flow)
                case Refused():
                    self._hear_refused(item, flow)
        except Exception:
            # One broken message must cost nobody else anything.
            _log.exception("sip.failed")
        if self.watch is not None:
            self.watch.settled()
        self._forget_ended()
        self._arm()

    def lost(self, flow: Flow) -> None:
        """What waits for an answer over this connection waits in vain."""
        for transaction in [each for each in self._hears if self._ways.get(each) == flow]:
            self._carry_out(self._transactions.failed(transaction, self.now()))
        self.user.lost(flow)
        self._arm()

    def _hear_request(self, request: Request, flow: Flow) -> None:
        back = flow.answering(request.via)
        if request.method == "ACK" or self._transactions.knows(request):
            self._heed(self._transactions.hear(request, self.now(), reliable=is_reliable(flow)), back)
        elif request.method == "CANCEL":
            self._send(back, respond(request, 481, self.tag_for(request)))
        else:
            self._show(request, flow, back)

    def _show(self, request: Request, flow: Flow, back: Flow) -> None:
        verdict = self._verdict(request, flow)
        if isinstance(verdict, Response):
            self._send(back, verdict)
        elif verdict is not None:
            [asked] = self._transactions.hear(request, self.now(), reliable=is_reliable(flow))
            assert not isinstance(asked, Stray)  # it is new, and no ACK
            self._ways[asked.transaction] = back
            self._serve(verdict, asked.transaction)

    def _verdict(self, request: Request, flow: Flow) -> Serve | Response | None:
        try:
            return self.user.gate(request, flow)
        except Malformed as malformed:
            return respond(request, malformed.status, self.tag_for(request), _about(malformed))

    def _serve(self, serve: Serve, transaction: Transaction) -> None:
        try:
            serve(transaction)
        except Malformed as malformed:
            self.answer(transaction, malformed.status, more=_about(malformed))
        except Exception:
            _log.exception("sip.failed", method=transaction.request.method)
            self.answer(transaction, 500)

    def _hear_refused(self, refused: Refused, flow: Flow) -> None:
        request = refused.request
        if request is None:
            return
        try:
            request = request.came_from(*flow.peer)
        except Malformed:
            return
        response = answer(msgspec.structs.replace(refused, request=request), self.tag_for(request))
        if response is not None:
            self._send(flow.answering(request.via), response)

    def _heed(self, heard: Iterable[Heard], flow: Flow) -> None:
        for each in heard:
            match each:
                case Happened():
                    self._carry_out([each])
                case Cancelled(transaction, invite):
                    self._ways[transaction] = flow
                    self._cancel_asked(transaction, invite)
                case Stray(Request() as ack):
                    self.user.acknowledged(ack, flow)
                case Stray(Response() as response) if response.cseq.method == "INVITE" and response.status // 100 == 2:
                    self.user.accepted_late(response, flow)
                case _:
                    pass

    def _cancel_asked(self, transaction: Transaction, invite: Transaction | None) -> None:
        """Only from where the INVITE came: its branch is no secret."""
        way = None if invite is None else self._ways.get(invite)
        if invite is None or way is None or way.peer[0] != self._ways[transaction].peer[0]:
            self.answer(transaction, 481)
            return
        self.answer(transaction, 200)
        self.user.cancelled(invite)

    # ---- what goes out -------------------------------------------------------------------------------------

    def answer(
        self, transaction: Transaction, status: int, tag: str = "", more: Fields = (), body: bytes = b"", why: str = ""
    ) -> Response:
        """Answer a request; `why` takes the place of the usual phrase. The response that was sent, or was too late."""
        response = respond(transaction.request, status, tag or self.tag_for(transaction.request), more, body)
        if why:
            response = msgspec.structs.replace(response, reason=why)
        self.say(transaction, response)
        return response

    def say(self, transaction: Transaction, response: Response) -> None:
        """Send a response, or a 2xx once more."""
        self._carry_out(self._transactions.say(transaction, response, self.now()))
        self._arm()

    def ask(self, request: Request, flow: Flow, hear: Hear) -> Transaction:
        """Send a request, whose Via is of `via`. `hear` gets every response; 408 where none comes in time and 503 where
        it could not be sent."""
        transaction, happened = self._transactions.send(request, self.now(), reliable=is_reliable(flow))
        self._ways[transaction] = flow
        self._hears[transaction] = hear
        self._carry_out(happened)
        self._arm()
        return transaction

    def cancel(self, invite: Transaction, more: Fields = ()) -> None:
        """Cancel an INVITE of ours that has had a provisional response. Where the CANCEL is not taken the INVITE is
        given up, as if it could not be sent: nobody else would end it (RFC 3261 section 9.1)."""

        def heard(response: Response) -> None:
            if response.status >= 300:
                self._carry_out(self._transactions.failed(invite, self.now()))

        cancel = cancel_of(invite.request)
        self.ask(msgspec.structs.replace(cancel, fields=(*cancel.fields, *more)), self._ways[invite], heard)

    def send(self, message: Request | Response, flow: Flow) -> None:
        """Send what belongs to no transaction: the ACK of a 2xx."""
        self._send(flow, message)

    def _send(self, flow: Flow, message: Request | Response) -> None:
        flow.send(write(message))
        self._watched(message, flow)

    def _watched(self, message: Request | Response, flow: Flow) -> None:
        if self.watch is not None:
            self.watch.sent(message, flow)

    def _carry_out(self, happened: Iterable[Happened]) -> None:
        for each in happened:
            transaction = each.transaction
            match each.output:
                case Send(message, octets):
                    flow = self._ways.get(transaction)
                    if flow is None or not flow.send(octets):
                        self._carry_out(self._transactions.failed(transaction, self.now()))
                    else:
                        self._watched(message, flow)
                case PassUp(Response() as response):
                    self._tell(transaction, response)
                case PassUp(Request() as ack):
                    self.user.acknowledged(ack, self._ways[transaction])
                case TimedOut():
                    self._tell(transaction, _instead(transaction.request, 408))
                case _:  # TransportFailed: passed up is nothing else
                    self._tell(transaction, _instead(transaction.request, 503))

    def _tell(self, transaction: Transaction, response: Response) -> None:
        hear = self._hears.get(transaction)
        if hear is None:
            return
        try:
            hear(response)
        except Exception:
            _log.exception("sip.failed", status=response.status)

    # ---- what messages need --------------------------------------------------------------------------------

    def via(self, flow: Flow) -> str:
        """A Via with a fresh branch, for a request over this flow."""
        return f"SIP/2.0/{flow.transport} {write_host(*flow.local)};branch={MAGIC_COOKIE}{self.unique()};rport"

    def contact(self, flow: Flow, user: str = "") -> str:
        """Where we want the requests of a dialog that runs over this flow, or those for a user."""
        transport = "" if flow.transport == "UDP" else f";transport={flow.transport.lower()}"
        return f"<sip:{user}{'@' if user else ''}{write_host(*flow.local)}{transport}>"

    def unique(self) -> str:
        """A tag, branch or Call-ID that nobody can guess."""
        return self._chance.token(22)

    def tag_for(self, request: Request) -> str:
        """The same for every copy of a request, though nothing is kept of it."""
        text = f"{request.first('Call-ID')}\0{request.first('From')}\0{request.first('Via')}"
        return hashlib.blake2b(text.encode(), key=self._tag_key, digest_size=8).hexdigest()

    def _forget_ended(self) -> None:
        """Once nothing of them is left to be carried out. What hears responses knows its transaction, so that a weak
        key alone would keep both for ever."""
        for transaction in self._transactions.take_ended():
            self._hears.pop(transaction, None)
            self._ways.pop(transaction, None)

    # ---- time ----------------------------------------------------------------------------------------------

    def _arm(self) -> None:
        """One timer. One that is early is left to ring."""
        wanted = self._transactions.wakes_at
        if self._alarm <= wanted:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._alarm = wanted
        self._timer = asyncio.get_running_loop().call_later(max(0.0, wanted - self.now()), self._wake)

    def _wake(self) -> None:
        self._alarm = float("inf")
        self._carry_out(self._transactions.tick(self.now()))
        self._forget_ended()
        self._arm()


def _about(malformed: Malformed) -> Fields:
    """What a refusal says beside its status (RFC 3261 sections 20.43 and 21.4.13)."""
    if malformed.status == 415:
        return (("Accept", "application/sdp, multipart/mixed"),)
    return (("Warning", f"399 offhook {quoted(str(malformed))}"),) if malformed.status == 488 else ()


def _instead(request: Request, status: int) -> Response:
    """What a client makes of it that no response came (RFC 3261 section 8.1.3.1)."""
    fields = tuple(field for field in request.fields if field[0] in ("Via", "From", "To", "Call-ID", "CSeq"))
    return Response(status=status, reason=reason(status), fields=fields)
