"""Category: compatibility. The official `telnyx` package, unmodified, manages every identity resource."""

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
import telnyx
from msgspec import structs
from telnyx import AsyncTelnyx, Telnyx

from offhook.engine.active import ActiveCall
from offhook.engine.ports import LoginRefused
from offhook.engine.store import Add
from offhook.voice.binding import Binding
from offhook.voice.directory import Forwarding

_numbers = itertools.count(1)


@pytest.fixture
def api(rest: Any) -> Iterator[Telnyx]:
    with Telnyx(api_key=rest.key, base_url=rest.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def other(rest: Any) -> Iterator[Telnyx]:
    with Telnyx(api_key=rest.other_key, base_url=rest.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def connection(api: Telnyx) -> Any:
    return new_connection(api)


def new_connection(api: Telnyx, **fields: Any) -> Any:
    number = next(_numbers)
    wanted = {"connection_name": f"Connection {number}", "user_name": f"user{number:05}", "password": "a long secret"}
    return api.credential_connections.create(**(wanted | fields)).data


def code_of(error: pytest.ExceptionInfo[Any]) -> tuple[int, str, str | None]:
    [problem] = error.value.body["errors"]
    assert problem["title"]
    assert problem["detail"]
    return error.value.status_code, problem["code"], problem.get("source", {}).get("pointer")


# ---- credential connections --------------------------------------------------------------------------------------


def test_a_connection_has_the_documented_defaults(connection: Any) -> None:
    assert len(connection.id) == 19
    assert connection.record_type == "credential_connection"
    assert connection.active is True
    assert connection.sip_uri_calling_preference == "disabled"
    assert connection.webhook_api_version == "1"
    assert connection.inbound.dnis_number_format == "e164"
    assert connection.inbound.ani_number_format == "E.164-national"
    assert connection.inbound.simultaneous_ringing == "disabled"
    assert (connection.inbound.timeout_1xx_secs, connection.inbound.timeout_2xx_secs) == (3, 90)
    assert connection.outbound.call_parking_enabled is False
    assert connection.outbound.instant_ringback_enabled is True
    assert connection.outbound.localization == "US"
    assert connection.password == "a long secret"
    assert connection.created_at.endswith("Z")


def test_a_connection_is_changed_field_by_field_and_deleted(api: Telnyx, connection: Any) -> None:
    changed = api.credential_connections.update(
        connection.id, connection_name="Renamed", inbound={"simultaneous_ringing": "enabled"}, tags=["a", "b"]
    ).data
    assert changed.connection_name == "Renamed"
    assert changed.inbound.simultaneous_ringing == "enabled"
    assert changed.inbound.timeout_2xx_secs == 90
    assert changed.tags == ["a", "b"]
    assert api.credential_connections.retrieve(connection.id).data == changed
    assert api.credential_connections.delete(connection.id).data.id == connection.id
    with pytest.raises(telnyx.NotFoundError) as error:
        api.credential_connections.retrieve(connection.id)
    assert code_of(error) == (404, "10005", None)


def test_lists_page_filter_and_sort(api: Telnyx) -> None:
    made = [new_connection(api, connection_name=f"Pager {letter}").id for letter in "cab"]
    found = api.credential_connections.list(
        filter={"connection_name": {"contains": "pager"}}, sort="connection_name", page_size=2
    )
    assert [each.connection_name for each in found] == ["Pager a", "Pager b", "Pager c"]
    assert (found.meta.total_pages, found.meta.total_results, found.meta.page_size) == (2, 3, 2)
    last = api.credential_connections.list(filter={"connection_name": {"contains": "Pager"}}, sort="-created_at")
    assert next(iter(last)).id == made[-1]
    assert list(api.credential_connections.list(filter={"fqdn": "sip.example.com"})) == []


async def test_the_async_client_does_the_same(rest: Any) -> None:
    async with AsyncTelnyx(api_key=rest.key, base_url=rest.base_url, max_retries=0) as client:
        made = await client.credential_connections.create(
            connection_name="Async pager", user_name="asyncuser1", password="a long secret"
        )
        listed = client.credential_connections.list(filter={"connection_name": {"contains": "async"}}, page_size=1)
        assert [each.id async for each in listed] == [made.data.id]
        with pytest.raises(telnyx.UnprocessableEntityError):
            await client.telephony_credentials.create(connection_id="1" * 19)


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"connection_name": ""}, "10033", "/connection_name"),
        ({"user_name": "abc"}, "10033", "/user_name"),
        ({"user_name": "has space"}, "10015", "/user_name"),
        ({"password": "short"}, "10033", "/password"),
        ({"active": "yes"}, "10026", "/active"),
        ({"sip_uri_calling_preference": "everybody"}, "10032", "/sip_uri_calling_preference"),
        ({"inbound": {"timeout_2xx_secs": 601}}, "10033", "/inbound/timeout_2xx_secs"),
        ({"inbound": {"dnis_number_format": "x"}}, "10032", "/inbound/dnis_number_format"),
        ({"inbound": {"codecs": ["OPUS", "MP3"]}}, "10032", "/inbound/codecs"),
        ({"inbound": "none"}, "10026", "/inbound"),
        ({"outbound": {"outbound_voice_profile_id": "1" * 19}}, "10017", "/outbound/outbound_voice_profile_id"),
        ({"jitter_buffer": {"jitterbuffer_msec_min": 300}}, "10033", "/jitter_buffer/jitterbuffer_msec_min"),
        ({"webhook_event_url": "not a url"}, "10015", "/webhook_event_url"),
        ({"webhook_timeout_secs": 31}, "10033", "/webhook_timeout_secs"),
        ({"tags": ["a", 1]}, "10026", "/tags"),
        ({"extra_body": {"colour": "red"}}, "10015", "/colour"),
    ],
)
def test_wrong_fields_are_named(api: Telnyx, fields: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises((telnyx.UnprocessableEntityError, telnyx.BadRequestError)) as error:
        new_connection(api, **fields)
    assert code_of(error)[1:] == (code, pointer)


def test_everything_missing_is_told_at_once(api: Telnyx) -> None:
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        api.post("/credential_connections", cast_to=object, body={})
    found = [(problem["code"], problem["source"]["pointer"]) for problem in error.value.body["errors"]]
    assert found == [("10004", "/connection_name"), ("10004", "/user_name"), ("10004", "/password")]


def test_a_user_name_belongs_to_one_connection_of_the_platform(api: Telnyx, other: Telnyx, connection: Any) -> None:
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        new_connection(other, user_name=connection.user_name)
    assert code_of(error)[1] == "10012"
    mine = new_connection(other)
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        other.credential_connections.update(mine.id, user_name=connection.user_name)
    assert code_of(error)[1] == "10012"


def test_another_accounts_things_do_not_exist(other: Telnyx, connection: Any) -> None:
    for attempt in (
        lambda: other.credential_connections.retrieve(connection.id),
        lambda: other.credential_connections.update(connection.id, connection_name="stolen"),
        lambda: other.credential_connections.delete(connection.id),
        lambda: other.credential_connections.actions.check_registration_status(connection.id),
        lambda: other.connections.list_active_calls(connection.id),
    ):
        with pytest.raises(telnyx.NotFoundError):
            attempt()
    assert connection.id not in [each.id for each in other.credential_connections.list()]


def test_registration_status(rest: Any, api: Telnyx, connection: Any) -> None:
    def status() -> Any:
        return api.credential_connections.actions.check_registration_status(connection.id).data

    assert status().status == "Not Registered"
    login = Binding("b1", rest.account, connection.id, connection.user_name, 1.0)
    rest.bindings.register(structs.replace(login, address="192.0.2.1", port=5, user_agent="x"))
    found = status()
    assert (found.status, found.ip_address, found.port, found.transport, found.user_agent) == (
        "Registered", "192.0.2.1", 5, "WSS", "x",
    )  # fmt: skip
    rest.bindings.unregister("b1")
    assert status().status == "Unregistered"


@pytest.mark.parametrize("change", [{"active": False}, {"password": "another secret"}, {"user_name": "newname1"}])
def test_changes_that_withdraw_an_identity_log_its_clients_off(rest: Any, api: Telnyx, change: Any) -> None:
    connection = new_connection(api)
    id = f"binding of {connection.id}"
    rest.bindings.register(Binding(id, rest.account, connection.id, connection.user_name, 1.0))
    api.credential_connections.update(connection.id, connection_name="harmless")
    assert id not in dict(rest.logged_off)
    api.credential_connections.update(connection.id, **change)
    assert id in dict(rest.logged_off)
    rest.bindings.unregister(id)


# ---- telephony credentials and tokens ----------------------------------------------------------------------------


def test_a_credential_and_its_token(rest: Any, api: Telnyx, connection: Any) -> None:
    made = api.telephony_credentials.create(connection_id=connection.id, name="Phone", tag="t").data
    assert made.resource_id == f"connection:{connection.id}"
    assert made.sip_username.startswith("gencred")
    assert made.expired is False
    assert made.expires_at is None
    assert made.record_type == "credential"
    token = api.telephony_credentials.create_token(made.id)
    header, claims, signature = token.split(".")
    assert signature
    assert decoded(header) == {"alg": "HS512", "typ": "JWT"}
    found = decoded(claims)
    assert found["aud"] == found["iss"] == "telnyx_telephony"
    assert (found["sub"], found["typ"], found["nbf"]) == (made.id, "access", found["iat"] - 1)
    assert found["exp"] == found["iat"] + 24 * 3600
    identity = rest.identities.logins.authenticate_token(token)
    assert (identity.username, identity.token_id) == (made.sip_username, found["jti"])
    assert rest.identities.logins.authenticate_password(made.sip_username, made.sip_password).credential_id == made.id


def test_a_token_is_minted_once_for_an_idempotency_key(api: Telnyx, connection: Any) -> None:
    made = api.telephony_credentials.create(connection_id=connection.id).data
    mint = api.telephony_credentials.create_token
    first = mint(made.id, idempotency_key="again")
    assert mint(made.id, idempotency_key="again") == first
    assert mint(made.id, idempotency_key="another") != first
    assert mint(made.id) != first


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def test_credentials_are_filtered(api: Telnyx, connection: Any) -> None:
    made = [
        api.telephony_credentials.create(connection_id=connection.id, name=f"f{n}", tag="blue").data for n in range(3)
    ]
    by = api.telephony_credentials.list
    assert len(list(by(filter={"resource_id": f"connection:{connection.id}"}, page_size=2))) == 3
    assert [each.id for each in by(filter={"name": "f1", "resource_id": f"connection:{connection.id}"})] == [made[1].id]
    assert [each.id for each in by(filter={"sip_username": made[2].sip_username})] == [made[2].id]
    assert {each.id for each in made} <= {each.id for each in by(filter={"tag": "blue", "status": "active"})}


def test_an_expired_credential_can_only_be_deleted(rest: Any, api: Telnyx, connection: Any) -> None:
    made = api.telephony_credentials.create(connection_id=connection.id, expires_at="2020-01-01T00:00:00Z").data
    assert made.expired is True
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        api.telephony_credentials.update(made.id, name="x")
    assert error.value.body == {"errors": {"status": "can't update credentials in expired status"}}
    with pytest.raises(telnyx.UnprocessableEntityError):
        api.telephony_credentials.create_token(made.id)
    with pytest.raises(LoginRefused):
        rest.identities.logins.authenticate_password(made.sip_username, made.sip_password)
    assert made.id in [each.id for each in api.telephony_credentials.list(filter={"status": "expired"})]
    assert api.telephony_credentials.delete(made.id).data.id == made.id


def test_a_token_ends_with_its_credential_its_day_or_its_revocation(rest: Any, api: Telnyx, connection: Any) -> None:
    made = api.telephony_credentials.create(connection_id=connection.id).data
    one, two = (api.telephony_credentials.create_token(made.id) for _ in range(2))
    jti = decoded(one.split(".")[1])["jti"]
    rest.bindings.register(Binding("tok", rest.account, connection.id, made.sip_username, 1.0, made.id, jti))
    rest.do(rest.identities.telephony_credentials.revoke, rest.account, jti)
    assert "tok" in dict(rest.logged_off)
    refused(rest, one)
    rest.identities.logins.authenticate_token(two)
    rest.clock.ahead = 24 * 3600.0
    refused(rest, two)
    rest.clock.ahead = 0.0
    api.telephony_credentials.delete(made.id)
    refused(rest, two)
    rest.bindings.unregister("tok")


def refused(rest: Any, token: str) -> None:
    with pytest.raises(LoginRefused):
        rest.identities.logins.authenticate_token(token)


def test_credentials_go_with_their_connection(rest: Any, api: Telnyx, connection: Any) -> None:
    made = api.telephony_credentials.create(connection_id=connection.id).data
    rest.bindings.register(Binding("gone", rest.account, connection.id, made.sip_username, 1.0, made.id))
    api.credential_connections.delete(connection.id)
    assert "gone" in dict(rest.logged_off)
    with pytest.raises(telnyx.NotFoundError):
        api.telephony_credentials.retrieve(made.id)
    rest.bindings.unregister("gone")


@pytest.mark.parametrize("id", ["1" * 19, "nonsense", "123"])
def test_a_credential_needs_a_connection_of_its_account(api: Telnyx, other: Telnyx, connection: Any, id: str) -> None:
    for client, wanted in ((api, id), (other, connection.id)):
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            client.telephony_credentials.create(connection_id=wanted)
        assert code_of(error)[1:] == ("10017", "/connection_id")


# ---- phone numbers -----------------------------------------------------------------------------------------------


@pytest.fixture
def number(rest: Any) -> Any:
    return rest.do(rest.identities.phone_numbers.add, rest.account, f"+1312555{next(_numbers):04}")


def test_a_number_is_added_by_the_owner_assigned_and_listed(rest: Any, api: Telnyx, connection: Any) -> None:
    import httpx

    answer = httpx.post(
        f"{rest.root}/_offhook/numbers",
        json={"phone_number": "+14165550199", "tags": ["x"]},
        headers={"Authorization": f"Bearer {rest.key}"},
    )
    assert answer.status_code == 201
    id = answer.json()["data"]["id"]
    assigned = api.phone_numbers.update(id, connection_id=connection.id, customer_reference="ref").data
    assert (assigned.connection_id, assigned.connection_name) == (connection.id, connection.connection_name)
    assert assigned.country_iso_alpha2 == "CA"
    assert assigned.status == "active"
    api.credential_connections.update(connection.id, connection_name="Newer name")
    assert api.phone_numbers.retrieve(id).data.connection_name == "Newer name"
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        api.credential_connections.delete(connection.id)
    assert code_of(error)[1] == "10021"
    assert api.phone_numbers.update(id, connection_id="").data.connection_id is None
    assert api.phone_numbers.delete(id).data.phone_number == "+14165550199"
    assert rest.identities.directory.number("+14165550199") is None


@pytest.mark.parametrize("wrong", ["4165550199", "+0123", "+1" + "5" * 1000, "911"])
def test_only_e164_becomes_a_number(rest: Any, wrong: str) -> None:
    import httpx

    headers = {"Authorization": f"Bearer {rest.key}"}
    answer = httpx.post(f"{rest.root}/_offhook/numbers", json={"phone_number": wrong}, headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "10016")


def test_numbers_are_filtered(api: Telnyx, number: Any, connection: Any) -> None:
    api.phone_numbers.update(number["id"], connection_id=connection.id, tags=["red"], customer_reference="ref 7")
    digits = number["phone_number"][1:]
    filters: list[dict[str, Any]] = [
        {"phone_number": digits},
        {"phone_number": "+" + digits},
        {"tag": "red", "phone_number": digits},
        {"status": "active", "phone_number": digits},
        {"country_iso_alpha2": ["US", "CA"], "phone_number": digits},
        {"connection_id": connection.id},
        {"voice_connection_name": {"starts_with": connection.connection_name}, "phone_number": digits},
        {"voice_usage_payment_method": "pay-per-minute", "phone_number": digits},
        {"number_type": {"eq": "local"}, "phone_number": digits},
        {"billing_group_id": "null", "phone_number": digits},
        {"emergency_address_id": "null", "phone_number": digits},
        {"customer_reference": "ref 7"},
        {"source": "purchased", "phone_number": digits},
    ]
    for each in filters:
        assert [found.id for found in api.phone_numbers.list(filter=each)] == [number["id"]], each
    nothing: list[dict[str, Any]] = [
        {"phone_number": "abc"}, {"tag": "blue"}, {"source": "ported"},
        {"without_tags": "true", "phone_number": digits},
    ]  # fmt: skip
    for each in nothing:
        assert list(api.phone_numbers.list(filter=each)) == [], each
    assert list(api.phone_numbers.list(sort="phone_number", handle_messaging_profile_error="true"))


def test_voice_settings_are_a_view_of_the_same_number(api: Telnyx, number: Any) -> None:
    changed = api.phone_numbers.voice.update(number["id"], cnam_listing={"cnam_listing_enabled": True}).data
    assert changed.cnam_listing.cnam_listing_enabled is True
    assert changed.usage_payment_method == "pay-per-minute"
    assert changed.media_features.rtp_auto_adjust_enabled is True
    assert api.phone_numbers.update(number["id"], tags=["kept"]).data.cnam_listing_enabled is True
    assert api.phone_numbers.voice.retrieve(number["id"]).data == changed
    listed = api.phone_numbers.voice.list(filter={"phone_number": number["phone_number"][1:]})
    assert [each.id for each in listed] == [number["id"]]


def test_a_number_sends_calls_on_as_it_was_told(rest: Any, api: Telnyx, number: Any) -> None:
    sent: list[tuple[dict[str, Any], Forwarding | None]] = [
        ({"forwards_to": "+13125550111"}, Forwarding("+13125550111", "always")),
        ({"forwarding_type": "on-failure"}, Forwarding("+13125550111", "on-failure")),
        ({"call_forwarding_enabled": False}, None),
        ({"call_forwarding_enabled": True, "forwards_to": "sip:bob@sip.telnyx.com"},
         Forwarding("sip:bob@sip.telnyx.com", "on-failure")),
        ({"forwards_to": ""}, None),
    ]  # fmt: skip
    for change, forwarding in sent:
        api.phone_numbers.voice.update(number["id"], call_forwarding=change)
        assert rest.identities.directory.number(number["phone_number"]).forwarding == forwarding
    for wrong in ("3125550111", "911", "sip:911@sip.telnyx.com"):
        with pytest.raises(telnyx.UnprocessableEntityError) as error:
            api.phone_numbers.voice.update(number["id"], call_forwarding={"forwards_to": wrong})
        assert code_of(error)[2] == "/call_forwarding/forwards_to", wrong


# ---- outbound voice profiles, connections, whoami ----------------------------------------------------------------


def test_a_profile_and_the_connections_that_use_it(rest: Any, api: Telnyx, connection: Any) -> None:
    made = api.outbound_voice_profiles.create(name="Outside", whitelisted_destinations=["US"]).data
    assert (made.traffic_type, made.service_plan, made.enabled, made.connections_count) == (
        "conversational", "global", True, 0,
    )  # fmt: skip
    api.credential_connections.update(connection.id, outbound={"outbound_voice_profile_id": made.id})
    assert api.outbound_voice_profiles.retrieve(made.id).data.connections_count == 1
    assert rest.identities.directory.connection(connection.id).profile_id == made.id
    used = api.connections.list(filter={"outbound_voice_profile_id": made.id})
    assert [each.id for each in used] == [connection.id]
    with pytest.raises(telnyx.UnprocessableEntityError) as error:
        api.outbound_voice_profiles.delete(made.id)
    assert code_of(error)[1] == "10021"
    changed = api.outbound_voice_profiles.update(made.id, name="Outside", concurrent_call_limit=3, enabled=False).data
    assert (changed.concurrent_call_limit, changed.enabled) == (3, False)
    found = api.outbound_voice_profiles.list(filter={"name": {"contains": "outs"}}, sort="-name", page_size=1)
    assert made.id in [each.id for each in found]
    api.credential_connections.update(connection.id, outbound={"outbound_voice_profile_id": None})
    assert api.outbound_voice_profiles.delete(made.id).data.id == made.id


def test_connections_of_all_kinds(api: Telnyx, connection: Any) -> None:
    found = api.connections.retrieve(connection.id).data
    assert (found.record_type, found.connection_name) == ("credential_connection", connection.connection_name)
    listed = api.connections.list(filter={"connection_name": {"contains": connection.connection_name}}, page_size=1)
    assert connection.id in [each.id for each in listed]


def test_whoami(rest: Any, api: Telnyx) -> None:
    found: Any = api.get("/whoami", cast_to=object)
    assert found["data"]["organization_id"] == rest.account


# ---- calls -------------------------------------------------------------------------------------------------------


def test_active_calls_page_to_their_end(rest: Any, api: Telnyx, connection: Any) -> None:
    assert list(api.connections.list_active_calls(connection.id)) == []
    rest.active = [ActiveCall(f"v3:{n}", "l", "s", n, None, connection.id, rest.account) for n in range(5)]
    calls = list(api.connections.list_active_calls(connection.id, page_size=2))
    assert [call.call_control_id for call in calls] == [f"v3:{n}" for n in range(5)]
    assert (calls[3].call_duration, calls[3].record_type) == (3, "call")
    by_cursor: Any = api.get(f"/connections/{connection.id}/active_calls?page[after]=v3:1&page[size]=2", cast_to=object)
    assert [call["call_control_id"] for call in by_cursor["data"]] == ["v3:2", "v3:3"]
    assert by_cursor["meta"]["total_items"] == 5


def test_detail_records_need_a_type_and_page_to_their_end(rest: Any, api: Telnyx) -> None:
    now = rest.clock.wall()
    for n in range(3):
        document = json.dumps({"id": f"r{n}", "cost": "0.002"})
        row = {"id": f"r{n}", "account_id": rest.account, "created_at": now + n / 1000, "document": document}
        row |= {"record_type": "webrtc_detail_record", "started_at": now, "finished_at": now, "micros": 2000}
        rest.do(rest.identities.store.write, Add("detail_records", row))
    found = api.detail_records.list(filter={"record_type": "webrtc", "date_range": "today"}, page_size=2)
    assert [(each.id, each.cost) for each in found] == [("r2", "0.002"), ("r1", "0.002"), ("r0", "0.002")]
    first = api.detail_records.list(filter={"record_type": "webrtc"}, sort=["created_at"], page_size=50)
    assert next(iter(first)).id == "r0"
    for nothing in ({"record_type": "webrtc", "date_range": "next_month"}, {"record_type": "messaging"}):
        assert list(api.detail_records.list(filter=nothing)) == []
    for wrong in ({}, {"record_type": "tea"}, {"record_type": "webrtc", "date_range": "whenever"}):
        with pytest.raises((telnyx.BadRequestError, telnyx.UnprocessableEntityError)):
            api.detail_records.list(filter=wrong)


# ---- keys, paths, queries ----------------------------------------------------------------------------------------


def test_keys(rest: Any) -> None:
    for key in ("wrong", rest.key[:-1], rest.key + "x", "two words"):
        with Telnyx(api_key=key, base_url=rest.base_url, max_retries=0) as client:
            with pytest.raises(telnyx.AuthenticationError) as error:
                client.credential_connections.list()
            assert code_of(error)[:2] == (401, "10009")


def test_a_revoked_key_is_dead_at_once(rest: Any) -> None:
    """API-08."""
    key = rest.do(rest.identities.add_api_key, rest.account)
    with Telnyx(api_key=key, base_url=rest.base_url, max_retries=0) as client:
        client.connections.list()
        rows = rest.do(rest.identities.store.load, "api_keys")
        rest.do(rest.identities.revoke_api_key, rest.account, rows[-1]["id"])
        with pytest.raises(telnyx.AuthenticationError):
            client.connections.list()


def test_what_is_not_there(api: Telnyx) -> None:
    with pytest.raises(telnyx.NotFoundError) as missing:
        api.get("/fax_applications", cast_to=object)
    assert code_of(missing)[1] == "10005"
    with pytest.raises(telnyx.InternalServerError) as later:
        api.get("/ai/assistants", cast_to=object)
    assert later.value.status_code == 501
    assert later.value.response.headers["x-should-retry"] == "false"


@pytest.mark.parametrize(
    "query",
    [
        "page[size]=0", "page[size]=251", "page[size]=999999999", "page[size]=-1", "page[size]=x", "page[number]=0",
        "sort=password", "sort=" + "created_at," * 50, "filter[nonsense]=1", "filter[connection_name]=abc",
        "filter[connection_name][contains]=ab", "filter[connection_name][regex]=abc", "nonsense=1",
        "filter[fqdn]=" + "a" * 5000, "filter[" + "a" * 3000, "filter[fqdn]=%00",
    ],
)  # fmt: skip
def test_queries_without_meaning_are_refused(api: Telnyx, query: str) -> None:
    with pytest.raises((telnyx.BadRequestError, telnyx.UnprocessableEntityError)) as error:
        api.get(f"/credential_connections?{query}", cast_to=object)
    assert error.value.body["errors"][0]["source"]["parameter"]


# ---- replies -----------------------------------------------------------------------------------------------------


def missing(document: Any, at: str = "") -> list[str]:
    """Fields of an official model, and of the models inside it, that our reply did not have."""
    absent = [f"{at}{name}" for name in type(document).model_fields if name not in document.model_fields_set]
    for name in document.model_fields_set:
        value = getattr(document, name, None)
        if hasattr(value, "model_fields_set"):
            absent += missing(value, f"{at}{name}.")
    return absent


def test_replies_have_every_field_of_the_official_models(api: Telnyx, connection: Any, number: Any) -> None:
    assert missing(api.credential_connections.retrieve(connection.id).data) == []
    assert missing(api.telephony_credentials.create(connection_id=connection.id).data) == []
    assert missing(api.phone_numbers.retrieve(number["id"]).data) == []
    assert missing(api.phone_numbers.voice.retrieve(number["id"]).data) == []
    assert missing(api.outbound_voice_profiles.create(name="All fields").data) == []
    assert missing(api.connections.retrieve(connection.id).data) == []
    assert missing(api.credential_connections.actions.check_registration_status(connection.id).data) == []
