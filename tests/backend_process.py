"""A backend of the examples in a process of its own, as a reader of its README starts it."""

import asyncio
import os
import socket
import sys
from collections import defaultdict
from pathlib import Path

import compat_env
from platform_process import Platform

EXAMPLES = Path(__file__).parents[1] / "examples"
COMMANDS = {".py": (sys.executable, "-W", "error"), ".js": ("node",)}


def free_port() -> int:
    """A port of loopback that nobody listens on now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def installed(example: str, folder: Path) -> Path:
    """A copy of an example beside the packages that its README lets npm install; those of Python are on the path."""
    copy = folder / example
    if not copy.exists():
        copy.mkdir()
        for file in (EXAMPLES / example).iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        if (copy / "package.json").exists():
            (copy / "node_modules").symlink_to(compat_env.example_node(example))
    return copy


class Backend:
    """A running example, whose webhooks go to `url`. `legs` is what it has printed: the types of verified events, in
    order, by call_leg_id."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url
        self.legs: defaultdict[str, list[str]] = defaultdict(list)
        self.complaints: list[str] = []
        self._told = asyncio.Condition()
        self._up = asyncio.Event()
        self._reading = [asyncio.create_task(self._read()), asyncio.create_task(self._complain())]

    @classmethod
    async def start(cls, program: str, platform: Platform, folder: Path, **settings: str) -> "Backend":
        """Start `example/file`; returns when it listens, on a port of its own."""
        example, _, file = program.partition("/")
        port = free_port()
        environment = {**os.environ, **platform.env, **settings, "PORT": str(port), "PYTHONUNBUFFERED": "1"}
        environment["PYTHONPATH"] = str(compat_env.python_packages())
        process = await asyncio.create_subprocess_exec(
            *COMMANDS[Path(file).suffix], file, cwd=installed(example, folder), env=environment,
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        started = cls(process, f"http://127.0.0.1:{port}/hook")
        async with asyncio.timeout(60):  # the official package takes its time to load
            await started._up.wait()
        return started

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            type, _, leg = line.decode().strip().partition(" ")
            if not type.startswith(("call.", "conference.")):
                continue  # a web server's greeting
            async with self._told:
                self.legs[leg].append(type)
                self._told.notify_all()

    async def _complain(self) -> None:
        """Every web server says on standard error where it runs; the rest is for who reads a failed test."""
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.complaints.append(line.decode().rstrip())
            if "unning on http://" in self.complaints[-1]:
                self._up.set()
        self._up.set()

    async def told(self, leg: str, type: str) -> list[str]:
        """What it was told of a leg, once that is among it."""
        try:
            async with asyncio.timeout(20), self._told:
                await self._told.wait_for(lambda: type in self.legs[leg])
        except TimeoutError:
            raise AssertionError(f"no {type} of {leg}: {dict(self.legs)} {self.complaints}") from None
        return self.legs[leg]

    async def stop(self) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        await asyncio.gather(*self._reading)
