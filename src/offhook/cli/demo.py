"""`make demo`: phones call each other through a platform, and every line that is printed is checked.

Written against the public SDK and the platform's HTTP interface, as a program of a customer would be.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from offhook import Call, Client, Ear, Heard, OffhookError, Tone, events
from offhook.cli.demo_backend import Backend, listening
from offhook.cli.demo_carrier import gateway
from offhook.cli.demo_documents import KEY, MUSIC_HZ, QUEUE, serving
from offhook.cli.demo_platform import Identity, Platform, started
from offhook.cli.demo_show import Show
from offhook.client.script import Phone, answer, ignore, listen, then, wait
from offhook.media.events import PortStats

KEYS = "42#"
LISTEN_SECONDS = 10.0
# Both sides report every five seconds, and a round trip takes a report there, one back and one that tells it.
QUALITY_SECONDS = 25.0
A_MINUTE = Decimal("0.002")  # of one WebRTC leg
HOTLINE, NUMBER = "+12025550199", "+12025550101"
GOOD_MOS = 4.0
# Who calls from outside, whom, and what he plays; numbers that are kept for fiction.
OUTSIDE, LINE, OUTSIDE_HZ = "+442079460018", "+12025550188", 530.0
QUIET = -60.0
# What the call from outside is charged for, by the type of the record: a minute of each leg, and the waiting.
CHARGED = {
    "sip-trunking": ("SIP leg, the caller", Decimal("0.0035")),
    "webrtc": ("WebRTC leg, cleo", A_MINUTE),
    "call-control": ("waiting in the queue", Decimal(0)),
}
# What the backend is told of each leg.
TOLD = ("call.initiated", "call.answered", "call.bridged", "call.hangup")


@dataclass(frozen=True)
class Actor:
    """One phone of the story: its name, how it logs in, the tone it plays."""

    name: str
    identity: Identity
    hz: float

    @property
    def username(self) -> str:
        """What the platform knows it by."""
        return self.identity.address.partition("@")[0]

    def client(self, platform: Platform) -> Client:
        who = self.identity
        return Client(platform.ws_url, login=who.login, password=who.password, token=who.token)


async def cast(platform: Platform) -> tuple[str, list[Actor]]:
    """A connection's id, and three phones under it, one for each way to log in, made by REST."""
    connection, anna = await platform.connection("anna", "correct-horse-battery")
    _, bob = await platform.credential(connection, "bob")
    credential, parent = await platform.credential(connection, "cleo")
    cleo = await platform.token(credential, parent)
    return connection, [Actor("anna", anna, 440.0), Actor("bob", bob, 620.0), Actor("cleo", cleo, 850.0)]


@dataclass(frozen=True)
class Witness:
    """What one side of a call saw and heard."""

    name: str
    heard: Heard | None
    quality: PortStats | None


async def scene(show: Show, platform: Platform, caller: Actor, callee: Actor) -> None:
    """One call: who says what, what each hears, how good it is, what it costs."""
    show.scene(f"{caller.name} ({caller.identity.what}) calls {callee.name} ({callee.identity.what})")
    near_ear, far_ear = Ear(), Ear()
    script = then(listen(far_ear), answer(Tone(callee.hz)), wait(LISTEN_SECONDS + QUALITY_SECONDS))
    async with Phone(callee.client(platform), script) as phone, caller.client(platform) as client:
        call = await client.new_call(callee.identity.address, audio=Tone(caller.hz))
        call.attach(near_ear)
        async with _ladder_of(show, platform, lambda: call.ids.session, *_between(caller, callee), _nothing):
            await call.answered()
            far = phone.calls[0]
            near_witness, far_witness, keys = await asyncio.gather(
                _witness(caller.name, call, near_ear, callee.hz),
                _witness(callee.name, far, far_ear, caller.hz),
                _keys(call, far),
            )
            await call.hangup()
            await far.ended()
    show.heard(caller.name, near_witness.heard, callee.hz)
    show.heard(callee.name, far_witness.heard, caller.hz)
    show.claim(f"{callee.name} gets the keys", keys or "none", keys == KEYS)
    for witness in (near_witness, far_witness):
        _claim_quality(show, witness)
    show.claim("both ended", f"{call.cause}, {far.cause}", call.cause == far.cause == "NORMAL_CLEARING")
    await _claim_costs(show, platform, call, (caller, callee))


