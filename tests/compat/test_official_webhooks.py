"""Category: compatibility. Applications, webhooks and their deliveries, by the unmodified official packages."""

import asyncio
import itertools
import json
import subprocess
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import telnyx
from telnyx import AsyncTelnyx, Telnyx

import compat_env
from endpoint import Endpoint, says
from offhook import Client, Tone
from offhook.edge.server import start_dev
from offhook.engine.outbox import Sending
from offhook.engine.seed import DEV_APPLICATION, SEEDED
from offhook.voice.hooks import Hooks

UNWRAP = Path(__file__).parent / "official_node" / "unwrap.mjs"
NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
NOT_FOUND = b"HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\nx-app: mine\r\n\r\ngone"
_numbers = itertools.count(1)


@pytest.fixture
def api(rest: Any) -> Iterator[Telnyx]:
    with Telnyx(api_key=rest.key, public_key=rest.public_key, base_url=rest.base_url, max_retries=0) as client:
        yield client


@pytest.fixture
def backend(rest: Any) -> Iterator[Endpoint]:
    made: Endpoint = rest.do(started)
    yield made
    rest.do(made.stop)


async def started() -> Endpoint:
    endpoint = await Endpoint().start()
    endpoint.answer = says(NO_CONTENT)
    return endpoint


def new_application(api: Telnyx, url: str = "", **fields: Any) -> Any:
    wanted = {"application_name": f"Application {next(_numbers)}", "webhook_event_url": url, "webhook_api_version": "2"}
    return api.call_control_applications.create(**(wanted | fields)).data


def event(rest: Any, connection_id: str, type: str = "call.answered", **facts: Any) -> Sending:
    payload = {
        "call_control_id": "v3:x", "call_leg_id": str(uuid.uuid4()), "call_session_id": str(uuid.uuid4()),
        "client_state": None, "connection_id": connection_id, "from": "+12025550100", "to": "élan \u2603",
    }  # fmt: skip
    known = {"order": "call", "occurred_at": 1_800_000_000.25, "hooks": Hooks(), "id": str(uuid.uuid4())}
    return Sending(rest.account, connection_id, event_type=type, payload=payload, **(known | facts))


# ---- applications ----------------------------------------------------------------------------------------------


def test_a_call_control_application_has_the_documented_defaults_and_is_a_connection(api: Telnyx) -> None:
    made = api.call_control_applications.create(application_name="Mine", webhook_event_url="https://a.test/hook").data
    assert made is not None
    assert len(made.id or "") == 19
    assert (made.record_type, made.active, made.webhook_api_version) == ("call_control_application", True, "1")
    assert (made.webhook_event_url, made.webhook_event_failover_url) == ("https://a.test/hook", "")
    assert (made.first_command_timeout, made.first_command_timeout_secs) == (False, 30)
    assert (made.webhook_timeout_secs, made.dtmf_type, made.tags) == (None, "RFC 2833", [])
    assert made.inbound is not None
    assert made.inbound.sip_subdomain_receive_settings == "from_anyone"
    connection = api.connections.retrieve(made.id or "").data
    assert connection is not None
    assert (connection.record_type, connection.connection_name) == ("call_control_application", "Mine")
    assert connection.webhook_event_url == "https://a.test/hook"


def test_an_application_is_changed_listed_and_deleted(api: Telnyx) -> None:
    made = new_application(api, "https://a.test/", application_name="Changeable one")
    changed = api.call_control_applications.update(
        made.id, application_name="Changed one", webhook_event_url="https://b.test/", webhook_timeout_secs=7, tags=["x"]
    ).data
    assert changed is not None
    assert (changed.application_name, changed.webhook_timeout_secs, changed.tags) == ("Changed one", 7, ["x"])
    assert changed.webhook_api_version == "2"
    found = api.call_control_applications.list(filter={"application_name": {"contains": "CHANGED o"}})
    assert [each.id for each in found] == [made.id]
    assert api.call_control_applications.delete(made.id).data.id == made.id  # pyright: ignore
    with pytest.raises(telnyx.NotFoundError):
        api.call_control_applications.retrieve(made.id)


