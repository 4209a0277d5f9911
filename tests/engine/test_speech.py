"""Category: engine. Speech by espeak-ng in its process, the seam for other engines, voices and pieces."""

from collections.abc import AsyncIterator
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

from offhook.engine import espeak, speech
from offhook.engine.audio import ClipCache
from offhook.engine.clips import Clips
from offhook.engine.download import Content
from offhook.engine.ports import NoAudio
from offhook.engine.speech import LONGEST_PIECE, NoSpeaker, Speaking, Utterance, pieces, speaker
from offhook.engine.voices import Voice, voice_of
from offhook.voice.sound import Clip, Inline, Link, Speech, Stored
from offhook.wire.ssml import Pause, Words, read_ssml, read_text

HELLO = Speech(read_text("Hello, this is a prompt."), "female", "en-US")


@pytest.fixture
async def speaking() -> Any:
    made = Speaking(speaker(), ClipCache())
    yield made
    await made.close()


async def said(speaking: Speaking, wanted: Speech) -> list[Clip]:
    return [clip async for clip in speaking.clips(wanted)]


def seconds(clips: list[Clip]) -> float:
    return sum(len(clip.pcm) / 2 / clip.rate for clip in clips)


async def test_words_become_sound(speaking: Speaking) -> None:
    [clip] = await said(speaking, HELLO)
    assert 1.0 < seconds([clip]) < 4.0
    assert np.abs(np.frombuffer(clip.pcm, "<i2")).max() > 5000


async def test_rate_volume_pauses_gender_and_language_are_heard(speaking: Speaking) -> None:
    async def ssml(inner: str, voice: str = "female", language: str = "en-US") -> list[Clip]:
        return await said(speaking, Speech(read_ssml(f"<speak>{inner}</speak>"), voice, language))

    def loudness(clips: list[Clip]) -> float:
        return max(float(np.abs(np.frombuffer(clip.pcm, "<i2").astype(int)).max()) for clip in clips)

    plain = await ssml("Good morning.")
    assert seconds(await ssml("<prosody rate='x-slow'>Good morning.</prosody>")) > 1.4 * seconds(plain)
    assert seconds(await ssml("Good <break time='2s'/> morning.")) > seconds(plain) + 1.9
    assert loudness(await ssml("<prosody volume='x-soft'>Good morning.</prosody>")) < 0.5 * loudness(plain)
    for other in (await ssml("Good morning.", "male"), await ssml("Good morning.", "female", "fr-FR")):
        assert other[0].pcm != plain[0].pcm


@pytest.mark.parametrize("language", ["arb", "cmn-CN", "cy-GB", "en-GB-WLS", "hi-IN", "ja-JP", "nb-NO"])
async def test_every_script_is_spoken(speaking: Speaking, language: str) -> None:
    assert seconds(await said(speaking, Speech(read_text("1 2 3"), "female", language))) > 0.5


async def test_the_same_words_are_made_once(speaking: Speaking) -> None:
    [first], [second] = await said(speaking, HELLO), await said(speaking, HELLO)
    assert first is second


def test_long_texts_begin_with_a_short_piece() -> None:
    text = "This is one sentence of many. " * 100
    cut = [part.text for part in pieces(read_text(text)) if isinstance(part, Words)]
    assert len(cut[0]) <= 120
    assert max(map(len, cut)) <= LONGEST_PIECE
    assert len(cut) < 10
    assert " ".join(cut) == text.strip()


def test_a_text_without_sentences_stays_whole_and_pauses_stay_where_they_are() -> None:
    endless = "word " * 300
    assert list(pieces(read_text(endless))) == [Words(endless.strip())]
    parts = (Words("a", 2.0, 0.5), Pause(100), Words("b. c."))
    assert tuple(pieces(parts)) == parts


@pytest.mark.parametrize(
    ("name", "language", "voice"),
    [
        ("female", "", ("en-US", "female")),
        ("male", "de-DE", ("de-DE", "male")),
        ("AWS.Polly.Joanna", "de-DE", ("en-US", "female")),
        ("Polly.Matthew-Neural", "", ("en-US", "male")),
        ("Polly.Vicki", "en-US", ("de-DE", "female")),
        ("Polly.Nobody", "fr-FR", ("fr-FR", "female")),
        ("Azure.en-CA-ClaraNeural", "", ("en-CA", "female")),
        ("Azure.en-US-BrianMultilingualNeural", "", ("en-US", "male")),
        ("Azure.en-US-Ava:DragonHDLatestNeural", "fr-FR", ("en-US", "female")),
        ("Telnyx.KokoroTTS.af", "it-IT", ("it-IT", "female")),
        ("ElevenLabs.eleven_multilingual_v2.21m00Tcm4TlvDq8ikWAM", "", ("en-US", "female")),
        ("ElevenLabs", "", ("en-US", "female")),
        ("xAI.rex", "", ("en-US", "female")),
        ("", "", ("en-US", "female")),
        ("...", "", ("en-US", "female")),
    ],
)
def test_the_names_that_apps_use_become_a_language_and_a_gender(
    name: str, language: str, voice: tuple[str, str]
) -> None:
    assert (voice_of(name, language).language, voice_of(name, language).gender) == voice


@pytest.mark.parametrize(
    ("language", "name"), [("en-US", "en-us+f3"), ("en-GB", "en+f3"), ("es-MX", "es-419+f3"), ("arb", "ar+f3")]
)
def test_languages_have_their_names_in_the_library(language: str, name: str) -> None:
    assert espeak.voice_name(Utterance((), Voice(language, "female", "x"))) == name


class Beeper:
    """An engine of somebody else's."""

    async def say(self, utterance: Utterance) -> AsyncIterator[Clip]:
        yield Clip(8000, bytes(160))

    def warm_up(self) -> None: ...

    async def close(self) -> None: ...


async def test_another_engine_is_an_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("beeper", f"{__name__}:Beeper", speech.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda _: Beeper)
    monkeypatch.setattr(speech, "entry_points", lambda name, **_: [point] if name == "beeper" else [])
    assert await said(Speaking(speaker("beeper"), ClipCache()), HELLO) == [Clip(8000, bytes(160))]
    with pytest.raises(NoSpeaker, match="other"):
        speaker("other")


async def test_without_the_extra_there_is_a_reason_and_no_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(espeak, "find_spec", lambda _: None)
    with pytest.raises(NoSpeaker, match=r"offhook\[tts\]"):
        speaker()


class FakeDecoder:
    async def decode(self, content: bytes) -> Clip:
        return Clip(8000, content)

    async def close(self) -> None: ...


async def test_clips_come_from_where_they_are_and_a_url_is_fetched_anew_when_asked_or_after_a_minute() -> None:
    fetched, now = list[str](), 0.0

    async def download(url: str) -> Content:
        fetched.append(url)
        return Content(url.encode(), "audio/wav")

    async def stored(account_id: str, name: str) -> bytes:
        return f"{account_id}/{name}".encode()

    decoder: Any = FakeDecoder()
    clips = Clips(decoder, None, download, stored, "no engine", lambda: now)

    async def pcm(source: Any) -> bytes:
        return b"".join([clip.pcm async for clip in clips.clips("acc", source)])

    assert await pcm(Inline(b"abc")) == b"abc"
    assert await pcm(Stored("menu")) == b"acc/menu"
    assert await pcm(Link("u")) == await pcm(Link("u")) == b"u"
    assert fetched == ["u"]
    await pcm(Link("u", "fresh"))
    now = 61.0
    await pcm(Link("u"))
    assert fetched == ["u", "u", "u"]
    with pytest.raises(NoAudio, match="no engine"):
        await pcm(HELLO)
