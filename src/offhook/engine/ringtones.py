"""What a caller hears while a far end rings, country by country (ITU-T E.180 supplement 2)."""

from offhook.media.commands import Tone, Tones
from offhook.voice.sound import Ringtone

_LEVEL = -19.0


def _ringing(hz: tuple[float, ...], *ms: int) -> Tones:
    """A cadence of tone and silence by turns. A tone that is modulated has its two side frequencies in `hz`."""
    return Tones([Tone([] if turn % 2 else list(hz), each) for turn, each in enumerate(ms)], level=_LEVEL)


_EUROPE = _ringing((425,), 1000, 4000)

RINGTONES: dict[Ringtone, Tones] = {
    "at": _ringing((420,), 1000, 5000),
    "au": _ringing((413, 438), 400, 200, 400, 2000),
    "be": _ringing((425,), 1000, 3000),
    "bg": _EUROPE,
    "br": _EUROPE,
    "ch": _EUROPE,
    "cl": _ringing((400,), 1000, 3000),
    "cn": _ringing((450,), 1000, 4000),
    "cz": _EUROPE,
    "de": _EUROPE,
    "dk": _EUROPE,
    "ee": _EUROPE,
    "es": _ringing((425,), 1500, 3000),
    "fi": _EUROPE,
    "fr": _ringing((440,), 1500, 3500),
    "gr": _EUROPE,
    "hu": _ringing((425,), 1250, 3750),
    "il": _ringing((400,), 1000, 3000),
    "in": _ringing((375, 425), 400, 200, 400, 2000),
    "it": _EUROPE,
    "jp": _ringing((385, 415), 1000, 2000),
    "lt": _EUROPE,
    "mx": _EUROPE,
    "my": _ringing((425,), 400, 200, 400, 2000),
    "nl": _EUROPE,
    "no": _EUROPE,
    "nz": _ringing((400, 450), 400, 200, 400, 2000),
    "ph": _ringing((425, 480), 1000, 4000),
    "pl": _EUROPE,
    "pt": _ringing((425,), 1000, 5000),
    "ru": _ringing((425,), 800, 3200),
    "se": _ringing((425,), 1000, 5000),
    "sg": _ringing((401, 449), 400, 200, 400, 2000),
    "th": _ringing((400,), 1000, 4000),
    "tw": _ringing((440, 480), 1000, 2000),
    "uk": _ringing((400, 450), 400, 200, 400, 2000),
    "us-old": _ringing((380, 460), 2000, 4000),
    "us": _ringing((440, 480), 2000, 4000),
    "ve": _EUROPE,
    "za": _ringing((367, 433), 400, 200, 400, 2000),
}
