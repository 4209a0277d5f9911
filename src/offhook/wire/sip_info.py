"""Digits in SIP INFO requests, text ⇄ values: application/dtmf-relay and application/dtmf. No I/O."""

import re

from offhook.wire.sip_grammar import Malformed

RELAY, PLAIN = "application/dtmf-relay", "application/dtmf"
TYPES = (RELAY, PLAIN)
_KEY = re.compile(r"[0-9A-Da-d*#]")
_NAMES = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D", "16": ""}
_FLASH = "16"
_SIGNAL = re.compile(r"^\s*Signal\s*=\s*(\S+)", re.IGNORECASE | re.MULTILINE)


def digit_of(content_type: str, body: bytes) -> str:
    """The key that was pressed; empty for a hook flash. Malformed where the body tells none."""
    text = body.decode(errors="replace")
    if content_type == RELAY:
        found = _SIGNAL.search(text)
        if found is None:
            raise Malformed("there is no Signal")
        text = found[1]
    key = _NAMES.get(text.strip(), text.strip())
    if text.strip() != _FLASH and _KEY.fullmatch(key) is None:
        raise Malformed("this is no key")
    return key.upper()
