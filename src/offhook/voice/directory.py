"""What dialling and logging in look up, as cards and questions. Answered from memory; nothing here waits or decides."""

from typing import Literal, Protocol

import msgspec

from offhook.voice.binding import Binding, Encryption
from offhook.voice.callbacks import Callbacks
from offhook.voice.numbering import NumberFormat
from offhook.voice.terms import Recorded, Suppressed

Preference = Literal["disabled", "internal", "unrestricted"]
DnisFormat = Literal["+e164", "e164", "national", "sip_username"]


class ConnectionCard(msgspec.Struct, frozen=True):
    """What dialling and logging in need to know of a connection. `called` is what a call to one of its numbers does: it
    rings who is registered, is parked for the application, or goes to the trunk. `callbacks` are those of the calls
    that it parks, where these follow documents. One whose `reach` is outside is no customer's: it stands for the
    telephone network."""

    id: str
    account_id: str
    name: str
    username: str
    active: bool = True
    sip_uri_calling_preference: Preference = "disabled"
    dnis_number_format: DnisFormat = "e164"
    ani_number_format: NumberFormat = "E.164-national"
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
    parks: bool = False
    first_command_timeout_secs: int | None = None
    suppress: Suppressed | None = None
    encryption: Encryption = "none"
    android_push_id: str | None = None
    ios_push_id: str | None = None
    called: Literal["rings", "parks", "trunk"] = "rings"
    callbacks: Callbacks | None = None
    reach: Literal["here", "outside"] = "here"


class CredentialCard(msgspec.Struct, frozen=True):
    """What dialling and logging in need to know of a telephony credential; `expires_at` is Unix seconds."""

    id: str
    account_id: str
    connection_id: str
    username: str
    expires_at: float | None = None


class Forwarding(msgspec.Struct, frozen=True):
    """Where calls to a number go in its owner's name: all of them, or those that its connection does not take. `to` is
    a number in +E.164 or a SIP URI."""

    to: str
    when: Literal["always", "on-failure"]


class NumberCard(msgspec.Struct, frozen=True):
    """What dialling needs to know of a phone number: `number` is +E.164, unique on the platform.

    `does` is what the phone at a scripted number does, in words; empty for a customer's number. `translated` is what a
    callee is shown in its place; empty for itself. `record` is how calls to it are recorded.
    """

    id: str
    account_id: str
    number: str
    connection_id: str | None = None
    does: str = ""
    translated: str = ""
    record: Recorded | None = None
    billing_group: str = ""
    forwarding: Forwarding | None = None


class ProfileCard(msgspec.Struct, frozen=True):
    """What dialling needs to know of an outbound voice profile.

    Destinations are ISO 3166 alpha-2 codes; `max_micros_per_minute` is the dearest rate it allows, `daily_spend_micros`
    what may be spent in a day (UTC). Calls are made in its `hours` only, from one to before the other in minutes of the
    day (UTC). `record` is how they are recorded, of the callers `record_callers` where it names any (+E.164).
    """

    id: str
    account_id: str
    name: str
    enabled: bool = True
    concurrent_call_limit: int | None = None
    whitelisted_destinations: tuple[str, ...] = ("US", "CA")
    max_micros_per_minute: int | None = None
    daily_spend_micros: int | None = None
    hours: tuple[int, int] | None = None
    record: Recorded | None = None
    record_callers: tuple[str, ...] = ()
    billing_group: str = ""


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
        """Legs that rang or ring clients of this connection."""
        ...

    def outbound(self, connection_id: str) -> int:
        """Legs that clients of this connection dialled, or commands in its name."""
        ...

    def through(self, profile_id: str) -> int:
        """Calls to phone numbers by connections with this outbound voice profile."""
        ...

    def calling(self, account_id: str, number: str) -> bool:
        """Whether the telephone network has brought this account a call from this number (+E.164), which goes on."""
        ...
