"""Packets of a call, values → a capture file that Wireshark and tshark read (pcapng, draft-ietf-opsawg-pcapng). No I/O.

What a program sees of the network has neither IP nor UDP nor TCP headers any more: they are made here, from the
addresses between which a message or packet went. A packet of which only the beginning is kept says how long it was.
"""

import struct
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Literal

import msgspec

Address = tuple[str, int]

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_RAW_IP = 101  # LINKTYPE_RAW: packets begin with their IP header
_END, _COMMENT, _FLAGS = 0, 1, 2
_WAYS = {"in": 1, "out": 2}
_UDP, _TCP = 17, 6
_HOPS = 64
# What fits into an IP packet beside its headers.
_MOST = 65_000
_MAX_COMMENT = 1_000


class Packet(msgspec.Struct, frozen=True):
    """One message or packet. `at` is Unix seconds; `way` is as we see it. `length` is that of the whole payload, where
    `data` is only its beginning."""

    at: float
    transport: Literal["UDP", "TCP"]
    source: Address
    destination: Address
    way: Literal["in", "out"]
    data: bytes
    length: int = 0
    comment: str = ""


def write(packets: Iterable[Packet], comment: str = "") -> bytes:
    """The file, packets in the order of their times; `comment` is about all of it."""
    blocks = [_block(_SECTION, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + _options([(_COMMENT, _text(comment))]))]
    blocks.append(_block(_INTERFACE, struct.pack("<HHI", _RAW_IP, 0, 0)))
    sequences: dict[tuple[Address, Address], int] = {}
    blocks.extend(_enhanced(packet, sequences) for packet in sorted(packets, key=lambda packet: packet.at))
    return b"".join(blocks)


def _enhanced(packet: Packet, sequences: dict[tuple[Address, Address], int]) -> bytes:
    data = packet.data[:_MOST]
    length = min(max(packet.length, len(data)), _MOST)
    kept = _ip(packet, data, length, sequences)
    micros = round(packet.at * 1e6)
    head = struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(kept), len(kept) + length - len(data))
    flags = (_FLAGS, struct.pack("<I", _WAYS[packet.way]))
    return _block(_PACKET, head + _padded(kept) + _options([(_COMMENT, _text(packet.comment)), flags]))


def _ip(packet: Packet, data: bytes, length: int, sequences: dict[tuple[Address, Address], int]) -> bytes:
    source, destination = _parsed(packet.source[0]), _parsed(packet.destination[0])
    ports = struct.pack(">HH", packet.source[1], packet.destination[1])
    if packet.transport == "TCP":
        protocol, header = _TCP, _tcp(packet, ports, length, sequences)
    else:
        protocol, header = _UDP, ports + struct.pack(">HH", 8 + length, 0)
    length += len(header)
    if isinstance(source, IPv4Address) and isinstance(destination, IPv4Address):
        return _ip4(source, destination, protocol, length) + header + data
    head = struct.pack(">IHBB", 6 << 28, length, protocol, _HOPS)
    return head + _sixteen(source) + _sixteen(destination) + header + data


def _ip4(source: IPv4Address, destination: IPv4Address, protocol: int, length: int) -> bytes:
    head = struct.pack(">BBHIBBH", 0x45, 0, 20 + length, 0, _HOPS, protocol, 0) + source.packed + destination.packed
    total = sum(struct.unpack(">10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack(">H", checksum) + head[12:]


def _tcp(packet: Packet, ports: bytes, length: int, sequences: dict[tuple[Address, Address], int]) -> bytes:
    """A segment of a connection that has been there all along."""
    this, other = (packet.source, packet.destination), (packet.destination, packet.source)
    sequence, acknowledged = sequences.setdefault(this, 1), sequences.setdefault(other, 1)
    sequences[this] = (sequence + length) % 2**32
    push_and_ack = 5 << 12 | 0x18
    return ports + struct.pack(">IIHHHH", sequence, acknowledged, push_and_ack, 0xFFFF, 0, 0)


def _parsed(text: str) -> IPv4Address | IPv6Address:
    """The address, or none in particular for what is not one."""
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return IPv4Address(0)


def _sixteen(address: IPv4Address | IPv6Address) -> bytes:
    return address.packed if len(address.packed) == 16 else bytes(10) + b"\xff\xff" + address.packed


def _text(comment: str) -> bytes:
    return comment[:_MAX_COMMENT].encode()


def _options(options: list[tuple[int, bytes]]) -> bytes:
    told = [struct.pack("<HH", code, len(value)) + _padded(value) for code, value in options if value]
    return b"".join((*told, struct.pack("<HH", _END, 0)))


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def _block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length
