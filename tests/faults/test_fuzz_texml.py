"""Category: faults. Fuzzing of TeXML and of SDP: OFFHOOK_FUZZ_ITERS mutations of documents with every verb."""

import os
import random
from collections.abc import Callable

import pytest

from .fuzz_rtc import mutated
from .fuzz_texml import WORDS, fuzz_sdp, fuzz_texml

ITERATIONS = int(os.environ.get("OFFHOOK_FUZZ_ITERS", "1000"))
DOCUMENTS = (
    b"<Response><Say voice='alice' loop='2'>Hello {{From}}</Say><Play>a.wav</Play><Pause length='2'/></Response>",
    b"<Response><Gather numDigits='2' action='menu'><Say>Press</Say></Gather><Redirect>x</Redirect></Response>",
    b"<Response><Dial record='true'><Number>+1555</Number><Sip>sip:a@b</Sip><Queue>q</Queue></Dial></Response>",
    b"<Response><Dial><Conference beep='onEnter' maxParticipants='3'>room</Conference></Dial><Hangup/></Response>",
    b"<?xml version='1.0'?><Response><Enqueue waitUrl='w'>support</Enqueue><Leave/><Reject reason='busy'/></Response>",
    b"<Response><Connect><Stream url='wss://a/b'><Parameter name='a'/></Stream></Connect><Record/></Response>",
    b"<Response>{{#if Digits == '1'}}<Say>one</Say>{{else}}<Refer><Sip>sip:a@b</Sip></Refer>{{/if}}</Response>",
)
OFFERS = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\nm=audio 5000 RTP/AVP 0 101\r\n"
    b"a=rtpmap:101 telephone-event/8000\r\na=sendonly\r\n",
    b"v=0\r\no=- 1 1 IN IP6 ::1\r\ns=-\r\nt=0 0\r\na=inactive\r\nm=image 0 udptl t38\r\n"
    b"m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    b"c=IN IP6 ::1\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n",
)
WORDS_OF_SDP = (b"\r\n", b"m=audio ", b"c=IN IP4 0.0.0.0", b"a=inactive", b"a=candidate:" * 300, b"\r\nm=" * 20, b"\0")


@pytest.mark.parametrize(
    ("target", "seeds", "words"),
    [(fuzz_texml, DOCUMENTS, WORDS), (fuzz_sdp, OFFERS, WORDS_OF_SDP)],
    ids=["TeXML", "SDP"],
)
def test_fuzz_mutations(target: Callable[[bytes], None], seeds: tuple[bytes, ...], words: tuple[bytes, ...]) -> None:
    chance = random.Random(1)
    for _ in range(ITERATIONS):
        data = mutated(chance.choice(seeds), chance, words)
        try:
            target(data)
        except BaseException:
            print(f"this breaks it: {data!r}")
            raise
