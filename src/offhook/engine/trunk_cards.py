"""Rows of connections, addresses and carriers to cards of trunks. Knows no SQL and no SIP but its URIs."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from offhook.engine.pstn import ACCOUNT as PSTN
from offhook.engine.store import Row
from offhook.engine.vault import Vault
from offhook.voice.binding import Encryption
from offhook.voice.resources.carrier import CARRIERS
from offhook.voice.resources.field import completed
from offhook.voice.trunk import Gateway, GatewayTransport, Registration, TrunkCard, username_of
from offhook.wire.sip_grammar import Malformed
from offhook.wire.sip_uri import SipUri, parse_uri

_TRANSPORTS: dict[str, GatewayTransport] = {"udp": "UDP", "tcp": "TCP", "tls": "TLS"}
_ENCRYPTIONS: dict[str | None, Encryption] = {None: "none", "SRTP": "srtp", "DTLS": "dtls"}
_RANKS = ("primary", "secondary", "tertiary")


def gateway_of(uri: str) -> Gateway | None:
    """The gateway that a SIP URI names; None where it names none, or more than that."""
    try:
        found = parse_uri(uri if uri.lower().startswith(("sip:", "sips:")) else f"sip:{uri}")
    except Malformed:
        return None
    if not isinstance(found, SipUri) or found.user is not None or found.headers:
        return None
    transport = found.param("transport")
    if transport is not None and transport.lower() not in _TRANSPORTS:
        return None
    return Gateway(found.host, found.port, "TLS" if found.scheme == "sips" else _TRANSPORTS.get(transport or ""))


def external_place(row: Row) -> str:
    """Where the vault keeps the password with which we register."""
    return f"uac:{row['id']}"


def connection_trunk(row: Row, settings: dict[str, Any], addresses: Sequence[Row], vault: Vault) -> TrunkCard | None:
    """The trunk of a connection of some kind, None where it is none; `addresses` are those of this connection."""
    if not row["active"]:
        return None
    if row["kind"] == "uac_connection":
        return _registering(row, settings, vault)
    if row["kind"] not in ("ip_connection", "fqdn_connection"):
        return None
    inbound, outbound = settings["inbound"], settings["outbound"]
    part: Literal["ip", "fqdn"] = "ip" if row["kind"] == "ip_connection" else "fqdn"
    chosen: list[str | None] = [inbound[f"default_{rank}_{part}_id"] for rank in _RANKS]
    preferred = tuple(filter(None, chosen))
    ordered = sorted(addresses, key=lambda it: (_rank(preferred, it["id"]), it["created_at"], it["id"]))
    hosts = tuple(dict.fromkeys(it["host"] for it in ordered))
    return TrunkCard(
        id=row["id"],
        kind="connection",
        account_id=row["account_id"],
        username=username_of(row["id"]),
        gateways=tuple(Gateway(it["host"], it["port"], settings["transport_protocol"]) for it in ordered),
        sources=hosts if part == "ip" else (),
        hosts=hosts if part == "fqdn" else (),
        tech_prefix=outbound["tech_prefix"] or "",
        number_format=_number_format(inbound["dnis_number_format"]),
        encryption=_ENCRYPTIONS[settings["encrypted_media"]],
        codecs=tuple(inbound["codecs"]),
        preferred=preferred,
        routing=inbound["default_routing_method"] or "sequential",
    )


def carrier_trunk(row: Row, vault: Vault) -> TrunkCard | None:
    """The trunk of a carrier, None where it is not active."""
    settings = completed(CARRIERS.fields, msgspec.json.decode(row["settings"]))
    if not row["active"]:
        return None
    gateways = tuple(filter(None, map(gateway_of, settings["gateways"])))
    registers = settings["register"] and gateways
    address = f"{settings['username']}@{gateways[0].host}" if registers else ""
    return TrunkCard(
        id=row["id"],
        kind="carrier",
        account_id=PSTN,
        username=username_of(row["id"]),
        name=row["name"],
        gateways=gateways,
        sources=tuple(settings["sources"]),
        hosts=tuple(it.host for it in gateways),
        tech_prefix=settings["tech_prefix"],
        number_format=settings["dnis_number_format"],
        login=settings["username"],
        password=vault.unseal(row["password"], f"carriers:{row['id']}") if row["password"] else "",
        registration=Registration(address, settings["register_seconds"]) if registers else None,
        encryption=_ENCRYPTIONS[settings["encrypted_media"]],
        codecs=tuple(settings["codecs"]),
        prefixes=tuple(settings["prefixes"]),
        priority=settings["priority"],
        emergency="carried" if settings["emergency"] else "refused",
    )


def _registering(row: Row, settings: dict[str, Any], vault: Vault) -> TrunkCard | None:
    """The trunk of a connection at whose peer we register; None while nobody has said where that is."""
    external = settings["external_uac_settings"]
    peer = gateway_of(external["proxy"]) if external["proxy"] and external["username"] else None
    if peer is None:
        return None
    transport: GatewayTransport = external["transport"] or "UDP"
    way = gateway_of(external["outbound_proxy"]) if external["outbound_proxy"] else None
    gateway = way or peer
    return TrunkCard(
        id=row["id"],
        kind="connection",
        account_id=row["account_id"],
        username=username_of(row["id"]),
        gateways=(Gateway(gateway.host, gateway.port, transport),),
        hosts=tuple(dict.fromkeys((gateway.host, peer.host))),
        number_format=_number_format(settings["inbound"]["dnis_number_format"]),
        login=external["auth_username"] or external["username"],
        password=vault.unseal(bytes.fromhex(external["password"]), external_place(row)),
        registration=Registration(f"{external['username']}@{peer.host}", external["expiration_sec"] or 600),
        encryption=_ENCRYPTIONS[settings["encrypted_media"]],
        codecs=tuple(settings["inbound"]["codecs"]),
        from_user=external["from_user"] or "",
        agent=external["user_agent"] or "",
        destination=settings["internal_uac_settings"]["destination_uri"],
    )


def _rank(preferred: Sequence[str], id: str) -> int:
    return preferred.index(id) if id in preferred else len(preferred)


def _number_format(dnis: str) -> Any:
    """A trunk has no username that rings: where a client's would be shown, it is shown the number."""
    return "+e164" if dnis == "sip_username" else dnis
