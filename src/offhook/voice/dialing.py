"""Destination text in, decision out: which bindings ring, or why nobody does. No I/O, no clock, no media.

The rules are the table of "Dialling a registered client" and the settings of the connections on both sides.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from offhook.voice.binding import Binding
from offhook.voice.cause import Ending

Preference = Literal["disabled", "internal", "unrestricted"]
DnisFormat = Literal["+e164", "e164", "national", "sip_username"]
AniFormat = Literal["+E.164", "E.164", "+E.164-national", "E.164-national"]
Ringback = Literal["instant", "on_ringing", "none"]


class ConnectionCard(msgspec.Struct, frozen=True):
    """What dialling and logging in need to know of a credential connection."""

    id: str
    account_id: str
    name: str
    username: str
    active: bool = True
    sip_uri_calling_preference: Preference = "disabled"
    dnis_number_format: DnisFormat = "e164"
    ani_number_format: AniFormat = "E.164-national"
    simultaneous_ringing: bool = False
    inbound_channel_limit: int | None = None
    outbound_channel_limit: int | None = None
    timeout_1xx_secs: int = 3
    timeout_2xx_secs: int = 90
    inbound_ringback: bool = False
    outbound_ringback: bool = False
    instant_ringback: bool = True
    ani_override: str = ""
    ani_override_type: Literal["always", "normal", "emergency"] = "always"
    localization: str = "US"
    profile_id: str | None = None


class CredentialCard(msgspec.Struct, frozen=True):
    """What dialling and logging in need to know of a telephony credential; `expires_at` is Unix seconds."""

    id: str
    account_id: str
    connection_id: str
    username: str
    expires_at: float | None = None


class NumberCard(msgspec.Struct, frozen=True):
    """What dialling needs to know of a phone number: `number` is +E.164, unique on the platform."""

    id: str
    account_id: str
    number: str
    connection_id: str | None = None


class ProfileCard(msgspec.Struct, frozen=True):
    """What dialling needs to know of an outbound voice profile. Destinations are ISO 3166 alpha-2 codes."""

    id: str
    account_id: str
    name: str
    enabled: bool = True
    concurrent_call_limit: int | None = None
    whitelisted_destinations: tuple[str, ...] = ()


class Directory(Protocol):
    """Look-ups in memory; none of them waits."""

    def connection(self, id: str) -> ConnectionCard | None: ...
    def connection_of_username(self, username: str) -> ConnectionCard | None: ...
    def credential_of_username(self, username: str) -> CredentialCard | None: ...
    def number(self, e164: str) -> NumberCard | None: ...
    def profile(self, id: str) -> ProfileCard | None: ...


class Registered(Protocol):
    """The live bindings; `voice.binding.Bindings` is one."""

    def of_username(self, username: str) -> tuple[Binding, ...]: ...


class Traffic(Protocol):
    """How many live legs count against a limit right now, the new call not included."""

    def inbound(self, connection_id: str) -> int:
        """Legs that the platform rang or rings on this connection."""
        ...

    def outbound(self, connection_id: str) -> int:
        """Legs that clients of this connection dialled."""
        ...

    def through(self, profile_id: str) -> int:
        """Calls to phone numbers by connections with this outbound voice profile."""
        ...


class SipDomains(msgspec.Struct, frozen=True):
    """The domains in which a SIP URI is ours. `name` is the one we tell people; all are lower case."""

    name: str = "sip.telnyx.com"
    aliases: tuple[str, ...] = ()


class Dialled(msgspec.Struct, frozen=True):
    """Who dials what, at `now` (Unix seconds). `connection_id` None is a stranger who proved nothing."""

    destination: str
    now: float
    account_id: str | None = None
    connection_id: str | None = None
    caller_number: str = ""


class Ring(msgspec.Struct, frozen=True):
    """These bindings ring at once (one, unless `simultaneous_ringing`).

    `caller_number` is what the callee is shown, `number` the dialled phone number (None for a SIP URI).
    `unheard_seconds` is how long the far end may take to ring, `ring_seconds` how long to answer.
    """

    account_id: str
    connection_id: str
    username: str
    bindings: tuple[Binding, ...]
    reason: str
    number: str | None
    caller_number: str
    ringback: Ringback
    unheard_seconds: int
    ring_seconds: int


class Refuse(msgspec.Struct, frozen=True):
    """Nobody rings. `ending` is for the caller, its `detail` names the setting; `reason` is for `explain`."""

    ending: Ending
    reason: str


Decision = Ring | Refuse


class Dialplan:
    """The rules, given what they look things up in. `decide` changes nothing."""

    __slots__ = ("_directory", "_domains", "_registered", "_traffic")

    def __init__(self, directory: Directory, registered: Registered, traffic: Traffic, domains: SipDomains) -> None:
        self._directory = directory
        self._registered = registered
        self._traffic = traffic
        self._domains = domains

    def decide(self, call: Dialled) -> Decision:
        """Who rings for this call. Never raises, whatever the destination is."""
        raise NotImplementedError


def domains(name: str, aliases: Sequence[str] | None = None) -> SipDomains:
    """The configured domain with its aliases; None takes the hosted product's names."""
    raise NotImplementedError
