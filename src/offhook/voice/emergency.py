"""Emergency numbers, which this platform cannot connect and therefore refuses at once. No I/O."""

# A caller in need must learn at once to use another phone: ringing on, or a plain 404, would cost time.
EMERGENCY = frozenset(("911", "112", "999", "933", "1911"))
CODE = "90911"
DETAIL = "emergency calling not supported: use another phone"


def is_emergency(number: str) -> bool:
    """Whether a number, as `numbering.compact` gives it, is one of them."""
    return number.removeprefix("+") in EMERGENCY
