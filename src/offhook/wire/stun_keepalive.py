"""The keep-alives of SIP over UDP: STUN binding requests and what they are answered (RFC 5626 section 4.4.2, RFC 5389).

No authentication, no attributes but the address that the request came from. No I/O.
"""

import ipaddress

_COOKIE = b"\x21\x12\xa4\x42"
_REQUEST = b"\x00\x01"
_RESPONSE = b"\x01\x01"
_XOR_MAPPED_ADDRESS = b"\x00\x20"
_HEADER = 20


def is_stun(octets: bytes) -> bool:
    """No SIP message begins so."""
    return len(octets) >= _HEADER and octets[0] < 4 and octets[4:8] == _COOKIE


def answer(octets: bytes, host: str, port: int) -> bytes | None:
    """What a binding request from there is answered; None for anything else."""
    if octets[:2] != _REQUEST:
        return None
    address = ipaddress.ip_address(host)
    mask = octets[4:_HEADER]  # the cookie and the transaction's id
    hidden = bytes(one ^ other for one, other in zip(address.packed, mask, strict=False))
    family = b"\x00\x01" if address.version == 4 else b"\x00\x02"
    value = family + (port ^ int.from_bytes(_COOKIE[:2])).to_bytes(2) + hidden
    attribute = _XOR_MAPPED_ADDRESS + len(value).to_bytes(2) + value
    return _RESPONSE + len(attribute).to_bytes(2) + mask + attribute
