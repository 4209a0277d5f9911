"""How we prove who we are to SIP far ends that ask for it (RFC 3261 section 22.2)."""

from offhook.wire.digest import choose, parse_challenge, respond_to
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_message import Response

_DIGEST = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class Login:
    """A username and password for one far end. Whatever realm it names first is its own: no other gets an answer."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._realm: str | None = None

    def proof(self, challenged: Response, method: str, uri: str, cnonce: str) -> Fields:
        """The header that answers a 401 or 407; nothing where there is no answer. `cnonce` is fresh."""
        if challenged.status not in _DIGEST or not self._username:
            return ()
        asked, given = _DIGEST[challenged.status]
        challenges = [each for value in challenged.every(asked) if (each := parse_challenge(value)) is not None]
        chosen = choose(challenges, self._realm)
        if chosen is None:
            return ()
        self._realm = chosen.realm
        return ((given, str(respond_to(chosen, self._username, self._password, method, uri, cnonce))),)
