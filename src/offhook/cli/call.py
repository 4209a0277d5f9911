"""`offhook call`: one call from the command line. Knows what to say about it; the SDK makes it."""

import asyncio
import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from cyclopts import Parameter

from offhook.cli import platform
from offhook.errors import CallEnded, ConfigurationError, OffhookError

if TYPE_CHECKING:
    from offhook import Call, Client, Ear, File
    from offhook.client.audio import Playable

# Causes that the dialplan gives, too, and can explain.
REFUSALS = frozenset({
    "CALL_REJECTED", "INVALID_NUMBER_FORMAT", "NORMAL_CIRCUIT_CONGESTION", "UNALLOCATED_NUMBER", "USER_NOT_REGISTERED",
})  # fmt: skip


async def call(
    destination: str,
    *,
    play: Path | None = None,
    record: Path | None = None,
    tone: float | None = None,
    seconds: float | None = None,
    login: Annotated[str | None, Parameter(env_var="OFFHOOK_LOGIN")] = None,
    password: Annotated[str | None, Parameter(env_var="OFFHOOK_PASSWORD", show_env_var=True)] = None,
    token: Annotated[str | None, Parameter(env_var="OFFHOOK_TOKEN", show_env_var=True)] = None,
    url: Annotated[str | None, Parameter(env_var="OFFHOOK_WS_URL")] = None,
) -> None:
    """Call DESTINATION, wait for the answer, play and record until somebody hangs up.

    Parameters
    ----------
    destination
        A number, a username, or a SIP address.
    play
        A sound file to play; the call ends with it, unless --seconds says otherwise.
    record
        Write what is heard to this WAV file.
    tone
        Play a tone of so many Hz instead of a file.
    seconds
        Hang up so long after the answer.
    login
        The username to log in with; without it, one of the running `offhook dev`.
    password
        Its password.
    token
        A token instead of username and password.
    url
        The platform's websocket address; without it, that of the running `offhook dev`.
    """
    from offhook import Client, Ear

    sound = await _sound(play, tone)
    line = await _line(destination, url, login, password, token)
    async with Client(line.url, login=line.login, password=line.password, token=line.token) as client:
        ear = Ear()
        ongoing = await _answered(client, line, destination, ear, record)
        await _talk(ongoing, sound, seconds, wait=play is None)
        _report(ongoing, ear)


async def _sound(play: Path | None, tone: float | None) -> "Playable | None":
    from offhook import File, Tone

    if play is not None and tone is not None:
        raise ConfigurationError("play a file or a tone, not both")
    if play is not None:
        await _expect_sound(file := File(play))
        return file
    return None if tone is None else Tone(tone)


async def _expect_sound(file: "File") -> None:
    """AudioFormatError before anybody is rung."""
    async with contextlib.aclosing(file.frames()) as frames:
        await anext(frames, None)


class _Line(NamedTuple):
    """Where to log in, and as whom."""

    url: str
    login: str | None = None
    password: str | None = None
    token: str | None = None


async def _line(destination: str, url: str | None, login: str | None, password: str | None, token: str | None) -> _Line:
    """What the user says, and the running `dev`'s where the user does not."""
    address = url or platform.settings().get("OFFHOOK_WS_URL")
    if not address:
        raise ConfigurationError("where is the platform? Give --url, or set OFFHOOK_WS_URL")
    if token:
        return _Line(address, token=token)
    if login and password:
        return _Line(address, login, password)
    if login or password:
        raise ConfigurationError("give --login and --password together")
    return await _ready_made(destination, address)


async def _ready_made(destination: str, address: str) -> _Line:
    """As one of the running `dev`'s identities, but not as the one that is called: it would ring itself."""
    callee = (await platform.get("/_offhook/explain", destination=destination, format="json")).json().get("username")
    info = (await platform.get("/_offhook/info")).json()
    for identity in info.get("identities", []):
        if identity["login"] != callee:
            return _Line(address, identity["login"], identity["password"])
    raise ConfigurationError("who calls? No ready-made identity is left: give --login and --password, or --token")


async def _answered(client: "Client", line: _Line, destination: str, ear: "Ear", record: Path | None) -> "Call":
    from offhook import Recorder, events

    client.on(events.Ringing, lambda _: _say("ringing"))
    client.on(events.EarlyMedia, lambda _: _say("early media"))
    client.on(events.DigitPressed, lambda event: _say(f"key {event.digit}"))
    _say(f"calling {destination}")
    ongoing = await client.new_call(destination)
    ongoing.attach(ear)
    if record is not None:
        ongoing.attach(Recorder(record))
    try:
        await ongoing.answered()
    except CallEnded as ended:
        if ended.cause in REFUSALS:
            asked = shlex.join(("explain", destination, *(("--from", line.login) if line.login else ())))
            _say(f"ask why: offhook {asked}")
        raise
    _say("answered")
    return ongoing


async def _talk(ongoing: "Call", sound: "Playable | None", seconds: float | None, *, wait: bool) -> None:
    """Until the sound or the time is over, or the far end hangs up."""
    over = asyncio.create_task(ongoing.ended())
    limit = asyncio.create_task(asyncio.sleep(seconds)) if seconds is not None else None
    playing = asyncio.create_task(ongoing.play(sound)) if sound is not None else None
    tasks: list[asyncio.Task[Any]] = [task for task in (over, limit, playing) if task is not None]
    last = limit or (None if wait else playing)
    try:
        await asyncio.wait([over] if last is None else [over, last], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    await ongoing.hangup()
    for outcome in outcomes:
        if isinstance(outcome, OffhookError) and not isinstance(outcome, CallEnded):
            raise outcome


def _report(ongoing: "Call", ear: "Ear") -> None:
    ending, stats = ongoing.ending, ongoing.stats()
    if ending is not None:
        _say(f"{'hung up' if ending.local else 'ended by the far end'}: {ending.cause} ({ending.code})")
    loudest = max(ear.heard, key=lambda heard: heard.level, default=None)
    if loudest is not None:
        _say(f"heard {loudest.level:.1f} dBov, {loudest.hz:.0f} Hz holding {loudest.share:.0%} of it")
    rtt = "-" if stats.rtt_ms is None else f"{stats.rtt_ms:.0f} ms"
    _say(f"MOS {stats.inbound.mos:.2f}, loss {stats.inbound.loss_percent:.1f} %, round trip {rtt}")
    if ongoing.ids.session:
        _say(f"see it again: offhook trace {ongoing.ids.session}")


def _say(text: str) -> None:
    print(text, flush=True)
