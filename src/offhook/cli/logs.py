"""The server's log on standard error: how a line looks, not what is worth one."""

import sys
import time
from collections.abc import MutableMapping
from typing import Any

import structlog

Event = MutableMapping[str, Any]


def log_to_stderr(level: str) -> None:
    """Standard output is for what programs read. Tracebacks are plain: the pretty ones show variables, which hold
    passwords and numbers."""
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, structlog.processors.add_log_level, *_rendering()],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _rendering() -> list[structlog.typing.Processor]:
    """Colours for people; for files a line that costs a tenth of theirs, because a call writes a dozen of them."""
    if sys.stderr.isatty():
        colourful = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        return [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False), colourful]
    return [structlog.processors.format_exc_info, plain_line]


def plain_line(_logger: Any, _method: str, event: Event) -> str:
    """`12:34:56 info    rtc.gone binding=…`, with a traceback below where there is one."""
    level, what, traceback = event.pop("level"), event.pop("event"), event.pop("exception", None)
    fields = "".join([f" {name}={_shown(value)}" for name, value in event.items()])
    line = f"{time.strftime('%H:%M:%S')} {level:<7} {what}{fields}"
    return line if traceback is None else f"{line}\n{traceback}"


def _shown(value: object) -> str:
    """As it is where that can neither end the line nor pass for another field."""
    if isinstance(value, str) and value.isprintable() and " " not in value:
        return value
    return repr(value)
