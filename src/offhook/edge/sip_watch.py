"""What SIP says of calls, beyond what the exchange is told, for those who look at calls. Decides nothing.

The ladder has the exchange's own words for the beginning, the answer and the end of a call. Here it gets the rest: what
acknowledges, refreshes, refers and refuses, and that a message came or went again.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Literal, NamedTuple

from offhook.edge.sip_transport import Flow
from offhook.engine.ports import Traffic
from offhook.voice.leg import DialogId
from offhook.voice.signal import Noted
from offhook.wire import sip_info
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_headers import parse_valued
from offhook.wire.sip_message import Request, Response
from offhook.wire.sip_refer import refer_to, status_of
from offhook.wire.sip_status import reason

MAX_NOTES = 200  # of one call
REMEMBERED = 1_000  # calls that are over

Arrow = Literal["->", "<-"]
Key = tuple[str, str]


class Told(NamedTuple):
    """A message in the ladder's words."""

    what: str
    private: str = ""
    kind: Literal["party", "quoted"] = "quoted"


class Watched:
    """A call under watch: `dialog` is the exchange's name of it, the keys are Call-ID with our tag and with theirs."""

    def __init__(self, dialog: DialogId, ours: Key, theirs: Key | None) -> None:
        self.dialog = dialog
        self.ours = ours
        self.theirs = theirs
        # Messages by what makes them the same, and how often each was there: once, or again.
        self.seen: dict[tuple[object, ...], Literal["once", "again"]] = {}
        self.reinvites: set[tuple[Arrow, int]] = set()
        self.notes = 0


class SipWatch:
    """Implements `sip_agent.Watch`. `began` and `ended` tell it of calls."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._calls: dict[Key, Watched] = {}
        # Of calls that are over some messages follow: the answer to a BYE, copies.
        self._over: OrderedDict[Key, Watched] = OrderedDict()
        # Lines that wait until the exchange has heard what they follow from.
        self._waiting: list[Noted] | None = None

    def __len__(self) -> int:
        """How many calls are known, over or not."""
        return len({id(each) for each in self._calls.values()})

    def began(self, dialog: DialogId, call_id: str, tag: str, invite: Request | None) -> None:
        """A call, with our tag; `invite` is the far end's where that makes the call."""
        theirs = None if invite is None else (call_id, invite.from_.tag)
        watched = Watched(dialog, (call_id, tag), theirs)
        for key in (watched.ours, watched.theirs):
            if key is not None:
                self._calls[key] = watched
        if invite is not None:
            self._look(watched, invite, "->")

    def ended(self, call_id: str, tag: str) -> None:
        """It is over; it is forgotten once many others are."""
        watched = self._calls.get((call_id, tag))
        if watched is None:
            return
        self._over[watched.ours] = watched
        while len(self._over) > REMEMBERED:
            _, oldest = self._over.popitem(last=False)
            for key in (oldest.ours, oldest.theirs):
                if key is not None and self._calls.get(key) is oldest:
                    del self._calls[key]

    # ---- sip_agent.Watch -----------------------------------------------------------------------------------

    def heard(self, message: Request | Response, flow: Flow) -> None:  # noqa: ARG002
        self._watch(message, "->")
        self._waiting = []

    def settled(self) -> None:
        waiting, self._waiting = self._waiting, None
        for each in waiting or ():
            self._traffic.noted(each)

    def sent(self, message: Request | Response, flow: Flow) -> None:  # noqa: ARG002
        self._watch(message, "<-")

    def _watch(self, message: Request | Response, arrow: Arrow) -> None:
        try:
            watched = self._of(message, arrow)
            if watched is not None:
                self._look(watched, message, arrow)
        except Malformed:
            return  # whoever has to answer it finds that, too

    def _of(self, message: Request | Response, arrow: Arrow) -> Watched | None:
        call_id, ends = message.call_id, (message.from_.tag, message.to.tag)
        asked_by_us = isinstance(message, Request) == (arrow == "<-")
        ours, theirs = ends if asked_by_us else reversed(ends)
        return self._calls.get((call_id, ours)) or self._calls.get((call_id, theirs))

    # ---- lines ---------------------------------------------------------------------------------------------

    def _look(self, watched: Watched, message: Request | Response, arrow: Arrow) -> None:
        key = _same(message, arrow)
        before = watched.seen.get(key)
        if before == "again" or watched.notes >= MAX_NOTES:
            return
        watched.seen[key] = "once" if before is None else "again"
        told = _told(watched, message, arrow)
        if before is not None:
            again = told or Told(_plainly(message))
            told = again._replace(what=f"{again.what} again")
        if told is not None:
            watched.notes += 1
            line = Noted(watched.dialog, arrow, told.what, told.private, told.kind)
            if self._waiting is not None and _follows(message):
                self._waiting.append(line)
            else:
                self._traffic.noted(line)


