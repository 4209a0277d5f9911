"""Identities and numbers in memory, so that logging in and dialling never wait for SQL. Knows rows, decides nothing.

It is filled once and then told of every committed write (`Store.watch`); nothing else changes it.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from offhook.engine.store import Add, Change, Drop, Forget, Put, Row, Store, Table, Write
from offhook.engine.trunk_cards import carrier_trunk, connection_trunk
from offhook.engine.vault import Vault
from offhook.voice.callbacks import Callbacks, Page, status_urls
from offhook.voice.delivery import DEFAULT_SECONDS, Application, Target
from offhook.voice.directory import ConnectionCard, CredentialCard, Forwarding, NumberCard, ProfileCard
from offhook.voice.rating import MICROS
from offhook.voice.resources.call_control_application import CALL_CONTROL_APPLICATIONS
from offhook.voice.resources.connection import KINDS
from offhook.voice.resources.field import completed
from offhook.voice.resources.outbound_voice_profile import OUTBOUND_VOICE_PROFILES
from offhook.voice.resources.phone_number import NUMBER_VOICE
from offhook.voice.resources.texml_application import TEXML_APPLICATIONS
from offhook.voice.resources.trunk_connection import TRUNK_CONNECTIONS
from offhook.voice.terms import Recorded, Suppressed
from offhook.voice.trunk import TrunkCard, username_of

_TRUNK_KINDS = frozenset(resource.record_type for resource in TRUNK_CONNECTIONS)
_OF_TRUNKS: frozenset[Table] = frozenset({"connections", "gateways", "carriers"})


class Secret(msgspec.Struct, frozen=True):
    """What a password login under a username is compared with, and whose it is. `sealed` is the password itself, for
    digests, as the vault keeps it at `place`."""

    username: str
    print: bytes
    connection_id: str
    credential_id: str | None
    sealed: bytes
    place: str


class _Indexed:
    """Rows of one table by id and by one unique column, each row turned into what is looked up."""

    __slots__ = ("_by_key", "_key", "_make", "_rows", "cards")

    def __init__(self, key: str, make: Callable[[Row], Any]) -> None:
        self._key = key
        self._make = make
        self._rows: dict[str, Row] = {}
        self._by_key: dict[Any, str] = {}
        self.cards: dict[str, Any] = {}

    def put(self, row: Row) -> None:
        self.drop(row["id"])
        self._rows[row["id"]] = row
        if row[self._key] is not None:
            self._by_key[row[self._key]] = row["id"]
        self.cards[row["id"]] = self._make(row)

    def change(self, id: str, values: Row) -> None:
        self.put(self._rows[id] | values)

    def drop(self, id: str) -> None:
        row = self._rows.pop(id, None)
        if row is not None:
            self._by_key.pop(row[self._key], None)
            del self.cards[id]

    def rows(self) -> Iterable[Row]:
        """Every row there is."""
        return self._rows.values()

    def find(self, key: Any) -> Any:
        """The card whose row has that key; None where there is none."""
        return self.cards.get(self._by_key.get(key, ""))


class MemoryDirectory:
    """Implements `voice.directory.Directory`, and what authentication looks up."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._keys = _Indexed("digest", _key_owner)
        self._connections = _Indexed("user_name", self._connection)
        self._credentials = _Indexed("sip_username", self._credential)
        self._tokens = _Indexed("id", _token_state)
        self._numbers = _Indexed("phone_number", _number)
        self._profiles = _Indexed("id", _profile)
        self._gateways = _Indexed("id", _itself)
        self._carriers = _Indexed("id", lambda row: (row["account_id"], carrier_trunk(row, vault)))
        self._trunks: dict[str, TrunkCard] | None = None
        # Called after a change to what trunks are made of.
        self.trunks_changed: list[Callable[[], None]] = []
        self._tables: dict[Table, _Indexed] = {
            "api_keys": self._keys,
            "connections": self._connections,
            "credentials": self._credentials,
            "tokens": self._tokens,
            "numbers": self._numbers,
            "profiles": self._profiles,
            "gateways": self._gateways,
            "carriers": self._carriers,
        }

    async def follow(self, store: Store) -> None:
        """Take over what is stored, then keep up with it. WrongKey where its secrets cannot be opened."""
        for name, table in self._tables.items():
            for row in await store.load(name):
                table.put(row)
        store.watch(self.wrote)

    def wrote(self, writes: Sequence[Write]) -> None:
        """A transaction was committed."""
        for write in writes:
            table = self._tables.get(write.table)
            if table is None:
                continue
            match write:
                case Add(row=row) | Put(row=row):
                    table.put(row)
                case Change(id=id, values=values):
                    table.change(id, values)
                case Drop(id=id):
                    table.drop(id)
                case Forget():
                    raise AssertionError(f"{write.table} are in memory and cannot be forgotten by a condition")
        if any(write.table in _OF_TRUNKS for write in writes):
            self._trunks = None
            for changed in self.trunks_changed:
                changed()

    # ---- voice.directory.Directory ---------------------------------------------------------------------------

    def connection(self, id: str) -> ConnectionCard | None:
        """The connection of that id, whoever's it is."""
        found = self._connections.cards.get(id)
        return found[0] if found else None

    def application(self, id: str) -> Application:
        """What an event says of this connection, and where it goes; an empty one where it was deleted meanwhile."""
        found = self._connections.cards.get(id)
        return found[2] if found else Application()

    def connection_of_username(self, username: str) -> ConnectionCard | None:
        """The connection that has exactly this username of its own."""
        found = self._connections.find(username)
        return found[0] if found else None

    def credential_of_username(self, username: str) -> CredentialCard | None:
        """The telephony credential with exactly this generated username."""
        found = self._credentials.find(username)
        return found[0] if found else None

    def number(self, e164: str) -> NumberCard | None:
        """The phone number, if the platform has it."""
        return self._numbers.find(e164)

    def profile(self, id: str) -> ProfileCard | None:
        """The outbound voice profile of that id, whoever's it is."""
        return self._profiles.cards.get(id)

    # ---- authentication --------------------------------------------------------------------------------------

    def secret(self, username: str) -> Secret | None:
        """What a password under this username must match; None where there is no such username."""
        found = self._connections.find(username) or self._credentials.find(username)
        return found[1] if found else None

    def credential(self, id: str) -> CredentialCard | None:
        """The telephony credential of that id, whoever's it is."""
        found = self._credentials.cards.get(id)
        return found[0] if found else None

    def credentials_of(self, connection_id: str) -> list[CredentialCard]:
        """All telephony credentials under a connection."""
        return [card for card, _ in self._credentials.cards.values() if card.connection_id == connection_id]

    def numbers_of(self, connection_id: str) -> list[NumberCard]:
        """All phone numbers assigned to a connection."""
        return [card for card in self._numbers.cards.values() if card.connection_id == connection_id]

    def numbers_in(self, account_id: str) -> list[NumberCard]:
        """All phone numbers of an account, in order."""
        found = [card for card in self._numbers.cards.values() if card.account_id == account_id]
        return sorted(found, key=lambda card: card.number)

    def connections_with(self, profile_id: str) -> list[ConnectionCard]:
        """All connections that use an outbound voice profile."""
        return [card for card, *_ in self._connections.cards.values() if card.profile_id == profile_id]

    def connections_waking_with(self, push_credential_id: str) -> list[ConnectionCard]:
        """All connections whose apps are woken with a push credential."""
        cards: list[ConnectionCard] = [card for card, *_ in self._connections.cards.values()]
        return [card for card in cards if push_credential_id in (card.android_push_id, card.ios_push_id)]

    def token_is_live(self, token_id: str) -> bool:
        """Whether a token of that id was minted here and not revoked since."""
        return self._tokens.cards.get(token_id, False)

    def account_of_key(self, digest: str) -> str | None:
        """Whose API key has this digest; None for one that was never given out, or was revoked."""
        return self._keys.find(digest)

    # ---- voice.trunk.Trunks ----------------------------------------------------------------------------------

    def trunk(self, id: str) -> TrunkCard | None:
        """The trunk of a connection, or the carrier, of that id; None where it is none, or not active."""
        return self._all_trunks().get(id)

    def trunks(self) -> tuple[TrunkCard, ...]:
        """All that are active."""
        return tuple(self._all_trunks().values())

    def _all_trunks(self) -> dict[str, TrunkCard]:
        if self._trunks is None:
            carriers = (card for _, card in self._carriers.cards.values())
            self._trunks = {card.id: card for card in (*self._connection_trunks(), *carriers) if card is not None}
        return self._trunks

    def _connection_trunks(self) -> Iterator[TrunkCard | None]:
        addresses: dict[str, list[Row]] = {}
        for row in self._gateways.cards.values():
            addresses.setdefault(row["connection_id"], []).append(row)
        for row in self._connections.rows():
            if row["kind"] in _TRUNK_KINDS:
                settings = completed(KINDS[row["kind"]].fields, msgspec.json.decode(row["settings"]))
                yield connection_trunk(row, settings, addresses.get(row["id"], ()), self._vault)

    # ---- rows to cards ---------------------------------------------------------------------------------------

    def _connection(self, row: Row) -> "tuple[ConnectionCard, Secret | None, Application]":
        resource = KINDS[row["kind"]]
        settings = completed(resource.fields, msgspec.json.decode(row["settings"]))
        application = Application(
            name=row["connection_name"],
            profile_id=row["outbound_voice_profile_id"],
            target=_target(settings),
            tells_costs=settings["call_cost_in_webhooks"],
        )
        card = _card(row, settings)
        if row["user_name"] is None:
            return card, None, application
        return card, self._secret("connections", row, row["user_name"], row["id"], None), application

    def _credential(self, row: Row) -> tuple[CredentialCard, Secret]:
        expires_at = None if row["expires_at"] == math.inf else row["expires_at"]
        card = CredentialCard(row["id"], row["account_id"], row["connection_id"], row["sip_username"], expires_at)
        return card, self._secret("credentials", row, card.username, card.connection_id, card.id)

    def _secret(self, table: str, row: Row, username: str, connection_id: str, credential_id: str | None) -> Secret:
        place = f"{table}:{row['id']}"
        password = self._vault.unseal(row["password"], place)
        return Secret(username, self._vault.print_of(password), connection_id, credential_id, row["password"], place)


