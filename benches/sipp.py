"""sipp as the far ends of SIP's benches and of its soak: every one of their calls went as it should, or there is an
error. Knows no peer and no scenario. sipp's own CPU counts nowhere."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncGenerator, Generator, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from benches import processes
from benches.platform import Identity

# More than anybody can answer in a second: how many there are at once is what bounds them.
RATE = 5_000
SECONDS = 1_800
PATIENCE_MILLISECONDS = 40_000
Transport = Literal["u1", "t1"]


class SippFailed(Exception):
    """A call of sipp's did not go as it should."""


class Server(NamedTuple):
    """Whom far ends speak to, and the domain that is in their addresses."""

    address: str
    domain: str
    transport: Transport = "u1"


def _words() -> bytes:
    """A second of G.711 µ-law that is no silence."""
    return bytes((37 * n + n * n // 11) & 0xFF for n in range(8_000))


class Sipp:
    """Runs of sipp, in a folder of their own."""

    def __init__(self, folder: Path, server: Server) -> None:
        (folder / "words.ulaw").write_bytes(_words())
        self._program = processes.program("sipp", "sip-tester")
        self._folder = folder
        self._server = server
        self._runs = 0

    async def run(
        self, scenario: str, users: Sequence[Identity], count: int, at_once: int, callee: str = "", port: int = 0
    ) -> None:
        """So many calls, each of the next of the users. SippFailed where one of them fails."""
        process = await self._start(scenario, port, callee, users, "-m", count, "-l", at_once, "-r", RATE)
        try:
            if await process.wait() != 0:
                raise SippFailed(
                    f"{callee or 'REGISTER'} ended with {process.returncode}: {self.errors() or 'it says nothing'}"
                )
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    @contextlib.asynccontextmanager
    async def serving(self, scenario: str, port: int, count: int | None = None) -> AsyncGenerator[None, None]:
        """Somebody who is called at this port, while the block runs. Where it is said how often, the last of these
        calls is waited for, and SippFailed raised where one of them fails."""
        process = await self._start(scenario, port, "", (), *(() if count is None else ("-m", count)))
        try:
            yield
            if count is not None and await process.wait() != 0:
                raise SippFailed(f"callee: {self.errors() or process.returncode}")
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()

    async def _start(
        self, scenario: str, port: int, callee: str = "", users: Sequence[Identity] = (), *more: object
    ) -> asyncio.subprocess.Process:
        self._runs += 1
        name = self._folder / f"{self._runs}"
        name.with_suffix(".xml").write_text(scenario)
        known = ("-inf", self._users(name, users, callee)) if users else ()
        return await asyncio.create_subprocess_exec(
            self._program, self._server.address, "-sf", name.with_suffix(".xml"), *known,
            "-t", self._server.transport, "-i", "127.0.0.1", "-p", str(port or processes.free_port()),
            "-mi", "127.0.0.1", "-nostdin", "-timeout", str(SECONDS), "-timeout_error",
            # What is said twice because its answer was late is no fault; that nothing comes is one.
            "-default_behaviors", "all,-abortunexp", "-recv_timeout", str(PATIENCE_MILLISECONDS),
            "-trace_err", "-error_file", name.with_suffix(".errors"), "-auth_uri", self._proved(callee),
            *map(str, more),
            cwd=self._folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    def _proved(self, callee: str) -> str:
        """Of itself sipp proves its password for the address that it sends to, not for the one that it asks for."""
        return f"{callee}@{self._server.domain}" if callee else self._server.domain

    def _users(self, name: Path, users: Sequence[Identity], callee: str) -> Path:
        file = name.with_suffix(".csv")
        lines = [
            f"{login};{self._server.domain};[authentication username={login} password={password}];{callee}"
            for login, password in users
        ]
        file.write_text("\n".join(["SEQUENTIAL", *lines, ""]))
        return file

    def errors(self) -> str:
        """What these runs have met that should not have been; empty where all was well."""
        said = [file.read_text(errors="replace") for file in self._folder.glob("*.errors")]
        return "".join(said)[:1_000]


@contextlib.contextmanager
def opened(server: Server) -> Generator[Sipp, None, None]:
    """A `Sipp`; NoPeer where it is not installed."""
    with tempfile.TemporaryDirectory(prefix="offhook-sipp-") as folder:
        yield Sipp(Path(folder), server)
