"""Category: engine. The platform's own sounds: right, quiet enough, without a seam."""

import itertools
from array import array
from typing import get_args

import pytest

from offhook.engine.sounds import hold_music, source
from offhook.media.commands import Tones
from offhook.voice.sound import Ringtone


def test_ringback_is_the_north_american_cadence_or_that_of_the_country() -> None:
    assert cadence("us") == [([440, 480], 2000), ([], 4000)]
    assert cadence("uk") == [([400, 450], 400), ([], 200), ([400, 450], 400), ([], 2000)]


@pytest.mark.parametrize("country", get_args(Ringtone))
def test_every_country_of_the_api_has_a_ringtone_that_falls_silent_in_between(country: Ringtone) -> None:
    tones = cadence(country)
    assert [bool(hz) for hz, _ in tones] == [True, False] * (len(tones) // 2)
    assert all(300 <= each <= 500 for hz, _ in tones for each in hz)
    assert 2000 < sum(ms for _, ms in tones) <= 6000


def cadence(country: Ringtone) -> list[tuple[list[float], int]]:
    """What is heard, and for how many milliseconds."""
    tones = source(country)
    assert isinstance(tones, Tones)
    return [(tone.hz, tone.ms) for tone in tones.tones]


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