def _card(row: Row, settings: dict[str, Any]) -> ConnectionCard:
    if KINDS[row["kind"]] in (CALL_CONTROL_APPLICATIONS, TEXML_APPLICATIONS):
        return _application_card(row, settings)
    card = _sip_card(row, settings)
    if row["kind"] not in _TRUNK_KINDS:
        return card
    return msgspec.structs.replace(card, username=username_of(row["id"]), called="trunk")


def _sip_card(row: Row, settings: dict[str, Any]) -> ConnectionCard:
    inbound, outbound = settings["inbound"], settings["outbound"]
    return ConnectionCard(
        id=row["id"],
        account_id=row["account_id"],
        name=row["connection_name"],
        username=row["user_name"] or "",
        active=row["active"],
        sip_uri_calling_preference=settings.get("sip_uri_calling_preference", "disabled"),
        dnis_number_format=inbound["dnis_number_format"],
        ani_number_format=inbound["ani_number_format"],
        simultaneous_ringing=inbound.get("simultaneous_ringing") == "enabled",
        inbound_channel_limit=inbound["channel_limit"],
        outbound_channel_limit=outbound["channel_limit"],
        timeout_1xx_secs=inbound["timeout_1xx_secs"],
        timeout_2xx_secs=inbound["timeout_2xx_secs"],
        inbound_ringback=inbound["generate_ringback_tone"],
        outbound_ringback=outbound["generate_ringback_tone"],
        instant_ringback=outbound["instant_ringback_enabled"],
        ani_override=outbound["ani_override"],
        ani_override_type=outbound["ani_override_type"],
        localization=outbound["localization"],
        profile_id=row["outbound_voice_profile_id"],
        parks=bool(outbound["call_parking_enabled"]),
        android_push_id=settings["android_push_credential_id"],
        ios_push_id=settings["ios_push_credential_id"],
        suppress=_suppressed(settings),
        encryption="srtp" if settings.get("encrypted_media") == "SRTP" else "none",
        callbacks=_callbacks(settings),
    )


