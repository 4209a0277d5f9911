"""A process under measurement that is spoken to in JSON lines: this side starts it and asks, `benches.peers.lines`
answers there. Knows nothing of what is measured."""

import asyncio
import contextlib
import json
import sys
from collections.abc import AsyncGenerator
from typing import Any


class Peer:
    """A Python module in a process of its own; `stop` it at the end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, module: str, *arguments: str) -> "Peer":
        pipe = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", module, *arguments, stdin=pipe, stdout=pipe, limit=1 << 20
            )
        )

    async def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Its answer; RuntimeError where the process has ended."""
        assert self._process.stdin is not None  # both were asked for
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError("the peer ended")
        return json.loads(line)

    async def cpu(self) -> float:
        """CPU seconds that it has used so far."""
        return (await self.ask({"cpu": True}))["cpu"]

    async def stop(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()


@contextlib.asynccontextmanager
async def peer(module: str, *arguments: str) -> AsyncGenerator[Peer, None]:
    """One that runs while the block does."""
    started = await Peer.start(module, *arguments)
    try:
        yield started
    finally:
        await started.stop()
