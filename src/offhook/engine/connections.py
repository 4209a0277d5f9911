"""Keeps what every kind of connection has in common, applications, and the list of all kinds."""

from collections.abc import Sequence
from typing import ClassVar

import msgspec

from offhook.engine.resources import Document, Keeper
from offhook.engine.store import Change, Find, Row, Where, Write
from offhook.voice.resources.call_control_application import CALL_CONTROL_APPLICATIONS
from offhook.voice.resources.connection import CONNECTIONS, KINDS, SHOWN
from offhook.voice.resources.field import completed
from offhook.voice.resources.problem import rejected
from offhook.voice.resources.resource import Chosen, Resource
from offhook.voice.resources.texml_application import TEXML_APPLICATIONS


class ConnectionKeeper(Keeper):
    """The rows of one kind."""

    def always(self) -> Sequence[Where]:
        return (Where("kind", "eq", self.resource.record_type),)

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        self._expect_profile(row["account_id"], document["outbound"]["outbound_voice_profile_id"])
        for kind in ("android", "ios"):
            await self._expect_push(row["account_id"], kind, document.get(f"{kind}_push_credential_id"))
        row["kind"] = self.resource.record_type
        self.store_document(row, document)
        renamed = before is not None and before["connection_name"] != row["connection_name"]
        return self._renamed_numbers(row) if renamed else ()

    async def dropping(self, row: Row) -> Sequence[Write]:
        if self.world.directory.numbers_of(row["id"]):
            raise rejected("10021", "Phone numbers are assigned to this connection.")
        return ()

    def _expect_profile(self, account_id: str, id: str | None) -> None:
        profile = self.world.directory.profile(id) if id else None
        if id and (profile is None or profile.account_id != account_id):
            raise rejected(
                "10017", "There is no such outbound voice profile.", pointer="/outbound/outbound_voice_profile_id"
            )

    async def _expect_push(self, account_id: str, kind: str, id: str | None) -> None:
        """A connection names push credentials of its own account, each of its kind."""
        if id is None:
            return
        where = (Where("id", "eq", id), Where("type", "eq", kind))
        if not (await self.world.store.find(Find("push_credentials", account_id, where, limit=1))).rows:
            raise rejected(
                "10017", f"There is no such push credential for {kind}.", pointer=f"/{kind}_push_credential_id"
            )

    def _renamed_numbers(self, row: Row) -> list[Write]:
        numbers = self.world.directory.numbers_of(row["id"])
        return [
            Change("numbers", number.account_id, number.id, {"connection_name": row["connection_name"]})
            for number in numbers
        ]


class Applications(ConnectionKeeper):
    """Connections that nobody logs in with."""

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        row |= {"user_name": None, "password": None}
        return await super().filling(row, document, before)


class CallControlApplications(Applications):
    """Applications of webhooks and commands."""

    resource: ClassVar[Resource] = CALL_CONTROL_APPLICATIONS


class TexmlApplications(Applications):
    """Applications of TeXML documents."""

    resource: ClassVar[Resource] = TEXML_APPLICATIONS

    def conditions(self, chosen: Chosen) -> Sequence[Where]:
        if chosen.filter.name != "friendly_name":
            return super().conditions(chosen)
        # Written like a comparison, documented as a search.
        return (Where("connection_name", "contains", chosen.value),)


class Connections(Keeper):
    """Connections of every kind, read only."""

    resource = CONNECTIONS

    def document(self, row: Row) -> Document:
        return completed(KINDS[row["kind"]].fields, msgspec.json.decode(row["settings"]))

    def shown(self, row: Row) -> Document:
        found = super().shown(row) | {
            "record_type": row["kind"],
            "connection_name": row["connection_name"],
            "outbound_voice_profile_id": row["outbound_voice_profile_id"],
        }
        return {field.name: found.get(field.name) for field in SHOWN}
