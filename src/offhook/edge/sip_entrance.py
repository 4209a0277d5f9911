"""Who sends a SIP request: challenges, and judges the answers to them (RFC 3261 section 22, RFC 8760). Knows no call.

It keeps nothing for a stranger. A name that exists and one that does not are answered alike. Whoever guesses is
stopped by name and source together, so that nobody locks out anybody else; a source that guesses at many names gets no
more answers to what is wrong, while what is right is let in from there as ever.
"""

import structlog

from offhook.edge.attempts import Attempts
from offhook.edge.sip_transport import Flow
from offhook.engine.ports import Authenticator, Chance, Clock, Identity, LoginRefused
from offhook.wire.digest import Challenge, Credentials, parse_credentials
from offhook.wire.digest_nonce import Authenticator as Digest
from offhook.wire.digest_nonce import Verdict
from offhook.wire.sip_admission import respond
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_message import Request, Response, write

_log = structlog.get_logger("offhook.edge")

SALT_DIGITS = 8
# A source may guess so often at names, whichever they are.
WRONG_FROM_SOURCE, SECONDS = 20, 10.0
# What a stranger gets is at most so many times what it sent: nobody can aim more than that at others.
AMPLIFICATION = 2


class Entrance:
    """Lets in whoever proves a username's password for `realm`."""

    def __init__(self, logins: Authenticator, digest: Digest, realm: str, clock: Clock, chance: Chance) -> None:
        self._logins = logins
        self._digest = digest
        self._realm = realm
        self._clock = clock
        self._chance = chance
        self._guesses = Attempts()
        self._scans = Attempts(WRONG_FROM_SOURCE, SECONDS)

    def admit(self, request: Request, flow: Flow, tag: str) -> Identity | Response | None:
        """Who it is; what it is answered where it has not proved that; None for silence. Malformed where its
        credentials cannot be read."""
        source = flow.peer[0]
        credentials = self._credentials(request)
        if credentials is None:
            return self._challenge(request, flow, tag)
        if self._guesses.blocked((credentials.username, source), self._clock.monotonic()):
            return respond(request, 403, tag)
        verdict = self._judge(credentials, request, source)
        if verdict is Verdict.ACCEPTED:
            return self._let_in(request, credentials.username, flow, tag)
        if verdict is Verdict.WRONG and self._failed(credentials.username, source):
            return None
        return self._challenge(request, flow, tag, credentials, verdict)

    def _credentials(self, request: Request) -> Credentials | None:
        """Those for our realm; a request may carry others' beside them."""
        for value in (*request.every("Authorization"), *request.every("Proxy-Authorization")):
            found = parse_credentials(value)
            if found is not None and found.realm == self._realm:
                return found
        return None

    def _judge(self, credentials: Credentials, request: Request, source: str) -> Verdict:
        algorithm = credentials.algorithm
        if algorithm is None:
            return Verdict.NOT_OURS
        secret = self._logins.digest_secret(credentials.username, algorithm, self._realm)
        now = self._clock.wall()
        return self._digest.judge(credentials, secret, request.method, request.uri, self._realm, source, now)

    def _let_in(self, request: Request, username: str, flow: Flow, tag: str) -> Identity | Response:
        try:
            who = self._logins.identify(username)
        except LoginRefused:
            return respond(request, 403, tag)
        flow.proved()
        return who

    def _failed(self, username: str, source: str) -> bool:
        """A wrong answer to a challenge of ours; whether there were too many from there."""
        now = self._clock.monotonic()
        _log.info("sip.login_refused")
        self._guesses.failed((username, source), now)
        self._scans.failed(("", source), now)
        return self._scans.blocked(("", source), now)

    def _challenge(
        self,
        request: Request,
        flow: Flow,
        tag: str,
        answered: Credentials | None = None,
        verdict: Verdict | None = None,
    ) -> Response | None:
        salt = self._chance.number(SALT_DIGITS)
        asked = self._digest.challenges(
            self._realm, flow.peer[0], self._clock.wall(), salt, answered=answered, verdict=verdict
        )
        if flow.transport != "UDP":
            return _asking(request, tag, asked)
        return _bounded(request, tag, asked)


def _asking(request: Request, tag: str, challenges: tuple[Challenge, ...]) -> Response:
    status, name = (401, "WWW-Authenticate") if request.method == "REGISTER" else (407, "Proxy-Authenticate")
    more: Fields = tuple((name, str(challenge)) for challenge in challenges)
    return respond(request, status, tag, more)


def _bounded(request: Request, tag: str, challenges: tuple[Challenge, ...]) -> Response | None:
    """Over UDP anybody can write anybody's address onto a request. With less than all challenges where all are too
    much: the last is the one that every phone knows. Silence where even that is too much."""
    limit = AMPLIFICATION * len(write(request))
    for fewer in (challenges, challenges[-1:]):
        response = _asking(request, tag, fewer)
        if len(write(response)) <= limit:
            return response
    return None
