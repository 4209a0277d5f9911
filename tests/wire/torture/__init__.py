"""The 49 messages of RFC 4475 and the 12 of RFC 5118, octet by octet, and what each may be answered."""

import tomllib
from pathlib import Path
from typing import Literal

Answer = int | Literal["drop"]

_HERE = Path(__file__).parent
_SETS: dict[str, dict[str, list[Answer]]] = tomllib.loads((_HERE / "allowed.toml").read_text())
ALLOWED: dict[str, list[Answer]] = _SETS["rfc4475"] | _SETS["rfc5118"]
MESSAGES: dict[str, bytes] = {name: (_HERE / f"{name}.dat").read_bytes() for name in ALLOWED}
