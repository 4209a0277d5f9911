"""The measured side of `benches.peer`: questions as JSON lines on standard input, answers on standard output."""

import asyncio
import json
import resource
import sys
from collections.abc import AsyncGenerator
from typing import Any

Document = dict[str, Any]


async def questions() -> AsyncGenerator[Document, None]:
    """What is asked, until nobody asks any more."""
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        yield json.loads(line)


def tell(answer: Document) -> None:
    print(json.dumps(answer), flush=True)


def cpu() -> float:
    """CPU seconds that this process has used so far, its own and the kernel's for it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
