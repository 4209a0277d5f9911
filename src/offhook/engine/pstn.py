"""The telephone network of a development platform: numbers that scripted phones answer. Knows no phone and no script.

It lies over the directory and the logins. Nothing of it is a row: no customer finds it among what is theirs, and no
database file remembers it. A number that a customer has is the customer's, also where a scripted one is alike.
"""

import hmac
from collections.abc import Sequence

import msgspec

from offhook.engine.ports import Authenticator, Identity
from offhook.voice.directory import ConnectionCard, CredentialCard, Directory, NumberCard, ProfileCard
from offhook.wire.digest import Algorithm

ACCOUNT = "pstn"
# No customer can have it: theirs are letters and digits. Nobody can dial it either, for the directory does not have it.
USERNAME = "the-pstn"
RING_SECONDS = 600

_CARD = ConnectionCard(
    id="pstn",
    account_id=ACCOUNT,
    name="the telephone network",
    username=USERNAME,
    dnis_number_format="sip_username",
    ani_number_format="+E.164",
    timeout_2xx_secs=RING_SECONDS,
)


class ListedNumber(msgspec.Struct, frozen=True):
    """A number in +E.164, a short name for it, and in words what its phone does."""

    number: str
    name: str
    does: str


class TelephoneNetwork:
    """A `voice.directory.Directory` and an `Authenticator`. Whoever logs in as `USERNAME` answers the numbers."""

    def __init__(
        self, directory: Directory, logins: Authenticator, numbers: Sequence[ListedNumber], password: str
    ) -> None:
        self.numbers = tuple(numbers)
        self.password = password
        self._directory = directory
        self._logins = logins
        self._cards = {
            each.number: NumberCard(each.number, ACCOUNT, each.number, _CARD.id, each.does) for each in numbers
        }

    # ---- the directory ---------------------------------------------------------------------------------------

    def connection(self, id: str) -> ConnectionCard | None:
        return _CARD if id == _CARD.id else self._directory.connection(id)

    def connection_of_username(self, username: str) -> ConnectionCard | None:
        return self._directory.connection_of_username(username)

    def credential_of_username(self, username: str) -> CredentialCard | None:
        return self._directory.credential_of_username(username)

    def number(self, e164: str) -> NumberCard | None:
        return self._directory.number(e164) or self._cards.get(e164)

    def profile(self, id: str) -> ProfileCard | None:
        return self._directory.profile(id)

    # ---- logging in ------------------------------------------------------------------------------------------

    def authenticate_password(self, username: str, password: str) -> Identity:
        if username == USERNAME and hmac.compare_digest(password.encode(), self.password.encode()):
            return Identity(ACCOUNT, _CARD.id, USERNAME, network="pstn")
        return self._logins.authenticate_password(username, password)

    def authenticate_token(self, token: str) -> Identity:
        return self._logins.authenticate_token(token)

    def digest_secret(self, username: str, algorithm: Algorithm, realm: str) -> str | None:
        return self._logins.digest_secret(username, algorithm, realm)

    def identify(self, username: str) -> Identity:
        return self._logins.identify(username)
