"""What the platform plays to a leg, or a customer may have played to it. Knows not where the audio comes from."""

from typing import Literal

import msgspec

from offhook.wire.ssml import Part, Words

# A country's ringback tone by the Voice API's word, most of them ISO 3166 codes.
Ringtone = Literal[
    "at", "au", "be", "bg", "br", "ch", "cl", "cn", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hu", "il", "in",
    "it", "jp", "lt", "mx", "my", "nl", "no", "nz", "ph", "pl", "pt", "ru", "se", "sg", "th", "tw", "uk", "us-old",
    "us", "ve", "za",
]  # fmt: skip
Sound = Literal["hold_music"] | Ringtone

Failure = Literal["file_not_found", "failed"]


class Clip(msgspec.Struct, frozen=True):
    """Audio: int16 little-endian mono PCM at `rate` Hz."""

    rate: int
    pcm: bytes


class Speech(msgspec.Struct, frozen=True):
    """Something to be said. `voice` and `language` are as the customer wrote them; an engine makes the best of them."""

    parts: tuple[Part, ...]
    voice: str
    language: str = ""

    @property
    def characters(self) -> int:
        """How much is to be said: marks and pauses of SSML do not count."""
        return sum(len(part.text) for part in self.parts if isinstance(part, Words))


class Link(msgspec.Struct, frozen=True):
    """An audio file at a URL; a `cached` one need not be fetched each time."""

    url: str
    reuse: Literal["cached", "fresh"] = "cached"


class Stored(msgspec.Struct, frozen=True):
    """An audio file that the account has uploaded."""

    media_name: str


class Inline(msgspec.Struct, frozen=True):
    """An audio file that came with the command."""

    content: bytes


Source = Speech | Link | Stored | Inline


def file_of(url: str | None, media_name: str | None) -> Link | Stored | None:
    """The file that a command names by one of two parameters."""
    if media_name:
        return Stored(media_name)
    return Link(url) if url else None
