"""The browser SDK's door on a free port, with an exchange that notes everything and an authenticator of three lines."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from offhook.edge.origin import OriginPolicy, guard
from offhook.edge.rtc import RUNNER_OPTIONS, RtcDoor
from offhook.engine.ports import Contact, Device, Exchange, Identity, LegIds, LoginRefused, Signalling
from offhook.testing.clock import LoopClock
from offhook.testing.fakes import SeededChance

from .raw_socket import RawSocket

SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
IDS = LegIds("v3:control", "session", "leg")
NOW = 1_800_000_000.0


class Notebook:
    """An exchange that does what it is asked at once and writes it down."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, tuple[Any, ...]]] = []
        self.far_ends: dict[str, Signalling] = {}
        self.contacts: list[Contact] = []

    def register(self, who: Identity, contact: Contact, signalling: Signalling) -> str:
        binding = f"binding-{len(self.contacts)}"
        self.far_ends[binding] = signalling
        self.contacts.append(contact)
        return binding

    def renewed(self, binding: str, who: Identity, device: Device | None = None) -> None:
        """A fresh proof changes nothing that these tests look at."""

    def unregister(self, binding: str) -> None:
        del self.far_ends[binding]

    def names(self) -> list[str]:
        return [name for name, _ in self.asked]

    def __getattr__(self, name: str) -> Any:
        def note(*arguments: Any) -> None:
            self.asked.append((name, arguments))
            if hasattr(arguments[-1], "refuse"):
                arguments[-1].done()

        return note


class ThreeLines:
    """Everybody's password is "right", every token "a.b.c" is alice's and ends in ten minutes."""

    def __init__(self) -> None:
        self.asked = 0

    def authenticate_password(self, username: str, password: str) -> Identity:
        self.asked += 1
        if password != "right" or username == "nobody":
            raise LoginRefused
        return Identity("account", "connection", username)

    def authenticate_token(self, token: str) -> Identity:
        if token != "a.b.c":
            raise LoginRefused
        return Identity("account", "connection", "alice", "credential", "token", NOW + 600)


class OpenDoor:
    def __init__(self, port: int, door: RtcDoor) -> None:
        self.door = door
        self._port = port
        self._sockets: list[RawSocket] = []

    def socket(self) -> RawSocket:
        """A client that is closed with the door at the latest."""
        self._sockets.append(RawSocket(self._port))
        return self._sockets[-1]

    async def close(self) -> None:
        for raw in self._sockets:
            await raw.close()

    async def upgraded(self, **options: Any) -> RawSocket:
        """A websocket that has not logged in."""
        raw = self.socket()
        await raw.connect(**options)
        assert await raw.upgrade() == 101
        return raw

    async def logged_in(self, username: str = "alice", **options: Any) -> RawSocket:
        raw = await self.upgraded(**options)
        assert (await raw.log_in(username))["result"]["message"] == "logged in"
        return raw


@asynccontextmanager
async def open_door(exchange: Exchange, policy: OriginPolicy | None = None) -> AsyncIterator[OpenDoor]:
    """Call it in turned time (`offhook.testing.clock.run`): then no timer is waited for."""
    door = RtcDoor(exchange, ThreeLines(), LoopClock(wall=NOW), SeededChance())
    app = web.Application(middlewares=[guard(policy or OriginPolicy.loopback())])
    app.router.add_get("/", door.handle)
    runner = web.AppRunner(app, access_log=None, **RUNNER_OPTIONS)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    opened = OpenDoor(runner.addresses[0][1], door)
    try:
        yield opened
    finally:
        await opened.close()
        await door.stop()
        await runner.cleanup()
