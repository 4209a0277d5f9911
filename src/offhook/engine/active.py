"""The live legs of this node as the store's shadow has them: for REST, for limits, for the heartbeat."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import msgspec

from offhook.voice import numbering
from offhook.voice.effect import Close, Save
from offhook.voice.rating import Way

_T = TypeVar("_T")


class _Key(NamedTuple):
    """What a leg is counted under: `outbound` of the connection that dials, `inbound` of the one that is rung."""

    connection_id: str
    way: Way
    to_number: bool


class ActiveCall(msgspec.Struct, frozen=True):
    """A live leg as `GET /connections/{id}/active_calls` lists it. `call_duration` is seconds since the answer."""

    call_control_id: str
    call_leg_id: str
    call_session_id: str
    call_duration: int
    client_state: str | None
    connection_id: str
    account_id: str
    record_type: str = "call"


class ActiveLegs:
    """Kept up to date with what is written of legs; implements `voice.dialing.Traffic`.

    A leg counts from the moment it is opened, before anything is written: a burst of dials meets the limits too.
    Who opens it says whether it goes to a phone number; a destination is read in one place only, in dialling.
    """

    def __init__(self, profile_of: Callable[[str], str | None]) -> None:
        self._profile_of = profile_of
        self._legs: dict[str, Save] = {}
        self._counted: dict[str, set[_Key]] = {}
        self._by_connection: Counter[tuple[str, Way]] = Counter()
        self._to_numbers: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._legs)

    def __iter__(self) -> Iterator[Save]:
        return iter(self._legs.values())

    def ids(self) -> list[str]:
        """The call_control_ids of all live legs."""
        return list(self._legs)

    def open(self, id: str, connection_id: str, way: Way, number: str | None = None) -> None:
        """Count a leg from now on. Doing so again changes nothing. A leg that a command dials counts twice: for the
        connection in whose name that is, and for the one that it rings.

        `number` is the phone number that dialling found in the destination; None for a SIP URI.
        """
        key, counted = _Key(connection_id, way, to_number=number is not None), self._counted.setdefault(id, set())
        if key not in counted:
            counted.add(key)
            self._count(key, 1)

    def close(self, id: str) -> None:
        """Count a leg no more, if it was."""
        for key in self._counted.pop(id, ()):
            self._count(key, -1)

    def note(self, durable: Save | Close) -> None:
        """A leg was saved or closed."""
        id = durable.ids.call_control_id
        if isinstance(durable, Close):
            self._legs.pop(id, None)
            self.close(id)
        else:
            self._legs[id] = durable

    def leg(self, id: str) -> Save | None:
        """A live leg by its call_control_id."""
        return self._legs.get(id)

    def calls(self, account_id: str, connection_id: str, now: float) -> list[ActiveCall]:
        """The live legs of one connection of one account, oldest first; `now` is Unix seconds."""
        return [
            _active_call(leg, now)
            for leg in self._legs.values()
            if leg.party.connection_id == connection_id and leg.party.account_id == account_id
        ]

    def inbound(self, connection_id: str) -> int:
        """Legs that rang or ring clients of this connection."""
        return self._by_connection[connection_id, "inbound"]

    def outbound(self, connection_id: str) -> int:
        """Legs that clients of this connection dialled, or commands in its name."""
        return self._by_connection[connection_id, "outbound"]

    def through(self, profile_id: str) -> int:
        """Calls to phone numbers by connections with this outbound voice profile."""
        return sum(
            count for connection, count in self._to_numbers.items() if self._profile_of(connection) == profile_id
        )

    def calling(self, account_id: str, number: str) -> bool:
        """Whether the telephone network has brought this account a call from this number (+E.164), which goes on."""
        country = numbering.country_of(number) or ""
        return any(
            number in numbering.readings(numbering.compact(leg.caller.number) or "", country)
            for leg in self._legs.values()
            if leg.party.account_id == account_id and leg.party.network == "pstn" and leg.side == "incoming"
        )

    def _count(self, key: "_Key", by: int) -> None:
        _add(self._by_connection, (key.connection_id, key.way), by)
        if key.way == "outbound" and key.to_number:
            _add(self._to_numbers, key.connection_id, by)


def _add(counter: Counter[_T], key: _T, by: int) -> None:
    """Count, and forget what is down to nothing: connections come and go."""
    counter[key] += by
    if not counter[key]:
        del counter[key]


def _active_call(leg: Save, now: float) -> ActiveCall:
    seconds = 0 if leg.answered_at is None else max(0, int(now - leg.answered_at))
    ids = leg.ids
    return ActiveCall(
        ids.call_control_id, ids.call_leg_id, ids.call_session_id, seconds, leg.client_state,
        leg.party.connection_id, leg.party.account_id,
    )  # fmt: skip
