"""Debian's baresip in a process of its own, as whoever writes its configuration: a phone, or a carrier."""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from backend_process import free_port

BARESIP = shutil.which("baresip") or "baresip"
CONTROL = """\
module_path /usr/lib/baresip/modules
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{port}
"""


class Baresip:
    """A running baresip, by its own control socket. Waits are on its events."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def order(self, command: str, parameters: str = "") -> None:
        text = json.dumps({"command": command, "params": parameters})
        self._writer.write(f"{len(text)}:{text},".encode())

    async def saw(self, kind: str) -> dict[str, Any]:
        while True:
            length = int((await self._reader.readuntil(b":"))[:-1])
            told = json.loads(await self._reader.readexactly(length))
            await self._reader.readexactly(1)
            if told.get("type") == kind:
                return told

    def close(self) -> None:
        self._writer.close()


@contextlib.asynccontextmanager
async def started(folder: Path, config: str, account: str) -> AsyncGenerator[Baresip, None]:
    """A baresip with these lines of configuration and this account, while the block runs."""
    control = free_port()
    (folder / "config").write_text(CONTROL.format(port=control) + config)
    (folder / "accounts").write_text(account + "\n")
    (folder / "contacts").write_text("")
    with (folder / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            BARESIP, "-f", str(folder), stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL
        )
    try:
        phone = await _connected(control)
        yield phone
        phone.close()
    finally:
        process.terminate()
        await process.wait()


async def _connected(port: int) -> Baresip:
    while True:
        with contextlib.suppress(ConnectionError):
            return Baresip(*await asyncio.open_connection("127.0.0.1", port))
        await asyncio.sleep(0)
