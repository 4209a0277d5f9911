"""Whether an SDP text is fit to be handed to the media core, and which line is not. It negotiates nothing. No I/O.

Bounds, so that no far end makes us work for nothing: 1,000 lines of 4 KiB, 16 media sections, 200 candidates.
"""

MAX_LINES = 1000
MAX_LINE = 4096
MAX_SECTIONS = 16
MAX_CANDIDATES = 200
MAX_ADDRESS = 256
_MEDIA = frozenset({"audio", "video", "text", "application", "message", "image"})


def check(text: str) -> None:
    """Raise ValueError, its text naming the line (from 1), where `text` breaks RFC 8866's grammar or our bounds."""
    if not text.startswith("v=0"):
        raise ValueError("sdp line 1: v=0 is missing")
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if len(lines) > MAX_LINES + 1:
        raise ValueError(f"sdp line {MAX_LINES + 1}: more than {MAX_LINES} lines")
    _check_counts(lines)
    for number, line in enumerate(lines, 1):
        fault = _fault(line)
        if fault:
            raise ValueError(f"sdp line {number}: {fault}")


def _check_counts(lines: list[str]) -> None:
    limits = (("m=", MAX_SECTIONS, "media sections"), ("a=candidate:", MAX_CANDIDATES, "candidates"))
    for prefix, limit, name in limits:
        numbers = [number for number, line in enumerate(lines, 1) if line.startswith(prefix)]
        if len(numbers) > limit:
            raise ValueError(f"sdp line {numbers[limit]}: more than {limit} {name}")


def _fault(line: str) -> str | None:
    if len(line) > MAX_LINE:
        return f"longer than {MAX_LINE} characters"
    if "\0" in line:
        return "holds a NUL"
    if line[1:2] != "=" or not line[0].isascii() or not line[0].isalpha():
        return "not of the form letter=value" if line else None
    if line[0] == "m":
        return _media_fault(line[2:].split(" "))
    if line[0] == "c" and len(line) > MAX_ADDRESS:
        return f"address longer than {MAX_ADDRESS} characters"
    return None


def _media_fault(fields: list[str]) -> str | None:
    if len(fields) < 4:
        return "m= needs a medium, a port, a protocol and a format"
    medium, port, protocol, *formats = fields
    if medium not in _MEDIA:
        return "unknown medium"
    if not _is_number(port.split("/")[0], 65535):
        return "port is not 0 to 65535"
    if "RTP/" in protocol and not all(_is_number(payload, 127) for payload in formats):
        return "payload type is not 0 to 127"
    return None


def _is_number(text: str, limit: int) -> bool:
    return len(text) <= 5 and text.isascii() and text.isdigit() and int(text) <= limit
