"""Category: SDK. Scripted numbers as users write them: in Python and in TOML, and what is wrong with some."""

from pathlib import Path

import pytest

from offhook import Call
from offhook.cli.numbers import SpeechVoice, numbers_of
from offhook.client.babble import RATE, Babble
from offhook.client.numbers import Numbers, Voice
from offhook.client.numbers_toml import read_numbers
from offhook.client.pstn import NUMBERS
from offhook.engine.speech import NoSpeaker
from offhook.errors import ConfigurationError

HOTEL = """
[[numbers]]
number = "+12025550170"
name = "hotel"
steps = [{ ring = 2 }, { answer = "pcma" }, { say = "Full." }, { tone = 1000, seconds = 0.4 }, { hang_up = 0 }]
"""
PYTHON = """
from offhook.client.numbers import Numbers
numbers = Numbers()
@numbers.add("+12025550112", "engaged", "is busy, too")
async def engaged(call, voice):
    await call.reject()
"""


async def silent(_call: Call, _voice: Voice) -> None:
    """Does nothing."""


def test_every_ready_made_number_is_of_the_range_that_is_nobodys() -> None:
    assert {each.number[:10] for each in NUMBERS} == {"+120255501"}
    assert all(each.does for each in NUMBERS)


def test_a_toml_file_adds_numbers_and_says_what_they_do(tmp_path: Path) -> None:
    file = tmp_path / "numbers.toml"
    file.write_text(HOTEL)
    found = numbers_of(file)
    assert len(found) == len(NUMBERS) + 1
    hotel = found.find("+12025550170")
    assert hotel is not None
    assert (hotel.name, hotel.does) == ("hotel", "ring, answer, say, tone, hang up")


def test_a_python_file_may_put_a_number_in_the_place_of_a_ready_made_one(tmp_path: Path) -> None:
    file = tmp_path / "numbers.py"
    file.write_text(PYTHON)
    found = numbers_of(file)
    assert len(found) == len(NUMBERS)
    engaged = found.find("+12025550112")
    assert engaged is not None
    assert engaged.name == "engaged"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("numbers = 1", "array"),
        ("[[numbers]", "Expected"),
        (HOTEL.replace("+1202", "1202"), "E.164"),
        (HOTEL.replace('"hotel"', '"Grand Hotel"'), "name"),
        (HOTEL + HOTEL, "twice"),
        (HOTEL.replace("ring = 2", "rings = 2"), "hotel: a step has one of ring"),
        (HOTEL.replace("ring = 2", "ring = 2, say = 'x'"), "a step has one of"),
        (HOTEL.replace("ring = 2", "ring = 'long'"), "ring: "),
        (HOTEL.replace('"pcma"', '"mp3"'), "answer: "),
        (HOTEL.replace("seconds", "minutes"), "tone: minutes"),
        (HOTEL.replace("hang_up = 0", "reject = 'PERHAPS'"), "reject: "),
        (HOTEL.replace("hang_up = 0", "play = 'none.wav'"), "none.wav"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        read_numbers(text, tmp_path)


@pytest.mark.parametrize("text", ["import nothing_like_it", "numbers = 1", "raise SystemExit('no')"])
def test_a_python_file_that_gives_no_numbers_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "numbers.py"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"numbers\.py"):
        numbers_of(file)


def test_a_set_has_each_number_and_each_name_once() -> None:
    numbers = Numbers()
    numbers.add("+12025550170", "hotel", "")(silent)
    for number, name in (("+12025550170", "other"), ("+12025550171", "hotel")):
        with pytest.raises(ConfigurationError, match="twice"):
            numbers.add(number, name, "")


async def test_babble_lasts_as_long_as_its_words_would_and_rests_between_sentences() -> None:
    frames = [frame async for frame in Babble("Good morning. Nobody is here.").frames()]
    seconds = sum(len(frame.pcm) for frame in frames) / 2 / RATE
    assert 2 < seconds < 4
    assert not any(frames[2].pcm)
    assert all(any(frame.pcm) for frame in frames[:2])


async def test_where_there_is_no_speech_engine_scripts_babble(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> None:
        raise NoSpeaker("no speech engine is installed")

    monkeypatch.setattr("offhook.cli.numbers.speaker", none)
    voice = SpeechVoice()
    assert isinstance(voice("Hello?"), Babble)
    await voice.close()
