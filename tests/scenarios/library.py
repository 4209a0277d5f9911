"""A scene whose alice follows documents: the pages that an app would serve, and what it was asked for."""

from asyncio import sleep
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from tests.scenarios.exchange import Exchange, exchange
from tests.scenarios.scene import Scene

from offhook.engine.conference_orders import ConferenceOrders
from offhook.engine.documents import Documents
from offhook.engine.orders import Orders
from offhook.engine.ports import Fetched, FetchFailed, FetchRequest
from offhook.engine.store import Find, Found
from offhook.testing.clock import run
from offhook.testing.fakes import FakePhone
from offhook.voice.callbacks import Callbacks, Page
from offhook.voice.cause import ending
from offhook.voice.event import Event

APP = "http://app.test"


class OneConnection:
    """A store with one connection, which is active, and nothing else."""

    async def find(self, find: Find) -> Found:
        return Found([{"active": True}] if find.table == "connections" else [], 1)


class Pages:
    """Implements `ports.Fetch`: documents by path, each answered with its status; a page that is none fails."""

    def __init__(self) -> None:
        self.documents: dict[str, str | int] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.requests: list[FetchRequest] = []
        self.seconds = 0.0

    async def fetch(self, request: FetchRequest) -> Fetched:
        parts = urlsplit(request.url)
        given = request.body.decode() if request.method == "POST" else parts.query
        self.requests.append(request)
        self.asked.append((parts.path, dict(parse_qsl(given, keep_blank_values=True))))
        await sleep(self.seconds)
        page = self.documents.get(parts.path)
        if page is None:
            raise FetchFailed("connect", "nobody is there")
        if isinstance(page, int):
            return Fetched(page, (), b"", request.url)
        return Fetched(200, (), f"<Response>{page}</Response>".encode(), request.url)


class Library(Scene):
    """alice's calls follow `/voice`; `pages` is what the app serves."""

    def __init__(self, at: Exchange) -> None:
        super().__init__(at)
        self.pages = Pages()
        self.page = Page(f"{APP}/voice", "POST", f"{APP}/fallback")
        at.dialplan.callbacks = Callbacks(self.page)
        store = cast(Any, OneConnection())
        orders = Orders(at.switchboard, store, at.clock)
        conferences = ConferenceOrders(at.switchboard, cast(Any, None), orders, {})
        self.documents = Documents(
            at.switchboard, orders, conferences, self.pages, lambda _: b"s" * 64, at.clock, at.ladders, "sip.test"
        )
        at.shadow.listener = self.documents.heard

    async def calls(self, document: str, **others: str | int) -> None:
        """alice dials; her call follows this document, which leads to others."""
        self.pages.documents["/voice"] = document
        self.pages.documents |= {f"/{name}": page for name, page in others.items()}
        self.alice.dial("+12025550199")
        await sleep(0.2)
        self.at.connect()
        await sleep(0.2)

    async def picks_up(self, phone: FakePhone) -> None:
        phone.answer_call()
        await sleep(0.2)
        self.at.connect()
        await sleep(0.2)

    async def hangs_up(self, phone: FakePhone) -> None:
        phone.hang_up()
        await sleep(0.2)

    async def press(self, digits: str) -> None:
        for digit in digits:
            self.alice.press(digit)
            await sleep(0.1)

    async def heard(self) -> str:
        """What alice is played now, as words or a file's name, to its end."""
        port = self.at.port_of(self.alice)
        found = [each for number, each in sorted(self.at.core.plays[port].items()) if number != 1]
        words = cast(Any, found[0]).pcm.decode()
        self.at.core.finish(port)
        await sleep(0.2)
        return words

    @property
    def paths(self) -> list[str]:
        """Which documents were asked for, in order."""
        return [path for path, _ in self.pages.asked]

    def told(self, path: str) -> dict[str, str]:
        """What the last request for a document carried."""
        assert path in self.paths
        return [given for asked, given in self.pages.asked if asked == path][-1]

    @property
    def over(self) -> bool:
        """alice's call has ended."""
        return self.alice.saw[-1].startswith("bye") or not self.at.shadow.live

    def events_of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.at.shadow.told if isinstance(event, kind)]


@asynccontextmanager
async def library() -> AsyncIterator[Library]:
    async with exchange() as at:
        made = Library(at)
        yield made
        at.switchboard.hang_up_all(ending("NORMAL_CLEARING"))
        await sleep(0.5)
        await made.documents.stop()


def read(script: Callable[[Library], Awaitable[None]]) -> None:
    """Play a script in turned time."""

    async def played() -> None:
        async with library() as made:
            await script(made)

    run(played())
