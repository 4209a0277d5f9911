"""The platform with its doors, on one HTTP port. Knows no rules."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from aiohttp import WSCloseCode, web

from offhook.edge.backstage import Backstage
from offhook.edge.meaning import one_meaning
from offhook.edge.origin import OriginPolicy, guard
from offhook.edge.parts import (
    Base,
    Exchange,
    Settings,
    SipSettings,
    Sound,
    open_base,
    open_exchange,
    open_sound,
)
from offhook.edge.rest.app import owner_routes, rest_app
from offhook.edge.rest.commands import call_routes
from offhook.edge.rest.conferences import conference_routes
from offhook.edge.rest.media import media_routes
from offhook.edge.rest.queues import queue_routes
from offhook.edge.rest.recordings import download_route
from offhook.edge.rest.webhooks import webhook_routes
from offhook.edge.rtc import RUNNER_OPTIONS, RtcDoor, wants_websocket
from offhook.edge.sip import SipDoor
from offhook.edge.sip_certificate import from_files, self_signed
from offhook.edge.sip_locating import Locator
from offhook.edge.sip_names import SystemNames
from offhook.edge.sip_transport import Listeners
from offhook.edge.sip_websocket import SipWebsockets, wants_sip
from offhook.engine.conference_orders import ConferenceOrders
from offhook.engine.documents import Documents
from offhook.engine.orders import Orders
from offhook.engine.pstn import ACCOUNT as PSTN
from offhook.engine.pstn import ListedNumber, TelephoneNetwork
from offhook.engine.queue_orders import QueueOrders
from offhook.engine.seed import DEV_ACCOUNT, DEV_PUBLIC_KEY, DEV_SIGNING_KEY, Seeded, reseed
from offhook.engine.switchboard import Switchboard
from offhook.engine.traffic import CallTraffic
from offhook.voice.cause import ending
from offhook.voice.dialing import HOSTED_DOMAINS, domains
from offhook.voice.house_rules import HouseRules
from offhook.voice.rating import STANDARD, PricePlan
from offhook.voice.trunk import TrunkCard
from offhook.wire.rtc_liveness import CloseReason
from offhook.wire.sip_uri import write_host

STOPPING = ending("NORMAL_TEMPORARY_FAILURE", "the platform is shutting down")
RESET = ending("NORMAL_TEMPORARY_FAILURE", "the platform was reset")
WAS_RESET = CloseReason(WSCloseCode.POLICY_VIOLATION, RESET.detail)
# How long calls may take to end, which is a write to the database each.
ENDS_SECONDS = 10.0


class Platform:
    """A platform that is up. `env` are the settings for programs, `info` what `/_offhook/info` tells.

    `pstn` are the numbers that are to be answered by whoever logs in with its username and password.
    """

    def __init__(
        self, stack: AsyncExitStack, env: dict[str, str], info: dict[str, Any], pstn: TelephoneNetwork
    ) -> None:
        self._stack = stack
        self.env = env
        self.info = info
        self.pstn = pstn

    async def stop(self) -> None:
        """End it in good order: nobody comes in, calls get their end, clients are sent away, then everything closes."""
        await self._stack.aclose()


async def start_dev(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    db: Path | None = None,
    sip_domain: str = HOSTED_DOMAINS[0],
    webhook_url: str = "",
    numbers: Sequence[ListedNumber] = (),
    price_plan: PricePlan = STANDARD,
    rules: HouseRules | None = None,
    sip: SipSettings | None = None,
) -> Platform:
    """Start the development platform: loopback only, fixed keys, everything ready to use.

    `host` is an IP address; `sip_domain` is the domain of our SIP addresses, beside the hosted product's. The events of
    all that is ready-made go to `webhook_url`, if there is one. `numbers` are for scripted phones to answer. Calls are
    charged by `price_plan`. `rules` are those of the house for all calls. `sip` is where SIP is taken.
    ValueError where it is no host name, OSError where the address cannot be used, `StoreError` or `WrongKey` where
    the database cannot.
    """
    served, house, listening = domains(sip_domain), rules or HouseRules(), sip or SipSettings()
    settings = Settings(host, port, db, served, webhook_url, numbers, price_plan, house, listening)
    async with AsyncExitStack() as stack:
        base = await open_base(stack, settings)
        sound = await open_sound(stack, settings, base)
        exchange = await open_exchange(stack, settings, base, sound)
        doors = Doors(settings, base, exchange)
        env: dict[str, str] = {}
        info: dict[str, Any] = {}
        backstage = Backstage(
            base.seeded.account_id,
            base.identities,
            exchange.dialplan,
            base.active,
            base.ladders,
            base.clock,
            env,
            info,
            _reset(settings, base, sound, exchange.switchboard, doors),
            doors.held,
        )
        app = _application(doors, backstage, await _rest(stack, settings, base, sound, exchange.switchboard))
        app.router.add_routes([download_route(sound.archive, base.identities.links)])
        address = await _listen(stack, app, doors, exchange.switchboard, settings)
        base.identities.links.base = f"http://{address}"
        await sound.archive.recover()
        env |= _env(address, doors.addresses, settings, base.seeded)
        info |= _info(env, settings, base.seeded, base.identities.directory.trunks())
        return Platform(stack.pop_all(), env, info, exchange.pstn)


async def _rest(
    stack: AsyncExitStack, settings: Settings, base: Base, sound: Sound, switchboard: Switchboard
) -> web.Application:
    """The API, with what it is answered from."""
    store, datagrams = base.identities.store, sound.datagrams
    orders = Orders(switchboard, store, base.clock, sound.lacking, datagrams.allowed)
    queues = QueueOrders(switchboard, base.clock)
    await queues.load(store)
    conferences = ConferenceOrders(switchboard, base.identities.conferences, orders, sound.clips.lacking)
    documents = Documents(
        switchboard,
        orders,
        conferences,
        base.fetch,
        DEV_SIGNING_KEY.sign,
        base.clock,
        base.ladders,
        settings.served.name,
    )
    stack.push_async_callback(documents.stop)
    base.teller.listeners.append(documents.heard)
    routes = [
        *call_routes(orders),
        *queue_routes(queues),
        *conference_routes(conferences),
        *media_routes(sound.files, base.chance),
        *webhook_routes(base.identities.webhook_deliveries, base.outbox),
    ]
    return rest_app(base.identities, base.active, base.clock, routes)


class Doors:
    """The ways for phones: the browser SDK's websocket, and SIP. `addresses` are SIP's, plain and TLS, once `open` has
    been awaited."""

    def __init__(self, settings: Settings, base: Base, exchange: Exchange) -> None:
        switchboard, logins = exchange.switchboard, exchange.pstn
        self.rtc = RtcDoor(switchboard, logins, base.clock, base.chance)
        algorithms = settings.sip.algorithms
        self._listeners = Listeners()
        directory = base.identities.directory
        locator = Locator(self._listeners, SystemNames(), base.chance, base.clock.monotonic, "development")
        self.sip = SipDoor(
            switchboard, logins, settings.served, algorithms, base.clock, base.chance, directory, locator
        )
        self._listeners.receiver = self.sip.agent
        directory.trunks_changed.append(self.sip.trunks.follow)
        self.sip.watch(CallTraffic(switchboard.owners, base.ladders, base.clock))
        self.sip_websockets = SipWebsockets(self.sip.agent, base.clock)
        self.addresses = ("", "")
        self._settings = settings

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """A websocket; its subprotocol says which it is."""
        return await (self.sip_websockets if wants_sip(request) else self.rtc).handle(request)

    async def open(self) -> None:
        """Open SIP's ports. OSError where they, or the certificate, cannot be used."""
        host, wanted = self._settings.host, self._settings.sip
        port = await self._listeners.open(host, wanted.port)
        if wanted.certificate is None:
            context = self_signed((self._settings.served.name, "localhost", host))
        else:
            context = from_files(wanted.certificate, wanted.key or wanted.certificate)
        self.addresses = (
            write_host(host, port),
            write_host(host, await self._listeners.open_tls(host, wanted.tls_port, context)),
        )
        self.sip.trunks.start()

    def held(self) -> dict[str, int]:
        """What there is of SIP now: registered contacts, calls, and transactions, which outlive their calls by 32 s."""
        sip = self.sip
        counts = (len(sip.registrations), len(sip.calls), len(sip.agent))
        return dict(zip(("sip_contacts", "sip_calls", "sip_transactions"), counts, strict=True))

    async def log_off(self, reason: CloseReason, spared: str) -> None:
        """Send everybody away but who belongs to the account `spared`."""
        self.sip.log_off_all(reason.text)
        await self.rtc.close_all(reason, spared=spared)

    async def close(self) -> None:
        """Close every connection."""
        await self.rtc.stop()
        await self.sip_websockets.close()
        await self.sip.trunks.stop()
        self.sip.close()
        await self._listeners.close()


