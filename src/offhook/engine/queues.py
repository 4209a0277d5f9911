"""The queues of this node and their owners, by account and name. Knows neither calls nor what a queue decides."""

from collections.abc import Callable, Iterator

from offhook.engine.owner import Owner
from offhook.engine.ports import Chance
from offhook.voice import queueing
from offhook.voice.queue import DEFAULT_SIZE_BY_ENQUEUE, Card, Queue
from offhook.voice.session import Session


class Queues:
    """One owner for each queue that is kept, has calls, or is about to get one. `begin` runs an owner of a session."""

    def __init__(self, begin: Callable[[Session], Owner], chance: Chance) -> None:
        self._begin = begin
        self._chance = chance
        self._owners: dict[tuple[str, str], Owner] = {}
        self._names: dict[str, tuple[str, str]] = {}

    def __iter__(self) -> Iterator[Owner]:
        return iter(tuple(self._owners.values()))

    def open(self, card: Card) -> Owner:
        """Let a queue be; there must be none of its name."""
        owner = self._begin(Session(card.id, Queue(card)))
        self._owners[card.account_id, card.name] = owner
        self._names[card.id] = (card.account_id, card.name)
        return owner

    def find(self, account_id: str, name: str) -> Owner | None:
        """The owner of a queue of this account, by the queue's name or, where no queue is called that, its id."""
        owner = self._owners.get((account_id, name))
        if owner is not None:
            return owner
        key = self._names.get(name)
        return self._owners[key] if key is not None and key[0] == account_id else None

    def named(self, account_id: str, name: str) -> Owner:
        """The same by name, made if there is none: it ends by itself if nothing comes of it."""
        owner = self._owners.get((account_id, name))
        fresh = Card(self._chance.uuid(), account_id, name, DEFAULT_SIZE_BY_ENQUEUE, "passing", 0.0, 0.0)
        return owner or self.open(fresh)

    def by_id(self, id: str) -> Owner | None:
        """The owner of a queue, whose ever it is."""
        key = self._names.get(id)
        return None if key is None else self._owners[key]

    def of_account(self, account_id: str) -> list[Queue]:
        """The queues that an account has, oldest first."""
        found = [queue for owner in self if (queue := existing(owner)) and queue.card.account_id == account_id]
        return sorted(found, key=lambda queue: (queue.card.created_at, queue.card.id))

    def closed(self, owner: Owner) -> None:
        """An owner has ended."""
        key = self._names.pop(owner.session.id, None)
        if key is not None:
            del self._owners[key]


def existing(owner: Owner | None) -> Queue | None:
    """The queue of an owner, if there is such a queue."""
    if owner is None or owner.session.floor.queue is None:
        return None
    floor, queue = owner.session.floor, owner.session.floor.queue
    return queue if queueing.exists(floor, queue) else None
