"""Login tokens: JWTs minted from a telephony credential. Knows their claims, not whose credential still exists."""

import secrets

import jwt
import msgspec
from jwt.types import Options

ALGORITHM = "HS512"
AUDIENCE = ISSUER = "telnyx_telephony"
LIFE_SECONDS = 24 * 3600
# A stepped clock must not refuse tokens that were minted just before the step.
SKEW_SECONDS = 60
MAX_LENGTH = 4096
_OPTIONS: Options = {
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "require": ["aud", "exp", "iat", "iss", "jti", "nbf", "sub", "typ"],
}


class Claims(msgspec.Struct, frozen=True):
    """What a token proves: its own id, its credential, and until when (Unix seconds)."""

    token_id: str
    credential_id: str
    expires_at: int


class BadToken(Exception):
    """It is no token of this server, or it is not valid now. `str()` says which, for logs only."""


def expiry(now: float, credential_expires_at: float | None) -> int:
    """When a token minted now ends: after 24 hours or with its credential."""
    life = int(now) + LIFE_SECONDS
    return life if credential_expires_at is None else min(life, int(credential_expires_at))


def mint(key: bytes, claims: Claims, now: float) -> str:
    """The token as text. `tel_token` is opaque: clients pass it along, nobody reads it."""
    issued = int(now)
    body = {
        "aud": AUDIENCE, "exp": claims.expires_at, "iat": issued, "iss": ISSUER, "jti": claims.token_id,
        "nbf": issued - 1, "sub": claims.credential_id, "tel_token": secrets.token_urlsafe(96), "typ": "access",
    }  # fmt: skip
    return jwt.encode(body, key, algorithm=ALGORITHM)


def verify(key: bytes, token: str, now: float) -> Claims:
    """The claims of a token of ours that is valid now; BadToken for any other text.

    Time is checked here and not by the library, which would read the machine's clock.
    """
    if len(token) > MAX_LENGTH:
        raise BadToken("too long")
    try:
        body = jwt.decode(token, key, [ALGORITHM], _OPTIONS, audience=AUDIENCE, issuer=ISSUER)
        found = msgspec.convert(body, _Body)
    except (jwt.InvalidTokenError, msgspec.ValidationError) as error:
        raise BadToken(str(error)) from error
    if found.typ != "access":
        raise BadToken("not an access token")
    if not found.nbf - SKEW_SECONDS <= now < found.exp:
        raise BadToken("expired, or not yet valid")
    return Claims(found.jti, found.sub, found.exp)


class _Body(msgspec.Struct, frozen=True):
    typ: str
    jti: str
    sub: str
    nbf: int
    exp: int
