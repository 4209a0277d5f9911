"""The sounds that the platform itself plays, by name, as the media core wants them."""

import math
from array import array
from functools import cache

from offhook.engine.ringtones import RINGTONES
from offhook.media.commands import Audio, Tone, Tones
from offhook.voice.effect import Beeper
from offhook.voice.sound import Sound

# What tells people that they are recorded: 1,400 Hz, as the recorder tones of telephone tariffs have it; and what those
# in a conference hear when somebody comes or goes.
BEEPS: dict[Beeper, Tones] = {
    "recording": Tones([Tone([1400.0], 400)], level=-18.0),
    "conference": Tones([Tone([800.0], 200)], level=-20.0),
}

_RATE = 8000
_BEAT_SECONDS = 0.5
# An arpeggio over four chords, in semitones from A3; it ends where it begins, so the loop has no seam.
_CHORDS = ((0, 3, 7, 12), (-4, 3, 8, 12), (-9, 0, 3, 7), (-2, 2, 5, 10))
_PATTERN = (0, 1, 2, 3, 2, 1)
_PEAK = 5000


def source(sound: Sound) -> Tones | Audio:
    """What to play for a sound, to be looped for ever."""
    return hold_music() if sound == "hold_music" else RINGTONES[sound]


@cache
def hold_music() -> Audio:
    """A quiet plucked arpeggio of 12 s, computed once (about 40 ms)."""
    notes = [chord[step] for chord in _CHORDS for step in _PATTERN]
    beat = int(_RATE * _BEAT_SECONDS)
    samples = [0.0] * (beat * len(notes))
    for index, semitone in enumerate(notes):
        _add(samples, index * beat, _pluck(220.0 * 2 ** (semitone / 12), 3 * beat))
    loudest = max(map(abs, samples))
    pcm = array("h", (int(sample / loudest * _PEAK) for sample in samples))
    return Audio(_RATE, _little_endian(pcm))


def _pluck(hz: float, length: int) -> list[float]:
    """A note with a soft attack that decays to nothing: its fundamental and a fainter octave."""
    turn, attack = 2 * math.pi * hz / _RATE, 80
    decay = math.exp(-6.0 / length)
    envelope, note = 1.0, [0.0] * length
    for at in range(length):
        swell = at / attack if at < attack else 1.0
        note[at] = swell * envelope * (math.sin(turn * at) + 0.25 * math.sin(2 * turn * at))
        envelope *= decay
    return note


def _add(samples: list[float], start: int, note: list[float]) -> None:
    """Mix a note in; what is longer than the loop rings on at its beginning."""
    total = len(samples)
    for at, value in enumerate(note, start):
        samples[at % total] += value


def _little_endian(pcm: "array[int]") -> bytes:
    if array("H", [1]).tobytes() != b"\x01\x00":
        pcm.byteswap()
    return pcm.tobytes()
