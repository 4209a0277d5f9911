"""The whole platform but for its media: real store, logins, dialplan, switchboard and door, in one turned loop."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp
from aiohttp import web

from offhook.edge.rtc import RtcDoor
from offhook.engine.active import ActiveLegs
from offhook.engine.ladders import RecentLadders
from offhook.engine.platform import Identities
from offhook.engine.pstn import ListedNumber, TelephoneNetwork
from offhook.engine.shadow import StoredShadow
from offhook.engine.switchboard import Switchboard
from offhook.testing.clock import LoopClock, TurnedLoop
from offhook.testing.fakes import FakeCore, FakeShadow, SeededChance
from offhook.voice.binding import Bindings
from offhook.voice.dialing import Dialplan, domains

SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
DOMAIN = "sip.house.test"
PSTN_PASSWORD = "of the telephone network"
CONNECTION = {
    "connection_name": "House",
    "user_name": "john1234",
    "password": "correct-horse-1",
    "sip_uri_calling_preference": "internal",
}


class Client:
    """A browser-SDK client in a few lines: it logs in, acknowledges everything and notes what it is told."""

    def __init__(self, name: str, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self.name = name
        self.saw: list[str] = []
        self.told: dict[str, dict[str, Any]] = {}
        self._websocket = websocket
        self._ids = 0
        self._reader = asyncio.create_task(self._read())

    async def request(self, method: str, **params: Any) -> None:
        self._ids += 1
        await self._websocket.send_json(
            {"jsonrpc": "2.0", "id": f"{self.name}-{self._ids}", "method": method, "params": params}
        )
        await settle()

    async def call(self, method: str, call: str, **params: Any) -> None:
        dialog = {"callID": call, **params.pop("dialog", {})}
        await self.request(f"telnyx_rtc.{method}", dialogParams=dialog, sessid="s", **params)

    async def dial(self, destination: str, call: str) -> None:
        await self.call("invite", call, sdp=SDP, dialog={"destination_number": destination})

    async def answer_last(self) -> None:
        """Answer the call that was offered last."""
        await self.call("answer", self.told["invite"]["callID"], sdp=SDP)

    async def leave(self) -> None:
        await self._websocket.close()
        await self._reader
        await settle()

    async def _read(self) -> None:
        async for message in self._websocket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            frame = json.loads(message.data)
            if "method" in frame:
                name = frame["method"].removeprefix("telnyx_rtc.")
                self.told[name] = frame["params"]
                await self._websocket.send_json(
                    {"jsonrpc": "2.0", "id": frame["id"], "result": {"method": frame["method"]}}
                )
                self.saw.append(name)
            else:
                self.saw.append("result" if "result" in frame else f"error {frame['error']['code']}")


class House:
    """One account, the connection john1234, and as many clients as a test lets in."""

    def __init__(self, identities: Identities, switchboard: Switchboard, core: FakeCore, url: str) -> None:
        self.identities = identities
        self.switchboard = switchboard
        self.core = core
        self.account = ""
        self.connection = ""
        self.url = url
        self._http = aiohttp.ClientSession()

    async def furnish(self, **settings: Any) -> None:
        self.account = await self.identities.add_account("house")
        made = await self.identities.credential_connections.create(self.account, CONNECTION | settings)
        self.connection = made["id"]

    async def credential(self) -> dict[str, Any]:
        return await self.identities.telephony_credentials.create(self.account, {"connection_id": self.connection})

    async def client(self, name: str, **login: str) -> Client:
        websocket = await self._http.ws_connect(self.url)
        client = Client(name, websocket)
        await client.request("login", userVariables={}, **login)
        client.saw.clear()
        return client

    async def john(self, name: str) -> Client:
        return await self.client(name, login="john1234", passwd=CONNECTION["password"])

    async def close(self) -> None:
        await self._http.close()


async def settle() -> None:
    """Everything that follows at once has happened: frames cross the loopback, rows are written."""
    for _ in range(5):
        await asyncio.sleep(0.02)


@asynccontextmanager
async def house(
    core: FakeCore | None = None,
    shadow: FakeShadow | None = None,
    numbers: Sequence[ListedNumber] = (),
    **settings: Any,
) -> AsyncIterator[House]:
    """Run it with `offhook.testing.clock.run`. `numbers` are for whoever logs in as the telephone network."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, TurnedLoop)
    clock, chance, bindings, core = LoopClock(wall=1_800_000_000.0), SeededChance(), Bindings(), core or FakeCore()
    identities = await Identities.open(None, clock, chance, bindings, busy=loop.idle.report)
    active = ActiveLegs(lambda id: (card := identities.directory.connection(id)) and card.profile_id)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(identities.close)
        pstn = TelephoneNetwork(identities.directory, identities.logins, numbers, PSTN_PASSWORD)
        switchboard = await stack.enter_async_context(
            Switchboard(
                core=core,
                dialplan=Dialplan(pstn, bindings, active, domains(DOMAIN), purse=identities.spending),
                bindings=bindings,
                active=active,
                shadow=shadow or StoredShadow(identities.store, clock),
                ladders=RecentLadders(),
                clock=clock,
                chance=chance,
            )
        )
        core.tell = core.fallback = switchboard.media_event
        identities.log_off = switchboard.log_off
        door = RtcDoor(switchboard, pstn, clock, chance)
        app = web.Application()
        app.router.add_get("/", door.handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        stack.push_async_callback(door.stop)
        made = House(identities, switchboard, core, f"http://127.0.0.1:{runner.addresses[0][1]}/")
        stack.push_async_callback(made.close)
        await made.furnish(**settings)
        yield made
