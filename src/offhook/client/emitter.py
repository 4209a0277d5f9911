"""Handlers and iterators for events, each isolated from the others. Knows no call and no socket."""

from __future__ import annotations

import asyncio
import functools
import inspect
import logging
import weakref
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Generic, TypeVar, overload

from offhook.client.events import ErrorRaised, Event

E = TypeVar("E", bound=Event)
T = TypeVar("T")
Handler = Callable[[Any], object]

log = logging.getLogger("offhook.client")


class Tasks:
    """The tasks of one owner: named, watched, and all gone after `close`."""

    def __init__(self, failed: Callable[[Exception], None]) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed = failed

    def spawn(self, work: Awaitable[object], name: str) -> asyncio.Task[None]:
        """Run `work` in the background; what it raises is reported, never lost."""
        task = asyncio.create_task(self._guard(work), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if inspect.iscoroutine(work):  # one that was cancelled before it began would be called "never awaited"
            task.add_done_callback(lambda _: work.close())
        return task

    async def _guard(self, work: Awaitable[object]) -> None:
        try:
            await work
        except Exception as error:  # the boundary: a background task has no caller that could be told
            self._failed(error)

    async def close(self) -> None:
        """Cancel everything but the current task and wait until it is gone."""
        mine = asyncio.current_task()
        while tasks := [task for task in self._tasks if task is not mine]:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


class Subscription(Generic[T]):
    """A bounded queue that one iterator drains. When full it forgets the oldest: a slow reader costs itself only."""

    def __init__(self, limit: int = 10_000) -> None:
        self._items: deque[T] = deque(maxlen=limit)
        self._closed = False
        self._wake = asyncio.Event()

    def put(self, item: T) -> None:
        self._items.append(item)
        self._wake.set()

    def close(self) -> None:
        """No more items; the reader ends after those that are there."""
        self._closed = True
        self._wake.set()

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._closed:
                raise StopAsyncIteration
            self._wake.clear()
            await self._wake.wait()
        return self._items.popleft()


S = TypeVar("S", bound=Subscription[Any])


class Emitter:
    """Tells handlers and iterators what happened. A handler's exception becomes `ErrorRaised`, never the caller's."""

    def __init__(self, spawn: Callable[[Awaitable[object], str], object], failed: Callable[[Exception], None]) -> None:
        self._handlers: dict[type[Event], list[Handler]] = {}
        # Weak, so that leaving an `async for` is all it takes to unsubscribe.
        self._subscriptions: weakref.WeakKeyDictionary[Subscription[Any], type[Event]] = weakref.WeakKeyDictionary()
        self._spawn = spawn
        self._failed = failed
        self._closed = False

    @overload
    def on(self, kind: type[E]) -> Callable[[Callable[[E], T]], Callable[[E], T]]: ...
    @overload
    def on(self, kind: type[E], handler: Callable[[E], T]) -> Callable[[E], T]: ...
    def on(self, kind: type[E], handler: Callable[[E], T] | None = None) -> Any:
        """Call `handler` (plain or async) for every event of `kind` and its subclasses; without it, a decorator."""
        if handler is None:
            return functools.partial(self.on, kind)
        self._handlers.setdefault(kind, []).append(handler)
        return handler

    def off(self, kind: type[E], handler: Callable[[E], object] | None = None) -> None:
        """Forget one handler of `kind`, or all of them. A handler that is not there is no error."""
        if handler is None:
            self._handlers.pop(kind, None)
        elif handler in (handlers := self._handlers.get(kind, [])):
            handlers.remove(handler)

    def events(self, kind: type[E]) -> Subscription[E]:
        """The events of `kind` from now on, as an async iterator that ends with its owner."""
        return self.subscribe(kind, Subscription[E]())

    def subscribe(self, kind: type[Event], subscription: S) -> S:
        """Put the events of `kind` into a subscription of the caller's."""
        if self._closed:
            subscription.close()
        self._subscriptions[subscription] = kind
        return subscription

    def emit(self, event: Event) -> None:
        for subscription, kind in tuple(self._subscriptions.items()):
            if isinstance(event, kind):
                subscription.put(event)
        for kind in type(event).__mro__:
            for handler in tuple(self._handlers.get(kind, ())):
                self._call(handler, event)

    def close(self) -> None:
        """End every iterator; handlers stay, because the last words come after this."""
        self._closed = True
        for subscription in tuple(self._subscriptions):
            subscription.close()

    def _call(self, handler: Handler, event: Event) -> None:
        try:
            result = handler(event)
        except Exception as error:  # the boundary to the user's code: one handler must not hurt the next
            self._report(error, event)
            return
        if inspect.isawaitable(result):
            self._spawn(self._watch(result, event), f"handler of {type(event).__name__}")

    async def _watch(self, result: Awaitable[object], event: Event) -> None:
        try:
            await result
        except Exception as error:  # the same boundary, for async handlers
            self._report(error, event)

    def _report(self, error: Exception, event: Event) -> None:
        log.error("a handler of %s failed", type(event).__name__, exc_info=error)
        if not isinstance(event, ErrorRaised):  # a failing error handler must not call itself for ever
            self._failed(error)
