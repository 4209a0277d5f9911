"""Category: engine. The platform's own sounds: right, quiet enough, without a seam."""

import itertools
from array import array

from offhook.engine.sounds import RINGBACK, hold_music, source


def test_ringback_is_the_north_american_cadence() -> None:
    assert [(tone.hz, tone.ms) for tone in RINGBACK.tones] == [([440.0, 480.0], 2000), ([], 4000)]
    assert source("ringback") is RINGBACK


def test_hold_music_is_made_once_never_clips_never_falls_silent_and_has_no_seam() -> None:
    music = hold_music()
    assert source("hold_music") is music
    samples = array("h", music.pcm)
    assert len(samples) == 12 * music.rate
    assert 3000 < max(map(abs, samples)) < 8000
    for start in range(0, len(samples), music.rate):
        second = samples[start : start + music.rate]
        assert sum(map(abs, second)) / len(second) > 100
    steps = [abs(after - before) for before, after in itertools.pairwise(samples)]
    assert abs(samples[0] - samples[-1]) <= max(steps)
