"""What a platform is made of, in the order in which it stands up and against which it is taken down. Knows no doors.

Each function opens a layer on those before it and leaves its end with the stack.
"""

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from offhook.edge.fetch import GuardedFetch
from offhook.edge.mediastream import GuardedDatagrams, GuardedSockets
from offhook.engine.active import ActiveLegs
from offhook.engine.archive import Archive
from offhook.engine.audio import ClipCache, Decoder
from offhook.engine.clips import Clips
from offhook.engine.clock import SystemChance, SystemClock
from offhook.engine.conference_orders import end_cut_off
from offhook.engine.download import Download, downloads
from offhook.engine.idle import Idle
from offhook.engine.ladders import RecentLadders
from offhook.engine.listening import Outside
from offhook.engine.mediafiles import MediaFiles
from offhook.engine.outbox import Outbox
from offhook.engine.platform import Identities
from offhook.engine.pstn import ListedNumber, TelephoneNetwork
from offhook.engine.pushing import Waker, pusher
from offhook.engine.quality import Quality
from offhook.engine.seed import DEV_SIGNING_KEY, Seeded, seed
from offhook.engine.shadow import StoredShadow
from offhook.engine.shelf import DirectoryShelf, MemoryShelf, Shelf
from offhook.engine.speech import NoSpeaker, Speaking, speaker
from offhook.engine.switchboard import Switchboard
from offhook.engine.telling import Teller
from offhook.engine.transcription import NoTranscriber, Transcriber, transcriber
from offhook.media.commands import CoreConfig
from offhook.media.core import Core
from offhook.voice.binding import Bindings
from offhook.voice.dialing import Dialplan, SipDomains
from offhook.voice.house_rules import HouseRules
from offhook.voice.rating import PricePlan
from offhook.wire.digest import Algorithm


class SipSettings(NamedTuple):
    """Where SIP is taken: UDP and TCP on `port`, TLS on `tls_port`, 0 takes any that is free. `certificate` and `key`
    are PEM files; without them TLS has a certificate that signs itself.

    `algorithms` are those by which passwords are proved, in the order in which phones are asked for them. MD5 alone
    is what the hosted product asks for, and what all phones know: some give up where SHA-256 is asked for beside it,
    in whichever order. `carriers` are gateways of the telephone network, as SIP URIs, the first choice first.
    """

    port: int = 0
    tls_port: int = 0
    certificate: Path | None = None
    key: Path | None = None
    algorithms: tuple[Algorithm, ...] = (Algorithm.MD5,)
    carriers: tuple[str, ...] = ()


class Settings(NamedTuple):
    """What a development platform is started with; `edge.server.start_dev` says what each means."""

    host: str
    port: int
    db: Path | None
    served: SipDomains
    webhook_url: str
    numbers: Sequence[ListedNumber]
    price_plan: PricePlan
    rules: HouseRules
    sip: SipSettings = SipSettings()


class Base(NamedTuple):
    """What is known and what is kept: identities, live legs' shadow, events on their way."""

    clock: SystemClock
    chance: SystemChance
    bindings: Bindings
    ladders: RecentLadders
    identities: Identities
    seeded: Seeded
    active: ActiveLegs
    fetch: GuardedFetch
    outbox: Outbox
    teller: Teller
    quality: Quality
    shadow: StoredShadow


class Sound(NamedTuple):
    """What is heard: the media core, what it plays, where it streams to and what it records.

    `lacking` is what this machine has not and commands need, each with the reason.
    """

    core: Core
    files: MediaFiles
    clips: Clips
    archive: Archive
    datagrams: GuardedDatagrams
    outside: Outside
    lacking: Mapping[str, str]


class Exchange(NamedTuple):
    """What connects calls."""

    pstn: TelephoneNetwork
    dialplan: Dialplan
    switchboard: Switchboard


