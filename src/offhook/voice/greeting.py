"""Who has answered, a person or a machine, and when a machine's greeting is over: from how loud it is and what tone it
has, frame by frame. Knows no calls, no clock and no audio; no I/O.

People say a few words and wait for an answer; machines go on, and beep. So what counts is how long it is silent first,
how long and in how many words is spoken, and whether a pause follows in which somebody listens.
"""

import math
from typing import Annotated, Literal, NamedTuple

import msgspec

from offhook.voice.parameter import rule

Mode = Literal["premium", "detect", "detect_beep", "detect_words", "greeting_end"]
Verdict = Literal["human_residence", "human_business", "machine", "silence", "fax_detected", "not_sure"]
Ending = Literal["beep_detected", "ended", "not_sure"]
# What ends a machine's greeting: a pause or a beep, or a beep only.
EndedBy = Literal["pause", "beep"]

# Shorter sounds are clicks, not the beginning of a word.
SHORTEST_WORD_MILLIS = 60
# Who answers at home says hello; who answers for a business says its name, too.
LONGEST_HELLO_MILLIS = 1_400
# A tone that goes on for so long is told before it ends: whoever waits for a beep need not wait for ever.
LONGEST_BEEP_MILLIS = 2_000
STEADY_HZ, STEADY_DB = 20.0, 6.0
# The tones of a calling and of an answering fax (ITU-T T.30), and how long one must last.
FAX_HZ, FAX_MILLIS = (1_100.0, 2_100.0), 400
FULL_SCALE = 32_768

Millis = Annotated[int, rule(low=1, high=120_000)]


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """`answering_machine_detection_config`. `silence_threshold` is an amplitude of 16-bit samples: what is fainter is
    silence. The API publishes no defaults; these are ours.

    A tone is always one of which most of the sound is, so `beep_spectral_min_purity` changes nothing; where it is to be
    confirmed, one must last for the window. `prompt_end_timeout_millis` is for call screening of iOS, which is not
    detected here.
    """

    initial_silence_millis: Millis = 3_500
    after_greeting_silence_millis: Millis = 800
    between_words_silence_millis: Millis = 50
    greeting_duration_millis: Millis = 3_500
    maximum_number_of_words: Annotated[int, rule(low=1, high=1_000)] = 6
    maximum_word_length_millis: Millis = 3_500
    total_analysis_time_millis: Millis = 5_000
    greeting_silence_duration_millis: Millis = 1_500
    greeting_total_analysis_time_millis: Millis = 30_000
    silence_threshold: Annotated[int, rule(low=1, high=32_767)] = 256
    beep_detection_profile: Literal["both", "freq_only"] = "both"
    beep_min_frequency_hz: Annotated[int, rule(low=150, high=3_500)] = 350
    beep_max_frequency_hz: Annotated[int, rule(low=150, high=3_500)] = 2_600
    beep_min_tone_duration_millis: Millis = 160
    beep_spectral_reject_fax_cng: bool = False
    beep_spectral_confirmation: bool = False
    beep_spectral_window_millis: Millis = 320
    beep_spectral_min_purity: Annotated[float, rule(low=0, high=1)] = 0.5
    prompt_end_timeout_millis: Millis = 5_000


class Wanted(msgspec.Struct, frozen=True):
    """What a command wants to be known of who answers."""

    mode: Mode
    config: Config = Config()


class Frame(NamedTuple):
    """What was heard in a short stretch that ends at `at` (milliseconds since the answer): its level in dBov, and its
    tone in Hz where one holds most of it, else 0."""

    at: int
    level: float
    tone_hz: float


class Beep:
    """Finds beeps: tones of one frequency, and of one loudness unless that is not asked for."""

    __slots__ = ("_config", "_first", "_last")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._first: Frame | None = None
        self._last: Frame | None = None

    @property
    def lasts(self) -> int:
        """For how many milliseconds there has been one tone."""
        return 0 if self._first is None or self._last is None else self._last.at - self._first.at

    @property
    def hz(self) -> float:
        """Its frequency; 0 where there is none."""
        return 0.0 if self._first is None else self._first.tone_hz

    def hear(self, frame: Frame) -> bool:
        """Whether a beep is over with this frame, or has lasted so long that it need not be over."""
        if self._goes_on(frame):
            self._last = frame
            return self._long_enough() and self.lasts >= LONGEST_BEEP_MILLIS
        found = self._long_enough()
        self._first = self._last = frame if frame.tone_hz else None
        return found

    def _goes_on(self, frame: Frame) -> bool:
        first, last = self._first, self._last
        if first is None or last is None or not frame.tone_hz or abs(frame.tone_hz - first.tone_hz) > STEADY_HZ:
            return False
        # The first frame of a tone may have a part of the silence before it.
        any_loudness = last is first or self._config.beep_detection_profile == "freq_only"
        return any_loudness or abs(frame.level - last.level) <= STEADY_DB

    def _long_enough(self) -> bool:
        config = self._config
        in_band = config.beep_min_frequency_hz <= self.hz <= config.beep_max_frequency_hz
        fax = config.beep_spectral_reject_fax_cng and abs(self.hz - FAX_HZ[0]) <= STEADY_HZ
        window = config.beep_spectral_window_millis if config.beep_spectral_confirmation else 0
        return in_band and not fax and self.lasts >= max(config.beep_min_tone_duration_millis, window)


