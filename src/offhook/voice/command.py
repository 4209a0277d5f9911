"""What a customer or the platform's operator asks of a leg. Plain data, no I/O.

Here stands only what the platform needs by itself; the Voice API's commands are a table of their own files
in `voice/commands/`.
"""

import msgspec

from offhook.voice.cause import Ending


class HangUp(msgspec.Struct, frozen=True):
    """End one leg by its call_control_id, or, with `leg` None, all legs of the session."""

    ending: Ending
    leg: str | None = None


Command = HangUp
