"""A fuzz target: any bytes as a TeXML document, whole and as what an app's template makes of a call."""

import contextlib

from offhook.wire import sdp, texml, texml_template

# Pieces that mean something to the protocol, for mutations.
WORDS = (
    *(b"<", b">", b"/>", b"</", b"&", b"&amp;", b"&#0;", b"&#x110000;", b"&x;", b"<!--", b"-->", b"<![CDATA[", b"]]>"),
    *(b"<!DOCTYPE a [", b'<!ENTITY a "b">', b"<?xml version='1.1' encoding='UTF-16'?>", b"xmlns:a='b'", b"\0", b"\xff"),
    *(b"<Response>", b"</Response>", b"<Say>", b"<Dial>", b"<Gather input='speech dtmf'>", b"<Play loop='-1'>", b"{{"),
    *(b"}}", b"{{#if ", b"{{else}}", b"{{/if}}", b"{{From}}", b"='", b'="', b"9" * 400, b"<Pause/>" * 400),
)
_VALUES = {"From": "+1<&>'\"", "Digits": "12", "None": ""}


def fuzz_texml(data: bytes) -> None:
    """No exception but TexmlError and TemplateError may leave, and what is read has bounds."""
    with contextlib.suppress(texml.TexmlError):
        document = texml.read(data)
        assert len(document.verbs) <= texml.MAX_ELEMENTS
        assert len(document.warnings) <= texml.MAX_WARNINGS
    with contextlib.suppress(texml_template.TemplateError):
        texml_template.fill(data.decode(errors="replace"), _VALUES)


def fuzz_sdp(data: bytes) -> None:
    """No exception but ValueError may leave, and whatever is fit to be used has a direction."""
    text = data.decode(errors="replace")
    with contextlib.suppress(ValueError):
        sdp.check(text)
        assert sdp.direction(text) in ("sendrecv", "sendonly", "recvonly", "inactive")