async def open_base(stack: AsyncExitStack, settings: Settings) -> Base:
    """StoreError or WrongKey where the database cannot be used. What a crash has cut off has its end afterwards."""
    clock, chance, bindings = SystemClock(), SystemChance(), Bindings()
    currency = settings.price_plan.currency
    identities = await Identities.open(settings.db, clock, chance, bindings, Idle().report, currency=currency)
    stack.push_async_callback(identities.close)
    seeded = await seed(identities, settings.webhook_url, settings.sip.carriers)
    directory, store = identities.directory, identities.store

    fetch = GuardedFetch("development")
    stack.push_async_callback(fetch.close)
    outbox = Outbox(store, fetch, directory.application, DEV_SIGNING_KEY.sign, clock, chance)
    stack.push_async_callback(outbox.stop)
    await outbox.start()
    quality = Quality()
    teller = Teller(outbox, clock, chance, settings.served.name, quality)
    shadow = StoredShadow(
        store, clock, plan_of=lambda _: settings.price_plan, application=directory.application, outbox=teller
    )
    await shadow.recover()
    await end_cut_off(store, shadow, clock)
    active = ActiveLegs(lambda id: card.profile_id if (card := directory.connection(id)) else None)
    return Base(
        clock, chance, bindings, RecentLadders(), identities, seeded, active, fetch, outbox, teller, quality, shadow
    )


async def open_sound(stack: AsyncExitStack, settings: Settings, base: Base) -> Sound:
    """OSError where the address cannot be used."""
    download = downloads(base.fetch)
    files = MediaFiles(_shelf(settings.db), base.clock, download)
    await files.open()
    clips = _clips(files, download)
    stack.push_async_callback(clips.close)
    core = Core(CoreConfig(bind=[settings.host]))
    stack.callback(core.close)
    datagrams = GuardedDatagrams("development")
    stack.callback(datagrams.close)
    engine, lacking = _transcriber()
    outside = Outside(GuardedSockets(base.fetch), datagrams, clips.decode, engine)
    archive = _archive(stack, settings.db, core, base, engine)
    stack.push_async_callback(archive.close)
    return Sound(core, files, clips, archive, datagrams, outside, clips.lacking | lacking)


async def open_exchange(stack: AsyncExitStack, settings: Settings, base: Base, sound: Sound) -> Exchange:
    """From here on calls can be made."""
    identities = base.identities
    pstn = TelephoneNetwork(identities.directory, identities.logins, settings.numbers, base.chance.token(32))
    dialplan = Dialplan(
        pstn,
        base.bindings,
        base.active,
        settings.served,
        settings.price_plan,
        identities.spending,
        identities.directory,
    )
    push = identities.mobile_push_credentials
    waker = Waker(identities.store, identities.vault, base.clock, identities.directory.connection, push.show, pusher())
    await waker.load()
    stack.push_async_callback(waker.close)
    switchboard = Switchboard(
        core=sound.core,
        dialplan=dialplan,
        bindings=base.bindings,
        active=base.active,
        shadow=base.shadow,
        ladders=base.ladders,
        clock=base.clock,
        chance=base.chance,
        audio=sound.clips,
        outside=sound.outside,
        recorder=sound.archive,
        quality=base.quality,
        rules=settings.rules,
        waker=waker,
        domain=settings.served.name,
    )
    await stack.enter_async_context(switchboard)
    sound.core.fallback = switchboard.media_event
    sound.core.start(asyncio.get_running_loop())
    identities.log_off = switchboard.log_off
    return Exchange(pstn, dialplan, switchboard)


def _shelf(db: Path | None) -> Shelf:
    """Where media files lie: beside the database, or in memory like it."""
    return MemoryShelf() if db is None else DirectoryShelf(db.with_name(db.name + ".media"))


def _archive(stack: AsyncExitStack, db: Path | None, core: Core, base: Base, engine: Transcriber | None) -> Archive:
    """Recordings lie beside the database, or in a folder that goes with the process."""
    folder = Path(mkdtemp(prefix="offhook-recordings-")) if db is None else db.with_name(db.name + ".recordings")
    if db is None:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
    archive = Archive(
        folder,
        core,
        base.identities.store,
        base.teller,
        base.clock,
        base.identities.links,
        engine,
        lambda id: leg.about if (leg := base.active.leg(id)) else None,
    )
    base.identities.recordings.removed = archive.remove
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
