"""Text or SSML in, what is to be said out: words and pauses in their order. No voice, no sound, no I/O.

Of SSML 1.1 it knows `speak`, `p`, `s`, `break`, `say-as`, `prosody` (rate and volume), `emphasis` and `sub`. Of any
other element what stands inside is said, so the text of an `audio` element too: nothing is ever fetched.
"""

import re
from collections.abc import Callable
from xml.parsers import expat

import msgspec

MAX_DEPTH = 32
MAX_PAUSE_MS = 10_000
MAX_PAUSES_MS = 120_000


class SsmlError(ValueError):
    """The text is no SSML that can be said; the message is for people."""


class Words(msgspec.Struct, frozen=True):
    """Words to be said. `rate` and `volume` are factors, 1 as usual."""

    text: str
    rate: float = 1.0
    volume: float = 1.0


class Pause(msgspec.Struct, frozen=True):
    """Silence."""

    ms: int


Part = Words | Pause


def read_text(text: str) -> tuple[Part, ...]:
    """Plain text as one part; characters that nobody can say are left out."""
    said = _clean(text)
    return (Words(said),) if said else ()


def read_ssml(document: str) -> tuple[Part, ...]:
    """What a document says; SsmlError where it is not well-formed, is not `<speak>`, or is a trap."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        raise SsmlError(f"not well-formed: {expat.ErrorString(error.code)}") from None
    except UnicodeEncodeError:
        raise SsmlError("it has a character that no text has") from None
    return tuple(reader.parts)


class _Style(msgspec.Struct, frozen=True):
    """How words are said inside an element. `spoken` turns text into what is said of it."""

    rate: float = 1.0
    volume: float = 1.0
    spoken: Callable[[str], str] = str


class _Reader:
    """Collects parts from a document's elements; keeps one style for each open element."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._styles: list[_Style] = []
        self._paused = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if not self._styles and name != "speak":
            raise SsmlError("a document begins with <speak>")
        if len(self._styles) == MAX_DEPTH:
            raise SsmlError(f"elements are nested more than {MAX_DEPTH} deep")
        outer = self._styles[-1] if self._styles else _Style()
        if name == "break":
            self._pause(_break_ms(attributes))
        self._styles.append(_STYLES.get(name, _same)(outer, attributes))
        if name == "sub":
            self._say(attributes.get("alias", ""), outer)

    def end(self, name: str) -> None:
        self._styles.pop()
        if name in _PAUSE_AFTER:
            self._pause(_PAUSE_AFTER[name])

    def text(self, text: str) -> None:
        style = self._styles[-1]
        self._say(style.spoken(text), style)

    def _say(self, text: str, style: _Style) -> None:
        said = _clean(text)
        if said:
            self.parts.append(Words(said, style.rate, style.volume))

    def _pause(self, ms: int) -> None:
        self._paused += ms
        if self._paused > MAX_PAUSES_MS:
            raise SsmlError(f"its pauses are longer than {MAX_PAUSES_MS // 1000} s together")
        if ms and self.parts:
            self.parts.append(Pause(ms))


def _no_doctype(*_: object) -> None:
    raise SsmlError("a document type is not allowed")


def _clean(text: str) -> str:
    """One line without control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _same(outer: _Style, _attributes: dict[str, str]) -> _Style:
    return outer


def _prosody(outer: _Style, attributes: dict[str, str]) -> _Style:
    return _Style(
        _bounded(outer.rate * _rate(attributes.get("rate", "medium")), 0.2, 4.0),
        _bounded(outer.volume * _volume(attributes.get("volume", "medium")), 0.0, 2.0),
        outer.spoken,
    )


def _emphasis(outer: _Style, attributes: dict[str, str]) -> _Style:
    rate, volume = _EMPHASIS.get(attributes.get("level", "moderate"), (1.0, 1.0))
    return _Style(outer.rate * rate, _bounded(outer.volume * volume, 0.0, 2.0), outer.spoken)


def _say_as(outer: _Style, attributes: dict[str, str]) -> _Style:
    spelled = attributes.get("interpret-as", "") in _SPELLED
    return _Style(outer.rate, outer.volume, _spell if spelled else outer.spoken)


def _sub(outer: _Style, _attributes: dict[str, str]) -> _Style:
    """Its alias is said; what it stands for is not."""
    return _Style(outer.rate, outer.volume, lambda _: "")


def _spell(text: str) -> str:
    """One character after the other, with a little time between them."""
    return ", ".join(each for each in text if not each.isspace())


def _rate(value: str) -> float:
    return _RATES.get(value) or _percent(value) or 1.0


def _volume(value: str) -> float:
    if value in _VOLUMES:
        return _VOLUMES[value]
    decibels = re.fullmatch(r"([+-]?[0-9]{1,3}(?:\.[0-9]{1,3})?)dB", value)
    return 10 ** (float(decibels[1]) / 20) if decibels else _percent(value) or 1.0


def _percent(value: str) -> float | None:
    """`150%` is half as much again, and so is `+50%`."""
    found = re.fullmatch(r"([+-]?)([0-9]{1,4}(?:\.[0-9]{1,3})?)%", value)
    if found is None:
        return None
    share = float(found[2]) / 100
    return {"": share, "+": 1 + share, "-": max(0.0, 1 - share)}[found[1]]


def _break_ms(attributes: dict[str, str]) -> int:
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)(ms|s)", attributes.get("time", ""))
    if found is None:
        return _BREAKS.get(attributes.get("strength", "medium"), _BREAKS["medium"])
    return min(MAX_PAUSE_MS, round(float(found[1]) * (1000 if found[2] == "s" else 1)))


def _bounded(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))


_STYLES: dict[str, Callable[[_Style, dict[str, str]], _Style]] = {
    "prosody": _prosody,
    "emphasis": _emphasis,
    "say-as": _say_as,
    "sub": _sub,
}
_PAUSE_AFTER = {"p": 500, "s": 250}
_BREAKS = {"none": 0, "x-weak": 100, "weak": 200, "medium": 400, "strong": 700, "x-strong": 1000}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "fast": 1.3, "x-fast": 1.7, "default": 1.0}
_VOLUMES = {"silent": 0.0, "x-soft": 0.3, "soft": 0.6, "medium": 1.0, "loud": 1.4, "x-loud": 1.8, "default": 1.0}
_EMPHASIS = {"strong": (0.85, 1.4), "moderate": (0.92, 1.2), "reduced": (1.1, 0.8), "none": (1.0, 1.0)}
_SPELLED = frozenset(("characters", "character", "spell-out", "digits", "digit", "telephone"))
