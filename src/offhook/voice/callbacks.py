"""What a leg that follows documents has in place of webhooks: its documents, and callbacks by form. No I/O."""

from collections.abc import Mapping
from typing import Literal

import msgspec

Method = Literal["GET", "POST"]

# The types of events that a customer is told of in the words of TeXML.
STATUS_EVENTS: dict[str, tuple[str, ...]] = {
    "initiated": ("call.initiated",),
    "ringing": ("call.ringing",),
    "answered": ("call.answered",),
    "amd": ("call.machine.detection.ended", "call.machine.premium.detection.ended"),
    "dtmf": ("call.dtmf.received",),
    "completed": ("call.hangup",),
}


class Page(msgspec.Struct, frozen=True):
    """Where a document is: at a URL, with another one for when that fails; or, with `text`, here."""

    url: str = ""
    method: Method = "POST"
    fallback: str = ""
    fallback_method: Method = "POST"
    text: str = ""


class Callbacks(msgspec.Struct, frozen=True):
    """A leg's own. `page` is followed from its beginning (a far end dialled) or from its answer; None for a leg that
    another one's document has made. `urls` are by the type of event; `parameters` are in every callback."""

    page: Page | None = None
    urls: dict[str, tuple[str, Method]] = {}
    parameters: dict[str, str] = {}

    def joined(self, later: "Callbacks") -> "Callbacks":
        """These after others have been named; what those do not name stays."""
        return Callbacks(later.page or self.page, self.urls | later.urls, self.parameters | later.parameters)


def status_urls(url: str, method: Method, events: tuple[str, ...]) -> dict[str, tuple[str, Method]]:
    """Where the progress of a call is told: `events` are TeXML's words, of which unknown ones say nothing."""
    types = [type for event in events for type in STATUS_EVENTS.get(event, ())]
    return dict.fromkeys(types, (url, method)) if url else {}


def merged(*maps: Mapping[str, tuple[str, Method]]) -> dict[str, tuple[str, Method]]:
    """Several of them as one; the last that names a type counts."""
    return {type: where for each in maps for type, where in each.items()}
