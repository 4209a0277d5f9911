"""Category: wire. SDP that must not reach the media core, and the line that the error names (RFC 8866; case WS-12)."""

import pytest

from offhook.wire import sdp

HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
MEDIA = "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "line 1: v=0 is missing"),
        ("hello", "line 1: v=0 is missing"),
        (HEAD + "what is this\r\n", "line 5: not of the form"),
        (HEAD + MEDIA * 10_000, "line 1001: more than 1000 lines"),
        (HEAD + MEDIA * 17, "line 21: more than 16 media sections"),
        (HEAD + MEDIA + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 201, "line 206: more than 200 candidates"),
        (HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF 4294967296\r\n", "line 5: payload type"),
        (HEAD + "m=audio 9 UDP/TLS/RTP/SAVPF -1\r\n", "line 5: payload type"),
        (HEAD + "m=audio 65536 UDP/TLS/RTP/SAVPF 0\r\n", "line 5: port"),
        (HEAD + "m=audio 9\r\n", "line 5: m= needs"),
        (HEAD + f"m={'A' * 1024} 9 UDP/TLS/RTP/SAVPF 0\r\n", "line 5: unknown medium"),
        (HEAD + MEDIA + "a=fmtp:111 \0\r\n", "line 6: holds a NUL"),
        (HEAD + f"c=IN IP4 {'1' * 512}\r\n", "line 5: address longer"),
        (HEAD + f"a={'x' * 5000}\r\n", "line 5: longer than 4096"),
    ],
)
def test_the_line_is_named(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        sdp.check(text)


@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_plain_sdp_passes(ends: str) -> None:
    sdp.check((HEAD + MEDIA + "a=rtpmap:111 opus/48000/2\r\n").replace("\r\n", ends))


def test_a_data_channel_has_formats_that_are_no_payload_types() -> None:
    sdp.check(HEAD + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n")
