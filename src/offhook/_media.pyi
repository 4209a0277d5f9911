"""The native media core. Messages are MessagePack of the structs in `offhook.media`; only that room imports this."""

from typing import final

__all__ = ["Core", "version"]

@final
class Core:
    """One media core: ports, and in a running core the thread and sockets that carry them."""

    def __new__(cls, config: bytes) -> Core:
        """Build from an encoded `CoreConfig`. OSError where a socket cannot be opened, ValueError for bad bytes."""

    def request(self, message: bytes) -> bytes:
        """Answer one encoded request, without the interpreter's lock."""

    def send(self, messages: bytes) -> None:
        """Take an encoded list of commands."""

    def poll(self) -> bytes:
        """The encoded list of events since the last call."""

    def fileno(self) -> int:
        """Readable while events wait; -1 for a driven core."""

    def advance(self, ns: int) -> None:
        """Let time pass in a driven core. ValueError for a running one."""

    def busy(self) -> bool:
        """Whether events wait to be polled."""

    def close(self) -> None:
        """End every port and the thread."""

def version() -> str:
    """The version of the native core."""
