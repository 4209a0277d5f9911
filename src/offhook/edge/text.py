"""How text that strangers wrote is shown in logs and lists: one line, printable, bounded."""

MAX_SHOWN = 1024


def shown(text: str) -> str:
    """`text` cut at 1 KiB, with everything unprintable (line ends, escapes, direction marks) written as `\\x…`."""
    cut = text[:MAX_SHOWN]
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)[:MAX_SHOWN]