def test_a_texml_application_too(api: Telnyx) -> None:
    made = api.texml_applications.create(friendly_name="Texts", voice_url="https://a.test/texml", tags=["t"]).data
    assert made is not None
    assert (made.record_type, made.voice_method, made.status_callback) == ("texml_application", "post", None)
    changed = api.texml_applications.update(
        made.id or "", friendly_name="Texts 2", voice_url="https://b.test/", voice_method="get"
    ).data
    assert changed is not None
    assert (changed.friendly_name, changed.voice_method, changed.tags) == ("Texts 2", "get", ["t"])
    assert made.id in [each.id for each in api.texml_applications.list(filter={"friendly_name": "texts"})]
    assert made.id in [each.id for each in api.connections.list(filter={"connection_name": {"contains": "Texts"}})]
    with pytest.raises(telnyx.NotFoundError):
        api.call_control_applications.retrieve(made.id or "")
    api.texml_applications.delete(made.id or "")


@pytest.mark.parametrize(
    ("fields", "code", "pointer"),
    [
        ({"webhook_event_url": "ftp://a.test/"}, "10015", "/webhook_event_url"),
        ({"webhook_timeout_secs": 31}, "10033", "/webhook_timeout_secs"),
        ({"webhook_api_version": "3"}, "10032", "/webhook_api_version"),
        ({"application_name": ""}, "10033", "/application_name"),
        ({"first_command_timeout_secs": 601}, "10033", "/first_command_timeout_secs"),
        ({"outbound": {"outbound_voice_profile_id": "1" * 19}}, "10017", "/outbound/outbound_voice_profile_id"),
    ],
)
def test_bad_values_have_their_code_and_pointer(api: Telnyx, fields: dict[str, Any], code: str, pointer: str) -> None:
    with pytest.raises(telnyx.APIStatusError) as error:
        new_application(api, **fields)
    body: Any = error.value.body
    [problem] = body["errors"]
    assert (problem["code"], problem["source"]["pointer"]) == (code, pointer)


def test_nobody_logs_in_under_an_application(api: Telnyx) -> None:
    made = new_application(api)
    with pytest.raises(telnyx.UnprocessableEntityError):
        api.telephony_credentials.create(connection_id=made.id)


# ---- push credentials ------------------------------------------------------------------------------------------


def test_push_credentials_are_kept_shown_and_deleted(api: Telnyx, rest: Any) -> None:
    ios = {"alias": "phone", "certificate": "-----BEGIN CERT", "private_key": "-----BEGIN KEY", "type": "ios"}
    android = {"alias": "robot", "project_account_json_file": {"private_key": "k", "n": 1}, "type": "android"}
    made = [
        api.mobile_push_credentials.create(create_mobile_push_credential_request=each).data  # pyright: ignore
        for each in (ios, android)
    ]
    phone, robot = made
    assert phone is not None
    assert robot is not None
    assert (phone.certificate, phone.private_key, phone.record_type) == (
        "-----BEGIN CERT", "-----BEGIN KEY", "push_credential",
    )  # fmt: skip
    assert api.mobile_push_credentials.retrieve(robot.id).data == robot
    assert robot.project_account_json_file == {"private_key": "k", "n": 1}
    assert [each.id for each in api.mobile_push_credentials.list(filter={"type": "ios"})] == [phone.id]
    rows = rest.do(rest.identities.store.load, "push_credentials")
    assert not any("BEGIN" in str(value) or 'private_key": "k' in str(value) for row in rows for value in row.values())
    with pytest.raises(telnyx.UnprocessableEntityError):
        api.mobile_push_credentials.create(create_mobile_push_credential_request=ios)  # pyright: ignore
    with pytest.raises(telnyx.UnprocessableEntityError):
        api.mobile_push_credentials.create(
            create_mobile_push_credential_request={"alias": "x", "type": "ios", "certificate": "c"}  # pyright: ignore
        )
    for each in (phone, robot):
        api.mobile_push_credentials.delete(each.id)
    assert list(api.mobile_push_credentials.list()) == []


# ---- webhooks --------------------------------------------------------------------------------------------------