async def parked(show: Show, platform: Platform, connection: str, caller: Actor, callee: Actor) -> None:
    """The same two, but the caller's connection parks what it dials: a backend is told of the call, and goes on."""
    show.scene(f"{caller.name} calls {HOTLINE}, is parked, and a backend takes it from there")
    ringback, near_ear, far_ear = Ear(), Ear(), Ear()
    async with (
        listening(platform.public_key) as (backend, url),
        Phone(callee.client(platform), then(listen(far_ear), answer(Tone(callee.hz)), ignore())) as phone,
        caller.client(platform) as client,
    ):
        await platform.park(connection, url)
        call = await client.new_call(HOTLINE, audio=Tone(caller.hz))
        call.attach(ringback)
        webhooks = _webhooks_of(backend)
        async with _ladder_of(show, platform, lambda: call.ids.session, *_between(caller, callee), webhooks):
            await call.wait_for("early")
            leg = call.ids.call_control
            await backend.told("call.initiated", leg)
            heard_parked = await ringback.hears(_is_ringback)
            await platform.command(leg, "answer")
            await backend.told("call.answered", leg)
            other = await platform.dial(connection, callee.identity.address, NUMBER, link_to=leg)
            await backend.told("call.answered", other)
            await platform.command(leg, "bridge", call_control_id=other)
            call.attach(near_ear)
            heard = await asyncio.gather(near_ear.hears_tone(callee.hz), far_ear.hears_tone(caller.hz))
            await call.hangup()
            await phone.calls[0].ended()
            await backend.told("call.hangup", other)
    show.claim("parked", f"{caller.name} hears ringback at {heard_parked.level:.1f} dBov", _is_ringback(heard_parked))
    show.heard(caller.name, heard[0], callee.hz)
    show.heard(callee.name, heard[1], caller.hz)
    verified = [each for each in backend.webhooks if each.verified]
    show.claim(
        "the webhooks",
        f"{len(backend.webhooks)} came, {len(verified)} of them signed by the platform",
        len(verified) == len(backend.webhooks) == 2 * len(TOLD),
    )
    show.claim("both ended", f"{call.cause}, {phone.calls[0].cause}", call.cause == phone.calls[0].cause)
    await _claim_costs(show, platform, call, (caller, callee))


async def from_outside(show: Show, platform: Platform, callee: Actor) -> None:
    """Somebody calls a number over SIP: a document asks for a key and lets the call wait, and a phone takes it."""
    show.scene(f"{OUTSIDE} calls {LINE} by a carrier, waits, and {callee.name} takes it")
    far_ear = Ear()
    async with (
        gateway(platform.sip_address) as carrier,
        serving() as (documents, url),
        callee.client(platform) as client,
    ):
        incoming = client.incoming()
        await platform.owner("carriers", name="The telephone network", gateways=[carrier.uri])
        application = await platform.follow(LINE, url)
        async with carrier.calling(OUTSIDE, LINE, OUTSIDE_HZ) as call:
            leg, session = await documents.menu, (await platform.sessions())[-1]
            names = {callee.username: callee.name}
            async with _ladder_of(show, platform, lambda: session, (callee.name, "outside"), names, _nothing):
                await call.ear.hears(lambda heard: heard.level < QUIET)  # the menu is listening
                call.press(KEY)
                waiting = await call.ear.hears_tone(MUSIC_HZ, LISTEN_SECONDS)
                other = await platform.dial(application, callee.identity.address, NUMBER, link_to=leg)
                ringing = await anext(incoming)
                ringing.attach(far_ear)
                await ringing.answer(audio=Tone(callee.hz))
                await ringing.answered()
                await platform.command(other, "bridge", queue=QUEUE)
                heard = await asyncio.gather(call.ear.hears_tone(callee.hz), far_ear.hears_tone(OUTSIDE_HZ))
                await call.hangup()
                await ringing.ended()
    show.claim("the menu", f"got {documents.pressed or 'nothing'}", documents.pressed == KEY)
    show.claim("waiting", f"the caller hears {waiting.hz:.0f} Hz of music", waiting.is_tone(MUSIC_HZ))
    show.heard("the caller", heard[0], callee.hz)
    show.heard(callee.name, heard[1], OUTSIDE_HZ)
    charges = await platform.charges(session, tuple(CHARGED))
    total = sum(charges.values())
    show.bill([(CHARGED[type][0], f"${cost}") for type, cost in charges.items()], f"${total}")
    true = charges == {type: cost for type, (_, cost) in CHARGED.items()}
    show.claim("the bill", f"${total} for {len(charges)} lines", true)


# ---- watching ----------------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def _ladder_of(
    show: Show,
    platform: Platform,
    session: Callable[[], str],
    bridged: tuple[str, str],
    names: Mapping[str, str],
    more: Callable[[str], Awaitable[str]],
) -> AsyncGenerator[None, None]:
    """Print the platform's ladder of a session as it grows, while the block runs and to the end of it; `more` says what
    there is to say about a line besides. Somewhere in it two are bridged.

    Generated usernames are long; the `names` of the phones stand for them.
    """
    shown: list[str] = []

    async def show_more() -> None:
        lines = await platform.ladder(session()) if session() else []
        for line in lines[len(shown) :]:
            for username, name in names.items():
                line = line.replace(username, name)
            shown.append(line)
            show.step(line, await more(line))

    async def follow() -> None:
        while True:
            await show_more()
            await asyncio.sleep(0.1)  # the platform's own feed of events is not used here: this is what a shell can do

    following = asyncio.create_task(follow())
    try:
        yield
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await show_more()
        meet = " >< ".join(bridged)
        show.claim("the ladder", f"{len(shown)} lines, {meet} among them", meet in shown)