class Words:
    """Counts words: sounds with pauses between them. `began` is when the first one did, `spoken` when the last one was
    heard last, `since` when the present one began."""

    __slots__ = ("_config", "_sounded", "_threshold", "began", "count", "since", "spoken")

    def __init__(self, config: Config) -> None:
        self._config = config
        self._threshold = 20 * math.log10(config.silence_threshold / FULL_SCALE)
        self._sounded = 0
        self.count = 0
        self.began: int | None = None
        self.spoken = 0
        self.since: int | None = None

    def hear(self, frame: Frame) -> None:
        """Take the next frame into account."""
        if frame.level <= self._threshold:
            if frame.at - self._sounded >= self._config.between_words_silence_millis:
                self.since = None
            return
        self._sounded = frame.at
        if self.since is None:
            self.since = frame.at
        if frame.at - self.since >= SHORTEST_WORD_MILLIS:
            self._speak(self.since, frame.at)

    def _speak(self, since: int, at: int) -> None:
        if self.spoken < since or self.began is None:
            self.count += 1
        self.began = since if self.began is None else self.began
        self.spoken = at


class Analysis:
    """Fed with frames in order. `verdict` is None until it is known who answered, `ending` until a machine's greeting
    is over; both stay what they are then. A machine may also be one that says nothing (`silence`). With `faxes` their
    tones are told from beeps."""

    __slots__ = ("_config", "_decided_at", "_ended_by", "_faxes", "_words", "beep", "ending", "verdict")

    def __init__(self, config: Config, ended_by: EndedBy = "pause", *, faxes: bool = False) -> None:
        self._config = config
        self._ended_by: EndedBy = ended_by
        self._faxes = faxes
        self._words = Words(config)
        self._decided_at = 0
        self.beep = Beep(config)
        self.verdict: Verdict | None = None
        self.ending: Ending | None = None

    def hear(self, frame: Frame) -> None:
        """Take the next frame into account."""
        beeped = self.beep.hear(frame)
        self._words.hear(frame)
        if self.verdict is None:
            self.verdict = "machine" if beeped else self._judged(frame.at)
            self._decided_at = frame.at
        if self.verdict in ("machine", "silence") and self.ending is None:
            self.ending = "beep_detected" if beeped else self._ended(frame.at)

    def _judged(self, at: int) -> Verdict | None:
        config, began = self._config, self._words.began
        if began is None:
            outcome: Verdict | None = "silence" if at > config.initial_silence_millis else None
        else:
            outcome = self._judged_by_words(at, began)
        return outcome or ("not_sure" if at > config.total_analysis_time_millis else None)

    def _judged_by_words(self, at: int, began: int) -> Verdict | None:
        config, words = self._config, self._words
        if self._faxes and self._is_fax():
            return "fax_detected"
        greeting = words.spoken - began
        if words.count > config.maximum_number_of_words or greeting > config.greeting_duration_millis:
            return "machine"
        if words.since is not None and at - words.since > config.maximum_word_length_millis:
            return "machine"
        if at - words.spoken < config.after_greeting_silence_millis:
            return None
        return "human_residence" if greeting <= LONGEST_HELLO_MILLIS else "human_business"

    def _is_fax(self) -> bool:
        """Its tone comes before anything else."""
        first = self._words.count == 1 and self.beep.lasts >= FAX_MILLIS
        return first and any(abs(self.beep.hz - hz) <= STEADY_HZ for hz in FAX_HZ)

    def _ended(self, at: int) -> Ending | None:
        config = self._config
        pause = at - max(self._words.spoken, self._decided_at if self.verdict == "silence" else 0)
        if self._ended_by == "pause" and pause >= config.greeting_silence_duration_millis:
            return "ended"
        return "not_sure" if at - self._decided_at >= config.greeting_total_analysis_time_millis else None
