"""Programs beside which we are measured: where they are, that they are gone at the end, and the CPU they have used.

Reads `/proc`, so it runs on Linux only. Knows no program.
"""

import asyncio
import contextlib
import os
import shutil
import socket
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_NOWHERE = asyncio.subprocess.DEVNULL


class NoPeer(Exception):
    """The program that we are measured beside is not on this machine, or does not do what it is asked."""


def program(name: str, package: str) -> str:
    """The path of a program of a Debian package; NoPeer where it is not installed. Daemons may be off the path."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise NoPeer(f"install Debian's package {package}")
    return found


def cpu(pid: int) -> float:
    """CPU seconds that a process has used so far, its own and the kernel's for it, all threads; in steps of 10 ms."""
    return _used(_stat(pid))


def family_cpu(pid: int) -> float:
    """The same of a process and of its children, which are its workers."""
    children = [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return sum(_used(_stat(each)) for each in children)


def free_port(kind: socket.SocketKind = socket.SOCK_DGRAM) -> int:
    """For programs that take no port 0."""
    with socket.socket(type=kind) as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextlib.asynccontextmanager
async def running(*command: str | Path, env: Mapping[str, str] | None = None) -> AsyncGenerator[int, None]:
    """The id of a process that runs the command, silently, while the block does."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=_NOWHERE, stdout=_NOWHERE, stderr=_NOWHERE, env={**os.environ, **(env or {})}
    )
    try:
        yield process.pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _used(stat: list[str]) -> float:
    return (int(stat[11]) + int(stat[12])) / _TICKS
