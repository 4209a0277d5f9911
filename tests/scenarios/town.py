"""A house with a telephone network: scripted numbers, a client who dials, a backend, real audio, turned time."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, cast

from offhook import Client
from offhook.client.numbers import Answering, Numbers
from offhook.client.pstn import NUMBERS
from offhook.engine.pstn import USERNAME, ListedNumber
from offhook.testing.fakes import FakeBackend, FakeShadow
from offhook.testing.media import DrivenCore

from .house import CONNECTION, PSTN_PASSWORD, House, house


class Town:
    """`john` is a client, `phones` are those at the numbers, `backend` commands legs, `shadow` has what was told and
    recorded."""

    def __init__(self, at: House, shadow: FakeShadow, john: Client, phones: Client) -> None:
        self.at = at
        self.phones = phones
        self.shadow = shadow
        self.john = john
        self.backend = FakeBackend(at.switchboard)

    def told(self, *kinds: str) -> list[Any]:
        """What was told of these kinds of events, in order."""
        return [event for event in self.shadow.told if event.type.startswith(kinds)]

    def dial(self, number: str | list[str], **body: Any) -> None:
        """Let the backend dial."""
        self.backend.dial(number, **body)


@asynccontextmanager
async def town(numbers: Numbers = NUMBERS) -> AsyncGenerator[Town]:
    core, shadow = DrivenCore(), FakeShadow()
    listed = [ListedNumber(each.number, each.name, each.does) for each in numbers]
    async with AsyncExitStack() as stack:
        stack.callback(core.close)
        at = await stack.enter_async_context(house(core=cast(Any, core), shadow=shadow, numbers=listed))
        url = at.url.replace("http", "ws", 1)
        phones = Client(url, login=USERNAME, password=PSTN_PASSWORD, core=core)
        await stack.enter_async_context(Answering(phones, numbers))
        john = Client(url, login="john1234", password=CONNECTION["password"], core=core)
        await stack.enter_async_context(john)
        await john.ready()
        yield Town(at, shadow, john, phones)
