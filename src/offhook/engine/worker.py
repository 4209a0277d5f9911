"""Warm child processes for work that must not touch calls: each answers one request at a time, or is killed.

A worker is `python -m MODULE`: it reads requests from its standard input and writes answers to its standard output,
each as four bytes of length (big-endian) and that many bytes; `serve` is its side.
"""

import asyncio
import os
import resource
import select
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import IO, NoReturn

MAX_FRAME = 256 << 20
# For one request, besides the limit that the asker keeps.
CPU_SECONDS = 20.0
_LENGTH = struct.Struct("!I")


class WorkerFailed(Exception):
    """The worker died, hung or spoke nonsense over one request; the next request starts a new one."""


class Worker:
    """One child process, started when it is first needed. Its methods block: call them off the loop."""

    def __init__(self, module: str, seconds: float) -> None:
        self._module = module
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the process, so that the first request does not wait for it."""
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", self._module],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                start_new_session=True,
            )

    def ask(self, request: bytes) -> bytes:
        """The answer to a request; WorkerFailed where none comes in time, and the process is gone then."""
        self.start()
        assert self._process is not None
        until = time.monotonic() + self._seconds
        try:
            _write(self._process, _LENGTH.pack(len(request)) + request, until)
            (length,) = _LENGTH.unpack(_read(self._process, _LENGTH.size, until))
            if length > MAX_FRAME:
                raise WorkerFailed("its answer is too long")
            return _read(self._process, length, until)
        except BaseException:
            self.close()
            raise

    def kill(self) -> None:
        """Kill the process, from any thread: who waits for its answer gets WorkerFailed."""
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """Kill the process, if there is one, and let go of it."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None  # both were asked for
            pipe.close()


class Crew:
    """A few workers of one kind, and a thread for each; requests beyond them wait their turn.

    Its jobs are run by the loop's `run_in_executor`, which a turned loop counts. `close` it.
    """

    def __init__(self, module: str, *, size: int, seconds: float) -> None:
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=module.rpartition(".")[2])
        self._free = [Worker(module, seconds) for _ in range(size)]
        self._all = tuple(self._free)

    def warm_up(self) -> None:
        """Start one process now, so that the first request does not wait for it."""
        self._free[-1].start()

    async def ask(self, request: bytes) -> bytes:
        """The answer of whichever worker is free; WorkerFailed where it has none."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._ask, request)

    async def close(self) -> None:
        """Kill all processes; whoever still waits for an answer gets WorkerFailed."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _ask(self, request: bytes) -> bytes:
        # There are as many threads as workers, so one is always free. The one used last is the warm one.
        worker = self._free.pop()
        try:
            return worker.ask(request)
        except OSError as error:
            raise WorkerFailed(f"it could not be talked to: {error}") from None
        finally:
            self._free.append(worker)

    def _close(self) -> None:
        for worker in self._all:
            worker.kill()
        self._threads.shutdown(wait=True, cancel_futures=True)
        for worker in self._all:
            worker.close()


def _bound_time(seconds: float) -> None:
    """A worker that nobody is left to kill must not run for ever."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime + seconds), hard))


def serve(answer: Callable[[bytes], bytes], cpu_seconds: float = CPU_SECONDS) -> NoReturn:
    """The worker's side: answer requests until nobody asks any more, each with so much of the processor at most."""
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    while True:
        header = requests.read(_LENGTH.size)
        if len(header) < _LENGTH.size:
            sys.exit(0)
        request = requests.read(_LENGTH.unpack(header)[0])
        _bound_time(cpu_seconds)
        reply = answer(request)
        answers.write(_LENGTH.pack(len(reply)) + reply)
        answers.flush()


def _write(process: "subprocess.Popen[bytes]", data: bytes, until: float) -> None:
    """Write all of it; a worker that does not read must not hold us."""
    pipe = _pipe(process.stdin)
    os.set_blocking(pipe, False)
    view = memoryview(data)
    while view:
        _wait(until, writer=pipe)
        try:
            view = view[os.write(pipe, view) :]
        except BlockingIOError:
            continue


def _read(process: "subprocess.Popen[bytes]", length: int, until: float) -> bytes:
    pipe, found = _pipe(process.stdout), bytearray()
    while len(found) < length:
        _wait(until, reader=pipe)
        piece = os.read(pipe, min(1 << 20, length - len(found)))
        if not piece:
            raise WorkerFailed("it died")
        found += piece
    return bytes(found)


def _pipe(pipe: IO[bytes] | None) -> int:
    assert pipe is not None  # it was asked for
    return pipe.fileno()


def _wait(until: float, reader: int | None = None, writer: int | None = None) -> None:
    watched = select.poll()
    if reader is not None:
        watched.register(reader, select.POLLIN)
    if writer is not None:
        watched.register(writer, select.POLLOUT)
    if not watched.poll(max(0.0, until - time.monotonic()) * 1000):
        raise WorkerFailed("it took too long")
