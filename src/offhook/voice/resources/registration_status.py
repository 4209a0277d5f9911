"""The answer of `check_registration_status`: who is registered under a connection's own username. No I/O."""

from typing import Any

from offhook.voice.binding import Bindings
from offhook.voice.resources.field import moment, shown, text, whole
from offhook.voice.resources.moment import format_moment

REGISTRATION = shown(
    text("record_type"),
    text("sip_username"),
    text("status"),
    text("ip_address", nullable=True),
    whole("port", 0, 65535, nullable=True),
    text("transport", nullable=True),
    text("user_agent", nullable=True),
    moment("last_registration", nullable=True),
)


def registration_status(bindings: Bindings, username: str) -> dict[str, Any]:
    """The latest login of the username, or the last one that left; nulls where nobody ever came."""
    live = bindings.of_username(username)
    shown = live[0] if live else bindings.last_of(username)
    status = "Registered" if live else "Unregistered" if shown else "Not Registered"
    return {
        "record_type": "registration_status",
        "sip_username": username,
        "status": status,
        "ip_address": shown.address if shown else None,
        "port": shown.port if shown else None,
        "transport": shown.transport if shown else None,
        "user_agent": shown.user_agent if shown else None,
        "last_registration": format_moment(shown.registered_at) if shown else None,
    }
