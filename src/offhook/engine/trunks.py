"""Keeps connections of trunks, their addresses, and the owner's carriers."""

import ipaddress
from collections.abc import Sequence
from typing import ClassVar

from offhook.engine.connections import ConnectionKeeper
from offhook.engine.identities import CredentialConnections, letters
from offhook.engine.resources import Document, Keeper
from offhook.engine.store import Drop, Find, Row, Where, Write
from offhook.engine.trunk_cards import external_place, gateway_of
from offhook.voice.resources.carrier import CARRIERS
from offhook.voice.resources.gateway import FQDNS, IPS
from offhook.voice.resources.problem import rejected
from offhook.voice.resources.resource import Resource
from offhook.voice.resources.trunk_connection import FQDN_CONNECTIONS, IP_CONNECTIONS, UAC_CONNECTIONS

_RANKS = ("primary", "secondary", "tertiary")
_UAC_NAME, _UAC_PASSWORD = 24, 32


class TrunkConnections(ConnectionKeeper):
    """What connections without a username of their own share. `part` is how their addresses are called."""

    part: ClassVar[str]

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        row |= {"user_name": None, "password": None}
        _expect_tls(document, document["transport_protocol"])
        for rank in _RANKS:
            name = f"default_{rank}_{self.part}_id"
            await self._expect_address(row, name, document["inbound"][name])
        return await super().filling(row, document, before)

    async def dropping(self, row: Row) -> Sequence[Write]:
        await super().dropping(row)
        where = (Where("connection_id", "eq", row["id"]),)
        found = await self.world.store.find(Find("gateways", row["account_id"], where))
        return [Drop("gateways", row["account_id"], each["id"]) for each in found.rows]

    async def _expect_address(self, row: Row, name: str, id: str | None) -> None:
        if id is None:
            return
        where = (Where("id", "eq", id), Where("connection_id", "eq", row["id"]))
        if not (await self.world.store.find(Find("gateways", row["account_id"], where, limit=1))).rows:
            raise rejected("10017", "This connection has no such address.", pointer=f"/inbound/{name}")


class IpConnections(TrunkConnections):
    """A PBX that is known by its IP addresses."""

    resource: ClassVar[Resource] = IP_CONNECTIONS
    part = "ip"


class FqdnConnections(TrunkConnections):
    """A PBX that is known by its names."""

    resource: ClassVar[Resource] = FQDN_CONNECTIONS
    part = "fqdn"


class UacConnections(CredentialConnections):
    """A PBX or provider at which we register. Its own username is made up where nobody chose one."""

    resource = UAC_CONNECTIONS

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        external = document["external_uac_settings"]
        _expect_tls(document, external["transport"])
        if document["user_name"] is None:
            document["user_name"] = "uac" + letters(self.world.chance, _UAC_NAME)
        if before is None and document["password"] is None:
            document["password"] = letters(self.world.chance, _UAC_PASSWORD)
        secret = self.world.vault.seal(external["password"], external_place(row))
        document["external_uac_settings"] = external | {"password": secret.hex()}
        return await super().filling(row, document, before)

    def document(self, row: Row) -> Document:
        found = super().document(row)
        external = found["external_uac_settings"]
        password = self.world.vault.unseal(bytes.fromhex(external["password"]), external_place(row))
        return found | {"external_uac_settings": external | {"password": password}}


class Gateways(Keeper):
    """Addresses of one kind, each of a connection of one kind."""

    belongs_to: ClassVar[Resource]

    def always(self) -> Sequence[Where]:
        return (Where("kind", "eq", self.resource.record_type),)

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        row["kind"] = self.resource.record_type
        row.setdefault("dns_record_type", None)
        await self._expect_connection(row["account_id"], document["connection_id"])
        self.store_document(row, document)
        await self._expect_new(row)
        return await super().filling(row, document, before)

    async def dropping(self, row: Row) -> Sequence[Write]:
        """An address that its connection names is let go of by that first."""
        connection = self.world.directory.trunk(row["connection_id"] or "")
        if connection is not None and row["id"] in connection.preferred:
            raise rejected("10021", "The connection names this address as one of its defaults.")
        return ()

    async def _expect_connection(self, account_id: str, id: str | None) -> None:
        if id is None:
            return
        where = (Where("id", "eq", id), Where("kind", "eq", self.belongs_to.record_type))
        if not (await self.world.store.find(Find("connections", account_id, where, limit=1))).rows:
            raise rejected("10017", f"There is no such {self.belongs_to.title}.", pointer="/connection_id")

    async def _expect_new(self, row: Row) -> None:
        columns = ("connection_id", "host", "port")
        where = (*(Where(column, "eq", row[column]) for column in columns), Where("id", "ne", row["id"]))
        if (await self.world.store.find(Find("gateways", row["account_id"], where, limit=1))).rows:
            raise rejected("10012", f"The connection has this {self.resource.title} already.")


class Ips(Gateways):
    """Those of IP connections."""

    resource = IPS
    belongs_to: ClassVar[Resource] = IP_CONNECTIONS

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        document["ip_address"] = _address(document["ip_address"], "/ip_address")
        return await super().filling(row, document, before)


class Fqdns(Gateways):
    """Those of FQDN connections."""

    resource = FQDNS
    belongs_to: ClassVar[Resource] = FQDN_CONNECTIONS

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        if document["dns_record_type"] == "srv" and document["port"] is not None:
            raise rejected("10015", "A name with SRV records has no port of its own.", pointer="/port")
        if document["dns_record_type"] == "a":
            document["port"] = document["port"] or 5060
        return await super().filling(row, document, before)


class Carriers(Keeper):
    """The ways to the telephone network."""

    resource = CARRIERS

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        for index, uri in enumerate(document["gateways"]):
            if gateway_of(uri) is None:
                raise rejected("10015", "A gateway is a SIP URI without a user.", pointer=f"/gateways/{index}")
        document["sources"] = [_network(it, f"/sources/{index}") for index, it in enumerate(document["sources"])]
        if document["register"] and not (document["gateways"] and document["username"]):
            raise rejected("10004", "To register takes a gateway and a username.", pointer="/register")
        password = document.pop("password")
        row["password"] = self.world.vault.seal(password, f"carriers:{row['id']}") if password else None
        return await super().filling(row, document, before)

    def document(self, row: Row) -> Document:
        sealed = row["password"]
        password = self.world.vault.unseal(sealed, f"carriers:{row['id']}") if sealed else ""
        return super().document(row) | {"password": password}

    def shown(self, row: Row) -> Document:
        return super().shown(row) | {"password": "********" if row["password"] else ""}


def _expect_tls(document: Document, transport: str | None) -> None:
    """Keys of SDES travel in the signalling, which must hide them."""
    if document["encrypted_media"] and transport != "TLS":
        raise rejected("10027", "Media can be encrypted where the transport is TLS.", pointer="/encrypted_media")


def _address(text: str, pointer: str) -> str:
    """An address as it compares, of one host."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise rejected("10015", "This is no IP address.", pointer=pointer) from None
    if found.is_multicast or found.is_unspecified:
        raise rejected("10015", "No host has this IP address.", pointer=pointer)
    return str(found)


def _network(text: str, pointer: str) -> str:
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise rejected("10015", "This is neither an IP address nor a network.", pointer=pointer) from None
    return str(found)
