"""Category: voice. What commands that let something be heard take, and how they refuse the rest."""

from typing import Any

import pytest

from offhook.voice.command import read
from offhook.voice.commands import CALL_COMMANDS
from offhook.voice.commands.call.playback_start import PlaybackStart
from offhook.voice.commands.call.speak import Speak
from offhook.voice.resources.problem import Rejected
from offhook.voice.sound import Inline, Link, Stored
from offhook.wire.ssml import Words

SAID = {"payload": "Hello.", "voice": "AWS.Polly.Joanna"}
URL = {"audio_url": "https://files.test/a.wav"}


@pytest.mark.parametrize(
    ("name", "body", "code", "pointer"),
    [
        ("speak", {"voice": "female"}, "10004", "/payload"),
        ("speak", {"payload": "Hello."}, "10004", "/voice"),
        ("speak", SAID | {"payload": ""}, "10033", "/payload"),
        ("speak", SAID | {"payload": "x" * 5001}, "10033", "/payload"),
        ("speak", SAID | {"payload": " \t\n"}, "10015", "/payload"),
        ("speak", SAID | {"payload": "<speak>a", "payload_type": "ssml"}, "10015", "/payload"),
        ("speak", SAID | {"payload": "<speak/>", "payload_type": "ssml"}, "10015", "/payload"),
        ("speak", SAID | {"language": "xx-XX"}, "10032", "/language"),
        ("speak", SAID | {"service_level": "basic", "language": "de-DE"}, "10027", "/language"),
        ("speak", SAID | {"loop": 0}, "10033", "/loop"),
        ("speak", SAID | {"loop": "forever"}, "10015", "/loop"),
        ("speak", SAID | {"loop": True}, "10026", "/loop"),
        ("speak", SAID | {"target_legs": "all"}, "10032", "/target_legs"),
        ("speak", SAID | {"stop": "now"}, "10032", "/stop"),
        ("playback_start", {}, "10004", "/audio_url"),
        ("playback_start", URL | {"media_name": "a"}, "10015", "/media_name"),
        ("playback_start", {"audio_url": "file:///etc/passwd"}, "10015", "/audio_url"),
        ("playback_start", {"playback_content": "not base64"}, "10028", "/playback_content"),
        ("playback_start", URL | {"loop": 101}, "10033", "/loop"),
        ("playback_stop", {"stop": "some"}, "10032", "/stop"),
        ("gather", {"minimum_digits": 0}, "10033", "/minimum_digits"),
        ("gather", {"maximum_digits": 129}, "10033", "/maximum_digits"),
        ("gather", {"minimum_digits": 5, "maximum_digits": 4}, "10033", "/minimum_digits"),
        ("gather", {"terminating_digit": "##"}, "10033", "/terminating_digit"),
        ("gather", {"valid_digits": "xyz"}, "10015", "/valid_digits"),
        ("gather", {"timeout_millis": 0}, "10033", "/timeout_millis"),
        ("gather", {"gather_id": "x" * 41}, "10033", "/gather_id"),
        ("gather_using_audio", {}, "10004", "/audio_url"),
        ("gather_using_audio", URL | {"invalid_media_name": "a", "invalid_audio_url": "http://b/"}, "10015", None),
        ("gather_using_speak", SAID | {"invalid_payload": " "}, "10015", "/invalid_payload"),
    ],
)
def test_bad_values_are_refused_by_name(name: str, body: dict[str, Any], code: str, pointer: str | None) -> None:
    with pytest.raises(Rejected) as refused:
        read(CALL_COMMANDS[name].command, body)
    [problem] = refused.value.problems
    assert problem.code == code
    assert pointer in (None, problem.pointer)


@pytest.mark.parametrize("loop", [1, 100, "1", "100", "infinity"])
def test_a_loop_is_a_number_in_either_form_or_infinity(loop: int | str) -> None:
    command = read(Speak, SAID | {"loop": loop})
    assert isinstance(command, Speak)
    assert command.loop == loop


@pytest.mark.parametrize(
    ("body", "source"),
    [
        (URL, Link("https://files.test/a.wav")),
        (URL | {"cache_audio": False, "audio_type": "wav"}, Link("https://files.test/a.wav", "fresh")),
        ({"media_name": "greeting"}, Stored("greeting")),
        ({"playback_content": "UklGRg=="}, Inline(b"RIFF")),
    ],
)
def test_a_playback_has_one_source(body: dict[str, Any], source: object) -> None:
    command = read(PlaybackStart, body)
    assert isinstance(command, PlaybackStart)
    assert command.source == source


def test_speed_and_volume_of_a_voice_are_honoured() -> None:
    from offhook.voice.commands.call.audible import speech

    command = read(Speak, SAID | {"voice_settings": {"type": "telnyx", "voice_speed": 1.5, "vol": 0.5}})
    assert isinstance(command, Speak)
    assert speech(command, command.payload).parts == (Words("Hello.", 1.5, 0.5),)
