"""The platform under measurement: `offhook dev` in a process of its own, and what that process has used so far.

Reads `/proc`, so it runs on Linux only. Knows how to start, kill and ask the platform, nothing of what is measured.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from benches import processes

START_SECONDS = 30.0
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Identity(NamedTuple):
    """How a far end logs in; `login` is also what others dial."""

    login: str
    password: str


class Platform:
    """A running `offhook dev`; `ready_in` is the seconds from its start to its readiness."""

    def __init__(self, process: asyncio.subprocess.Process, said: dict[str, Any], ready_in: float) -> None:
        self.process = process
        self.ready_in = ready_in
        self.ws_url: str = said["OFFHOOK_WS_URL"]
        self.domain: str = said["OFFHOOK_SIP_DOMAIN"]
        self.identities = [Identity(each["login"], each["password"]) for each in said["info"]["identities"]]
        self.sip_address: str = said["OFFHOOK_SIP_ADDRESS"]
        self.application: str = said["OFFHOOK_CONNECTION_ID"]
        self.api: str = said["TELNYX_BASE_URL"]
        self.root: str = said["OFFHOOK_CONSOLE_URL"].rstrip("/")
        self.headers = {"Authorization": f"Bearer {said['TELNYX_API_KEY']}"}

    # ---- what the process has used -----------------------------------------------------------------------------

    def cpu(self) -> float:
        """CPU seconds since it was started, its own and the kernel's for it, all threads; in steps of 10 ms."""
        return processes.cpu(self.process.pid)

    def resident(self) -> int:
        """Bytes of memory that it holds."""
        return int(self._proc("statm").read_text().split()[1]) * _PAGE

    def files(self) -> int:
        """Open file descriptors."""
        return len(list(self._proc("fd").iterdir()))

    def _proc(self, name: str) -> Path:
        return Path(f"/proc/{self.process.pid}/{name}")

    # ---- what it is asked --------------------------------------------------------------------------------------

    async def rest(self, method: str, path: str, **options: Any) -> Any:
        """One REST request; its JSON document. Raises aiohttp.ClientResponseError where it is refused."""
        async with (
            aiohttp.ClientSession(headers=self.headers, raise_for_status=True) as http,
            http.request(method, self.api + path, **options) as response,
        ):
            return await response.json()

    async def ask(
        self, http: aiohttp.ClientSession, method: str, path: str, body: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        """One REST request with whatever comes of it: status and document. aiohttp.ClientError where nothing does."""
        async with http.request(method, self.api + path, json=body, headers=self.headers) as response:
            return response.status, await response.json()

    async def credentials(self, count: int) -> list[Identity]:
        """New telephony credentials below the first ready-made connection."""
        connection = (await self.rest("GET", "/credential_connections"))["data"][0]["id"]
        made: list[Identity] = []
        for number in range(count):
            body = {"connection_id": connection, "name": f"bench {number}"}
            data = (await self.rest("POST", "/telephony_credentials", json=body))["data"]
            made.append(Identity(data["sip_username"], data["sip_password"]))
        return made

    async def live_legs(self) -> list[str]:
        """The call_control_ids of every leg that is alive, on whichever connection."""
        found: list[str] = []
        for connection in (await self.rest("GET", "/credential_connections"))["data"]:
            query = {"page[limit]": "250"}
            page = await self.rest("GET", f"/connections/{connection['id']}/active_calls", params=query)
            found += [leg["call_control_id"] for leg in page["data"]]
        return found

    async def detail_records(self, kind: str = "webrtc") -> list[dict[str, Any]]:
        """Every detail record of the account that is of this kind."""
        records: list[dict[str, Any]] = []
        while True:
            query = {"filter[record_type]": kind, "page[size]": "50", "page[number]": str(len(records) // 50 + 1)}
            page = await self.rest("GET", "/detail_records", params=query)
            records += page["data"]
            if len(page["data"]) < 50:
                return records

    # ---- its end -----------------------------------------------------------------------------------------------

    async def stop(self) -> None:
        """End it as Ctrl-C does."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        await self.process.wait()

    async def kill(self) -> None:
        """End it as a power cut does."""
        self.process.kill()
        await self.process.wait()


async def start(folder: Path, *arguments: str) -> Platform:
    """Start one on a free port; it logs into `folder` at the level that users get unless they ask for another."""
    begin = time.monotonic()
    with (folder / "platform.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "offhook.cli.main", "dev", "--port", "0", "--json", *arguments,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
            env={**os.environ, "XDG_STATE_HOME": str(folder)},
        )  # fmt: skip
    assert process.stdout is not None  # it was asked for
    try:
        async with asyncio.timeout(START_SECONDS):
            line = await process.stdout.readline()
        return Platform(process, json.loads(line), time.monotonic() - begin)
    except BaseException:
        process.kill()
        await process.wait()
        raise


@contextlib.asynccontextmanager
async def running(*arguments: str) -> AsyncGenerator[Platform, None]:
    """A platform with an in-memory database, while the block runs."""
    with tempfile.TemporaryDirectory(prefix="offhook-bench-") as folder:
        platform = await start(Path(folder), *arguments)
        try:
            yield platform
        finally:
            await platform.stop()


async def park(platform: Platform) -> None:
    """Let the calls of the first ready-made identity wait for a backend."""
    login = platform.identities[0].login
    connections = (await platform.rest("GET", "/credential_connections"))["data"]
    connection = next(each["id"] for each in connections if each["user_name"] == login)
    parking = {"outbound": {"call_parking_enabled": True}}
    await platform.rest("PATCH", f"/credential_connections/{connection}", json=parking)
