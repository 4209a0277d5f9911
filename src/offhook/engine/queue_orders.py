"""What the API's queue operations ask for. Knows accounts and pages, and nothing of what a queue decides."""

from typing import Any

from offhook.engine.orders import Outcome
from offhook.engine.places import queue_of
from offhook.engine.ports import Clock
from offhook.engine.resources import Listing, page_of
from offhook.engine.store import Store
from offhook.engine.switchboard import Switchboard
from offhook.voice.command import CommandRule, read
from offhook.voice.commands import CREATE_QUEUE
from offhook.voice.commands.queue.shared import call_document, no_queue, queue_document, turn_of
from offhook.voice.leg import Moment
from offhook.voice.queue import Card, Queue
from offhook.voice.resources.resource import Query

Document = dict[str, Any]


class QueueOrders:
    """Every method names the account and reaches no queue of another one; all raise `Rejected`. Names may be ids."""

    def __init__(self, switchboard: Switchboard, clock: Clock) -> None:
        self._switchboard = switchboard
        self._clock = clock

    async def load(self, store: Store) -> None:
        """Let the queues be that were made before the server started."""
        for row in await store.load("queues"):
            self._switchboard.queues.open(Queue(Card(**row)))

    async def create(self, account_id: str, body: Document) -> Document:
        """Make a queue that is kept."""
        command = read(CREATE_QUEUE.command, body)
        outcome = Outcome()
        self._switchboard.dispatch.create_queue(account_id, CREATE_QUEUE, command, outcome)
        return await outcome.document

    async def order(self, account_id: str, name: str, rule: CommandRule, body: Document, leg: str = "") -> Document:
        """Carry out a command on a queue, or on the turn of a call in it."""
        command = read(rule.command, body)
        outcome = Outcome()
        if not self._switchboard.dispatch.direct(account_id, name, rule, command, outcome, leg):
            raise no_queue()
        return await outcome.document

    def page(self, account_id: str, query: Query) -> Listing:
        """One page of the queues, oldest first."""
        now = self._now()
        found = [queue for owner in self._switchboard.queues if (queue := queue_of(owner))]
        mine = [queue for queue in found if queue.card.account_id == account_id]
        mine.sort(key=lambda queue: (queue.card.created_at, queue.card.id))
        return page_of(query, [queue_document(each, now) for each in mine])

    def show(self, account_id: str, name: str) -> Document:
        """One queue."""
        return queue_document(self._queue(account_id, name), self._now())

    def calls(self, account_id: str, name: str, query: Query) -> Listing:
        """One page of the calls in a queue, in their order."""
        queue, now = self._queue(account_id, name), self._now()
        return page_of(query, [call_document(queue, leg, now) for leg in queue.turns])

    def call(self, account_id: str, name: str, leg: str) -> Document:
        """One call in a queue."""
        queue = self._queue(account_id, name)
        turn_of(queue, leg)
        return call_document(queue, leg, self._now())

    def _queue(self, account_id: str, name: str) -> Queue:
        queue = queue_of(self._switchboard.queues.find(account_id, name))
        if queue is None:
            raise no_queue()
        return queue

    def _now(self) -> Moment:
        return Moment(self._clock.monotonic(), self._clock.wall())
