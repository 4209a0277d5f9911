"""The platform put together: identities, switchboard, media core and doors on one HTTP port. Knows no rules."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from aiohttp import WSCloseCode, web

from offhook.edge.backstage import Backstage
from offhook.edge.fetch import GuardedFetch
from offhook.edge.mediastream import GuardedDatagrams, GuardedSockets
from offhook.edge.origin import OriginPolicy, guard
from offhook.edge.rest.app import owner_routes, rest_app
from offhook.edge.rest.commands import call_routes
from offhook.edge.rest.conferences import conference_routes
from offhook.edge.rest.media import media_routes
from offhook.edge.rest.queues import queue_routes
from offhook.edge.rest.recordings import download_route
from offhook.edge.rest.webhooks import webhook_routes
from offhook.edge.rtc import RUNNER_OPTIONS, RtcDoor, wants_websocket
from offhook.engine.active import ActiveLegs
from offhook.engine.archive import Archive
from offhook.engine.audio import ClipCache, Decoder
from offhook.engine.clips import Clips
from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.conference_orders import ConferenceOrders, end_cut_off
from offhook.engine.download import Download, downloads
from offhook.engine.idle import Idle
from offhook.engine.ladders import RecentLadders
from offhook.engine.listening import Outside
from offhook.engine.mediafiles import MediaFiles
from offhook.engine.orders import Orders
from offhook.engine.outbox import Outbox
from offhook.engine.platform import Identities
from offhook.engine.ports import Clock
from offhook.engine.pstn import ACCOUNT as PSTN
from offhook.engine.pstn import ListedNumber, TelephoneNetwork
from offhook.engine.quality import Quality
from offhook.engine.queue_orders import QueueOrders
from offhook.engine.seed import DEV_ACCOUNT, DEV_PUBLIC_KEY, DEV_SIGNING_KEY, Seeded, reseed, seed
from offhook.engine.shadow import StoredShadow
from offhook.engine.shelf import DirectoryShelf, MemoryShelf, Shelf
from offhook.engine.speech import NoSpeaker, Speaking, speaker
from offhook.engine.switchboard import Switchboard
from offhook.engine.telling import Teller
from offhook.engine.transcription import NoTranscriber, Transcriber, transcriber
from offhook.media.commands import CoreConfig
from offhook.media.core import Core
from offhook.voice.binding import Bindings
from offhook.voice.cause import ending
from offhook.voice.dialing import HOSTED_DOMAINS, Dialplan, domains
from offhook.voice.rating import STANDARD, PricePlan
from offhook.wire.rtc_liveness import CloseReason

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
) -> Platform:
    """Start the development platform: loopback only, fixed keys, everything ready to use.

    `host` is an IP address; `sip_domain` is the domain of our SIP addresses, beside the hosted product's. The events of
    all that is ready-made go to `webhook_url`, if there is one. `numbers` are for scripted phones to answer. Calls are
    charged by `price_plan`.
    ValueError where it is no host name, OSError where the address cannot be used, `StoreError` or `WrongKey` where
    the database cannot.
    """
    served = domains(sip_domain)
    async with AsyncExitStack() as stack:
        clock, chance, bindings, ladders = SystemClock(), SystemChance(), Bindings(), RecentLadders()
        identities = await Identities.open(db, clock, chance, bindings, Idle().report, currency=price_plan.currency)
        stack.push_async_callback(identities.close)
        seeded = await seed(identities, webhook_url)
        directory = identities.directory

        active = ActiveLegs(lambda id: card.profile_id if (card := directory.connection(id)) else None)
        fetch = GuardedFetch("development")
        stack.push_async_callback(fetch.close)
        outbox = Outbox(identities.store, fetch, directory.application, DEV_SIGNING_KEY.sign, clock, chance)
        stack.push_async_callback(outbox.stop)
        await outbox.start()
        quality = Quality()
        teller = Teller(outbox, clock, chance, served.name, quality)
        shadow = StoredShadow(
            identities.store,
            clock,
            plan_of=lambda _: price_plan,
            application=directory.application,
            outbox=teller,
        )
        await shadow.recover()
        await end_cut_off(identities.store, shadow, clock)

        files = MediaFiles(_shelf(db), clock, downloads(fetch))
        await files.open()
        clips = _clips(files, downloads(fetch))
        stack.push_async_callback(clips.close)

        core = Core(CoreConfig(bind=[host]))
        stack.callback(core.close)
        datagrams = GuardedDatagrams("development")
        stack.callback(datagrams.close)
        engine, lacking = _transcriber()
        outside = Outside(GuardedSockets(fetch), datagrams, clips.decode, engine)
        archive = _archive(stack, db, core, identities, teller, active, clock)
        stack.push_async_callback(archive.close)
        pstn = TelephoneNetwork(directory, identities.logins, numbers, chance.token(32))
        dialplan = Dialplan(pstn, bindings, active, served, price_plan, identities.spending)
        switchboard = Switchboard(
            core=core,
            dialplan=dialplan,
            bindings=bindings,
            active=active,
            shadow=shadow,
            ladders=ladders,
            clock=clock,
            chance=chance,
            audio=clips,
            outside=outside,
            recorder=archive,
            quality=quality,
        )
        await stack.enter_async_context(switchboard)
        core.fallback = switchboard.media_event
        core.start(asyncio.get_running_loop())
        identities.log_off = switchboard.log_off

        door = RtcDoor(switchboard, pstn, clock, chance)
        orders = Orders(switchboard, identities.store, clock, clips.lacking | lacking, datagrams.allowed)
        queue_orders = QueueOrders(switchboard, clock)
        await queue_orders.load(identities.store)
        conference_orders = ConferenceOrders(switchboard, identities.conferences, orders, clips.lacking)
        reset = _reset(switchboard, door, partial(reseed, identities, webhook_url), ladders, files, archive, outbox)
        env: dict[str, str] = {}
        info: dict[str, Any] = {}
        more = [
            *call_routes(orders),
            *queue_routes(queue_orders),
            *conference_routes(conference_orders),
            *media_routes(files, chance),
        ]
        more += webhook_routes(identities.webhook_deliveries, outbox)
        backstage = Backstage(seeded.account_id, identities, dialplan, active, ladders, clock, env, info, reset)
        app = _application(door, backstage, rest_app(identities, active, clock, more))
        app.router.add_routes([download_route(archive, identities.links)])
        address = await _listen(stack, app, door, switchboard, host, port)
        identities.links.base = f"http://{address}"
        await archive.recover()
        env |= _env(address, seeded, served.name, numbers)
        info |= _info(env, seeded, numbers)
        return Platform(stack.pop_all(), env, info, pstn)


def _shelf(db: Path | None) -> Shelf:
    """Where media files lie: beside the database, or in memory like it."""
    return MemoryShelf() if db is None else DirectoryShelf(db.with_name(db.name + ".media"))


def _archive(
    stack: AsyncExitStack,
    db: Path | None,
    core: Core,
    identities: Identities,
    teller: Teller,
    active: ActiveLegs,
    clock: Clock,
) -> Archive:
    """Recordings lie beside the database, or in a folder that goes with the process."""
    folder = Path(mkdtemp(prefix="offhook-recordings-")) if db is None else db.with_name(db.name + ".recordings")
    if db is None:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
    archive = Archive(
        folder,
        core,
        identities.store,
        teller,
        clock,
        identities.links,
        lambda id: leg.about if (leg := active.leg(id)) else None,
    )
    identities.recordings.removed = archive.remove
    return archive


def _clips(files: MediaFiles, download: Download) -> Clips:
    """Where audio to be played comes from. Without a speech engine nothing is said, and commands say why."""
    cache = ClipCache()
    decoder = Decoder(cache)
    try:
        speaking = Speaking(speaker(), cache)
    except NoSpeaker as error:
        return Clips(decoder, None, download, files.stored, str(error))
    speaking.warm_up()
    return Clips(decoder, speaking, download, files.stored)


def _transcriber() -> tuple[Transcriber | None, dict[str, str]]:
    """The transcription engine that is installed, or why there is none."""
    try:
        return transcriber(), {}
    except NoTranscriber as error:
        return None, {"transcription": str(error)}


def _application(door: RtcDoor, backstage: Backstage, rest: web.Application) -> web.Application:
    """One root for all: websockets and the console on `/`, REST under `/v2`, the owner's routes under `/_offhook/`."""

    async def root(request: web.Request) -> web.StreamResponse:
        return await (door.handle(request) if wants_websocket(request) else backstage.page(request))

    app = web.Application(middlewares=[guard(OriginPolicy.loopback())])
    app.router.add_get("/", root)
    app.router.add_routes([*backstage.routes(), *owner_routes(backstage.identities)])
    app.add_subapp("/v2", rest)
    return app


