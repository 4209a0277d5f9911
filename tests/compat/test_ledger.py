"""Category: compatibility. Every field of the official types is honoured, or stands in the ledger with its reason."""

import tomllib
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from telnyx.types import (
    call_control_application_create_params,
    call_control_application_list_params,
    call_control_application_update_params,
    call_event_list_params,
    connection_list_params,
    credential_connection_create_params,
    credential_connection_list_params,
    credential_connection_update_params,
    detail_record_list_params,
    fqdn_connection_create_params,
    fqdn_connection_list_params,
    fqdn_connection_update_params,
    fqdn_create_params,
    fqdn_list_params,
    fqdn_update_params,
    ip_connection_create_params,
    ip_connection_list_params,
    ip_connection_update_params,
    ip_create_params,
    ip_list_params,
    ip_update_params,
    media_list_params,
    media_update_params,
    media_upload_params,
    mobile_push_credential_create_params,
    mobile_push_credential_list_params,
    outbound_voice_profile_create_params,
    outbound_voice_profile_list_params,
    outbound_voice_profile_update_params,
    phone_number_list_params,
    phone_number_update_params,
    queue_create_params,
    queue_list_params,
    queue_update_params,
    recording_list_params,
    telephony_credential_create_params,
    telephony_credential_list_params,
    telephony_credential_update_params,
    texml_application_create_params,
    texml_application_list_params,
    texml_application_update_params,
    uac_connection_create_params,
    uac_connection_list_params,
    uac_connection_update_params,
    webhook_delivery_list_params,
)
from telnyx.types.phone_numbers import voice_list_params, voice_update_params
from telnyx.types.queues import call_list_params
from typing_extensions import get_type_hints, is_typeddict

from offhook.voice.resources.call_control_application import CALL_CONTROL_APPLICATIONS
from offhook.voice.resources.call_event import CALL_EVENTS
from offhook.voice.resources.connection import CONNECTIONS
from offhook.voice.resources.credential_connection import CREDENTIAL_CONNECTIONS
from offhook.voice.resources.detail_record import DETAIL_RECORDS
from offhook.voice.resources.field import Field
from offhook.voice.resources.gateway import FQDNS, IPS
from offhook.voice.resources.media_file import MEDIA_FILES
from offhook.voice.resources.mobile_push_credential import MOBILE_PUSH_CREDENTIALS
from offhook.voice.resources.outbound_voice_profile import OUTBOUND_VOICE_PROFILES
from offhook.voice.resources.phone_number import NUMBER_VOICE, PHONE_NUMBERS
from offhook.voice.resources.queue import QUEUE_CALLS, QUEUES
from offhook.voice.resources.recording import RECORDINGS
from offhook.voice.resources.resource import Resource
from offhook.voice.resources.telephony_credential import TELEPHONY_CREDENTIALS
from offhook.voice.resources.texml_application import TEXML_APPLICATIONS
from offhook.voice.resources.trunk_connection import FQDN_CONNECTIONS, IP_CONNECTIONS, UAC_CONNECTIONS
from offhook.voice.resources.webhook_delivery import WEBHOOK_DELIVERIES

LEDGER = tomllib.loads((Path(__file__).parent / "ledger.toml").read_text())


class PushCredential(
    mobile_push_credential_create_params.CreateMobilePushCredentialRequestIos,
    mobile_push_credential_create_params.CreateMobilePushCredentialRequestAndroid,
):
    """What either kind of phone asks for: the official type is a choice of two."""

    type: typing.Literal["ios", "android"]


