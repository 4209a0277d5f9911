"""Connections of trunks: a PBX that is known by its address or its name, or one at which we register."""

from typing import Any

import msgspec

from offhook.voice.resources import sip_connection as sip
from offhook.voice.resources.field import Field, choice, flag, group, reference, text, whole
from offhook.voice.resources.resource import Resource

_NAME = text("connection_name", required=True, low=1, high=256)
_HOST = r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?"
_SUBDOMAIN: tuple[Field, ...] = (
    choice("sip_region", ("US", "Europe", "Australia"), "US"),
    text("sip_subdomain", nullable=True, high=63, pattern="(?:[a-z0-9-]*)", expects="letters, digits and hyphens"),
    choice("sip_subdomain_receive_settings", ("only_my_connections", "from_anyone"), "from_anyone"),
)
_TECH_PREFIX = text("tech_prefix", nullable=True, pattern="(?:[0-9]{4})?", expects="four digits")


def _token(methods: tuple[str, ...], default: str) -> tuple[Field, ...]:
    return (
        choice("ip_authentication_method", methods, default),
        text(
            "ip_authentication_token", nullable=True, high=128, pattern="[A-Za-z0-9_-]*", expects="letters and digits"
        ),
    )


def _defaults(kind: str, **facts: Any) -> tuple[Field, ...]:
    """The order in which the addresses of a connection are tried."""
    names = (f"default_{rank}_{kind}_id" for rank in ("primary", "secondary", "tertiary"))
    return tuple(reference(name, nullable=True, **facts) for name in names)


IP_CONNECTIONS = Resource(
    path="ip_connections",
    title="IP connection",
    record_type="ip_connection",
    id_form="decimal",
    table="connections",
    fields=(
        sip.ID,
        sip.RECORD_TYPE,
        msgspec.structs.replace(_NAME, required=False, default="IP connection"),
        *sip.settings(
            group("inbound", *sip.INBOUND, *_SUBDOMAIN, *_defaults("ip", lives_in=("update",))),
            group(
                "outbound",
                *sip.OUTBOUND,
                *_token(("tech-prefixp-charge-info", "token"), "tech-prefixp-charge-info"),
                _TECH_PREFIX,
            ),
            ("1", "2"),
        ),
        sip.TRANSPORT,
    ),
    columns=sip.COLUMNS,
    filters=sip.FILTERS,
    sorts=sip.SORTS,
    page_size=250,
)

FQDN_CONNECTIONS = Resource(
    path="fqdn_connections",
    title="FQDN connection",
    record_type="fqdn_connection",
    id_form="decimal",
    table="connections",
    fields=(
        sip.ID,
        sip.RECORD_TYPE,
        _NAME,
        *sip.settings(
            group("inbound", *sip.INBOUND, *_SUBDOMAIN, *_defaults("fqdn")),
            group(
                "outbound",
                *sip.OUTBOUND,
                *_token(("credential-authentication", "ip-authentication"), "ip-authentication"),
                _TECH_PREFIX,
                choice("encrypted_media", ("SRTP",), None, nullable=True),
                whole("timeout_1xx_secs", 1, 120, 3),
                whole("timeout_2xx_secs", 1, 600, 90),
            ),
            ("1", "2"),
        ),
        flag(
            "microsoft_teams_sbc",
            only=(False,),
            because="there is no domain of ours that Teams knows",
            lives_in=("create",),
        ),
        sip.TRANSPORT,
    ),
    columns=sip.COLUMNS,
    filters=sip.FILTERS,
    sorts=sip.SORTS,
    page_size=250,
)

_EXTERNAL = group(
    "external_uac_settings",
    text("auth_username", nullable=True, high=128),
    whole("expiration_sec", 60, 7200, 600, nullable=True),
    text("from_user", nullable=True, high=128, pattern="[A-Za-z0-9_+.-]*", expects="letters and digits"),
    text("outbound_proxy", nullable=True, pattern=f"(?:{_HOST})?", expects="a host, with a port or without"),
    text("password", default="", high=128),
    text("proxy", default="", pattern=f"(?:{_HOST})?", expects="a host, with a port or without"),
    choice("transport", ("UDP", "TLS", "TCP"), "UDP", nullable=True),
    text("user_agent", nullable=True, high=128, pattern=r"[\x20-\x7e]*", expects="printable ASCII"),
    text("username", default="", high=128, pattern="(?:[A-Za-z0-9][A-Za-z0-9_-]*)?", expects="letters and digits"),
)
UAC_CONNECTIONS = Resource(
    path="uac_connections",
    title="UAC connection",
    record_type="uac_connection",
    id_form="decimal",
    table="connections",
    fields=(
        sip.ID,
        sip.RECORD_TYPE,
        _NAME,
        sip.USER_NAME,
        sip.PASSWORD,
        sip.PREFERENCE,
        *(
            field
            for field in sip.settings(
                group("inbound", *sip.INBOUND, sip.SIMULTANEOUS, _SUBDOMAIN[0]),
                group("outbound", *sip.OUTBOUND),
            )
            if field.name != "conversation_persistence"
        ),
        _EXTERNAL,
        group(
            "internal_uac_settings",
            text(
                "destination_uri",
                default="",
                high=256,
                pattern=r"(?:\+?[A-Za-z0-9_-]+@[A-Za-z0-9.-]+)?",
                expects="a user at a domain, without sip:",
            ),
        ),
    ),
    columns=(*sip.COLUMNS, ("user_name", "user_name")),
    filters=sip.FILTERS,
    sorts=sip.SORTS,
    page_size=250,
)

TRUNK_CONNECTIONS = (IP_CONNECTIONS, FQDN_CONNECTIONS, UAC_CONNECTIONS)
