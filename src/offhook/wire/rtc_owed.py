"""The answers that a server owes to its client, and what must wait behind them. No I/O."""

import msgspec

from offhook.wire import rtc_c2s as c2s
from offhook.wire.rtc_events import LocalProtocolError

Id = str | int
# A result that comes after other frames of its call puts the SDK's call back to `trying`, for ever.
_FIRST = c2s.Invite | c2s.Answer | c2s.Attach


class Debt(msgspec.Struct, frozen=True):
    """One request that has not been answered, and the id that its answer must carry."""

    id: Id
    request: c2s.Message


class Owed:
    """Every ticket is settled once. Frames about a call wait until its invite, answer or attach has its result."""

    def __init__(self) -> None:
        self._debts: dict[int, Debt] = {}
        self._ids: set[Id] = set()
        self._held_back: dict[str, list[bytes]] = {}

    def __len__(self) -> int:
        return len(self._debts)

    def __contains__(self, ticket: int) -> bool:
        return ticket in self._debts

    def uses(self, frame_id: Id) -> bool:
        return frame_id in self._ids

    def add(self, ticket: int, frame_id: Id, request: c2s.Message) -> None:
        self._debts[ticket] = Debt(frame_id, request)
        self._ids.add(frame_id)
        if isinstance(request, _FIRST):
            self._held_back.setdefault(request.call_id, [])

    def debt(self, ticket: int) -> Debt:
        """LocalProtocolError where it was settled before."""
        try:
            return self._debts[ticket]
        except KeyError:
            raise LocalProtocolError("this ticket has been answered") from None

    def settle(self, ticket: int) -> Debt:
        """The same, and it is owed no more. Write its answer, then what `release` gives."""
        debt = self.debt(ticket)
        del self._debts[ticket]
        self._ids.discard(debt.id)
        return debt

    def hold_back(self, call_id: str, frame: bytes) -> bool:
        """Whether a frame about this call must wait; then it does."""
        queue = self._held_back.get(call_id)
        if queue is None:
            return False
        queue.append(frame)
        return True

    def release(self, request: c2s.Message) -> list[bytes]:
        """What waited behind the answer to `request`, unless it waits for another answer about the same call."""
        if not isinstance(request, _FIRST) or self._owes_first(request.call_id):
            return []
        return self._held_back.pop(request.call_id, [])

    def forget(self, call_id: str) -> None:
        """The call has come to nothing, and with it all that would have been said of it."""
        if call_id in self._held_back:
            self._held_back[call_id].clear()

    def _owes_first(self, call_id: str) -> bool:
        requests = (debt.request for debt in self._debts.values())
        return any(isinstance(request, _FIRST) and request.call_id == call_id for request in requests)