BODIES: dict[str, tuple[Resource, dict[str, Any]]] = {
    "credential_connections": (
        CREDENTIAL_CONNECTIONS,
        {
            "create": credential_connection_create_params.CredentialConnectionCreateParams,
            "update": credential_connection_update_params.CredentialConnectionUpdateParams,
        },
    ),
    "telephony_credentials": (
        TELEPHONY_CREDENTIALS,
        {
            "create": telephony_credential_create_params.TelephonyCredentialCreateParams,
            "update": telephony_credential_update_params.TelephonyCredentialUpdateParams,
        },
    ),
    "media": (
        MEDIA_FILES,
        {"create": media_upload_params.MediaUploadParams, "update": media_update_params.MediaUpdateParams},
    ),
    "phone_numbers": (PHONE_NUMBERS, {"update": phone_number_update_params.PhoneNumberUpdateParams}),
    "number_voice": (NUMBER_VOICE, {"update": voice_update_params.VoiceUpdateParams}),
    "queues": (
        QUEUES,
        {"create": queue_create_params.QueueCreateParams, "update": queue_update_params.QueueUpdateParams},
    ),
    "outbound_voice_profiles": (
        OUTBOUND_VOICE_PROFILES,
        {
            "create": outbound_voice_profile_create_params.OutboundVoiceProfileCreateParams,
            "update": outbound_voice_profile_update_params.OutboundVoiceProfileUpdateParams,
        },
    ),
    "call_control_applications": (
        CALL_CONTROL_APPLICATIONS,
        {
            "create": call_control_application_create_params.CallControlApplicationCreateParams,
            "update": call_control_application_update_params.CallControlApplicationUpdateParams,
        },
    ),
    "texml_applications": (
        TEXML_APPLICATIONS,
        {
            "create": texml_application_create_params.TexmlApplicationCreateParams,
            "update": texml_application_update_params.TexmlApplicationUpdateParams,
        },
    ),
    "ip_connections": (
        IP_CONNECTIONS,
        {
            "create": ip_connection_create_params.IPConnectionCreateParams,
            "update": ip_connection_update_params.IPConnectionUpdateParams,
        },
    ),
    "ips": (IPS, {"create": ip_create_params.IPCreateParams, "update": ip_update_params.IPUpdateParams}),
    "fqdn_connections": (
        FQDN_CONNECTIONS,
        {
            "create": fqdn_connection_create_params.FqdnConnectionCreateParams,
            "update": fqdn_connection_update_params.FqdnConnectionUpdateParams,
        },
    ),
    "fqdns": (FQDNS, {"create": fqdn_create_params.FqdnCreateParams, "update": fqdn_update_params.FqdnUpdateParams}),
    "uac_connections": (
        UAC_CONNECTIONS,
        {
            "create": uac_connection_create_params.UacConnectionCreateParams,
            "update": uac_connection_update_params.UacConnectionUpdateParams,
        },
    ),
    "mobile_push_credentials": (
        MOBILE_PUSH_CREDENTIALS,
        {"create": PushCredential},
    ),
}
# Kept whole, but no part of the two patterns.
SECOND_TIER = (
    "media", "mobile_push_credentials", "ip_connections", "ips", "fqdn_connections", "fqdns", "uac_connections"
)  # fmt: skip
LISTS: list[tuple[Resource, Any]] = [
    (MEDIA_FILES, media_list_params.MediaListParams),
    (CREDENTIAL_CONNECTIONS, credential_connection_list_params.CredentialConnectionListParams),
    (IP_CONNECTIONS, ip_connection_list_params.IPConnectionListParams),
    (IPS, ip_list_params.IPListParams),
    (FQDN_CONNECTIONS, fqdn_connection_list_params.FqdnConnectionListParams),
    (FQDNS, fqdn_list_params.FqdnListParams),
    (UAC_CONNECTIONS, uac_connection_list_params.UacConnectionListParams),
    (CONNECTIONS, connection_list_params.ConnectionListParams),
    (TELEPHONY_CREDENTIALS, telephony_credential_list_params.TelephonyCredentialListParams),
    (PHONE_NUMBERS, phone_number_list_params.PhoneNumberListParams),
    (NUMBER_VOICE, voice_list_params.VoiceListParams),
    (OUTBOUND_VOICE_PROFILES, outbound_voice_profile_list_params.OutboundVoiceProfileListParams),
    (CALL_CONTROL_APPLICATIONS, call_control_application_list_params.CallControlApplicationListParams),
    (TEXML_APPLICATIONS, texml_application_list_params.TexmlApplicationListParams),
    (CALL_EVENTS, call_event_list_params.CallEventListParams),
    (WEBHOOK_DELIVERIES, webhook_delivery_list_params.WebhookDeliveryListParams),
    (MOBILE_PUSH_CREDENTIALS, mobile_push_credential_list_params.MobilePushCredentialListParams),
    (DETAIL_RECORDS, detail_record_list_params.DetailRecordListParams),
    (QUEUES, queue_list_params.QueueListParams),
    (RECORDINGS, recording_list_params.RecordingListParams),
    (QUEUE_CALLS, call_list_params.CallListParams),
]


def hints(kind: Any) -> dict[str, Any]:
    """The fields of an official type by their names on the wire."""
    found = get_type_hints(kind, include_extras=True)
    return {_alias(hint) or name: _bare(hint) for name, hint in found.items()}


def _alias(hint: Any) -> str | None:
    if str(typing.get_origin(hint)).endswith("Required"):
        hint = typing.get_args(hint)[0]
    return next((part.alias for part in getattr(hint, "__metadata__", ()) if getattr(part, "alias", None)), None)


