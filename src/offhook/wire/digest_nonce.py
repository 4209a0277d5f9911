"""The server's side of digest authentication: nonces that need no memory, challenges, and the verdict on credentials.

A nonce is the time it was made at, some chance, and an HMAC over both, the realm and the source. Only the nonces that
somebody has proved a password with are remembered, until they expire, so that strangers make nothing grow. Time is Unix
seconds, the same on all nodes that share a key. No I/O.
"""

import hmac
from collections.abc import Sequence
from enum import Enum

from offhook.wire.digest import Algorithm, Challenge, Credentials, proves
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_uri import SipUri, parse_uri

LIFETIME = 60  # seconds
_MAC_OCTETS = 16
_NO_SECRET = "0" * 32  # users that do not exist take as long as those that do


class Verdict(Enum):
    """What credentials are worth. Everything but ACCEPTED is answered with new challenges."""

    ACCEPTED = "accepted"
    STALE = "right, but the nonce has expired"
    REPLAYED = "right, but was used before"
    WRONG = "wrong"
    NOT_OURS = "no answer to a challenge of ours"


class Authenticator:
    """Challenges, and judges what comes back."""

    def __init__(self, key: bytes, algorithms: Sequence[Algorithm] = (Algorithm.SHA256, Algorithm.MD5)) -> None:
        """`key` is 32 octets that nobody can guess; nodes that share it accept each other's nonces. `algorithms` are
        asked for in this order, and no other is accepted."""
        self._key = key
        self._algorithms = tuple(algorithms)
        self._used: dict[str, tuple[float, int]] = {}

    def __len__(self) -> int:
        """How many nonces are remembered."""
        return len(self._used)

    def challenges(
        self,
        realm: str,
        source: str,
        now: float,
        salt: str,
        answered: Credentials | None = None,
        verdict: Verdict | None = None,
    ) -> tuple[Challenge, ...]:
        """One for each algorithm, all with the same nonce, each for a header of its own. `source` is where the request
        came from, without its port, which address translators change; `salt` a few hexadecimal digits of chance.

        To `answered` credentials the next challenge is of their algorithm alone: some phones give up at two.
        """
        nonce = self._nonce(f"{int(now):08x}{salt}", realm, source)
        stale = verdict is Verdict.STALE
        algorithms = self._algorithms
        if answered is not None and answered.algorithm in algorithms:
            algorithms = (answered.algorithm,)
        return tuple(Challenge(realm, nonce, algorithm, stale=stale) for algorithm in algorithms)

    def judge(
        self, credentials: Credentials, secret: str | None, method: str, uri: str, realm: str, source: str, now: float
    ) -> Verdict:
        """`secret` is H(A1) by the credentials' algorithm, None where there is no such user; `method` and `uri` are
        those of the request."""
        made = self._made_at(credentials, realm, source)
        if made is None or credentials.qop != "auth" or not _is_for(credentials.uri, uri):
            return Verdict.NOT_OURS
        right = proves(credentials, secret or _NO_SECRET, method)
        if not right or secret is None:
            return Verdict.WRONG
        if not made <= now < made + LIFETIME:
            return Verdict.STALE
        return self._use(credentials, made + LIFETIME, now)

    def _made_at(self, credentials: Credentials, realm: str, source: str) -> float | None:
        """When we made the nonce, None where we did not or it was for somebody else."""
        if credentials.algorithm not in self._algorithms or credentials.realm != realm:
            return None
        plain = credentials.nonce[: -2 * _MAC_OCTETS]
        ours = self._nonce(plain, realm, source)
        if not hmac.compare_digest(ours.encode(), credentials.nonce.encode()):
            return None
        return float(int(plain[:8], 16))

    def _nonce(self, plain: str, realm: str, source: str) -> str:
        mac = hmac.digest(self._key, f"{plain}\0{realm}\0{source}".encode(), "sha256")
        return plain + mac[:_MAC_OCTETS].hex()

    def _use(self, credentials: Credentials, until: float, now: float) -> Verdict:
        """Each count of a nonce is good once, and only upwards (RFC 7616 section 3.4)."""
        self._forget(now)
        _, last = self._used.get(credentials.nonce, (until, 0))
        if credentials.count <= last:
            return Verdict.REPLAYED
        self._used[credentials.nonce] = (until, credentials.count)
        return Verdict.ACCEPTED

    def _forget(self, now: float) -> None:
        """What has expired is refused anyway. They are about in the order of their times, so that the first that has
        not expired ends the search."""
        while self._used:
            nonce, (until, _) = next(iter(self._used.items()))
            if until > now:
                return
            del self._used[nonce]


def _is_for(claimed: str, actual: str) -> bool:
    """Whether the URI that credentials were made for is that of the request: the same user at the same host. Port and
    parameters may differ, as proxies and phones treat them freely."""
    if claimed == actual:
        return True
    try:
        one, other = parse_uri(claimed), parse_uri(actual)
    except Malformed:
        return False
    if not isinstance(one, SipUri) or not isinstance(other, SipUri):
        return one == other
    return (one.user, one.host.lower()) == (other.user, other.host.lower())