def _application(doors: Doors, backstage: Backstage, rest: web.Application) -> web.Application:
    """One root for all: websockets and the console on `/`, REST under `/v2`, the owner's routes under `/_offhook/`."""

    async def root(request: web.Request) -> web.StreamResponse:
        return await (doors.handle(request) if wants_websocket(request) else backstage.page(request))

    app = web.Application(middlewares=[one_meaning, guard(OriginPolicy.loopback())])
    app.router.add_get("/", root)
    app.router.add_routes([*backstage.routes(), *owner_routes(backstage.identities)])
    app.add_subapp("/v2", rest)
    return app


def _reset(
    settings: Settings, base: Base, sound: Sound, switchboard: Switchboard, doors: Doors
) -> Callable[[], Awaitable[None]]:
    """What brings the platform back to its start: calls get their end, clients are logged off, all is forgotten."""
    turn = asyncio.Lock()

    async def reset() -> None:
        async with turn:
            await switchboard.end_all(RESET, ENDS_SECONDS)
            await doors.log_off(WAS_RESET, spared=PSTN)
            await switchboard.end_all(RESET, ENDS_SECONDS)  # what was dialled meanwhile
            base.ladders.clear()
            await sound.files.forget_all()
            await sound.archive.forget_all()
            base.outbox.discard(DEV_ACCOUNT)
            await reseed(base.identities, settings.webhook_url, settings.sip.carriers)

    return reset


