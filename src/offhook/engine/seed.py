"""What a development platform starts with, always the same: an account, a key, two identities, a call control
application and three numbers.

The keys and passwords are well known; `dev` therefore listens on loopback only.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from offhook.engine.platform import Identities
from offhook.engine.spending import NEW_ACCOUNT
from offhook.engine.store import Change, Drop, Find, Forget, Row, Table, Where, Write

DEV_ACCOUNT = "00000000-0000-4000-8000-00000000d0e5"
DEV_APPLICATION = "1000000000000000001"
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
    application_id: str
    identities: tuple[ReadyIdentity, ...]
    numbers: tuple[ReadyNumber, ...]


SEEDED = Seeded(
    DEV_ACCOUNT,
    DEV_API_KEY,
    DEV_APPLICATION,
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
    "push_devices", "push_credentials", "recording_transcriptions", "recordings", "legs", "queues", "conferences",
    "detail_records", "tokens", "numbers", "credentials", "gateways", "carriers", "connections", "profiles", "api_keys",
)  # fmt: skip


async def seed(identities: Identities, webhook_url: str = "", carriers: Sequence[str] = ()) -> Seeded:
    """Make what is missing of it; what a database file already has is left as its owner changed it.

    Where there is a `webhook_url`, it becomes that of the two identities and of the application. `carriers` are the
    gateways (SIP URIs) by which calls leave, the first choice first.
    """
    await _seed(identities, webhook_url)
    await _lead_outside(identities, carriers)
    return SEEDED


async def _seed(identities: Identities, webhook_url: str) -> Seeded:
    found = await identities.store.find(Find("accounts", DEV_ACCOUNT))
    if not found.total:
        await identities.add_account("development", DEV_ACCOUNT)
        return await _fill(identities, webhook_url)
    if webhook_url:
        await _hook(identities, webhook_url)
    return SEEDED


async def reseed(identities: Identities, webhook_url: str = "", carriers: Sequence[str] = ()) -> Seeded:
    """Forget everything and start again."""
    await identities.store.write(Forget("events", (Where("account_id", "eq", DEV_ACCOUNT),)))
    for table in _TABLES:
        rows = (await identities.store.find(Find(table, DEV_ACCOUNT))).rows
        if rows:
            await identities.store.write(*(_dropped(table, row) for row in rows))
    await identities.store.write(Change("accounts", DEV_ACCOUNT, DEV_ACCOUNT, NEW_ACCOUNT))
    await _fill(identities, webhook_url)
    await _lead_outside(identities, carriers)
    return SEEDED


def _dropped(table: Table, row: Row) -> Write:
    return Drop(table, row["account_id"], row["id"])


async def _fill(identities: Identities, webhook_url: str) -> Seeded:
    await identities.add_api_key(DEV_ACCOUNT, DEV_API_KEY)
    connections = {identity.login: await _connection(identities, identity) for identity in SEEDED.identities}
    application = {"application_name": "Development", "webhook_event_url": "", "webhook_api_version": "2"}
    await identities.call_control_applications.create(DEV_ACCOUNT, application, DEV_APPLICATION)
    if webhook_url:
        await _hook(identities, webhook_url)
    for number in SEEDED.numbers:
        await _number(identities, number, connections)
    return SEEDED


async def _hook(identities: Identities, webhook_url: str) -> None:
    """Set the URL of what is still there of it."""
    change = {"webhook_event_url": webhook_url}
    for identity in SEEDED.identities:
        connection = identities.directory.connection_of_username(identity.login)
        if connection is not None:
            await identities.credential_connections.update(DEV_ACCOUNT, connection.id, change)
    if identities.directory.connection(DEV_APPLICATION) is not None:
        await identities.call_control_applications.update(DEV_ACCOUNT, DEV_APPLICATION, change)


async def _lead_outside(identities: Identities, carriers: Sequence[str]) -> None:
    """Carriers with these gateways, and, where what is ready-made has no outbound voice profile, without which no call
    leaves, one for it."""
    for priority, uri in enumerate(carriers):
        known = [each for each in identities.directory.trunks() if each.kind == "carrier" and each.name == uri]
        if not known:
            carrier = {"name": uri, "gateways": [uri], "priority": priority}
            await identities.carriers.create(DEV_ACCOUNT, carrier)
    if carriers and not (await identities.store.find(Find("profiles", DEV_ACCOUNT, limit=1))).rows:
        profile = await identities.outbound_voice_profiles.create(DEV_ACCOUNT, {"name": "Development"})
        await _give_profile(identities, {"outbound": {"outbound_voice_profile_id": profile["id"]}})


async def _give_profile(identities: Identities, change: Mapping[str, Any]) -> None:
    for identity in SEEDED.identities:
        connection = identities.directory.connection_of_username(identity.login)
        if connection is not None:
            await identities.credential_connections.update(DEV_ACCOUNT, connection.id, change)
    if identities.directory.connection(DEV_APPLICATION) is not None:
        await identities.call_control_applications.update(DEV_ACCOUNT, DEV_APPLICATION, change)


async def _connection(identities: Identities, identity: ReadyIdentity) -> str:
    document = await identities.credential_connections.create(
        DEV_ACCOUNT,
        {
            "connection_name": identity.login.rstrip("0123456789").title(),
            "user_name": identity.login,
            "password": identity.password,
            "sip_uri_calling_preference": "internal",
            "inbound": {"dnis_number_format": "sip_username"},
            "webhook_api_version": "2",
        },
    )
    return document["id"]


async def _number(identities: Identities, number: ReadyNumber, connections: Mapping[str, str]) -> None:
    settings: dict[str, Any] = {}
    if number.rings in connections:
        settings["connection_id"] = connections[number.rings]
    await identities.phone_numbers.add(DEV_ACCOUNT, number.number, settings)
