"""Credential connections: a SIP identity with a username and password of its own, and how its calls behave."""

import msgspec

from offhook.voice.resources import sip_connection as sip
from offhook.voice.resources.field import group, text
from offhook.voice.resources.resource import Resource

CREDENTIAL_CONNECTIONS = Resource(
    path="credential_connections",
    title="credential connection",
    record_type="credential_connection",
    id_form="decimal",
    table="connections",
    fields=(
        sip.ID,
        sip.RECORD_TYPE,
        text("connection_name", required=True, low=1, high=256),
        msgspec.structs.replace(sip.USER_NAME, required=True),
        msgspec.structs.replace(sip.PASSWORD, required=True),
        sip.PREFERENCE,
        *sip.settings(group("inbound", *sip.INBOUND, sip.SIMULTANEOUS), group("outbound", *sip.OUTBOUND)),
    ),
    columns=(*sip.COLUMNS, ("user_name", "user_name")),
    filters=sip.FILTERS,
    sorts=sip.SORTS,
    page_size=250,
)
