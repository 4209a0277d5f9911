"""Category: unit. TeXML texts and the verbs that are read from them; the traps of TXM-01."""

import contextlib
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offhook.voice.verbs.table import VERBS
from offhook.wire import texml
from offhook.wire.texml_template import TemplateError, fill
from offhook.wire.texml_verbs import (
    ConferenceNoun,
    Dial,
    Gather,
    Number,
    Pause,
    Play,
    QueueNoun,
    Redirect,
    Say,
    Sip,
    Start,
    Stream,
    Verb,
)


def read(inside: str) -> texml.Document:
    return texml.read(f"<Response>{inside}</Response>".encode())


def only(inside: str) -> Verb:
    document = read(inside)
    assert document.warnings == ()
    [verb] = document.verbs
    return verb


def test_every_verb_has_its_line_in_the_table() -> None:
    assert set(get_args(Verb)) == set(VERBS)


def test_defaults_are_those_of_the_reference() -> None:
    gather, dial = only("<Gather/>"), only("<Dial>+12025550100</Dial>")
    assert isinstance(gather, Gather)
    assert isinstance(dial, Dial)
    assert (gather.timeout, gather.finish_on_key, gather.min_digits, gather.max_digits) == (5, "#", 1, 128)
    assert (dial.text, dial.timeout, dial.time_limit, dial.record, dial.ring_tone) == (
        "+12025550100", 30, 14400, "do-not-record", "us",
    )  # fmt: skip


def test_nouns_keep_their_order() -> None:
    dial = only(
        "<Dial callerId='+1'><Sip username='u' statusCallbackEvent=' initiated  answered '>sip:a@b</Sip>"
        "<Number sendDigits='1w2'> +12 </Number><Queue>q</Queue><Conference muted='true'>c</Conference></Dial>"
    )
    assert isinstance(dial, Dial)
    sip, number, queue, conference = dial.nouns
    assert sip == Sip(text="sip:a@b", username="u", status_callback_event=("initiated", "answered"))
    assert number == Number(text="+12", send_digits="1w2")
    assert queue == QueueNoun(text="q")
    assert conference == ConferenceNoun(text="c", muted=True)


def test_a_stream_has_parameters() -> None:
    start = only(
        "<Start><Stream url='wss://a.test/s' track='both_tracks'><Parameter name='a' value='b'/></Stream></Start>"
    )
    assert isinstance(start, Start)
    [stream] = start.nouns
    assert isinstance(stream, Stream)
    assert (stream.url, stream.track) == ("wss://a.test/s", "both_tracks")
    assert [(each.name, each.value) for each in stream.nouns] == [("a", "b")]


def test_what_is_said_may_be_marked_up() -> None:
    assert only("<Say> Hello\n  you &amp; me </Say>") == Say(text="Hello you & me")
    marked = only('<Say>A <break time="1s"/> &lt;b&gt;<p>c</p></Say>')
    assert marked == Say(text='<speak>A <break time="1s"></break> &lt;b&gt;<p>c</p></speak>', marked=True)


@pytest.mark.parametrize(
    ("inside", "verb", "warning"),
    [
        ("<Pause length='900'/>", Pause(), "length of <Pause> cannot have this value"),
        ("<Play loop='x'>a</Play>", Play(text="a"), "loop of <Play> cannot have this value"),
        ("<Play later='1'>a</Play>", Play(text="a"), "later of <Play> is not known here"),
        ("<Redirect method='get'>a</Redirect>", Redirect(text="a", method="GET"), None),
        ("<play/><Pause/>", Pause(), "<play> in <Response> is not known here"),
        ("<Gather><Dial/></Gather>", Gather(), "<Dial> in <Gather> is not known here"),
        ("<Say effect='x'>a</Say>", Say(text="a"), None),
    ],
)
def test_what_is_not_known_is_passed_over_with_a_warning(inside: str, verb: Verb, warning: str | None) -> None:
    document = read(inside)
    assert document.verbs == (verb,)
    assert document.warnings == (() if warning is None else (warning,))


BOMB = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><Response><Say>&c;</Say></Response>'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (BOMB.encode(), "DOCTYPE"),
        (b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/"><Response/>', "DOCTYPE"),
        (b"<Response><Say>&xxe;</Say></Response>", "undefined entity"),
        (b"", "empty"),
        (b" \n", "empty"),
        (b'{"a": 1}', "not well-formed"),
        (b"<html><body>Hi</body></html>", "not <Response>"),
        (b"<response/>", "not <Response>"),
        (b"<Response>", "not well-formed"),
        ("<Response/>".encode("utf-16"), "not UTF-8"),
        ("<Response/>".encode("utf-7") + b"\xff", "not UTF-8"),
        (b"<Response>" + b"<Say>" * 50_000, "deep"),
        (b"<Response>" + b"<Pause/>" * 10_000 + b"</Response>", "more than"),
        (b"<Response>" + b" " * texml.MAX_BYTES + b"</Response>", "longer than"),
        (b"<Response a='1' a='2'/>", "not well-formed"),
    ],
)
def test_what_is_no_document_is_refused(text: bytes, why: str) -> None:
    with pytest.raises(texml.TexmlError, match=why):
        texml.read(text)


def test_the_declared_encoding_changes_nothing() -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><Response><Say>Grüße</Say></Response>'.encode()
    assert texml.read(text).verbs == (Say(text="Grüße"),)


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_any_bytes_are_a_document_or_none(text: bytes) -> None:
    for each in (text, b"<Response>" + text + b"</Response>"):
        with contextlib.suppress(texml.TexmlError):
            assert isinstance(texml.read(each), texml.Document)


# ---- templates -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("<Say>{{From}}</Say>", "<Say>+1&amp;&lt;2&gt;</Say>"),
        ("{{ From }}{{None}}", "+1&amp;&lt;2&gt;"),
        ("{{#if Digits == '1'}}one{{else}}other{{/if}}", "one"),
        ("{{#if Digits == 2}}two{{/if}}.", "."),
        ('{{#if Digits != "2"}}not{{/if}}', "not"),
        ("{{#if Digits == Same}}same{{/if}}", "same"),
        ("{{#if None}}a{{else}}b{{#if Digits}}c{{/if}}{{/if}}", "bc"),
        ("{{#if None}}{{#if Digits}}a{{else}}b{{/if}}{{/if}}", ""),
        ("{ {From} } {{1x}} {{{", "{ {From} } {{1x}} {{{"),
    ],
)
def test_templates_are_filled(text: str, filled: str) -> None:
    assert fill(text, {"From": "+1&<2>", "Digits": "1", "Same": "1"}) == filled


@pytest.mark.parametrize("text", ["{{#if a}}", "{{/if}}", "{{else}}", "{{#if a == }}x{{/if}}" * 1 + "{{#if a}}" * 40])
def test_what_is_no_template_is_refused(text: str) -> None:
    with pytest.raises(TemplateError):
        fill(text, {})


def test_a_template_does_not_grow_without_measure() -> None:
    with pytest.raises(TemplateError, match="grows"):
        fill("{{a}}" * 2000, {"a": "x" * 1000})


@given(
    st.text(alphabet="{}#if/ els=ab'\"<>&", max_size=80), st.dictionaries(st.sampled_from("ab"), st.text(max_size=9))
)
def test_any_text_is_a_template_or_none(text: str, values: dict[str, str]) -> None:
    try:
        filled = fill(text, values)
    except TemplateError:
        return
    if "{{" not in text:
        assert filled == text
