"""A development platform, two phones with ears, and a backend on the official package: what tests of calls stand on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from telnyx import AsyncTelnyx

from offhook import Call, Client, Tone
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED
from offhook.voice.house_rules import HouseRules

JOHN, JANE = SEEDED.identities
NUMBER = "+12025550101"


class Desk:
    """A platform whose John dials into parking, Jane's phone, and a backend on the official package."""

    def __init__(self, platform: Platform, api: AsyncTelnyx) -> None:
        self.platform = platform
        self.api = api
        self.connection = ""

    async def open(self) -> None:
        async for each in self.api.credential_connections.list():
            if each.user_name == JOHN.login:
                self.connection = each.id or ""
        await self.api.credential_connections.update(self.connection, outbound={"call_parking_enabled": True})

    def phone(self, identity: Any) -> Client:
        return Client(self.platform.env["OFFHOOK_WS_URL"], login=identity.login, password=identity.password)

    async def answered(self, john: Client, hz: float = 440.0) -> Call:
        """A call of John's that is parked, and answered by the backend."""
        call = await john.new_call("+12025550199", audio=Tone(hz))
        await call.wait_for("early")
        await self.api.calls.actions.answer(call.ids.call_control)
        await call.answered()
        return call

    async def waiting(self, john: Client, hz: float = 440.0, **body: Any) -> Call:
        """A call of John's that waits in the queue `support`."""
        call = await self.answered(john, hz)
        await self.api.calls.actions.enqueue(call.ids.call_control, queue_name="support", **body)
        return call

    async def agent(self, jane: Client, **body: Any) -> Call:
        """Jane, dialled by the backend, answers."""
        coming = jane.incoming()
        to = f"sip:{JANE.login}@sip.telnyx.com"
        await self.api.calls.dial(connection_id=self.connection, to=to, from_=NUMBER, **body)
        call = await anext(coming)
        await call.answer(audio=Tone(880))
        await call.answered()
        return call


@asynccontextmanager
async def opened(db: Path | None = None, webhook_url: str = "", beep_every: float = 15.0) -> AsyncIterator[Desk]:
    platform = await start_dev(db=db, webhook_url=webhook_url, rules=HouseRules(beep_every))
    env = platform.env
    keys = {"api_key": env["TELNYX_API_KEY"], "public_key": env["TELNYX_PUBLIC_KEY"]}
    try:
        async with AsyncTelnyx(base_url=env["TELNYX_BASE_URL"], max_retries=0, **keys) as api:
            desk = Desk(platform, api)
            await desk.open()
            yield desk
    finally:
        await platform.stop()


def code_of(error: pytest.ExceptionInfo[Any]) -> tuple[int, str]:
    return error.value.status_code, error.value.body["errors"][0]["code"]
