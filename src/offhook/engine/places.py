"""The places of this node that own themselves, queues and conferences, by account and name. Knows no rules."""

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from offhook.engine.owner import Owner
from offhook.voice import queueing
from offhook.voice.conference import Conference
from offhook.voice.queue import Queue

P = TypeVar("P", Queue, Conference)


class Places(Generic[P]):
    """One owner for each place of a kind that is kept, has legs, or is about to get one.

    `begin` runs the owner of a place, `fresh` makes a place of an account and a name that is none yet.
    """

    def __init__(self, begin: Callable[[P], Owner], fresh: Callable[[str, str], P]) -> None:
        self._begin = begin
        self._fresh = fresh
        self._by_name: dict[tuple[str, str], Owner] = {}
        self._by_id: dict[str, tuple[str, Owner]] = {}

    def __iter__(self) -> Iterator[Owner]:
        return iter([owner for _, owner in self._by_id.values()])

    def open(self, place: P) -> Owner:
        """Let a place be; there must be none of its name that is not finished."""
        card = place.card
        owner = self._begin(place)
        self._by_name[card.account_id, card.name] = owner
        self._by_id[card.id] = (card.account_id, owner)
        return owner

    def find(self, account_id: str, name: str) -> Owner | None:
        """The owner of a place of this account, by the place's name or, where none is called that, its id."""
        return self._by_name.get((account_id, name)) or self.identified(account_id, name)

    def identified(self, account_id: str, id: str) -> Owner | None:
        """The same by id only."""
        whose, owner = self._by_id.get(id, (None, None))
        return owner if whose == account_id else None

    def named(self, account_id: str, name: str) -> Owner:
        """The same by name, made if there is none but a finished one: it ends by itself if nothing comes of it."""
        owner = self._by_name.get((account_id, name))
        if owner is None or _is_finished(owner):
            return self.open(self._fresh(account_id, name))
        return owner

    def by_id(self, id: str) -> Owner | None:
        """The owner of a place, whose ever it is."""
        return self._by_id.get(id, (None, None))[1]

    def closed(self, owner: Owner) -> None:
        """An owner has ended. Another place may have its name by now."""
        place = owner.session.floor.owned
        if place is None:
            return
        key = place.card.account_id, place.card.name
        self._by_id.pop(place.card.id, None)
        if self._by_name.get(key) is owner:
            del self._by_name[key]


def _is_finished(owner: Owner) -> bool:
    """Whether it has what was a conference: nobody can be in that any more."""
    conference = owner.session.floor.conference
    return conference is not None and conference.is_finished


def queue_of(owner: Owner | None) -> Queue | None:
    """The queue of an owner, if there is such a queue."""
    floor = None if owner is None else owner.session.floor
    if floor is None or floor.queue is None:
        return None
    return floor.queue if queueing.exists(floor, floor.queue) else None


def conference_of(owner: Owner | None) -> Conference | None:
    """The conference of an owner, if it is live."""
    conference = None if owner is None else owner.session.floor.conference
    return conference if conference is not None and conference.is_live else None