async def _listen(
    stack: AsyncExitStack, app: web.Application, doors: Doors, switchboard: Switchboard, settings: Settings
) -> str:
    """Open the ports; the address under which HTTP is reached.

    At the end the port closes to newcomers, then calls get their byes, and only then are the websockets closed.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, **RUNNER_OPTIONS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    stack.push_async_callback(doors.close)
    stack.push_async_callback(switchboard.end_all, STOPPING, ENDS_SECONDS)
    site = web.TCPSite(runner, settings.host, settings.port)
    await site.start()
    stack.push_async_callback(site.stop)
    await doors.open()
    return write_host(settings.host, runner.addresses[0][1])


def _env(address: str, sip: tuple[str, str], settings: Settings, seeded: Seeded) -> dict[str, str]:
    return {
        "TELNYX_BASE_URL": f"http://{address}/v2",
        "TELNYX_API_KEY": seeded.api_key,
        "TELNYX_PUBLIC_KEY": DEV_PUBLIC_KEY,
        "OFFHOOK_CONNECTION_ID": seeded.application_id,
        "OFFHOOK_WS_URL": f"ws://{address}",
        "OFFHOOK_SIP_ADDRESS": sip[0],
        "OFFHOOK_SIP_TLS_ADDRESS": sip[1],
        "OFFHOOK_SIP_DOMAIN": settings.served.name,
        "OFFHOOK_CONSOLE_URL": f"http://{address}/",
        "OFFHOOK_NUMBERS": ",".join(f"{each.name}={each.number}" for each in settings.numbers),
    }


def _info(env: dict[str, str], settings: Settings, seeded: Seeded, trunks: Sequence[TrunkCard]) -> dict[str, Any]:
    return {
        "env": dict(env),
        "identities": [
            {"login": identity.login, "password": identity.password, "what": identity.what}
            for identity in seeded.identities
        ],
        "numbers": [{"number": number.number, "rings": number.rings} for number in seeded.numbers],
        "scripted_numbers": [
            {"number": number.number, "name": number.name, "does": number.does} for number in settings.numbers
        ],
        "carriers": [
            {"name": trunk.name, "takes": " ".join(trunk.prefixes)} for trunk in trunks if trunk.kind == "carrier"
        ],
    }
