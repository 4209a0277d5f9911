"""Keeps phone numbers, their voice settings, and outbound voice profiles."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from offhook.engine.resources import NOTHING, Document, Keeper
from offhook.engine.store import Add, Row, Where, Write
from offhook.voice import emergency, numbering
from offhook.voice.dialing import names_emergency
from offhook.voice.resources.field import completed, defaults
from offhook.voice.resources.moment import format_moment
from offhook.voice.resources.outbound_voice_profile import OUTBOUND_VOICE_PROFILES
from offhook.voice.resources.phone_number import NUMBER_VOICE, PHONE_NUMBERS
from offhook.voice.resources.problem import rejected
from offhook.voice.resources.resource import Chosen, Resource

_SETTINGS = "number"
_VOICE = "voice"
_NO_EMERGENCY_CALLING: Document = {
    "emergency_address_id": None,
    "emergency_enabled": False,
    "emergency_status": "disabled",
}


class NumberRows(Keeper):
    """What the two views of a number's row share: a document of its own in `settings`, and most filters."""

    part: str

    def document(self, row: Row) -> Document:
        return completed(self.resource.fields, msgspec.json.decode(row["settings"])[self.part])

    def other(self, row: Row, view: Resource, part: str) -> Document:
        """The document of the other view."""
        return completed(view.fields, msgspec.json.decode(row["settings"])[part])

    def store_document(self, row: Row, document: Document) -> None:
        settings = msgspec.json.decode(row["settings"]) | {self.part: document}
        super().store_document(row, document)
        row["settings"] = msgspec.json.encode(settings).decode()

    def conditions(self, chosen: Chosen) -> Sequence[Where]:
        match chosen.filter.name:
            case "phone_number":
                return (Where("phone_number", "contains", chosen.value) if chosen.value.isdecimal() else NOTHING,)
            case "tag":
                return (Where("tags", "contains", msgspec.json.encode(chosen.value).decode()),)
            case "without_tags":
                return (Where("tags", "eq", "[]"),) if chosen.value == "true" else ()
            case "source":
                return (NOTHING,) if chosen.value == "ported" else ()
            case "emergency_address_id":
                return () if chosen.value is None else (NOTHING,)
            case _:
                return super().conditions(chosen)


class PhoneNumbers(NumberRows):
    """Phone numbers. There is no `create` in the API: the platform's owner adds them."""

    resource = PHONE_NUMBERS
    part = _SETTINGS

    async def add(self, account_id: str, phone_number: str, settings: Mapping[str, Any] | None = None) -> Document:
        """A new number of an account, for the platform's owner; `settings` as in an update."""
        if not numbering.E164.fullmatch(phone_number):
            raise rejected("10016", "phone_number must be in +E.164 format.", pointer="/phone_number")
        country = numbering.country_of(phone_number)
        if country is None:
            raise rejected("10016", "no country has this calling code", pointer="/phone_number")
        self._expect_valid(settings or {}, "update")
        voice = defaults(NUMBER_VOICE.fields)
        row = self._new_row(account_id, self.world.clock.wall()) | {
            "phone_number": phone_number,
            "country_iso_alpha2": country,
            "phone_number_type": "local",
            "status": "active",
            "usage_payment_method": voice["usage_payment_method"],
            "settings": msgspec.json.encode({_VOICE: voice, _SETTINGS: {}}).decode(),
        }
        await self.filling(row, defaults(self.resource.fields) | dict(settings or {}))
        await self._write(Add("numbers", row))
        return self.shown(row)

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:  # noqa: ARG002
        document["connection_id"] = document["connection_id"] or None
        row["connection_name"] = self._name_of(row["account_id"], document["connection_id"])
        row["tags"] = msgspec.json.encode(document["tags"]).decode()
        self.store_document(row, document)
        return ()

    def shown(self, row: Row) -> Document:
        voice = self.other(row, NUMBER_VOICE, _VOICE)
        forwarding = voice["call_forwarding"]
        document = super().shown(row)
        document.pop("address_id")
        return (
            document
            | _NO_EMERGENCY_CALLING
            | {
                "activated_at": format_moment(row["created_at"]),
                "call_forwarding_enabled": forwarding["call_forwarding_enabled"],
                "call_recording_enabled": voice["call_recording"]["inbound_call_recording_enabled"],
                "caller_id_name_enabled": voice["caller_id_name_enabled"],
                "cnam_listing_enabled": voice["cnam_listing"]["cnam_listing_enabled"],
                "connection_name": row["connection_name"],
                "country_iso_alpha2": row["country_iso_alpha2"],
                "deletion_lock_enabled": False,
                "inbound_call_screening": voice["inbound_call_screening"],
                "messaging_campaign_id": None,
                "messaging_profile_id": None,
                "messaging_profile_name": None,
                "phone_number": row["phone_number"],
                "phone_number_type": row["phone_number_type"],
                "purchased_at": format_moment(row["created_at"]),
                "source_type": "number_order",
                "status": row["status"],
                "t38_fax_gateway_enabled": voice["media_features"]["t38_fax_gateway_enabled"],
            }
        )

    def _name_of(self, account_id: str, connection_id: str | None) -> str | None:
        if connection_id is None:
            return None
        connection = self.world.directory.connection(connection_id)
        if connection is None or connection.account_id != account_id:
            raise rejected("10017", "There is no such connection.", pointer="/connection_id")
        return connection.name


class NumberVoice(NumberRows):
    """The voice settings of phone numbers."""

    resource = NUMBER_VOICE
    part = _VOICE

    async def filling(self, row: Row, document: Document, before: Row | None = None) -> Sequence[Write]:
        if names_emergency(document["call_forwarding"]["forwards_to"] or ""):
            raise rejected(emergency.CODE, emergency.DETAIL, pointer="/call_forwarding/forwards_to")
        return await super().filling(row, document, before)

    def shown(self, row: Row) -> Document:
        number = self.other(row, PHONE_NUMBERS, _SETTINGS)
        document = self.document(row) | {
            "id": row["id"],
            "record_type": self.resource.record_type,
            "connection_id": row["connection_id"],
            "customer_reference": number["customer_reference"],
            "emergency": _NO_EMERGENCY_CALLING,
            "phone_number": row["phone_number"],
        }
        del document["caller_id_name_enabled"]
        return document


class OutboundVoiceProfiles(Keeper):
    """What calls to phone numbers may be made."""

    resource = OUTBOUND_VOICE_PROFILES

    async def dropping(self, row: Row) -> Sequence[Write]:
        if self.world.directory.connections_with(row["id"]):
            raise rejected("10021", "Connections use this outbound voice profile.")
        return ()

    def shown(self, row: Row) -> Document:
        return super().shown(row) | {"connections_count": len(self.world.directory.connections_with(row["id"]))}
