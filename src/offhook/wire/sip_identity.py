"""Who calls, and what a call brings along, in SIP's headers ⇄ values (RFC 3323, RFC 3325, RFC 7433). No I/O.

A far end's word for who it is: whether it may call itself so, others decide.
"""

import contextlib
from collections.abc import Sequence

import msgspec

from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed, quoted, split_commas
from offhook.wire.sip_headers import NameAddr, parse_name_addr
from offhook.wire.sip_message import Message, Request
from offhook.wire.sip_uri import SipUri, TelUri, Uri, write_host

ANONYMOUS = ("Anonymous", "anonymous", "anonymous.invalid")
_WHERE_IT_WAS = frozenset({"diversion", "history-info"})
_PASSED = _WHERE_IT_WAS | {"user-to-user"}


class Caller(msgspec.Struct, frozen=True):
    """The number or name under which somebody calls, and the name that is shown with it."""

    number: str
    name: str = ""


def caller_of(request: Request) -> Caller:
    """Who calls: what the network asserts, else what the far end prefers, else From. A caller who wants privacy is
    known to us all the same."""
    for name in ("P-Asserted-Identity", "P-Preferred-Identity"):
        for value in request.elements(name):
            try:
                return _caller(parse_name_addr(value))
            except Malformed:
                continue
    return _caller(request.from_)


def hides(request: Request) -> bool:
    """Whether the caller wants nobody whom it calls to see who it is (RFC 3323)."""
    wanted = {each.strip().lower() for value in request.every("Privacy") for each in value.split(";")}
    return not wanted.isdisjoint({"id", "user", "header"})


def _caller(address: NameAddr) -> Caller:
    return Caller(user_of(address.uri), address.display)


def user_of(uri: Uri) -> str:
    """The user of a SIP URI without the parameters that belong to a telephone number in it, or the number of a TEL
    URI."""
    match uri:
        case SipUri():
            return (uri.user or "").partition(";")[0]
        case TelUri():
            return uri.number
        case _:
            return ""


def identity_fields(caller: Caller, callee: str, domain: str, tag: str, privacy: str) -> Fields:
    """From and To of a call that we make, and who calls by our own word (RFC 3325); `privacy` hides it from whoever is
    not trusted: "" or a value of Privacy."""
    user, host = caller.number or "anonymous", domain
    name = f"{quoted(caller.name)} " if caller.name else ""
    address = f"{name}<{SipUri(host, user)}>"
    fields: Fields = (("From", f"{address};tag={tag}"), ("To", callee))
    if privacy:
        return (*fields, ("Privacy", privacy))
    return (*fields, ("P-Asserted-Identity", address))


def anonymous_fields(callee: str, tag: str) -> Fields:
    """From and To of a call whose caller nobody is to know (RFC 3323 section 4.1)."""
    name, user, host = ANONYMOUS
    return ("From", f"{quoted(name)} <{SipUri(host, user)}>;tag={tag}"), ("To", callee), ("Privacy", "id")


def passed_on(message: Message) -> Fields:
    """The headers of a call that whoever it is for gets to see: those of its user, and where it was before."""
    return tuple(
        (name, value) for name, value in message.fields if name.lower().startswith("x-") or name.lower() in _PASSED
    )


def sendable(headers: Fields) -> Fields:
    """Of headers that somebody else wrote, those that may go into a message of ours: none that steers it, nothing that
    ends a line."""
    return tuple(
        (name, value)
        for name, value in headers
        if (name.lower().startswith("x-") or name.lower() in _PASSED) and not set("\r\n\0") & set(name + value)
    )


def diversion(numbers: Sequence[str], domain: str, reason: str) -> Fields:
    """That a call was sent on by these numbers, the latest last, for this reason (RFC 5806)."""
    return tuple(("Diversion", f"{NameAddr(SipUri(domain, each))};reason={reason}") for each in reversed(numbers))


def passed_numbers(headers: Fields) -> tuple[str, ...]:
    """The numbers by which a call was sent on before it came here, as far as its headers tell."""
    found: list[str] = []
    for name, value in headers:
        for element in split_commas(value) if name.lower() in _WHERE_IT_WAS else ():
            with contextlib.suppress(Malformed):
                found.append(user_of(parse_name_addr(element).uri))
    return tuple(found)


def address_of(user: str, host: str, port: int | None = None) -> str:
    """`<sip:user@host:port>`."""
    return f"<{SipUri(host, user, port)}>" if user else f"<sip:{write_host(host, port)}>"
