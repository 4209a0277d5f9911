"""`offhook dev`: the whole platform on this machine, with fixed keys. Knows what to print, not how it runs."""

import asyncio
import contextlib
import errno
import gc
import ipaddress
import json
import math
import re
import signal
import socket
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from cyclopts import Parameter

from offhook.cli import platform
from offhook.errors import ConfigurationError
from offhook.voice.house_rules import BEEP_SECONDS, PARK_SECONDS, HouseRules

DEFAULT_PORT = 9700
SIP_PORTS = (5060, 5061)
DEFAULT_SIP_DOMAIN = "sip.telnyx.com"


class Running(Protocol):
    """A platform that is up. `env` are the settings for programs; `info` is what `/_offhook/info` tells: among
    it `identities` (login, password, what), `numbers` (number, rings), `scripted_numbers` (number, name, does) and
    `carriers` (name, takes)."""

    env: dict[str, str]
    info: dict[str, Any]

    async def stop(self) -> None:
        """End it in good order: calls get their end, then everything closes."""
        ...


async def dev(
    *,
    port: int = DEFAULT_PORT,
    host: str = "127.0.0.1",
    db: Path | None = None,
    sip_domain: str = DEFAULT_SIP_DOMAIN,
    sip_port: int | None = None,
    sip_tls_port: int | None = None,
    sip_certificate: Path | None = None,
    sip_key: Path | None = None,
    sip_digest: tuple[Literal["MD5", "SHA-256"], ...] = ("MD5",),
    carrier: tuple[str, ...] = (),
    webhook_url: str = "",
    numbers: Path | None = None,
    price_plan: Path | None = None,
    recording_beep_every: float = BEEP_SECONDS,
    park_seconds: float = PARK_SECONDS,
    as_json: Annotated[bool, Parameter(name="--json", negative="")] = False,
    ready_file: Path | None = None,
    log_level: Literal["debug", "info", "warning", "error"] = "info",
) -> None:
    """Start the platform on this machine, for development and tests. Ends with Ctrl-C.

    Parameters
    ----------
    port
        The HTTP and websocket port; 0 takes a free one.
    host
        A loopback address to listen on, or a name of one, such as localhost.
    db
        Keep everything in this SQLite file; without it everything is forgotten at the end.
    sip_domain
        The domain of this platform's SIP addresses. The hosted product's own are served whatever it is.
    sip_port
        Where SIP is taken over UDP and TCP: 5060, or any free port where --port is 0.
    sip_tls_port
        Where SIP is taken over TLS: 5061, or any free port where --port is 0.
    sip_certificate
        The certificate of SIP over TLS, a PEM file; without it there is one that signs itself.
    sip_key
        Its key, a PEM file, unless that is in the same file.
    sip_digest
        By which algorithms SIP phones may prove their passwords, in the order in which they are asked for them. Some
        phones know MD5 alone, and fail where they are asked for another beside it.
    carrier
        A gateway of the telephone network, such as `sip:192.0.2.1:5060;transport=tcp`: calls to numbers that nobody
        here has leave by it, and it may call the numbers here. Several are tried in their order.
    webhook_url
        Where the events of the ready-made connections and of the ready-made application go: your backend's URL.
    numbers
        Numbers of your own with scripts of your own, beside the ready-made ones: a TOML file, or a Python file, which
        is run.
    price_plan
        What calls cost: a TOML file, as in the how-to about costs; without it a WebRTC leg costs $0.002 a minute.
    recording_beep_every
        How many seconds pass from beep to beep while a call or conference is recorded with beeps; 0 has one beep at the
        beginning only.
    park_seconds
        How long a parked call that is not answered waits for each command before it is hung up.
    as_json
        Print one JSON object instead of the text: the settings, and with them the identities and numbers.
    ready_file
        Write the settings to this file, as one JSON object, once the platform is ready.
    log_level
        What to log, on standard error.
    """
    from offhook.cli.logs import log_to_stderr  # loads structlog, which no other command needs

    log_to_stderr(log_level)
    _expect_domain(sip_domain)
    _expect_url(webhook_url)
    _expect_gateways(carrier)
    if not 0 <= recording_beep_every < math.inf:
        raise ConfigurationError(f"--recording-beep-every: {recording_beep_every} is no number of seconds")
    if not 0 < park_seconds < math.inf:
        raise ConfigurationError(f"--park-seconds: {park_seconds} is no time to wait for")
    plan = _read_plan(price_plan) if price_plan else None
    address = await _loopback(host)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    options: dict[str, Any] = {"sip_domain": sip_domain, "webhook_url": webhook_url, "price_plan": plan}
    options["rules"] = HouseRules(recording_beep_every, park_seconds)
    usual = (0, 0) if port == 0 else SIP_PORTS
    options["sip_ports"] = tuple(
        each if wanted is None else wanted for wanted, each in zip((sip_port, sip_tls_port), usual, strict=True)
    )
    options["sip_certificate"], options["sip_key"], options["sip_digest"] = sip_certificate, sip_key, sip_digest
    options["carriers"] = carrier
    async with started(host=address, port=port, db=db, numbers=numbers, **options) as running:
        rarely_collect_garbage()
        with _announced(running.env, ready_file):  # before the line: who waits for it reads the files next
            print(json.dumps({**running.env, "info": running.info}) if as_json else banner(running), flush=True)
            await stop.wait()


