"""What a REGISTER does to the contacts of one address of record (RFC 3261 section 10.3, RFC 3327, RFC 5626).

The contacts that are there and the request in, what becomes of them out. It knows neither who may register nor how a
contact is reached. Times are monotonic seconds. No I/O.
"""

from collections.abc import Sequence

import msgspec

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_headers import MAX_SECONDS, NameAddr, parse_number
from offhook.wire.sip_message import Request
from offhook.wire.sip_uri import OtherUri, SipUri, Uri, equivalent


class Terms(msgspec.Struct, frozen=True):
    """For how long contacts are registered, in seconds, and how many one address of record may have."""

    shortest: int = 60
    usual: int = 3600
    longest: int = 7200
    most: int = 10


class Registered(msgspec.Struct, frozen=True):
    """One contact. `number` is its own for as long as it is registered: a refresh keeps it, also where the phone has
    another address by then. `path` is what requests to it pass, as Route has it."""

    number: int
    uri: Uri
    expires_at: float
    call_id: str
    sequence: int
    instance: str = ""
    reg_id: str = ""
    path: tuple[str, ...] = ()

    def seconds(self, now: float) -> int:
        """What is left of it."""
        return max(0, round(self.expires_at - now))


class Accepted(msgspec.Struct, frozen=True):
    """The contacts from now on, oldest first. `touched` are the numbers of those that this request brought or
    refreshed."""

    contacts: tuple[Registered, ...]
    touched: frozenset[int] = frozenset()

    def fields(self, request: Request, now: float) -> Fields:
        """What the 200 says: every contact with the seconds that are left of it."""
        contacts = tuple(("Contact", _written(contact, now)) for contact in self.contacts)
        path = tuple(("Path", each) for each in request.elements("Path"))
        outbound = any(contact.reg_id for contact in self.contacts if contact.number in self.touched)
        return (*contacts, *path, *((("Require", "outbound"),) if outbound else ()))


class Refused(msgspec.Struct, frozen=True):
    """Nothing has changed; `more` goes to the response. `why` is for people."""

    status: int
    why: str
    more: Fields = ()


def register(
    request: Request, contacts: Sequence[Registered], first_number: int, now: float, terms: Terms
) -> Accepted | Refused:
    """All of a request, or nothing of it. New contacts get numbers from `first_number` on. Malformed where an
    expiration cannot be read."""
    live = tuple(contact for contact in contacts if contact.expires_at > now)
    if request.takes_all_away:
        return _remove_all(request, live)
    if "*" in request.elements("Contact"):
        return Refused(400, "a Contact beside *")
    if len(request.contacts) > terms.most:
        return Refused(403, "too many contacts")
    attempt = _Attempt(request, live, first_number, now, terms)
    for contact in request.contacts:
        refused = attempt.take(contact)
        if refused is not None:
            return refused
    if len(attempt.contacts) > max(terms.most, len(live)):
        return Refused(403, "too many contacts")
    return Accepted(tuple(attempt.contacts), frozenset(attempt.touched))


def _remove_all(request: Request, live: Sequence[Registered]) -> Accepted | Refused:
    if _expires(request.first("Expires")) != 0:
        return Refused(400, "Contact * with an expiration other than 0")
    if any(_is_old(request, contact) for contact in live):
        return Refused(500, "an older request than the last")
    return Accepted(())


class _Attempt:
    """The contacts as they would be."""

    def __init__(
        self, request: Request, contacts: Sequence[Registered], first_number: int, now: float, terms: Terms
    ) -> None:
        self.contacts = list(contacts)
        self.touched: set[int] = set()
        self._request = request
        self._next = first_number
        self._now = now
        self._terms = terms

    def take(self, contact: NameAddr) -> Refused | None:
        """One Contact of the request."""
        if isinstance(contact.uri, OtherUri):
            return Refused(400, "a Contact that no SIP request could be sent to")
        seconds = self._seconds(contact)
        if 0 < seconds < self._terms.shortest:
            return Refused(423, "too brief", (("Min-Expires", str(self._terms.shortest)),))
        place = self._place(contact)
        known = None if place is None else self.contacts[place]
        if known is not None and _is_old(self._request, known):
            return Refused(500, "an older request than the last")
        self._put(contact, place, seconds)
        return None

    def _seconds(self, contact: NameAddr) -> int:
        said = contact.param("expires")
        if said is None:
            said = self._request.first("Expires")
        wanted = _expires(said)
        return min(self._terms.usual if wanted is None else wanted, self._terms.longest)

    def _place(self, contact: NameAddr) -> int | None:
        """The contact that this one refreshes. A phone that says which instance it is, is the same with another
        address; with several flows, each has its reg-id (RFC 5626 section 6)."""
        instance, reg_id = _instance(contact), _reg_id(contact)
        for index, known in enumerate(self.contacts):
            if instance and known.instance:
                if (instance, reg_id) == (known.instance, known.reg_id):
                    return index
            elif equivalent(known.uri, contact.uri):
                return index
        return None

    def _put(self, contact: NameAddr, place: int | None, seconds: int) -> None:
        if seconds == 0:
            if place is not None:
                del self.contacts[place]
            return
        number = self._next if place is None else self.contacts[place].number
        fresh = self._registered(contact, number, seconds)
        self.touched.add(number)
        if place is None:
            self._next += 1
            self.contacts.append(fresh)
        else:
            self.contacts[place] = fresh

    def _registered(self, contact: NameAddr, number: int, seconds: int) -> Registered:
        uri = contact.uri
        return Registered(
            number=number,
            # Headers in a Contact would become ours.
            uri=msgspec.structs.replace(uri, headers="") if isinstance(uri, SipUri) else uri,
            expires_at=self._now + seconds,
            call_id=self._request.call_id,
            sequence=self._request.cseq.number,
            instance=_instance(contact),
            reg_id=_reg_id(contact),
            path=tuple(self._request.elements("Path")),
        )


def _is_old(request: Request, contact: Registered) -> bool:
    """A request that was overtaken by a later one of the same phone."""
    return request.call_id == contact.call_id and request.cseq.number <= contact.sequence


def _expires(text: str | None) -> int | None:
    return None if text is None else parse_number(text, MAX_SECONDS, "expires")


def _instance(contact: NameAddr) -> str:
    return contact.param("+sip.instance") or ""


def _reg_id(contact: NameAddr) -> str:
    """It counts only beside an instance (RFC 5626 section 6)."""
    return (contact.param("reg-id") or "") if _instance(contact) else ""


def _written(contact: Registered, now: float) -> str:
    params = [f"expires={contact.seconds(now)}"]
    if contact.instance:
        params.append(f'+sip.instance="{contact.instance}"')
    if contact.reg_id:
        params.append(f"reg-id={contact.reg_id}")
    return ";".join([f"<{contact.uri}>", *params])