def _application_card(row: Row, settings: dict[str, Any]) -> ConnectionCard:
    """An application has no username: nobody logs in with it, and nothing rings there."""
    return ConnectionCard(
        id=row["id"],
        account_id=row["account_id"],
        name=row["connection_name"],
        username="",
        active=row["active"],
        inbound_channel_limit=settings["inbound"]["channel_limit"],
        outbound_channel_limit=settings["outbound"]["channel_limit"],
        profile_id=row["outbound_voice_profile_id"],
        first_command_timeout_secs=_first_command(settings),
        called="parks",
        callbacks=_callbacks(settings),
    )


def _first_command(settings: dict[str, Any]) -> int | None:
    """How long a leg waits for its first command, where that is limited."""
    return settings["first_command_timeout_secs"] if settings["first_command_timeout"] else None


def _callbacks(settings: dict[str, Any]) -> Callbacks | None:
    """Which document the calls follow that a connection parks, if they follow one, and who is told of it."""
    if "voice_url" in settings:
        url, method = settings["status_callback"] or "", _method(settings["status_callback_method"])
        page = Page(settings["voice_url"], _method(settings["voice_method"]), settings["voice_fallback_url"] or "")
        return Callbacks(page, status_urls(url, method, ("initiated", "ringing", "answered", "completed")))
    if settings.get("webhook_api_version") != "texml":
        return None
    return Callbacks(Page(settings["webhook_event_url"] or "", "POST", settings["webhook_event_failover_url"] or ""))


