"""Category: wire. Capture files, byte by byte, and what no message in one may hold."""

import struct

import pytest

from offhook.wire import blanking
from offhook.wire.pcapng import Packet, write
from offhook.wire.sip_message import Request

HERE, THERE = ("127.0.0.1", 5060), ("192.0.2.7", 4000)


def blocks(file: bytes) -> list[tuple[int, bytes]]:
    found, place = [], 0
    while place < len(file):
        kind, length = struct.unpack_from("<II", file, place)
        assert length % 4 == 0
        assert struct.unpack_from("<I", file, place + length - 4) == (length,)
        found.append((kind, file[place + 8 : place + length - 4]))
        place += length
    return found


def packet(block: bytes) -> tuple[float, int, bytes]:
    """Seconds, the length on the wire, and what was kept."""
    _, high, low, kept, length = struct.unpack_from("<IIIII", block)
    return ((high << 32) + low) / 1e6, length, block[20 : 20 + kept]


def test_a_file_is_a_section_an_interface_and_packets_in_the_order_of_time() -> None:
    late, early = (Packet(at, "UDP", HERE, THERE, "out", b"hi") for at in (2.5, 1.25))
    (section, about), (interface, link), first, second = blocks(write([late, early], "all of it"))
    assert (section, interface, first[0], second[0]) == (0x0A0D0D0A, 1, 6, 6)
    assert about[:8] == struct.pack("<IHH", 0x1A2B3C4D, 1, 0)
    assert b"all of it" in about
    assert link[:2] == struct.pack("<H", 101)
    assert [packet(block)[0] for _, block in (first, second)] == [1.25, 2.5]


def test_a_datagram_has_the_headers_that_it_had() -> None:
    [_, _, (_, block)] = blocks(write([Packet(0.0, "UDP", HERE, THERE, "out", b"hello")]))
    _, length, data = packet(block)
    assert length == len(data) == 33
    assert data[0] == 0x45
    assert data[9] == 17
    assert data[12:20] == bytes([127, 0, 0, 1, 192, 0, 2, 7])
    assert sum(struct.unpack(">10H", data[:20])) % 0xFFFF == 0  # the checksum is right
    assert struct.unpack(">HHH", data[20:26]) == (5060, 4000, 13)
    assert data[28:] == b"hello"


def test_a_beginning_says_how_long_the_whole_was() -> None:
    [_, _, (_, block)] = blocks(write([Packet(0.0, "UDP", HERE, THERE, "in", bytes(12), 172)]))
    _, length, data = packet(block)
    assert (length, len(data)) == (20 + 8 + 172, 20 + 8 + 12)
    assert struct.unpack(">H", data[2:4]) == (200,)
    assert struct.unpack(">H", data[24:26]) == (180,)


def test_segments_follow_each_other() -> None:
    there = [Packet(float(at), "TCP", HERE, THERE, "out", b"12345") for at in (1, 3)]
    back = Packet(2.0, "TCP", THERE, HERE, "in", b"abc")
    headers = [packet(block)[2][20:40] for kind, block in blocks(write([*there, back])) if kind == 6]
    assert [struct.unpack_from(">II", header, 4) for header in headers] == [(1, 1), (1, 6), (6, 4)]


def test_ipv6_and_what_is_no_address() -> None:
    six = ("::1", 5060)
    [_, _, (_, block), (_, other)] = blocks(
        write([Packet(0.0, "UDP", six, six, "in", b"x"), Packet(1.0, "UDP", ("nowhere", 1), HERE, "in", b"x")])
    )
    assert packet(block)[2][0] >> 4 == 6
    assert packet(other)[2][12:16] == bytes(4)


SECRETS = Request(
    method="INFO",
    uri="sip:john:hunter2@sip.test",
    fields=(
        ("Via", "SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1"),
        ("Authorization", 'Digest username="john", response="00112233445566778899aabbccddeeff"'),
        ("X-Api-Key", "KEY-abc"),
        ("Contact", "<sip:john@127.0.0.1;token=hunter3>"),
        ("Content-Type", "application/dtmf-relay"),
    ),
    body=b"Signal=5\r\nDuration=100\r\n",
)


@pytest.mark.parametrize("secret", [b"hunter2", b"hunter3", b"00112233", b"KEY-abc"])
@pytest.mark.parametrize("digits", [True, False])
def test_no_secret_is_kept(secret: bytes, digits: bool) -> None:
    assert secret not in blanking.sip(SECRETS, digits)


def test_digits_are_kept_where_they_are_asked_for() -> None:
    assert b"Signal=5" in blanking.sip(SECRETS, digits=True)
    hidden = blanking.sip(SECRETS, digits=False)
    assert b"Signal" not in hidden
    assert b"Content-Length: 24" in hidden


def test_media_keys_are_hidden_and_the_rest_of_a_description_stays() -> None:
    body = b"v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\na=ice-pwd:hush\r\na=rtpmap:0 PCMU/8000\r\n"
    message = Request(method="INVITE", uri="sip:a@b", fields=(("Content-Type", "application/sdp"),), body=body)
    kept = blanking.sip(message, digits=True)
    assert b"c2VjcmV0" not in kept
    assert b"hush" not in kept
    assert b"a=rtpmap:0 PCMU/8000" in kept


def test_json_is_blanked_at_every_depth() -> None:
    frame = {
        "params": {
            "dialogParams": {"callID": "1", "login_token": "jwt", "customHeaders": [{"name": "X-Token", "value": "t"}]},
            "dtmf": "12#",
            "sdp": "a=ice-pwd:hush\r\n",
        }
    }
    assert blanking.json(frame, digits=False) == {
        "params": {
            "dialogParams": {
                "callID": "1",
                "login_token": "***",
                "customHeaders": [{"name": "X-Token", "value": "***"}],
            },
            "dtmf": "***",
            "sdp": "a=ice-pwd:***\r\n",
        }
    }
    assert blanking.json(frame, digits=True)["params"]["dtmf"] == "12#"
