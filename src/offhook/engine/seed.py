"""What a development platform starts with: an account, a key, two identities and three numbers, always the same.

The keys and passwords are well known; `dev` therefore listens on loopback only.
"""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offhook.engine.platform import Identities
from offhook.engine.store import Drop, Find, Row, Table, Write

DEV_ACCOUNT = "00000000-0000-4000-8000-00000000d0e5"
DEV_API_KEY = "KEY0DEVELOPMENT0ONLY0DO0NOT0EXPOSE_offhook"
DEV_SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(b"offhook dev: signs webhooks").digest())
DEV_PUBLIC_KEY = base64.b64encode(DEV_SIGNING_KEY.public_key().public_bytes_raw()).decode()


class ReadyIdentity(msgspec.Struct, frozen=True):
    """A connection that a client can log in with at once."""

    login: str
    password: str
    what: str


class ReadyNumber(msgspec.Struct, frozen=True):
    """A phone number, and the username that it rings (`nobody yet` where it is not assigned)."""

    number: str
    rings: str


class Seeded(msgspec.Struct, frozen=True):
    """What to print."""

    account_id: str
    api_key: str
    identities: tuple[ReadyIdentity, ...]
    numbers: tuple[ReadyNumber, ...]


SEEDED = Seeded(
    DEV_ACCOUNT,
    DEV_API_KEY,
    (
        ReadyIdentity("john1234", "john-development-password", "credential connection, internal calls"),
        ReadyIdentity("jane5678", "jane-development-password", "credential connection, internal calls"),
    ),
    (
        ReadyNumber("+12025550101", "john1234"),
        ReadyNumber("+12025550102", "jane5678"),
        ReadyNumber("+12025550103", "nobody yet"),
    ),
)

# Children before parents.
_TABLES: tuple[Table, ...] = (
    "legs", "queues", "detail_records", "tokens", "numbers", "credentials", "connections", "profiles", "api_keys",
)  # fmt: skip


async def seed(identities: Identities) -> Seeded:
    """Make what is missing of it; what a database file already has is left as its owner changed it."""
    found = await identities.store.find(Find("accounts", DEV_ACCOUNT))
    if found.total:
        return SEEDED
    await identities.add_account("development", DEV_ACCOUNT)
    return await _fill(identities)


async def reseed(identities: Identities) -> Seeded:
    """Forget everything and start again."""
    for table in _TABLES:
        rows = (await identities.store.find(Find(table, DEV_ACCOUNT))).rows
        if rows:
            await identities.store.write(*(_dropped(table, row) for row in rows))
    return await _fill(identities)


def _dropped(table: Table, row: Row) -> Write:
    return Drop(table, row["account_id"], row["id"])


async def _fill(identities: Identities) -> Seeded:
    await identities.add_api_key(DEV_ACCOUNT, DEV_API_KEY)
    connections = {identity.login: await _connection(identities, identity) for identity in SEEDED.identities}
    for number in SEEDED.numbers:
        await _number(identities, number, connections)
    return SEEDED


async def _connection(identities: Identities, identity: ReadyIdentity) -> str:
    document = await identities.credential_connections.create(
        DEV_ACCOUNT,
        {
            "connection_name": identity.login.rstrip("0123456789").title(),
            "user_name": identity.login,
            "password": identity.password,
            "sip_uri_calling_preference": "internal",
            "inbound": {"dnis_number_format": "sip_username"},
        },
    )
    return document["id"]


async def _number(identities: Identities, number: ReadyNumber, connections: Mapping[str, str]) -> None:
    settings: dict[str, Any] = {}
    if number.rings in connections:
        settings["connection_id"] = connections[number.rings]
    await identities.phone_numbers.add(DEV_ACCOUNT, number.number, settings)