def _method(word: str) -> Literal["GET", "POST"]:
    return "GET" if word.upper() == "GET" else "POST"


def _target(settings: dict[str, Any]) -> Target:
    """Where webhooks go; what follows documents has URLs of another kind."""
    if settings.get("webhook_api_version", "texml") == "texml":
        return Target()
    return Target(
        settings.get("webhook_event_url") or "",
        settings.get("webhook_event_failover_url") or "",
        settings.get("webhook_api_version", "2"),
        settings.get("webhook_timeout_secs") or DEFAULT_SECONDS,
    )


def _itself(row: Row) -> Row:
    return row


def _key_owner(row: Row) -> str | None:
    return None if row.get("revoked_at") is not None else row["account_id"]


def _token_state(row: Row) -> bool:
    return row.get("revoked_at") is None


def _number(row: Row) -> NumberCard:
    voice = completed(NUMBER_VOICE.fields, msgspec.json.decode(row["settings"])["voice"])
    kept = voice["call_recording"]
    return NumberCard(
        row["id"],
        row["account_id"],
        row["phone_number"],
        row["connection_id"],
        translated=voice["translated_number"],
        record=_recorded(kept, "inbound_call_recording") if kept["inbound_call_recording_enabled"] else None,
        billing_group=row["billing_group_id"] or "",
        forwarding=_forwarding(voice["call_forwarding"]),
    )


def _forwarding(settings: dict[str, Any]) -> Forwarding | None:
    """Where calls go, if they are forwarded at all; without a type all are."""
    if not settings["call_forwarding_enabled"] or not settings["forwards_to"]:
        return None
    return Forwarding(settings["forwards_to"], settings["forwarding_type"] or "always")


def _daily_spend(settings: dict[str, Any]) -> int | None:
    """The limit where there is one and it is enabled."""
    amount = settings["daily_spend_limit"]
    return int(Decimal(amount) * MICROS) if amount and settings["daily_spend_limit_enabled"] else None


def _profile(row: Row) -> ProfileCard:
    settings = completed(OUTBOUND_VOICE_PROFILES.fields, msgspec.json.decode(row["settings"]))
    kept = settings["call_recording"]
    by_caller = kept["call_recording_type"] == "by_caller_phone_number"
    rate = settings["max_destination_rate"]
    return ProfileCard(
        id=row["id"],
        account_id=row["account_id"],
        name=row["name"],
        enabled=row["enabled"],
        concurrent_call_limit=settings["concurrent_call_limit"],
        whitelisted_destinations=tuple(settings["whitelisted_destinations"]),
        max_micros_per_minute=None if rate is None else round(rate * MICROS),
        daily_spend_micros=_daily_spend(settings),
        hours=_hours(settings["calling_window"]),
        record=None if kept["call_recording_type"] == "none" else _recorded(kept, "call_recording"),
        record_callers=tuple(kept["call_recording_caller_phone_numbers"] if by_caller else ()),
        billing_group=settings["billing_group_id"] or "",
    )


def _recorded(settings: dict[str, Any], prefix: str) -> Recorded:
    return Recorded(settings[f"{prefix}_channels"], settings[f"{prefix}_format"])


def _suppressed(settings: dict[str, Any]) -> Suppressed | None:
    """How much noise is taken away is a matter of the engines that have such a limit; theirs by default is none."""
    direction, details = settings["noise_suppression"], settings["noise_suppression_details"]
    limit = None if details["engine"] == "denoiser" else details["attenuation_limit"]
    return None if direction == "disabled" else Suppressed(direction, limit or None)


def _hours(window: dict[str, Any]) -> tuple[int, int] | None:
    """When calls may be made, in minutes of the day."""
    start, end = window["start_time"], window["end_time"]
    return None if start is None or end is None else (_minute(start), _minute(end))


def _minute(time: str) -> int:
    hours, minutes = time.split(":")
    return int(hours) * 60 + int(minutes)
