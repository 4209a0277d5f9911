"""Category: engine. A telephony credential that expires while somebody is logged in with it, in turned time."""

import asyncio
from typing import Any

import pytest

from offhook.engine.clock import SystemChance
from offhook.engine.idle import Idle
from offhook.engine.platform import Identities
from offhook.engine.ports import Identity
from offhook.engine.seed import DEV_ACCOUNT, seed
from offhook.testing.clock import LoopClock, run
from offhook.voice.binding import Binding, Bindings
from offhook.voice.resources.moment import format_moment

HOUR = 3600.0


class House:
    """A seeded platform with one credential, and when it logged whom off, in seconds from the start."""

    def __init__(self, identities: Identities, clock: LoopClock) -> None:
        self.identities = identities
        self.clock = clock
        self.start = clock.wall()
        self.gone: list[tuple[str, float]] = []
        self.over = asyncio.Event()
        identities.log_off = self.log_off
        self.credential: dict[str, Any] = {}

    @classmethod
    async def opened(cls, idle: Idle, expires_in: float | None) -> "House":
        clock = LoopClock(1_700_000_000.0)
        house = cls(await Identities.open(None, clock, SystemChance(), Bindings(), idle.report), clock)
        await seed(house.identities)
        connection = house.identities.directory.connection_of_username("john1234")
        assert connection is not None
        body = {"connection_id": connection.id, "expires_at": house.moment(expires_in)}
        house.credential = await house.identities.telephony_credentials.create(DEV_ACCOUNT, body)
        return house

    def moment(self, seconds: float | None) -> str | None:
        return None if seconds is None else format_moment(self.start + seconds)

    def log_off(self, binding: str, reason: str) -> None:
        assert reason == "the credential has expired"
        self.gone.append((binding, self.clock.wall() - self.start))
        self.identities.bindings.unregister(binding)
        self.over.set()

    def log_in(self, name: str, token: str = "") -> None:
        logins, card = self.identities.logins, self.credential
        who: Identity = (
            logins.authenticate_token(token)
            if token
            else logins.authenticate_password(card["sip_username"], card["sip_password"])
        )
        binding = Binding(name, who.account_id, who.connection_id, who.username, 0.0, who.credential_id)
        self.identities.bindings.register(binding)

    async def expire_at(self, seconds: float | None) -> None:
        change = {"expires_at": self.moment(seconds)}
        await self.identities.telephony_credentials.update(DEV_ACCOUNT, self.credential["id"], change)


def test_who_logged_in_by_password_is_logged_off_when_the_credential_expires() -> None:
    idle = Idle()

    async def scene() -> None:
        house = await House.opened(idle, HOUR)
        house.log_in("phone")
        await house.over.wait()
        assert house.gone == [("phone", pytest.approx(HOUR))]
        await house.identities.close()

    run(scene(), idle)


@pytest.mark.parametrize("first", [None, 5 * HOUR])
def test_an_expiry_set_earlier_reaches_who_is_logged_in(first: float | None) -> None:
    idle = Idle()

    async def scene() -> None:
        house = await House.opened(idle, first)
        house.log_in("phone")
        house.log_in("by token", await house.identities.telephony_credentials.mint(DEV_ACCOUNT, house.credential["id"]))
        await house.expire_at(HOUR)
        await house.over.wait()
        assert house.gone == [("phone", pytest.approx(HOUR)), ("by token", pytest.approx(HOUR))]
        await house.identities.close()

    run(scene(), idle)


@pytest.mark.parametrize("later", [3 * HOUR, None])
def test_an_expiry_set_later_lets_stay(later: float | None) -> None:
    idle = Idle()

    async def scene() -> None:
        house = await House.opened(idle, HOUR)
        house.log_in("phone")
        await house.expire_at(later)
        await asyncio.sleep(2 * HOUR)
        assert house.gone == []
        await asyncio.sleep(2 * HOUR)
        assert house.gone == ([] if later is None else [("phone", pytest.approx(later))])
        await house.identities.close()

    run(scene(), idle)
