"""Who a far end is: passwords and tokens in, an Identity out. Answers from memory; knows no socket and no SQL."""

import asyncio
from collections.abc import Callable, Sequence

from offhook.engine import tokens
from offhook.engine.directory import MemoryDirectory, Secret
from offhook.engine.ports import Clock, Identity, LoginRefused
from offhook.engine.vault import Vault, same
from offhook.voice.binding import Binding, Bindings
from offhook.voice.directory import ConnectionCard
from offhook.wire.digest import Algorithm, secret_of

# Longer ones are refused before any work is done on them.
MAX_SECRET = 256
# What is opened for a username that does not exist: a password as long as most are.
NOBODY, NOBODYS_PASSWORD = "nobody", "0" * 32


class Authenticator:
    """Checks logins. A wrong password, an unknown username and an expired credential look and take the same.

    `in_use` is told the id of each credential that somebody logs in with.
    """

    def __init__(
        self,
        directory: MemoryDirectory,
        vault: Vault,
        clock: Clock,
        in_use: Callable[[str], None] = lambda _credential: None,
    ) -> None:
        self._directory = directory
        self._vault = vault
        self._clock = clock
        self._in_use = in_use
        self._nobody = vault.print_of("")
        self._nobodys = vault.seal(NOBODYS_PASSWORD, NOBODY)

    def authenticate_password(self, username: str, password: str) -> Identity:
        """The identity behind a connection's or credential's username; LoginRefused if it is not proved."""
        secret = self._directory.secret(username)
        given = self._vault.print_of(password[:MAX_SECRET])
        right = same(given, secret.print if secret else self._nobody)
        if secret is None or not right or len(password) > MAX_SECRET:
            raise LoginRefused
        return self._identity(secret)

    def digest_secret(self, username: str, algorithm: Algorithm, realm: str) -> str | None:
        """H(A1) of a username's password, which is opened anew each time: memory holds none. None where there is no
        such username, after the same work."""
        secret = self._directory.secret(username)
        sealed, place = (secret.sealed, secret.place) if secret else (self._nobodys, NOBODY)
        hashed = secret_of(algorithm, username, realm, self._vault.unseal(sealed, place))
        return hashed if secret else None

    def identify(self, username: str) -> Identity:
        """The identity behind a username whose password was proved by digest; LoginRefused where it is not active."""
        secret = self._directory.secret(username)
        if secret is None:
            raise LoginRefused
        return self._identity(secret)

    def _identity(self, secret: Secret) -> Identity:
        connection = self._active(secret.connection_id)
        if secret.credential_id is not None:
            self._use(secret.credential_id)
        return Identity(connection.account_id, connection.id, secret.username, secret.credential_id)

    def authenticate_token(self, token: str) -> Identity:
        """The identity of the credential from which a token was minted; LoginRefused if it proves none now."""
        try:
            claims = tokens.verify(self._vault.token_key, token, self._clock.wall())
        except tokens.BadToken:
            raise LoginRefused from None
        credential = self._directory.credential(claims.credential_id)
        if credential is None or not self._directory.token_is_live(claims.token_id):
            raise LoginRefused
        connection = self._active(credential.connection_id)
        self._use(credential.id)
        return Identity(
            account_id=connection.account_id,
            connection_id=connection.id,
            username=credential.username,
            credential_id=credential.id,
            token_id=claims.token_id,
            token_expires_at=float(claims.expires_at),
        )

    def _active(self, connection_id: str) -> ConnectionCard:
        connection = self._directory.connection(connection_id)
        if connection is None or not connection.active:
            raise LoginRefused
        return connection

    def _use(self, credential_id: str) -> None:
        credential = self._directory.credential(credential_id)
        if credential is None or (credential.expires_at is not None and credential.expires_at <= self._clock.wall()):
            raise LoginRefused
        self._in_use(credential_id)


class Revoker:
    """Logs off far ends whose identity was withdrawn. `close` ends one binding's socket (`Signalling.close`)."""

    def __init__(self, bindings: Bindings, close: Callable[[str, str], None]) -> None:
        self._bindings = bindings
        self._close = close

    def connection(self, connection_id: str, reason: str) -> None:
        """Everybody under a connection, its credentials' clients included."""
        self._log_off(self._bindings.of_connection(connection_id), reason)

    def username(self, username: str, reason: str) -> None:
        """Everybody under one username."""
        self._log_off(self._bindings.of_username(username), reason)

    def credential(self, credential_id: str, reason: str) -> None:
        """Everybody who logged in with a credential, by password or token."""
        self._log_off(self._bindings.of_credential(credential_id), reason)

    def token(self, token_id: str, reason: str) -> None:
        """Everybody who logged in with one token."""
        self._log_off(self._bindings.of_token(token_id), reason)

    def _log_off(self, bindings: Sequence[Binding], reason: str) -> None:
        for binding in bindings:
            self._close(binding.id, reason)


class Expiry:
    """Logs off whoever logged in with a telephony credential when that expires, whenever that may be by then."""

    def __init__(self, directory: MemoryDirectory, revoker: Revoker, clock: Clock) -> None:
        self._directory = directory
        self._revoker = revoker
        self._clock = clock
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def watch(self, credential_id: str) -> None:
        """A credential is used, or its `expires_at` has changed. A loop must be running."""
        timer = self._timers.pop(credential_id, None)
        if timer is not None:
            timer.cancel()
        credential = self._directory.credential(credential_id)
        if credential is None or credential.expires_at is None:
            return
        wait = credential.expires_at - self._clock.wall()
        if wait <= 0:
            self._revoker.credential(credential_id, "the credential has expired")
        else:  # and look again then: clocks are set, and `expires_at` may have moved
            self._timers[credential_id] = asyncio.get_running_loop().call_later(wait, self.watch, credential_id)

    def stop(self) -> None:
        """No timer stays behind."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