def test_both_packages_verify_what_arrives(api: Telnyx, rest: Any, backend: Endpoint) -> None:
    application = new_application(api, backend.url)
    types = ("call.initiated", "call.answered", "conference.created", "call.hangup")
    rest.do(rest.tell, *(event(rest, application.id, type) for type in types))
    requests: list[tuple[dict[str, str], bytes]] = rest.do(backend.after, len(types))
    for type, (headers, body) in zip(types, requests, strict=True):
        found: Any = api.webhooks.unwrap(body.decode(), headers=headers)
        assert type.replace(".", "") in f"{found.__class__.__name__}".lower()
        assert found.data.event_type == type
        assert found.data.payload.to == "élan \u2603"
        assert found.meta == {"attempt": 1, "delivered_to": backend.url}  # pyright: ignore
        with pytest.raises(ValueError, match="signature"):
            api.webhooks.unwrap(body.decode() + " ", headers=headers)
    assert verified_by_node(rest.public_key, requests) == list(types)
    [(headers, body), *_] = requests
    forged = verified_by_node(rest.public_key, [(headers, body + b" "), (headers | {"telnyx-timestamp": "1"}, body)])
    assert forged == ["TelnyxWebhookVerificationError"] * 2


def verified_by_node(public_key: str, requests: list[tuple[dict[str, str], bytes]]) -> list[str]:
    given = json.dumps([{"body": body.decode(), "headers": headers} for headers, body in requests])
    command = ["node", str(UNWRAP), str(compat_env.official_node()), public_key]
    found = subprocess.run(command, input=given, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(found.stdout)


def test_version_1_is_verified_too(api: Telnyx, rest: Any, backend: Endpoint) -> None:
    application = new_application(api, backend.url, webhook_api_version="1")
    rest.do(rest.tell, event(rest, application.id))
    [(headers, body)] = rest.do(backend.after, 1)
    found: Any = api.webhooks.unwrap(body.decode(), headers=headers)
    assert found.event_type == "call_answered"


def test_deliveries_are_listed_shown_and_filtered(api: Telnyx, rest: Any, backend: Endpoint) -> None:
    application = new_application(api, backend.url)
    good = event(rest, application.id, "call.bridged")
    rest.do(rest.tell, good)
    rest.do(rest.ended, good.id)
    backend.answer = says(NOT_FOUND)
    bad = event(rest, application.id, "call.enqueued")
    rest.do(rest.tell, bad)
    rest.do(rest.ended, bad.id)

    delivered = api.webhook_deliveries.retrieve(good.id).data
    assert delivered is not None
    assert (delivered.id, delivered.status, delivered.record_type) == (good.id, "delivered", "webhook_delivery")
    assert delivered.user_id == rest.account
    assert delivered.webhook is not None
    assert (delivered.webhook.id, delivered.webhook.event_type) == (good.id, "call.bridged")
    assert delivered.started_at is not None
    assert delivered.finished_at is not None
    assert delivered.started_at <= delivered.finished_at
    dead = api.webhook_deliveries.retrieve(bad.id).data
    assert dead is not None
    [attempt] = dead.attempts or []
    assert (dead.status, attempt.status, attempt.errors) == ("failed", "failed", [1])
    http: Any = attempt.http
    assert (http.request.url, http.response.status, http.response.body) == (backend.url, 404, "gone")
    assert ["x-app", "mine"] in http.response.headers
    assert "telnyx-signature-ed25519" in dict(http.request.headers)

    def listed(**filter: Any) -> set[str | None]:
        return {each.id for each in api.webhook_deliveries.list(filter=filter)} & {good.id, bad.id}  # pyright: ignore

    assert listed() == {good.id, bad.id}
    assert listed(status={"eq": "failed"}) == {bad.id}
    assert listed(event_type="call.bridged,call.hangup") == {good.id}
    assert listed(webhook={"contains": bad.payload["call_leg_id"]}) == {bad.id}
    assert listed(attempts={"contains": '"gone"'}) == {bad.id}
    assert listed(started_at={"gte": "2000-01-01T00:00:00Z"}, finished_at={"lte": "2100-01-01T00:00:00Z"}) == {
        good.id, bad.id,
    }  # fmt: skip
    assert listed(finished_at={"lte": "2000-01-01T00:00:00Z"}) == set()
    with pytest.raises(telnyx.BadRequestError):
        listed(started_at={"gte": "yesterday"})
    with pytest.raises(telnyx.NotFoundError):
        api.webhook_deliveries.retrieve(str(uuid.uuid4()))


def test_another_account_sees_none_of_it(api: Telnyx, rest: Any, backend: Endpoint) -> None:
    application = new_application(api, backend.url)
    told = event(rest, application.id)
    rest.do(rest.tell, told)
    rest.do(rest.ended, told.id)
    with Telnyx(api_key=rest.other_key, base_url=rest.base_url, max_retries=0) as other:
        assert list(other.webhook_deliveries.list()) == []
        assert list(other.call_events.list()) == []
        for ask in (other.webhook_deliveries.retrieve, other.call_control_applications.retrieve):
            with pytest.raises(telnyx.NotFoundError):
                ask(told.id if ask == other.webhook_deliveries.retrieve else application.id)
        with pytest.raises(telnyx.NotFoundError):
            other.post(f"/webhook_deliveries/{told.id}/actions/redeliver", cast_to=object)


def test_a_dead_letter_is_sent_again_under_its_id(api: Telnyx, rest: Any, backend: Endpoint) -> None:
    backend.answer = says(NOT_FOUND)
    application = new_application(api, backend.url + "old")
    told = event(rest, application.id)
    rest.do(rest.tell, told)
    rest.do(rest.ended, told.id)
    api.call_control_applications.update(
        application.id, application_name="Moved", webhook_event_url=backend.url + "new"
    )
    backend.answer = says(NO_CONTENT)
    answer: Any = api.post(f"/webhook_deliveries/{told.id}/actions/redeliver", cast_to=object)
    assert (answer["data"]["id"], answer["data"]["status"]) == (told.id, None)
    rest.do(rest.ended, told.id, 2)
    [_, (headers, body)] = rest.do(backend.after, 2)
    assert api.webhooks.unwrap(body.decode(), headers=headers).data.id == told.id  # pyright: ignore
    assert json.loads(body)["meta"] == {"attempt": 2, "delivered_to": backend.url + "new"}
    again = api.webhook_deliveries.retrieve(told.id).data
    assert again is not None
    assert (again.status, len(again.attempts or [])) == ("delivered", 2)


def test_what_is_being_delivered_is_shown_so_and_not_sent_again(api: Telnyx, rest: Any, backend: Endpoint) -> None:
    async def hangs(_request: bytes, _writer: asyncio.StreamWriter) -> None:
        await asyncio.Event().wait()

    backend.answer = hangs
    application = new_application(api, backend.url, webhook_timeout_secs=30)
    told = event(rest, application.id)
    rest.do(rest.tell, told)
    rest.do(backend.after, 1)
    shown = api.webhook_deliveries.retrieve(told.id).data
    assert shown is not None
    assert (shown.status, shown.attempts, shown.finished_at) == (None, [], None)
    with pytest.raises(telnyx.UnprocessableEntityError):
        api.post(f"/webhook_deliveries/{told.id}/actions/redeliver", cast_to=object)


def test_call_events_have_the_documented_filters(api: Telnyx, rest: Any) -> None:
    silent = new_application(api, application_name="Silent application")
    first = event(rest, silent.id, "call.initiated", occurred_at=1_800_000_000.0)
    second = event(rest, silent.id, "call.hangup", occurred_at=1_800_000_060.0)
    rest.do(rest.tell, first, second)

    def named(**filter: Any) -> list[str]:
        found = api.call_events.list(filter={"connection_id": silent.id} | filter)  # pyright: ignore
        return [each.name for each in found]

    assert named() == ["call.hangup", "call.initiated"]
    assert named(name="call.hangup") == ["call.hangup"]
    assert named(leg_id=first.payload["call_leg_id"]) == ["call.initiated"]
    assert named(application_session_id=second.payload["call_session_id"]) == ["call.hangup"]
    assert named(application_name={"contains": "silent app"}) == named()
    assert named(occurred_at={"gte": "2027-01-15T08:00:30Z"}) == ["call.hangup"]
    assert named(occurred_at={"eq": "2027-01-15T08:00:00Z"}) == ["call.initiated"]
    assert named(**{"from": "+12025550100"}) == named()
    assert named(to="nobody") == named(product="fax") == named(type="command") == named(failed=True) == []
    assert named(product="call_control", type="webhook", failed=False) == named()
    [event_shown] = api.call_events.list(filter={"connection_id": silent.id, "name": "call.hangup"})
    assert (event_shown.record_type, event_shown.type) == ("call_event", "webhook")
    assert event_shown.call_leg_id == second.payload["call_leg_id"]
    assert event_shown.event_timestamp == "2027-01-15T08:01:00.000000Z"
    raw: Any = event_shown.metadata["event"]
    assert raw["payload"] == second.payload
    assert first.id not in {each.id for each in api.webhook_deliveries.list()}


# ---- a real call -----------------------------------------------------------------------------------------------


@pytest.fixture
async def hearing() -> AsyncIterator[Endpoint]:
    """A backend in the test's own loop."""
    made = await started()
    yield made
    await made.stop()


async def test_a_call_is_told_to_the_url_that_dev_was_given(hearing: Endpoint) -> None:
    """Two phones, one call: what a backend with the official package gets to hear of it, and in which order."""
    platform = await start_dev(webhook_url=hearing.url)
    john, jane = SEEDED.identities
    url = platform.env["OFFHOOK_WS_URL"]
    async with (
        Client(url, login=jane.login, password=jane.password) as b,
        Client(url, login=john.login, password=john.password) as a,
    ):
        await b.ready()
        coming = b.incoming()
        call = await a.new_call(jane.login, audio=Tone(440))
        await (await anext(coming)).answer()
        await call.answered()
        await call.hangup()
        async with asyncio.timeout(10):
            requests = await hearing.after(8)
    api = Telnyx(api_key="none", public_key=platform.env["TELNYX_PUBLIC_KEY"])
    events: list[Any] = [api.webhooks.unwrap(body.decode(), headers=headers) for headers, body in requests]
    legs: dict[str, list[str]] = {}
    for each in events:
        legs.setdefault(each.data.payload.call_leg_id, []).append(each.data.event_type)
    assert sorted(legs.values()) == [["call.initiated", "call.answered", "call.bridged", "call.hangup"]] * 2
    assert len({each.data.payload.call_session_id for each in events}) == 1
    assert platform.env["OFFHOOK_CONNECTION_ID"] == DEV_APPLICATION
    await platform.stop()


async def test_a_backend_dials_from_the_ready_made_application_and_hears_of_that_leg_where_it_says(
    hearing: Endpoint,
) -> None:
    platform = await start_dev(webhook_url=hearing.url)
    jane = SEEDED.identities[1]
    async with (
        AsyncTelnyx(api_key=platform.env["TELNYX_API_KEY"], base_url=platform.env["TELNYX_BASE_URL"]) as api,
        Client(platform.env["OFFHOOK_WS_URL"], login=jane.login, password=jane.password) as phone,
    ):
        await phone.ready()
        coming = phone.incoming()
        dialled: Any = await api.calls.dial(
            connection_id=DEV_APPLICATION,
            to=f"sip:{jane.login}@{platform.env['OFFHOOK_SIP_DOMAIN']}",
            from_="+12025550101",
            webhook_url=hearing.url + "leg",
            webhook_urls={"call.hangup": hearing.url + "hangup"},
        )
        await (await anext(coming)).answer()
        await hearing.after(2)
        await api.calls.actions.hangup(dialled.data.call_control_id)
        bodies = [json.loads(body) for _, body in await hearing.after(3)]
        assert [(each["data"]["event_type"], each["meta"]["delivered_to"]) for each in bodies] == [
            ("call.initiated", hearing.url + "leg"),
            ("call.answered", hearing.url + "leg"),
            ("call.hangup", hearing.url + "hangup"),
        ]
        assert {each["data"]["payload"]["connection_id"] for each in bodies} == {DEV_APPLICATION}
        assert len([each async for each in api.call_events.list()]) == 3
        reset = platform.env["OFFHOOK_CONSOLE_URL"] + "_offhook/reset"
        async with aiohttp.ClientSession() as http, http.post(reset) as response:
            assert response.ok
        assert [each async for each in api.call_events.list()] == []
        application: Any = await api.call_control_applications.retrieve(DEV_APPLICATION)
        assert application.data.webhook_event_url == hearing.url
    await platform.stop()