def _follows(message: Request | Response) -> bool:
    """Whether it is sent before the exchange is told what it answers: to a BYE, or to a provisional response."""
    return message.cseq.method == ("BYE" if isinstance(message, Response) else "PRACK")


def _same(message: Request | Response, arrow: Arrow) -> tuple[object, ...]:
    """What two copies of a message have in common, and no other has."""
    cseq = message.cseq
    if isinstance(message, Request):
        return arrow, message.method, cseq.number
    # Reliable provisional responses are told apart by their numbers (RFC 3262).
    return arrow, message.status, cseq.method, cseq.number, message.to.tag, message.first("RSeq")


def _plainly(message: Request | Response) -> str:
    if isinstance(message, Request):
        return message.method if message.method in _KNOWN else "a request"
    return f"{message.status} {reason(message.status)}"


def _told(watched: Watched, message: Request | Response, arrow: Arrow) -> Told | None:
    """The line of a message; None for what the exchange is told."""
    if isinstance(message, Response):
        return _response(watched, message, arrow)
    say = _REQUESTS.get((message.method, arrow))
    return None if say is None else say(watched, message)


def _response(watched: Watched, response: Response, arrow: Arrow) -> Told | None:
    """Of the responses to the INVITE that makes a call the exchange knows the provisional ones and the answer."""
    said, cseq = f"{response.status} {reason(response.status)}", response.cseq
    if cseq.method == "INVITE":
        if ("<-" if arrow == "->" else "->", cseq.number) in watched.reinvites:
            return Told(f"{said} to re-INVITE") if response.status > 100 else None
        return Told(said) if response.status >= 300 else None
    return Told(f"{said} to {cseq.method if cseq.method in _KNOWN else 'a request'}")


def _invite(watched: Watched, request: Request, arrow: Arrow) -> Told | None:
    """One within the call that holds an offer of the far end is told by the exchange."""
    if not request.to.tag:
        return None
    watched.reinvites.add((arrow, request.cseq.number))
    return Told("re-INVITE") if arrow == "<-" or not request.body else None


def _ack(_: Watched, request: Request) -> Told | None:
    """One with an answer is told by the exchange, whose offer it answers."""
    return None if request.body else Told("ACK")


def _refer(_: Watched, request: Request) -> Told:
    asked = refer_to(request)
    if asked.replaces is not None:
        return Told("REFER with Replaces")
    return Told("REFER", str(asked.uri), "party")


def _notify(_: Watched, request: Request) -> Told:
    status = status_of(request.body)
    return Told("NOTIFY" if status is None else f"NOTIFY {status} {reason(status)}")


def _info(_: Watched, request: Request) -> Told:
    kind = parse_valued(request.first("Content-Type") or "").value.lower()
    return Told(f"INFO {kind}") if kind in sip_info.TYPES else Told("INFO")


_REQUESTS: dict[tuple[str, Arrow], Callable[[Watched, Request], Told | None]] = {
    ("INVITE", "->"): lambda watched, request: _invite(watched, request, "->"),
    ("INVITE", "<-"): lambda watched, request: _invite(watched, request, "<-"),
    ("ACK", "->"): _ack,
    ("ACK", "<-"): _ack,
    ("CANCEL", "->"): lambda _, _r: Told("CANCEL"),
    ("CANCEL", "<-"): lambda _, _r: Told("CANCEL"),
    ("PRACK", "->"): lambda _, _r: Told("PRACK"),
    ("PRACK", "<-"): lambda _, _r: Told("PRACK"),
    ("UPDATE", "->"): lambda _, _r: Told("UPDATE"),
    ("UPDATE", "<-"): lambda _, _r: Told("UPDATE"),
    ("OPTIONS", "->"): lambda _, _r: Told("OPTIONS"),
    ("NOTIFY", "->"): _notify,
    ("NOTIFY", "<-"): _notify,
    ("REFER", "->"): _refer,
    ("INFO", "->"): _info,
}
_KNOWN = frozenset({"BYE", *(method for method, _ in _REQUESTS)})
