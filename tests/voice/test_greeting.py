"""Category: domain. Person or machine from levels and tones: each rule at its limit, without audio."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.voice.greeting import Analysis, Beep, Config, Frame

Stretch = tuple[int, float, float]
LOUD, QUIET = -25.0, -70.0


def quiet(ms: int) -> Stretch:
    return ms, QUIET, 0.0


def said(ms: int) -> Stretch:
    return ms, LOUD, 0.0


def tone(ms: int, hz: float = 1_000.0, level: float = -15.0) -> Stretch:
    return ms, level, hz


def frames(*stretches: Stretch) -> Iterator[Frame]:
    at = 0
    for ms, level, hz in stretches:
        for _ in range(ms // 20):
            at += 20
            yield Frame(at, level, hz)


def heard(*stretches: Stretch, config: Config | None = None, faxes: bool = False) -> Analysis:
    analysis = Analysis(config or Config(), faxes=faxes)
    for frame in frames(*stretches):
        analysis.hear(frame)
    return analysis


WORD = (said(300), quiet(200))


@pytest.mark.parametrize(
    ("stretches", "verdict"),
    [
        ((quiet(3_400),), None),
        ((quiet(3_600),), "silence"),
        ((quiet(500), said(400), quiet(780)), None),
        ((quiet(500), said(400), quiet(900)), "human_residence"),
        ((said(2_000), quiet(900)), "human_business"),
        ((said(3_400),), None),
        ((said(3_700),), "machine"),
        (WORD * 6, None),
        (WORD * 7, "machine"),
        ((quiet(3_300), *WORD * 4), "not_sure"),
        ((said(20), quiet(3_500)), "silence"),
        ((quiet(500), tone(400), quiet(40)), "machine"),
    ],
)
def test_a_verdict_at_its_limit(stretches: tuple[Stretch, ...], verdict: str | None) -> None:
    assert heard(*stretches).verdict == verdict


@pytest.mark.parametrize(
    ("config", "stretches", "verdict"),
    [
        (Config(initial_silence_millis=1_000), (quiet(1_100),), "silence"),
        (Config(after_greeting_silence_millis=300), (said(400), quiet(400)), "human_residence"),
        (Config(greeting_duration_millis=1_000), (said(1_200),), "machine"),
        (Config(maximum_number_of_words=1), WORD * 2, "machine"),
        (Config(between_words_silence_millis=250), WORD * 7, None),
        (Config(between_words_silence_millis=250, maximum_number_of_words=1), WORD * 2, None),
        (Config(maximum_word_length_millis=500), (said(700),), "machine"),
        (Config(total_analysis_time_millis=600), (said(700),), "not_sure"),
        (Config(silence_threshold=4_000), (said(700), quiet(3_000)), "silence"),
    ],
)
def test_every_setting_moves_its_limit(config: Config, stretches: tuple[Stretch, ...], verdict: str | None) -> None:
    assert heard(*stretches, config=config).verdict == verdict


def test_a_machines_greeting_ends_with_a_beep_a_pause_or_not_at_all() -> None:
    greeting = (said(3_700), quiet(400))
    assert heard(*greeting, tone(400), quiet(40)).ending == "beep_detected"
    assert heard(*greeting, quiet(1_200)).ending == "ended"
    assert heard(*greeting).ending is None
    endless = Config(greeting_total_analysis_time_millis=2_000)
    assert heard(said(6_000), config=endless).ending == "not_sure"
    long_pause = Config(greeting_silence_duration_millis=2_500)
    assert heard(*greeting, quiet(1_200), config=long_pause).ending is None


def test_the_tones_of_a_fax_are_none_of_a_voicemail_where_that_is_asked_for() -> None:
    called = (quiet(400), tone(500, 1_100.0), quiet(40))
    assert heard(*called, faxes=True).verdict == "fax_detected"
    assert heard(*called).ending == "beep_detected"
    assert heard(*called, config=Config(beep_spectral_reject_fax_cng=True)).ending is None
    after_words = (said(3_700), quiet(400), tone(500, 1_100.0), quiet(40))
    assert heard(*after_words, faxes=True).ending == "beep_detected"


@pytest.mark.parametrize(
    ("config", "stretches", "beeps"),
    [
        (Config(), (tone(200), quiet(20)), True),
        (Config(), (tone(140), quiet(20)), False),
        (Config(beep_min_tone_duration_millis=400), (tone(300), quiet(20)), False),
        (Config(), (tone(300, 300.0), quiet(20)), False),
        (Config(beep_min_frequency_hz=250), (tone(300, 300.0), quiet(20)), True),
        (Config(beep_max_frequency_hz=900), (tone(300), quiet(20)), False),
        (Config(), (tone(100), tone(100, 1_200.0), tone(100), quiet(20)), False),
        (Config(), (tone(2_100),), True),
        (Config(), (tone(20), *(tone(20, level=-15.0 if n % 2 else -30.0) for n in range(20)), quiet(20)), False),
        (
            Config(beep_detection_profile="freq_only"),
            (tone(20), *(tone(20, level=-15.0 if n % 2 else -30.0) for n in range(20)), quiet(20)),
            True,
        ),
    ],
)
def test_what_is_a_beep(config: Config, stretches: tuple[Stretch, ...], beeps: bool) -> None:
    beep = Beep(config)
    assert any(beep.hear(frame) for frame in frames(*stretches)) == beeps


stretch = st.one_of(
    st.builds(quiet, st.integers(20, 2_000)),
    st.builds(said, st.integers(20, 2_000)),
    st.builds(tone, st.integers(20, 999)),
)


@settings(deadline=None, max_examples=40)
@given(st.lists(stretch, min_size=1, max_size=20))
def test_a_verdict_never_changes_and_always_comes_in_time(stretches: list[Stretch]) -> None:
    analysis, verdicts, endings = Analysis(Config()), set[str](), set[str]()
    for frame in frames(*stretches, quiet(40_000)):
        analysis.hear(frame)
        verdicts |= {analysis.verdict} if analysis.verdict else set()
        endings |= {analysis.ending} if analysis.ending else set()
        assert analysis.verdict is not None or frame.at <= Config().total_analysis_time_millis
    assert len(verdicts) == 1
    assert len(endings) == (1 if verdicts & {"machine", "silence"} else 0)
