"""Whether an SDP text is fit to be handed to the media core, and which line is not. It negotiates nothing. No I/O.

Bounds, so that no far end makes us work for nothing: 1,000 lines of 4 KiB, 16 media sections, 200 candidates.
"""

MAX_LINES = 1000
MAX_LINE = 4096
MAX_SECTIONS = 16
MAX_CANDIDATES = 200
MAX_ADDRESS = 256
_DIRECTIONS = frozenset({"sendrecv", "sendonly", "recvonly", "inactive"})
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


def direction(text: str) -> str:
    """Which way audio goes by the description of whoever wrote it: `sendrecv`, `sendonly`, `recvonly` or `inactive`
    (RFC 3264 section 5.1). One with the address 0.0.0.0 wants none, as phones once said (RFC 2543)."""
    lines = text.splitlines()
    audio = next((index for index, line in enumerate(lines) if line.startswith("m=audio")), len(lines))
    end = next((index for index in range(audio + 1, len(lines)) if lines[index].startswith("m=")), len(lines))
    section, session = lines[audio:end], lines[: min(audio, _first_section(lines))]
    said = next((line[2:] for part in (section, session) for line in part if line[2:] in _DIRECTIONS), "sendrecv")
    address = next((line for part in (section, session) for line in part if line.startswith("c=")), "")
    return "sendonly" if address.endswith(" 0.0.0.0") and said == "sendrecv" else said


def _first_section(lines: list[str]) -> int:
    return next((index for index, line in enumerate(lines) if line.startswith("m=")), len(lines))
