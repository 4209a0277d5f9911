"""Keeps credential connections, and the telephony credentials and tokens under them."""

import math
from collections.abc import Sequence
from typing import Any

from offhook.engine import tokens
from offhook.engine.connections import ConnectionKeeper
from offhook.engine.ports import Chance
from offhook.engine.resources import Document, Keeper
from offhook.engine.store import Add, Change, Drop, Find, Row, Where, Write
from offhook.voice.resources.credential_connection import CREDENTIAL_CONNECTIONS
from offhook.voice.resources.moment import format_moment, parse_moment
from offhook.voice.resources.problem import CredentialExpired, rejected
from offhook.voice.resources.resource import Chosen
from offhook.voice.resources.telephony_credential import MAX_PER_TAG, RESOURCE_PREFIX, TELEPHONY_CREDENTIALS

MINTS_BETWEEN_CLEANING = 64


class CredentialConnections(ConnectionKeeper):
    """Connections with a username and password of their own."""

    resource = CREDENTIAL_CONNECTIONS

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        self._expect_free(document["user_name"])
        _expect_order(document["jitter_buffer"])
        document["outbound"]["call_parking_enabled"] = bool(document["outbound"]["call_parking_enabled"])
        password = document.pop("password", None)
        if password is not None:
            row["password"] = self.world.vault.seal(password, f"connections:{row['id']}")
        return await super().filling(row, document, before)

    async def dropping(self, row: Row) -> Sequence[Write]:
        await super().dropping(row)
        return [
            Drop("credentials", card.account_id, card.id) for card in self.world.directory.credentials_of(row["id"])
        ]

    def changed(self, before: Row, after: Row) -> None:
        revoker = self.world.revoker
        if before["active"] and not after["active"]:
            revoker.connection(after["id"], "the connection is not active any more")
        elif (before["user_name"], before["password"]) != (after["user_name"], after["password"]):
            revoker.username(before["user_name"], "the connection's username or password was changed")

    def dropped(self, row: Row) -> None:
        self.world.revoker.connection(row["id"], "the connection was deleted")

    def document(self, row: Row) -> Document:
        found = super().document(row)
        del found["password"]
        return found

    def shown(self, row: Row) -> Document:
        password = self.world.vault.unseal(row["password"], f"connections:{row['id']}")
        return super().shown(row) | {"password": password}

    def _expect_free(self, username: str) -> None:
        if self.world.directory.credential_of_username(username) is not None:
            raise rejected("10012", "This user name is taken.", pointer="/user_name")


class TelephonyCredentials(Keeper):
    """Generated usernames and passwords under a connection, and the tokens minted from them."""

    resource = TELEPHONY_CREDENTIALS
    _minted = 0

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        if before is not None and self._expired(before):
            raise CredentialExpired
        self._expect_connection(row["account_id"], document["connection_id"])
        tag = document["tag"]
        if tag and (before is None or before["tag"] != tag):
            await self._expect_room(row["account_id"], tag)
        expires_at = parse_moment(document["expires_at"]) if document["expires_at"] else None
        row["expires_at"] = math.inf if expires_at is None else expires_at
        if before is None:
            row["sip_username"] = "gencred" + letters(self.world.chance, 40)
            row["password"] = self.world.vault.seal(letters(self.world.chance, 32), f"credentials:{row['id']}")
        self.store_document(row, document)
        return ()

    def changed(self, before: Row, after: Row) -> None:
        if before["connection_id"] != after["connection_id"]:
            self.world.revoker.credential(after["id"], "the credential belongs to another connection now")
        elif before["expires_at"] != after["expires_at"]:
            self.world.expiry.watch(after["id"])

    def dropped(self, row: Row) -> None:
        self.world.revoker.credential(row["id"], "the credential was deleted")
        self.world.expiry.watch(row["id"])

    def conditions(self, chosen: Chosen) -> Sequence[Where]:
        if chosen.filter.name != "status":
            return super().conditions(chosen)
        return (Where("expires_at", "lte" if chosen.value == "expired" else "gt", self.world.clock.wall()),)

    def shown(self, row: Row) -> Document:
        document = super().shown(row)
        connection_id = document.pop("connection_id")
        never = row["expires_at"] == math.inf
        return document | {
            "expired": self._expired(row),
            "expires_at": None if never else format_moment(row["expires_at"]),
            "resource_id": RESOURCE_PREFIX + connection_id,
            "sip_password": self.world.vault.unseal(row["password"], f"credentials:{row['id']}"),
            "sip_username": row["sip_username"],
            "user_id": row["account_id"],
        }

    async def mint(self, account_id: str, id: str) -> str:
        """A new login token of a credential: good for 24 hours, or until the credential expires."""
        row = await self.row(account_id, id)
        if self._expired(row):
            raise rejected("10027", "This credential has expired.")
        now = self.world.clock.wall()
        ends = tokens.expiry(now, None if row["expires_at"] == math.inf else row["expires_at"])
        claims = tokens.Claims(self.world.chance.uuid(), id, ends)
        kept: dict[str, Any] = {
            "id": claims.token_id, "account_id": account_id, "created_at": now, "credential_id": id, "expires_at": ends,
        }  # fmt: skip
        await self.world.store.write(Add("tokens", kept), *await self._forgotten(account_id, now))
        return tokens.mint(self.world.vault.token_key, claims, now)

    async def revoke(self, account_id: str, token_id: str) -> None:
        """A token is good no more, and whoever is logged in with it is logged off."""
        found = await self.world.store.find(Find("tokens", account_id, (Where("id", "eq", token_id),)))
        if not found.rows:
            raise rejected("10005", "The requested token could not be found.")
        await self.world.store.write(Change("tokens", account_id, token_id, {"revoked_at": self.world.clock.wall()}))
        self.world.revoker.token(token_id, "the token was revoked")

    async def _forgotten(self, account_id: str, now: float) -> Sequence[Write]:
        """Now and then, the deletion of tokens that have expired: they are refused without being known."""
        self._minted += 1
        if self._minted % MINTS_BETWEEN_CLEANING:
            return ()
        old = Find("tokens", account_id, (Where("expires_at", "lte", now),), limit=4 * MINTS_BETWEEN_CLEANING)
        return [Drop("tokens", account_id, row["id"]) for row in (await self.world.store.find(old)).rows]

    def _expired(self, row: Row) -> bool:
        return row["expires_at"] <= self.world.clock.wall()

    def _expect_connection(self, account_id: str, id: str) -> None:
        connection = self.world.directory.connection(id)
        if connection is None or connection.account_id != account_id or not connection.username:
            raise rejected("10017", "There is no such credential connection.", pointer="/connection_id")

    async def _expect_room(self, account_id: str, tag: str) -> None:
        found = await self.world.store.find(Find("credentials", account_id, (Where("tag", "eq", tag),), limit=1))
        if found.total >= MAX_PER_TAG:
            raise rejected("10033", f"A tag holds at most {MAX_PER_TAG} credentials.", pointer="/tag")


def letters(chance: Chance, length: int) -> str:
    """Letters and digits that cannot be guessed."""
    found = ""
    while len(found) < length:
        found += "".join(filter(str.isalnum, chance.token(length)))
    return found[:length]


def _expect_order(jitter_buffer: Document) -> None:
    if jitter_buffer["jitterbuffer_msec_min"] > jitter_buffer["jitterbuffer_msec_max"]:
        raise rejected(
            "10033", "jitterbuffer_msec_min must not exceed jitterbuffer_msec_max.",
            pointer="/jitter_buffer/jitterbuffer_msec_min",
        )  # fmt: skip