def _expect_domain(name: str) -> None:
    from offhook.voice.dialing import domains

    try:
        domains(name)
    except ValueError as error:
        raise ConfigurationError(f"--sip-domain: {error}") from None


def _expect_url(text: str) -> None:
    from offhook.voice.resources.field import check, url

    if check([url("--webhook-url")], {"--webhook-url": text}, "create"):
        raise ConfigurationError(f"--webhook-url: {text} is not an http or https URL")


def _expect_gateways(uris: tuple[str, ...]) -> None:
    from offhook.engine.trunk_cards import gateway_of

    for uri in uris:
        if gateway_of(uri) is None:
            raise ConfigurationError(f"--carrier: {uri} is no gateway, such as sip:192.0.2.1:5060;transport=tcp")


def _read_plan(file: Path) -> Any:
    from offhook.voice.price_plan import BadPlan, read_plan

    try:
        return read_plan(file.read_text())
    except (OSError, UnicodeDecodeError, BadPlan) as error:
        raise ConfigurationError(f"--price-plan: {file}: {error}") from None


async def _loopback(host: str) -> str:
    """The address that `host` means, IPv4 where it means both. The keys of `dev` are in its documentation, so nobody
    but this machine may reach it: ConfigurationError for any other address."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        found = []
    addresses = sorted((ipaddress.ip_address(where[0]) for *_, where in found), key=lambda address: address.version)
    if not addresses or not all(address.is_loopback for address in addresses):
        raise ConfigurationError(f"`dev` listens on loopback addresses only, and {host} is none")
    return str(addresses[0])


def rarely_collect_garbage() -> None:
    """What is there now stays to the end, and of what comes later nearly all goes without the collector: looking at
    everything after each 700 objects took 5 % of the server's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@contextlib.asynccontextmanager
async def started(
    *,
    host: str,
    port: int,
    db: Path | None,
    sip_domain: str = DEFAULT_SIP_DOMAIN,
    webhook_url: str = "",
    numbers: Path | None = None,
    price_plan: Any = None,
    rules: HouseRules | None = None,
    sip_ports: tuple[int, int] = (0, 0),
    sip_certificate: Path | None = None,
    sip_key: Path | None = None,
    sip_digest: tuple[str, ...] = ("MD5",),
    carriers: tuple[str, ...] = (),
) -> AsyncGenerator[Running, None]:
    """The platform with its scripted numbers while the block runs; ConfigurationError where its address, database or
    numbers cannot be used."""
    from offhook.cli.numbers import answered, listed, numbers_of
    from offhook.edge.parts import SipSettings
    from offhook.edge.server import start_dev
    from offhook.engine.store import StoreError
    from offhook.engine.vault import WrongKey
    from offhook.voice.rating import STANDARD
    from offhook.wire.digest import Algorithm

    scripted = numbers_of(numbers)
    try:
        running = await start_dev(
            host=host,
            port=port,
            db=db,
            sip_domain=sip_domain,
            webhook_url=webhook_url,
            price_plan=price_plan or STANDARD,
            rules=rules or HouseRules(),
            numbers=listed(scripted),
            sip=SipSettings(
                *sip_ports, sip_certificate, sip_key, tuple(Algorithm(name) for name in sip_digest), carriers
            ),
        )
    except (StoreError, WrongKey) as error:
        raise ConfigurationError(f"the database {db} cannot be used: {error}") from error
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            found = re.search(r"port (\d+)|, (\d+)\)", str(error))
            taken = next(filter(None, found.groups())) if found else port
            raise ConfigurationError(
                f"port {taken} is in use; choose another with --port, --sip-port or --sip-tls-port, or 0 for any"
            ) from error
        raise ConfigurationError(f"cannot start on {host}:{port}: {error.strerror or error}") from error
    try:
        async with answered(running.env["OFFHOOK_WS_URL"], running.pstn.password, scripted):
            yield running
    finally:
        await running.stop()


@contextlib.contextmanager
def _announced(env: dict[str, str], ready_file: Path | None) -> Generator[None, None, None]:
    platform.remember(env)
    if ready_file is not None:
        platform.write_private(ready_file, json.dumps(env, indent=2) + "\n")
    try:
        yield
    finally:
        platform.forget(env)


def banner(running: Running) -> str:
    """What to copy, then the line that scripts wait for."""
    lines = [f"{name}={value}" for name, value in running.env.items()]
    lines += ["", *_columns([("log in as", "password", "what it is"), *_rows(running.info["identities"])])]
    lines += ["", *_columns([("number", "rings"), *_rows(running.info["numbers"])])]
    lines += ["", *_columns([("number to dial", "name", "what it does"), *_rows(running.info["scripted_numbers"])])]
    if running.info["carriers"]:
        lines += ["", *_columns([("carrier", "takes numbers with"), *_rows(running.info["carriers"])])]
    lines += ["", "Emergency calls are not supported: emergency numbers are refused."]
    return "\n".join([*lines, "", f"Console: {running.env['OFFHOOK_CONSOLE_URL']}", "Ready."])


def _rows(entries: list[dict[str, str]]) -> list[tuple[str, ...]]:
    return [tuple(entry.values()) for entry in entries]


def _columns(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
