"""Category: compat. Debian's sipp over UDP and TCP: it registers, calls and is called, with a tone through G.711."""

import asyncio
import math
import shutil
import socket
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from offhook import Client, Ear, Tone
from offhook.edge.server import Platform, start_dev
from offhook.engine.seed import SEEDED

JOHN, JANE = SEEDED.identities
SCENARIOS = Path(__file__).parent / "sipp"
SIPP = shutil.which("sipp") or "sipp"
SIPP_HZ, PYTHON_HZ = 440.0, 900.0
SECONDS = 30
TRANSPORTS = {"UDP": "u1", "TCP": "t1"}


@pytest.fixture
async def platform() -> AsyncIterator[Platform]:
    running = await start_dev()
    yield running
    await running.stop()


def ulaw(sample: float) -> int:
    """One sample of -1 to 1 in G.711's µ-law."""
    magnitude = min(int(abs(sample) * 32_635), 32_635) + 132
    exponent = max(magnitude.bit_length() - 8, 0)
    mantissa = (magnitude >> (exponent + 3)) & 0x0F
    sign = 0x80 if sample < 0 else 0
    return ~(sign | exponent << 4 | mantissa) & 0xFF


def free_port() -> int:
    with socket.socket(type=socket.SOCK_DGRAM) as it:
        it.bind(("127.0.0.1", 0))
        return it.getsockname()[1]


class Sipp:
    """One run of sipp, as one user."""

    def __init__(self, platform: Platform, folder: Path, transport: str) -> None:
        self._platform = platform
        self._folder = folder
        self._transport = transport
        self._port = free_port()

    async def start(self, scenario: str, callee: str = "") -> asyncio.subprocess.Process:
        samples = (0.5 * math.sin(2 * math.pi * SIPP_HZ * n / 8000) for n in range(8000))
        (self._folder / "tone.ulaw").write_bytes(struct.pack("8000B", *map(ulaw, samples)))
        users = self._folder / "users.csv"
        domain = self._platform.env["OFFHOOK_SIP_DOMAIN"]
        proof = f"[authentication username={JOHN.login} password={JOHN.password}]"
        # Of itself sipp proves its password for the address that it sends to, not for the one that it asks for.
        proved = f"{callee}@{domain}" if callee else domain
        users.write_text(f"SEQUENTIAL\n{JOHN.login};{domain};{proof};{callee}\n")
        return await asyncio.create_subprocess_exec(
            SIPP, self._platform.env["OFFHOOK_SIP_ADDRESS"], "-sf", str(SCENARIOS / scenario), "-inf", str(users),
            "-m", "1", "-t", TRANSPORTS[self._transport], "-i", "127.0.0.1", "-p", str(self._port),
            "-mi", "127.0.0.1", "-nostdin",
            "-timeout", str(SECONDS), "-timeout_error", "-trace_err", "-error_file", str(self._folder / "errors"),
            "-auth_uri", proved,
            cwd=self._folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def went_well(self, process: asyncio.subprocess.Process) -> bool:
        errors = self._folder / "errors"
        assert await process.wait() == 0, errors.read_text() if errors.exists() else "no errors"
        return True


@pytest.fixture(params=TRANSPORTS)
def sipp(request: pytest.FixtureRequest, platform: Platform, tmp_path: Path) -> Sipp:
    return Sipp(platform, tmp_path, request.param)


async def test_it_registers(sipp: Sipp) -> None:
    assert await sipp.went_well(await sipp.start("register.xml"))


async def test_it_calls_and_is_heard(sipp: Sipp, platform: Platform) -> None:
    async with (
        asyncio.timeout(SECONDS),
        Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as jane,
    ):
        await jane.ready()
        coming = jane.incoming()
        process = await sipp.start("calls.xml", JANE.login)
        call = await anext(coming)
        ear = Ear()
        call.attach(ear)
        await call.answer(audio=Tone(PYTHON_HZ))
        await ear.hears_tone(SIPP_HZ)
        assert (await call.ended()).cause == "NORMAL_CLEARING"
        assert await sipp.went_well(process)


async def test_it_is_called_and_heard(platform: Platform, tmp_path: Path) -> None:
    """Over UDP, where who registered may be another process than who is called."""
    sipp = Sipp(platform, tmp_path, "UDP")
    async with (
        asyncio.timeout(SECONDS),
        Client(platform.env["OFFHOOK_WS_URL"], login=JANE.login, password=JANE.password) as jane,
    ):
        await jane.ready()
        assert await sipp.went_well(await sipp.start("register.xml"))
        process = await sipp.start("called.xml")
        call = await jane.new_call(JOHN.login, audio=Tone(PYTHON_HZ))
        ear = Ear()
        call.attach(ear)
        await call.answered()
        await ear.hears_tone(SIPP_HZ)
        await call.hangup()
        assert await sipp.went_well(process)