def _between(caller: Actor, callee: Actor) -> tuple[tuple[str, str], Mapping[str, str]]:
    return (caller.name, callee.name), {caller.username: caller.name, callee.username: callee.name}


async def _nothing(_line: str) -> str:
    return ""


def _webhooks_of(backend: Backend) -> Callable[[str], Awaitable[str]]:
    """What the backend got for each webhook of a ladder. Those of one session come in its order: the nth line is the
    nth that came."""
    numbers = itertools.count()

    async def more(line: str) -> str:
        _, _, type = line.partition(" webhook ")
        if not type:
            return ""
        try:
            came = await backend.nth(next(numbers))
        except TimeoutError:
            return "has not come"
        words = came.words if came.type == type else f"came as {came.type}"
        return " · ".join(filter(None, (words, "signature verified" if came.verified else "NOT VERIFIED")))

    return more


def _is_ringback(heard: Heard) -> bool:
    """Two tones at once, 440 and 480 Hz: each has half of the energy."""
    return heard.level > -50 and 0.3 < heard.share < 0.7 and 430 < heard.hz < 490


async def _witness(name: str, call: Call, ear: Ear, hz: float) -> Witness:
    qualities = call.events(events.QualityMeasured)
    heard = None
    with contextlib.suppress(TimeoutError, EOFError):
        heard = await ear.hears_tone(hz, LISTEN_SECONDS)
    return Witness(name, heard, await _quality(qualities))


async def _quality(measured: AsyncIterator[events.QualityMeasured]) -> PortStats | None:
    """The first measurement that knows the round trip, which needs a report of the far end."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(QUALITY_SECONDS):
            async for event in measured:
                if event.stats.rtt_ms is not None:
                    return event.stats
    return None


async def _keys(call: Call, far: Call) -> str:
    """Press keys at one end; returns what the other end got."""
    pressed, got = far.events(events.DigitPressed), ""
    await call.send_dtmf(KEYS)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LISTEN_SECONDS):
            async for event in pressed:
                got += event.digit
                if len(got) == len(KEYS):
                    break
    return got


# ---- judging -----------------------------------------------------------------------------------------------


def _claim_quality(show: Show, witness: Witness) -> None:
    stats = witness.quality
    if stats is None or stats.rtt_ms is None:
        show.claim(f"{witness.name}'s quality", "was not measured", true=False)
        return
    inbound = stats.inbound
    show.claim(
        f"{witness.name}'s quality",
        f"MOS {inbound.mos:.2f}  round trip {stats.rtt_ms:.1f} ms  loss {inbound.loss_percent:.1f} %  ({stats.codec})",
        inbound.mos >= GOOD_MOS and inbound.loss_percent < 1 and inbound.packets > 0,
    )


async def _claim_costs(show: Show, platform: Platform, call: Call, legs: tuple[Actor, Actor]) -> None:
    """Two WebRTC legs of less than a minute: one minute each, by the price plan."""
    try:
        costs = await platform.costs(call.ids.session, len(legs))
    except TimeoutError:
        show.claim("the bill", "has not come", true=False)
        return
    total = sum(costs.values())
    show.bill([(f"WebRTC leg, {actor.name}", f"${costs[actor.username]}") for actor in legs], f"${total}")
    true = costs == {actor.username: A_MINUTE for actor in legs}
    show.claim("the bill", f"${total} for {len(costs)} legs", true)


# ---- the story ---------------------------------------------------------------------------------------------


async def demo(show: Show) -> None:
    """Start a platform, make three phones, let each call the next."""
    show.title("offhook", "a voice platform on this machine, and phones in Python")
    async with started() as platform:
        show.note(f"platform up in {platform.started_in:.2f} s at {platform.ws_url}, database in a file of its own")
        connection, (anna, bob, cleo) = await cast(platform)
        show.note("three phones made by REST; each plays a tone of its own:")
        for actor in (anna, bob, cleo):
            show.note(
                f"  {actor.name:<5} logs in by {actor.identity.what:<11} {actor.hz:.0f} Hz  {actor.identity.address}"
            )
        for caller, callee in ((anna, bob), (bob, cleo), (cleo, anna)):
            await scene(show, platform, caller, callee)
        await parked(show, platform, connection, anna, bob)
        await from_outside(show, platform, cleo)


def main() -> int:
    """Exit code 0 only if every line was true."""
    show, begin = Show(), time.monotonic()
    try:
        asyncio.run(demo(show))
    except (OffhookError, TimeoutError, OSError) as error:
        show.claim("the demo", f"stopped: {error or type(error).__name__}", true=False)
    except KeyboardInterrupt:
        return 130
    return 0 if show.verdict(time.monotonic() - begin) else 1


if __name__ == "__main__":
    sys.exit(main())
