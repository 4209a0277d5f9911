"""The server's own secrets, and what is done with them: sealing, comparing, signing keys. Knows no row and no user.

One master key, kept outside the database, gives a key of its own to each use; whoever takes the database alone
can read no SIP password and sign no token.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MASTER_BYTES = 32
_NONCE_BYTES = 12


class WrongKey(Exception):
    """What was sealed cannot be opened: the key file does not belong to this database, or the row was tampered with."""


class Vault:
    """The keys of one server, derived from `master` (32 bytes)."""

    def __init__(self, master: bytes) -> None:
        if len(master) != MASTER_BYTES:
            raise ValueError(f"a master key has {MASTER_BYTES} bytes")
        self._seals = AESGCM(_derived(master, "sip passwords", "sha256"))
        self._compares = _derived(master, "comparing", "sha256")
        self.link_key = _derived(master, "links", "sha256")
        self.token_key = _derived(master, "tokens", "sha512")

    @classmethod
    def in_file(cls, path: Path) -> "Vault":
        """The vault whose master key is in that file, made (mode 0600) where there is none."""
        try:
            handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            return cls(bytes.fromhex(path.read_text().strip()))
        master = secrets.token_bytes(MASTER_BYTES)
        with os.fdopen(handle, "w") as file:
            file.write(master.hex() + "\n")
            file.flush()
            os.fsync(handle)
        return cls(master)

    @classmethod
    def fresh(cls) -> "Vault":
        """Keys that die with the process, for a database in memory."""
        return cls(secrets.token_bytes(MASTER_BYTES))

    def seal(self, text: str, place: str) -> bytes:
        """Encrypt for one place (`table:id`); it opens nowhere else."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._seals.encrypt(nonce, text.encode(), place.encode())

    def unseal(self, sealed: bytes, place: str) -> str:
        """What was sealed for that place; WrongKey where it was not sealed here."""
        try:
            return self._seals.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, ValueError):
            raise WrongKey(f"cannot open the secret of {place}: is this the key file of this database?") from None

    def print_of(self, text: str) -> bytes:
        """A fingerprint for comparing passwords in memory: the same time for every text, and no way back."""
        return hmac.digest(self._compares, text.encode(), "sha256")


def same(one: bytes, other: bytes) -> bool:
    """Whether two fingerprints are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(one, other)


def digest_of_key(api_key: str) -> str:
    """What is stored of an API key. Keys have 256 random bits, so a plain hash cannot be searched."""
    return hashlib.sha256(api_key.encode()).hexdigest()


def _derived(master: bytes, use: str, digest: str) -> bytes:
    return hmac.digest(master, f"offhook {use}".encode(), digest)
