"""Debian's Janus in a process of its own, with rooms of its AudioBridge: what our conferences are measured against.

Knows Janus's HTTP interface and its configuration, nothing of what is measured. Its participants are on plain RTP:
for ICE it gathers no loopback address, and a bench leaves the machine by no other.
"""

import asyncio
import contextlib
import itertools
import secrets
import socket
import tempfile
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import aiohttp

from benches import processes
from benches.processes import NoPeer

START_SECONDS = 10.0
PLUGIN = "libjanus_audiobridge.so"
TRANSPORT = "libjanus_http.so"
# Of G.711: mixing at more would only cost Janus more.
RATE = 8_000

Address = tuple[str, int]
Document = dict[str, Any]


class Janus:
    """A running Janus; `open` it. Participants are put into rooms of `parties` in the order in which they come."""

    def __init__(self, pid: int, http: aiohttp.ClientSession, url: str, parties: int) -> None:
        self._pid = pid
        self._http = http
        self._url = url
        self._parties = parties
        self._session = ""
        self._numbers = itertools.count()

    async def open(self) -> None:
        """Wait until it listens. NoPeer where it does not within `START_SECONDS`."""
        for _ in range(int(START_SECONDS / 0.1)):
            with contextlib.suppress(aiohttp.ClientConnectionError):
                made = await self._ask(self._url, {"janus": "create"})
                self._session = f"{self._url}/{made['data']['id']}"
                return
            await asyncio.sleep(0.1)
        raise NoPeer("Janus does not listen")

    def cpu(self) -> float:
        """CPU seconds that it has used so far, all threads; in steps of 10 ms."""
        return processes.cpu(self._pid)

    async def join(self, hears_at: Address) -> Address:
        """Let a far end take part that says PCMU and hears at this address: where it is to send."""
        number = next(self._numbers)
        room, handle = 1 + number // self._parties, await self._attach()
        if number % self._parties == 0:
            made = {"request": "create", "room": room, "sampling_rate": RATE, "allow_rtp_participants": True}
            await self._ask(handle, {"janus": "message", "body": made})
        rtp = {"ip": hears_at[0], "port": hears_at[1], "payload_type": 0}
        joining = {"request": "join", "room": room, "codec": "pcmu", "rtp": rtp}
        await self._ask(handle, {"janus": "message", "body": joining})
        joined = (await self._event("joined"))["rtp"]
        return joined["ip"], joined["port"]

    async def _attach(self) -> str:
        made = await self._ask(self._session, {"janus": "attach", "plugin": "janus.plugin.audiobridge"})
        return f"{self._session}/{made['data']['id']}"

    async def _event(self, kind: str) -> Document:
        """The plugin's next event of this kind about one who joined himself, which has where to send."""
        while True:
            async with self._http.get(self._session, params={"maxev": "1"}) as response:
                data = (await response.json()).get("plugindata", {}).get("data", {})
            if "error" in data:
                raise NoPeer(data["error"])
            if data.get("audiobridge") == kind and "rtp" in data:
                return data

    async def _ask(self, url: str, question: Document) -> Document:
        async with self._http.post(url, json=question | {"transaction": secrets.token_hex(6)}) as response:
            answer = await response.json()
        if answer["janus"] == "error":
            raise NoPeer(answer["error"]["reason"])
        return answer


@contextlib.asynccontextmanager
async def running(parties: int) -> AsyncGenerator[Janus, None]:
    """A Janus that is asked on loopback while the block runs; NoPeer where there is none."""
    program = processes.program("janus", "janus")
    with tempfile.TemporaryDirectory(prefix="offhook-janus-") as name:
        folder, port = Path(name), processes.free_port(socket.SOCK_STREAM)
        _configure(folder, port)
        command = (program, "--configs-folder", folder, "--config", folder / "janus.jcfg")
        async with processes.running(*command) as pid, aiohttp.ClientSession() as http:
            janus = Janus(pid, http, f"http://127.0.0.1:{port}/janus", parties)
            await janus.open()
            yield janus


def _configure(folder: Path, port: int) -> None:
    """The AudioBridge over HTTP, media on loopback, and nothing else."""
    plugins, transports = _modules("plugins"), _modules("transports")
    (folder / "janus.jcfg").write_text(
        f"""general: {{
    configs_folder = "{folder}"
    plugins_folder = "{plugins}"
    transports_folder = "{transports}"
    interface = "127.0.0.1"
    session_timeout = 0
    debug_level = 2
}}
plugins: {{ disable = "{_others(plugins, PLUGIN)}" }}
transports: {{ disable = "{_others(transports, TRANSPORT)}" }}
"""
    )
    served = f'general: {{ json = "compact" base_path = "/janus" http = true port = {port} ip = "127.0.0.1" }}\n'
    (folder / "janus.transport.http.jcfg").write_text(served + "admin: { admin_http = false }\n")
    (folder / "janus.plugin.audiobridge.jcfg").write_text('general: { local_ip = "127.0.0.1" }\n')


def _modules(kind: str) -> Path:
    """Where Debian has put them, which depends on the architecture."""
    for found in Path("/usr/lib").glob(f"*/janus/{kind}"):
        return found
    raise NoPeer(f"Janus has no {kind}")


def _others(folder: Path, but: str) -> str:
    return ",".join(sorted(file.name for file in folder.glob("*.so") if file.name != but))
