"""What a stream of a leg's audio is: whereto, which tracks, in which form, and who hears what comes back. No I/O."""

import hashlib
from typing import Literal

import msgspec

from offhook.voice.event import About
from offhook.voice.leg import LegIds

Codec = Literal["PCMU", "PCMA", "G722", "OPUS", "L16"]
Track = Literal["inbound_track", "outbound_track", "both_tracks"]
Mode = Literal["mp3", "rtp"]
Targets = Literal["self", "opposite", "both"]
Rate = Literal[8000, 16000, 22050, 24000, 48000]

# What a far end is told about the rate of a codec's payloads; of L16 and Opus it may choose another.
RATES: dict[Codec, Rate] = {"PCMU": 8000, "PCMA": 8000, "G722": 8000, "OPUS": 16000, "L16": 16000}


class Form(msgspec.Struct, frozen=True):
    """How audio is written: the payloads are raw codec bytes, 20 ms each on their way out. L16 is little-endian."""

    codec: Codec = "PCMU"
    rate: int = 8000


class Settings(msgspec.Struct, frozen=True):
    """What a customer wants of a stream. `sends` is the form in which the call is sent out, `takes` that of what comes
    back in mode `rtp`. `parameters` and `token` travel along."""

    url: str
    track: Track = "inbound_track"
    sends: Form = Form()
    takes: Form = Form()
    mode: Mode = "mp3"
    targets: Targets = "opposite"
    token: str = ""
    parameters: tuple[tuple[str, str], ...] = ()


class Card(msgspec.Struct, frozen=True):
    """One stream of one leg; `about` is the leg as it was when the stream began."""

    id: str
    settings: Settings
    about: About


def form(codec: Codec | Literal["default"], rate: int | None) -> Form:
    """A codec with its rate: the one that was asked for where the codec leaves a choice. `default` is PCMU, which every
    program that takes streams can read: the packets of a browser's own codec, Opus, hardly any can."""
    named = "PCMU" if codec == "default" else codec
    return Form(named, rate if rate is not None and named in ("OPUS", "L16") else RATES[named])


def stream_id(ids: LegIds, number: int) -> str:
    """The id of the `number`th stream of a leg, in the form of a UUID."""
    text = hashlib.sha256(f"{ids.call_control_id}/stream/{number}".encode()).hexdigest()
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:32]))