def _bare(hint: Any) -> Any:
    """Without Required, Annotated and Optional."""
    while typing.get_origin(hint) is not None and str(typing.get_origin(hint)).endswith(("Required", "Annotated")):
        hint = typing.get_args(hint)[0]
    if hasattr(hint, "__metadata__"):
        hint = hint.__origin__
    parts = [part for part in typing.get_args(hint) if part is not type(None)]
    return _bare(parts[0]) if type(None) in typing.get_args(hint) and len(parts) == 1 else hint


def leaves(kind: Any, at: str = "") -> Iterator[tuple[str, Any]]:
    """Every field of an official type by its path."""
    for name, hint in hints(kind).items():
        if is_typeddict(hint):
            yield from leaves(hint, f"{at}{name}.")
        else:
            yield f"{at}{name}", hint


def fields(resource: Resource, when: str) -> dict[str, Field]:
    """Every field of ours that a body may have, by its path."""

    def walk(found: tuple[Field, ...], at: str) -> Iterator[tuple[str, Field]]:
        for field in found:
            if field.read_only or when not in field.lives_in:
                continue
            if field.kind == "group":
                yield from walk(field.fields, f"{at}{field.name}.")
            else:
                yield f"{at}{field.name}", field

    return dict(walk(resource.fields, ""))


def literals(hint: Any) -> set[str]:
    if typing.get_origin(hint) is typing.Literal:
        return set(typing.get_args(hint))
    return set()


@pytest.mark.parametrize("name", BODIES)
def test_bodies_have_exactly_the_official_fields(name: str) -> None:
    resource, kinds = BODIES[name]
    for when, kind in kinds.items():
        official, ours = dict(leaves(kind)), fields(resource, when)
        assert official.keys() == ours.keys(), when
        for path, hint in official.items():
            assert literals(hint) <= set(ours[path].choices) or not literals(hint), path


@pytest.mark.parametrize("name", BODIES)
def test_every_field_is_in_the_ledger_once(name: str) -> None:
    resource, kinds = BODIES[name]
    entries = LEDGER[name]
    reasons = entries.get("ignored", {}) | entries.get("later", {}) | entries.get("refused", {})
    places = [*entries["honoured"], *reasons]
    assert sorted(places) == sorted({path for kind in kinds.values() for path, _ in leaves(kind)})
    assert all(len(reason) > 12 for reason in reasons.values())
    refused = {path for when in kinds for path, field in fields(resource, when).items() if field.only}
    # `webhook_api_version` is ignored as a whole; one of its values goes with what is refused.
    told = set(entries.get("refused", {}))
    assert told <= refused - {"webhook_api_version"} <= told | set(entries.get("later", {}))


def test_the_ledger_has_no_other_resources() -> None:
    assert LEDGER.keys() - {"commands"} == BODIES.keys()


@pytest.mark.parametrize(("resource", "kind"), LISTS, ids=lambda value: getattr(value, "path", ""))
def test_lists_take_every_official_filter_sort_and_page(resource: Resource, kind: Any) -> None:
    official = hints(kind)
    filters = {filter.name: filter for filter in resource.filters}
    for name, hint in hints(official["filter"]).items() if "filter" in official else ():
        assert name in filters, name
        if is_typeddict(hint):
            assert set(hints(hint)) <= set(filters[name].operators), name
        if filters[name].choices:
            assert literals(hint) <= set(filters[name].choices), name
    sorts = {name for name, _ in resource.sorts}
    assert {word.removeprefix("-") for word in literals(official.get("sort"))} <= sorts
    assert official.keys() <= {"filter", "sort", "page[number]", "page[size]", *resource.generic}


def test_nearly_all_fields_of_the_first_tier_have_their_effect() -> None:
    """Of what the two patterns use, a tenth at most is ignored or refused; what SIP legs and TeXML bring is not
    counted at all."""
    tables = [LEDGER[name] for name in BODIES if name not in SECOND_TIER] + first_tier_commands()
    ignored = sum(len(entry.get("ignored", ())) for entry in tables)
    refused = sum(len(entry.get("refused", {}).keys() - set(entry["honoured"])) for entry in tables)
    honoured = sum(len(entry["honoured"]) for entry in tables)
    assert 10 * (ignored + refused) <= honoured + ignored + refused


def first_tier_commands() -> list[dict[str, Any]]:
    """Their tables, found by the last word of the operation's path."""
    operations = (Path(__file__).parent / "operations.txt").read_text().splitlines()
    paths = [path for tier, method, path in (line.split() for line in operations if line[0] == "1") if method != "GET"]
    actions = {(path.split("/")[1], path.split("/")[-1]) for path in paths if "/actions/" in path}
    names = [name if noun == "calls" else f"{noun}/{name}" for noun, name in actions]
    return [LEDGER["commands"][name] for name in ("dial", "conferences/create", *names) if name != "token"]
