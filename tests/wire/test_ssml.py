"""Category: wire. SSML in, words and pauses out; hostile documents are refused (case TXM-06)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.wire.ssml import MAX_PAUSE_MS, Part, Pause, SsmlError, Words, read_ssml, read_text


@pytest.mark.parametrize(
    ("inner", "parts"),
    [
        ("Hello  there.", (Words("Hello there."),)),
        ("a<break time='1.5s'/>b", (Words("a"), Pause(1500), Words("b"))),
        ("a<break time='250ms'/>b", (Words("a"), Pause(250), Words("b"))),
        ("a<break strength='x-strong'/>b", (Words("a"), Pause(1000), Words("b"))),
        ("a<break time='1h'/>b", (Words("a"), Pause(400), Words("b"))),
        ("a<break time='99s'/>b", (Words("a"), Pause(MAX_PAUSE_MS), Words("b"))),
        ("<p>a</p><s>b</s>", (Words("a"), Pause(500), Words("b"), Pause(250))),
        ("<say-as interpret-as='digits'>42</say-as>", (Words("4, 2"),)),
        ("<say-as interpret-as='characters'>AB c</say-as>", (Words("A, B, c"),)),
        ("<say-as interpret-as='date'>1 May</say-as>", (Words("1 May"),)),
        ("<prosody rate='fast'>a</prosody>", (Words("a", 1.3),)),
        ("<prosody rate='150%'>a</prosody>", (Words("a", 1.5),)),
        ("<prosody rate='-50%'>a</prosody>", (Words("a", 0.5),)),
        ("<prosody rate='9999%'>a</prosody>", (Words("a", 4.0),)),
        ("<prosody volume='soft'>a</prosody>", (Words("a", 1.0, 0.6),)),
        ("<prosody volume='-20dB'>a</prosody>", (Words("a", 1.0, 0.1),)),
        ("<emphasis level='none'>a</emphasis>", (Words("a"),)),
        ("<sub alias='World Wide Web'>WWW</sub>", (Words("World Wide Web"),)),
        ("<audio src='http://10.0.0.1/x'>instead</audio>", (Words("instead"),)),
        ("<unknown>said</unknown>", (Words("said"),)),
        ("<!-- not said --><![CDATA[a < b]]>", (Words("a < b"),)),
        ("tab\tand &#x7f; bell", (Words("tab and bell"),)),
    ],
)
def test_what_a_document_says(inner: str, parts: tuple[Part, ...]) -> None:
    assert read_ssml(f"<speak>{inner}</speak>") == parts


@pytest.mark.parametrize(
    "document",
    [
        "",
        "no markup",
        "<p>a</p>",
        "<speak>a",
        "<speak>a</p></speak>",
        '<!DOCTYPE speak [<!ENTITY a "aaaa">]><speak>&a;</speak>',
        '<!DOCTYPE speak SYSTEM "http://10.0.0.1/"><speak>a</speak>',
        "<speak>" + "<p>" * 40 + "</p>" * 40 + "</speak>",
        "<speak>a" + "<break time='10s'/>" * 13 + "</speak>",
        "<speak>\ud800</speak>",
    ],
    ids=lambda document: document[:24].encode(errors="replace").decode(),
)
def test_what_is_no_ssml_or_a_trap_is_refused(document: str) -> None:
    with pytest.raises(SsmlError):
        read_ssml(document)


def test_text_is_said_without_what_nobody_can_say() -> None:
    assert read_text(" a\x00b\n\u200bc ") == (Words("a b c"),)
    assert read_text(" \n ") == ()


@given(st.text(alphabet="<>/&;!speakb ='\"x", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parts = read_ssml(f"<speak>{text}</speak>")
    except SsmlError:
        return
    assert all(isinstance(part, Words | Pause) for part in parts)
