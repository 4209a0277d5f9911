"""Links by which a recording is downloaded without an API key, for a while. Knows no files.

A link is signed with a key of the server's, so that nobody can make one, prolong one or turn one to another recording.
"""

import hmac
from collections.abc import Mapping

from offhook.engine.ports import Clock

LINK_SECONDS = 600
PATH = "/recordings"


class Links:
    """Makes and checks links. Set `base` to the address of the platform before anybody gets one."""

    def __init__(self, key: bytes, clock: Clock) -> None:
        self._key = key
        self._clock = clock
        self.base = ""

    def link(self, name: str) -> str:
        """Where the file of that name is for the next ten minutes."""
        expires = int(self._clock.wall()) + LINK_SECONDS
        return f"{self.base}{PATH}/{name}?expires={expires}&signature={self._signature(name, expires)}"

    def good(self, name: str, query: Mapping[str, str]) -> bool:
        """Whether a link's query is one of ours for this file, and still in time."""
        expires = query.get("expires", "")
        if not (expires.isascii() and expires.isdigit() and len(expires) <= 12):
            return False
        signed = hmac.compare_digest(self._signature(name, int(expires)).encode(), query.get("signature", "").encode())
        return signed and self._clock.wall() < int(expires)

    def _signature(self, name: str, expires: int) -> str:
        return hmac.digest(self._key, f"{name}\n{expires}".encode(), "sha256").hex()
