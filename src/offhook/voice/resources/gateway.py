"""Addresses of trunks: IPs of IP connections and FQDNs of FQDN connections, in one table."""

from offhook.voice.resources.field import choice, moment, reference, text, whole
from offhook.voice.resources.resource import Filter, Resource

_STAMPS = (moment("created_at", read_only=True), moment("updated_at", read_only=True))

IPS = Resource(
    path="ips",
    title="IP",
    record_type="ip",
    id_form="decimal",
    table="gateways",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        text("ip_address", required=True, high=45),
        reference("connection_id", nullable=True),
        whole("port", 1, 65_535, 5060),
        *_STAMPS,
    ),
    columns=(("ip_address", "host"), ("connection_id", "connection_id"), ("port", "port")),
    filters=(
        Filter("connection_id", "connection_id"),
        Filter("ip_address", "host"),
        Filter("port", "port", reads="whole"),
    ),
)

FQDNS = Resource(
    path="fqdns",
    title="FQDN",
    record_type="fqdn",
    id_form="decimal",
    table="gateways",
    fields=(
        text("id", read_only=True),
        text("record_type", read_only=True),
        reference("connection_id", required=True),
        choice("dns_record_type", ("a", "srv"), None, required=True),
        text(
            "fqdn",
            required=True,
            high=253,
            pattern=r"(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?",
            expects="a fully qualified domain name",
        ),
        whole("port", 1, 65_535, nullable=True),
        *_STAMPS,
    ),
    columns=(
        ("fqdn", "host"),
        ("connection_id", "connection_id"),
        ("port", "port"),
        ("dns_record_type", "dns_record_type"),
    ),
    filters=(
        Filter("connection_id", "connection_id"),
        Filter("fqdn", "host"),
        Filter("port", "port", reads="whole"),
        Filter("dns_record_type", "dns_record_type"),
    ),
)
