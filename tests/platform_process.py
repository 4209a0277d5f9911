"""A platform under test: `offhook dev` in a process of its own, as a user starts it."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp


class Platform:
    """A running `offhook dev`; `env` is the object of its ready file, `info` what `/_offhook/info` tells."""

    def __init__(self, process: asyncio.subprocess.Process, env: dict[str, str], info: dict[str, Any]) -> None:
        self.process = process
        self.env = env
        self.info = info

    @classmethod
    async def start(cls, folder: Path, *arguments: str) -> "Platform":
        """Start on a free port with an in-memory database; returns when it is ready."""
        ready = folder / "ready.json"
        with (folder / "platform.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "offhook.cli.main", "dev", "--port", "0", "--ready-file", str(ready), *arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        try:
            async with asyncio.timeout(30):
                while not ready.exists():
                    if process.returncode is not None:
                        raise RuntimeError((folder / "platform.log").read_text())
                    await asyncio.sleep(0.02)  # a file of another process: there is nothing to wait on but time
        except TimeoutError:
            process.kill()
            raise RuntimeError((folder / "platform.log").read_text()) from None
        env = json.loads(ready.read_text())
        return cls(process, env, await cls._fetch(env["OFFHOOK_CONSOLE_URL"], "/_offhook/info"))

    @staticmethod
    async def _fetch(base: str, path: str) -> Any:
        async with aiohttp.ClientSession() as http, http.get(base.rstrip("/") + path) as response:
            response.raise_for_status()
            return await response.json()

    @property
    def ws_url(self) -> str:
        return self.env["OFFHOOK_WS_URL"]

    @property
    def base_url(self) -> str:
        return self.env["TELNYX_BASE_URL"]

    @property
    def api_key(self) -> str:
        return self.env["TELNYX_API_KEY"]

    async def get(self, path: str) -> Any:
        """GET a JSON document below the platform's root."""
        return await self._fetch(self.env["OFFHOOK_CONSOLE_URL"], path)

    async def stop(self) -> int:
        """End it as Ctrl-C does; returns its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(15):
            return await self.process.wait()
