"""Digest authentication, both roles: challenges and credentials, text ⇄ values, and what each must contain (RFC 7616).

MD5 and SHA-256 (RFC 8760), qop=auth. It knows neither users nor passwords: a server hands in H(A1) of the user that it
found, a client its password. Which nonces are ours, `digest_nonce` knows. No I/O.
"""

import hashlib
import hmac
import re
from collections.abc import Iterable
from enum import Enum

import msgspec

from offhook.wire.sip_grammar import Malformed, quoted, split_commas, unquoted

_COUNT = re.compile(r"[0-9A-Fa-f]{1,8}")


class Algorithm(Enum):
    """By its name in the header."""

    MD5 = "MD5"
    SHA256 = "SHA-256"

    def hash(self, text: str) -> str:
        octets = text.encode()
        if self is Algorithm.MD5:
            return hashlib.md5(octets, usedforsecurity=False).hexdigest()
        return hashlib.sha256(octets).hexdigest()


_ALGORITHMS = {algorithm.value: algorithm for algorithm in Algorithm}


class Challenge(msgspec.Struct, frozen=True):
    """The value of WWW-Authenticate or Proxy-Authenticate. `algorithm` None is one that we do not know; `qop` is empty
    where the server has never heard of it (RFC 2069)."""

    realm: str
    nonce: str
    algorithm: Algorithm | None = Algorithm.MD5
    qop: tuple[str, ...] = ("auth",)
    stale: bool = False
    opaque: str | None = None

    def __str__(self) -> str:
        if self.algorithm is None:
            raise ValueError("a challenge needs an algorithm")
        parts = [f"realm={quoted(self.realm)}", f"nonce={quoted(self.nonce)}", f"algorithm={self.algorithm.value}"]
        parts += [f"qop={quoted(','.join(self.qop))}"] if self.qop else []
        parts += [f"opaque={quoted(self.opaque)}"] if self.opaque is not None else []
        parts += ["stale=true"] if self.stale else []
        return f"Digest {', '.join(parts)}"


class Credentials(msgspec.Struct, frozen=True):
    """The value of Authorization or Proxy-Authorization. `count` (nc) is 0 and `cnonce` empty where `qop` is missing;
    `algorithm` None is one that we do not know."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    algorithm: Algorithm | None = Algorithm.MD5
    qop: str = ""
    cnonce: str = ""
    count: int = 0
    opaque: str | None = None

    def __str__(self) -> str:
        if self.algorithm is None:
            raise ValueError("credentials need an algorithm")
        texts = ("username", self.username), ("realm", self.realm), ("nonce", self.nonce), ("uri", self.uri)
        parts = [f"{name}={quoted(value)}" for name, value in texts]
        parts += [f'response="{self.response}"', f"algorithm={self.algorithm.value}"]
        parts += [f"qop={self.qop}, cnonce={quoted(self.cnonce)}, nc={self.count:08x}"] if self.qop else []
        parts += [f"opaque={quoted(self.opaque)}"] if self.opaque is not None else []
        return f"Digest {', '.join(parts)}"


def parse_challenge(text: str) -> Challenge | None:
    """None for another scheme than Digest; Malformed where it breaks the grammar."""
    parts = _parse(text)
    if parts is None:
        return None
    return Challenge(
        realm=_needed(parts, "realm"),
        nonce=_needed(parts, "nonce"),
        algorithm=_algorithm(parts),
        qop=tuple(split_commas(parts["qop"].lower())) if "qop" in parts else (),
        stale=parts.get("stale", "").lower() == "true",
        opaque=parts.get("opaque"),
    )


def parse_credentials(text: str) -> Credentials | None:
    """None for another scheme than Digest, which is as good as none; Malformed where it breaks the grammar."""
    parts = _parse(text)
    if parts is None:
        return None
    return Credentials(
        username=_needed(parts, "username"),
        realm=_needed(parts, "realm"),
        nonce=_needed(parts, "nonce"),
        uri=_needed(parts, "uri"),
        response=_needed(parts, "response").lower(),
        algorithm=_algorithm(parts),
        qop=parts.get("qop", "").lower(),
        cnonce=parts.get("cnonce", ""),
        count=_count(parts.get("nc", "0")),
        opaque=parts.get("opaque"),
    )


def _parse(text: str) -> dict[str, str] | None:
    scheme, _, rest = text.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    parts: dict[str, str] = {}
    for element in split_commas(rest):
        name, equals, value = element.partition("=")
        name = name.rstrip().lower()
        if not equals or name in parts:
            raise Malformed("the parameters of Digest are malformed")
        parts[name] = unquoted(value.lstrip())
    return parts


def _needed(parts: dict[str, str], name: str) -> str:
    if name not in parts:
        raise Malformed(f"Digest has no {name}")
    return parts[name]


def _algorithm(parts: dict[str, str]) -> Algorithm | None:
    return _ALGORITHMS.get(parts.get("algorithm", "MD5").upper())


def _count(digits: str) -> int:
    if _COUNT.fullmatch(digits) is None:
        raise Malformed("nc of Digest is malformed")
    return int(digits, 16)


def secret_of(algorithm: Algorithm, username: str, realm: str, password: str) -> str:
    """H(A1), which is as good as the password within this realm (RFC 7616 section 3.4.2)."""
    return algorithm.hash(f"{username}:{realm}:{password}")


def expected(credentials: Credentials, secret: str, method: str) -> str:
    """What `response` must be. Without qop it is that of RFC 2069. ValueError where the algorithm is not known."""
    algorithm = credentials.algorithm
    if algorithm is None:
        raise ValueError("nobody can answer by an algorithm that is not known")
    asked = algorithm.hash(f"{method}:{credentials.uri}")
    if not credentials.qop:
        return algorithm.hash(f"{secret}:{credentials.nonce}:{asked}")
    counted = f"{credentials.nonce}:{credentials.count:08x}:{credentials.cnonce}:{credentials.qop}"
    return algorithm.hash(f"{secret}:{counted}:{asked}")


def proves(credentials: Credentials, secret: str, method: str) -> bool:
    """Whether whoever sent these knows the secret; the time that it takes does not tell how nearly."""
    return hmac.compare_digest(expected(credentials, secret, method).encode(), credentials.response.encode())


def choose(challenges: Iterable[Challenge], realm: str | None = None) -> Challenge | None:
    """The first that can be answered, as servers put them in the order of their liking (RFC 8760 section 2.4).

    With `realm`, no other is answered: a password must not go where it was not meant for.
    """
    for challenge in challenges:
        asks_too_much = challenge.qop and "auth" not in challenge.qop
        if challenge.algorithm is not None and not asks_too_much and realm in (None, challenge.realm):
            return challenge
    return None


def respond_to(
    challenge: Challenge, username: str, password: str, method: str, uri: str, cnonce: str, count: int = 1
) -> Credentials:
    """What a client answers to a challenge that it chose. `cnonce` is a fresh text that nobody can guess; `count` goes
    up by one with each request that answers the same nonce."""
    algorithm = challenge.algorithm
    if algorithm is None:
        raise ValueError("nobody can answer by an algorithm that is not known")
    blank = Credentials(
        username=username,
        realm=challenge.realm,
        nonce=challenge.nonce,
        uri=uri,
        response="",
        algorithm=algorithm,
        qop="auth" if challenge.qop else "",
        cnonce=cnonce if challenge.qop else "",
        count=count if challenge.qop else 0,
        opaque=challenge.opaque,
    )
    secret = secret_of(algorithm, username, challenge.realm, password)
    return msgspec.structs.replace(blank, response=expected(blank, secret, method))
