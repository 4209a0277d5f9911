"""A backend that commands the calls of a few phones: what the scripts about commands are played on."""

from asyncio import sleep
from collections.abc import Awaitable, Callable
from typing import Any

from tests.scenarios.exchange import Exchange, exchange

from offhook.testing.clock import run
from offhook.testing.fakes import FakeBackend, FakePhone, FakeShadow

OK = {"result": "ok"}


class Scene:
    """alice's connection parks what she dials; bob and carol answer; a backend commands."""

    def __init__(self, at: Exchange) -> None:
        self.at = at
        self.backend = FakeBackend(at.switchboard)
        self.alice, self.bob, self.carol = at.phone("alice"), at.phone("bob"), at.phone("carol")
        at.dialplan.parking = {"connection of alice"}

    @property
    def events(self) -> list[str]:
        return [f"{event.about.party.label} {event.type}" for event in self.at.shadow.told]

    def leg(self, phone: FakePhone) -> str:
        assert phone.ids is not None
        return phone.ids.call_control_id

    def last(self) -> dict[str, Any] | str:
        return self.backend.answers[-1]

    async def park(self) -> str:
        """alice dials and is parked; her leg."""
        self.alice.dial("anything")
        await sleep(0.1)
        return self.leg(self.alice)

    async def answered(self) -> str:
        """alice dials, is parked and answered; her leg."""
        leg = await self.park()
        await self.order(leg, "answer")
        self.at.connect()
        return leg

    async def order(self, leg: str, name: str, **body: Any) -> dict[str, Any] | str:
        self.backend.order(leg, name, **body)
        await sleep(0.1)
        return self.last()

    async def dial(self, phone: FakePhone, **body: Any) -> str:
        """A new leg to a phone, which answers; its call_control_id."""
        leg = await self.dial_without_media(phone, **body)
        self.at.connect()
        return leg

    async def dial_without_media(self, phone: FakePhone, **body: Any) -> str:
        """The same, but no audio comes up."""
        self.backend.dial(f"sip:{phone.username}@sip.test", **body)
        await sleep(0.1)
        answer = self.last()
        assert isinstance(answer, dict)
        assert phone.saw[-1] == "invite"
        phone.answer_call()
        await sleep(0.1)
        return answer["call_control_id"]

    def hears(self, phone: FakePhone) -> list[str]:
        """Whom a phone hears, by username."""
        ports = {
            self.at.port_of(other): other.username
            for other in (self.alice, self.bob, self.carol)
            if self._in_call(other)
        }
        return [ports[port] for port in self.at.core.heard_on(self.at.port_of(phone))]

    def _in_call(self, phone: FakePhone) -> bool:
        try:
            self.at.port_of(phone)
        except KeyError:
            return False
        return True


def play(script: Callable[[Scene], Awaitable[None]], shadow: FakeShadow | None = None) -> None:
    async def played() -> None:
        async with exchange(shadow=shadow) as at:
            await script(Scene(at))

    run(played())
