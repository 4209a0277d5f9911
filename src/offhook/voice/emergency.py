"""Emergency numbers, which this platform cannot connect and therefore refuses at once. No I/O."""

from offhook.voice.cause import Ending, ending

EMERGENCY = frozenset(("911", "112", "999", "933", "+1911"))


def refusal(destination: str) -> Ending | None:
    """The ending of a call to an emergency number, with or without `sip:` and domain; None for any other.

    A caller in need must learn at once to use another phone; ringing on, or a plain 404, would cost time.
    """
    user = destination.strip().removeprefix("sip:").removeprefix("tel:").partition("@")[0]
    if user not in EMERGENCY:
        return None
    return ending("CALL_REJECTED", "emergency calling not supported")
