"""Sends a response again and again until it is acknowledged. Knows no dialog."""

import asyncio
from collections.abc import Callable

from offhook.edge.sip_agent import Agent
from offhook.wire import sip_repetition as repetition
from offhook.wire.sip_message import Response
from offhook.wire.sip_transaction import Transaction


class Repeater:
    """Repeats one response until it is acknowledged; `give_up` is called where it never is."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waits(self) -> bool:
        return self._timer is not None

    def start(
        self, transaction: Transaction, response: Response, it: repetition.Repetition, give_up: Callable[[], None]
    ) -> None:
        wait = max(0.0, it.wakes_at - self._agent.now())
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(wait, self._tick, transaction, response, it, give_up)

    def _tick(
        self, transaction: Transaction, response: Response, it: repetition.Repetition, give_up: Callable[[], None]
    ) -> None:
        self._timer = None
        it, due = it.tick(self._agent.now())
        if due is repetition.Due.GIVE_UP:
            give_up()
            return
        if due is repetition.Due.SEND:
            self._agent.say(transaction, response)
        self.start(transaction, response, it, give_up)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
