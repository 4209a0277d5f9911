"""What a call to the telephone network may show as its caller: a number of whoever makes it, in +E.164. No I/O.

Inside the platform callers are shown as they call themselves. Outside, a number that is not the caller's is fraud.
"""

import unicodedata
from collections.abc import Callable

from offhook.voice import emergency, numbering
from offhook.voice.directory import Directory
from offhook.voice.permission import BAD_CALLER, Refused

# Whether somebody outside calls this account from this number (+E.164) right now.
Calling = Callable[[str, str], bool]


def asserted(claimed: str, account_id: str, country: str, directory: Directory, calling: Calling) -> str:
    """The number that the account's call may show: one of its own, or that of a caller from outside whose call it has
    and passes on. `claimed` is read as somebody in `country` writes it; `Refused` where it is no such number."""
    numbers = read(claimed, country)
    found = next((each for each in numbers if _is_of(each, account_id, directory) or calling(account_id, each)), None)
    if found is None:
        raise Refused(BAD_CALLER, "the caller's number (from, or P-Asserted-Identity) is none of the account's")
    return found


def read(claimed: str, country: str) -> tuple[str, ...]:
    """What a caller's number may mean in +E.164, the likeliest first. Digits of other widths are digits: whoever looks
    at them sees the same number. `Refused` for what is no number, and for an emergency number, which calls nobody."""
    compact = numbering.compact(unicodedata.normalize("NFKC", claimed))
    if compact is None:
        raise Refused(BAD_CALLER, "a call to the telephone network needs its caller's number (+E.164)")
    if emergency.is_emergency(compact):
        raise Refused(BAD_CALLER, "no call comes from an emergency number")
    found = tuple(each for each in numbering.readings(compact, country) if numbering.E164.fullmatch(each))
    if not found:
        raise Refused(BAD_CALLER, "a call to the telephone network needs its caller's number (+E.164)")
    return found


def _is_of(number: str, account_id: str, directory: Directory) -> bool:
    card = directory.number(number)
    return card is not None and card.account_id == account_id