def _reset(
    switchboard: Switchboard,
    door: RtcDoor,
    reseeded: Callable[[], Awaitable[object]],
    ladders: RecentLadders,
    files: MediaFiles,
    archive: Archive,
    outbox: Outbox,
) -> Callable[[], Awaitable[None]]:
    """What brings the platform back to its start: calls get their end, clients are logged off, all is forgotten."""
    turn = asyncio.Lock()

    async def reset() -> None:
        async with turn:
            await switchboard.end_all(RESET, ENDS_SECONDS)
            await door.close_all(WAS_RESET, spared=PSTN)
            await switchboard.end_all(RESET, ENDS_SECONDS)  # what was dialled meanwhile
            ladders.clear()
            await files.forget_all()
            await archive.forget_all()
            outbox.discard(DEV_ACCOUNT)
            await reseeded()

    return reset


async def _listen(
    stack: AsyncExitStack, app: web.Application, door: RtcDoor, switchboard: Switchboard, host: str, port: int
) -> str:
    """Open the port; the address under which it is reached.

    At the end the port closes to newcomers, then calls get their byes, and only then are the websockets closed.
    """
    runner = web.AppRunner(app, access_log=None, handle_signals=False, **RUNNER_OPTIONS)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    stack.push_async_callback(door.stop)
    stack.push_async_callback(switchboard.end_all, STOPPING, ENDS_SECONDS)
    site = web.TCPSite(runner, host, port)
    await site.start()
    stack.push_async_callback(site.stop)
    bound = runner.addresses[0][1]
    return f"[{host}]:{bound}" if ":" in host else f"{host}:{bound}"


def _env(address: str, seeded: Seeded, domain: str, numbers: Sequence[ListedNumber]) -> dict[str, str]:
    return {
        "TELNYX_BASE_URL": f"http://{address}/v2",
        "TELNYX_API_KEY": seeded.api_key,
        "TELNYX_PUBLIC_KEY": DEV_PUBLIC_KEY,
        "OFFHOOK_CONNECTION_ID": seeded.application_id,
        "OFFHOOK_WS_URL": f"ws://{address}",
        "OFFHOOK_SIP_DOMAIN": domain,
        "OFFHOOK_CONSOLE_URL": f"http://{address}/",
        "OFFHOOK_NUMBERS": ",".join(f"{each.name}={each.number}" for each in numbers),
    }


def _info(env: dict[str, str], seeded: Seeded, numbers: Sequence[ListedNumber]) -> dict[str, Any]:
    return {
        "env": dict(env),
        "identities": [
            {"login": identity.login, "password": identity.password, "what": identity.what}
            for identity in seeded.identities
        ],
        "numbers": [{"number": number.number, "rings": number.rings} for number in seeded.numbers],
        "scripted_numbers": [{"number": number.number, "name": number.name, "does": number.does} for number in numbers],
    }
