"""Category: edge. The API's description: valid, with every route of a platform and no other, and true of its tables."""

import inspect
import json
import re
from collections import Counter
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from openapi_spec_validator import validate

from offhook.cli import main
from offhook.edge import server
from offhook.edge.openapi.document import document, every_operation
from offhook.voice.command import CommandRule, codes
from offhook.voice.commands import (
    CALL_COMMANDS,
    CONFERENCE_COMMANDS,
    CREATE_CONFERENCE,
    CREATE_QUEUE,
    DIAL,
    JOIN_CONFERENCE,
    QUEUE_COMMANDS,
    UPDATE_PARTICIPANT,
)
from offhook.voice.parameter import parameters
from offhook.voice.resources.credential_connection import CREDENTIAL_CONNECTIONS
from offhook.voice.resources.problem import TITLES

DOCUMENT = document("1.2.3")
OPERATIONS = [(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item]


def operation(method: str, path: str) -> Any:
    return DOCUMENT["paths"][path][method]


def body(method: str, path: str) -> Any:
    ref = operation(method, path)["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return DOCUMENT["components"]["schemas"][ref.rpartition("/")[2]]


def test_it_is_valid() -> None:
    validate(json.loads(json.dumps(DOCUMENT)))


def test_no_operation_is_described_twice() -> None:
    found = [(each.method, each.path) for each in every_operation()]
    assert len(found) == len(OPERATIONS)
    ids = Counter(each.id for each in every_operation())
    assert [id for id, times in ids.items() if times > 1] == []


def _routes(app: web.Application) -> set[tuple[str, str]]:
    """What a platform answers, but for what says that there is no such operation."""
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    return {(method, path) for method, path in routes if method not in ("HEAD", "*")}


async def test_every_route_is_described_and_every_description_has_its_route(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[web.Application] = []

    class Noting(web.AppRunner):
        def __init__(self, app: web.Application, **options: Any) -> None:
            seen.append(app)
            super().__init__(app, **options)

    monkeypatch.setattr(server.web, "AppRunner", Noting)
    platform = await server.start_dev()
    try:
        [app] = seen
        assert _routes(app) == set(OPERATIONS)
    finally:
        await platform.stop()


async def test_a_platform_serves_what_the_command_prints(capsys: pytest.CaptureFixture[str]) -> None:
    async with AsyncExitStack() as stack:
        platform = await server.start_dev()
        stack.push_async_callback(platform.stop)
        http = await stack.enter_async_context(aiohttp.ClientSession(platform.env["OFFHOOK_CONSOLE_URL"]))
        async with http.get("/_offhook/openapi.json") as response:
            assert response.content_type == "application/json"
            served = await response.json()
    assert main.run(["openapi"]) == 0
    assert json.loads(capsys.readouterr().out) == served
    assert served["paths"] == json.loads(json.dumps(DOCUMENT["paths"]))


@pytest.mark.parametrize("name", CALL_COMMANDS)
def test_a_command_has_its_parameters_and_its_codes(name: str) -> None:
    rule, path = CALL_COMMANDS[name], f"/v2/calls/{{id}}/actions/{name}"
    shown = body(rule.method.lower(), path)
    every = {field.name for field in parameters(rule.command)} | rule.command.ignored | rule.command.refused.keys()
    assert shown["properties"].keys() == every
    assert shown["additionalProperties"] is False
    responses = operation(rule.method.lower(), path)["responses"].values()
    assert codes(rule) <= {code for each in responses for code in each.get("x-error-codes", ())}


def test_a_parameter_says_its_bounds_its_default_and_what_is_refused() -> None:
    dial = body("post", "/v2/calls")
    assert dial["required"] == ["connection_id", "to", "from"]
    assert dial["properties"]["timeout_secs"] == {"type": "integer", "minimum": 5, "maximum": 600, "default": 30}
    assert dial["properties"]["assistant"]["enum"] == [None, False, "", "disabled", [], {}]
    assert dial["properties"]["to"]["anyOf"][1]["maxItems"] == 32
    header = dial["properties"]["custom_headers"]["items"]
    assert header["required"] == ["name", "value"]
    assert re.fullmatch(header["properties"]["name"]["pattern"], "X-One")


def test_a_list_says_its_pages_sorts_and_filters() -> None:
    made = {each["name"]: each["schema"] for each in operation("get", "/v2/credential_connections")["parameters"]}
    assert made["page[size]"]["maximum"] == CREDENTIAL_CONNECTIONS.max_page_size
    assert made["filter[connection_name][contains]"] == {"type": "string", "minLength": 3}
    assert "filter[connection_name]" not in made
    assert re.fullmatch(made["sort"]["pattern"], "-created_at,active")
    assert not re.fullmatch(made["sort"]["pattern"], "password")


def test_what_is_in_bodies_only_is_in_no_reply() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    asked, shown = schemas["TelephonyCredentialCreate"]["properties"], schemas["TelephonyCredential"]["properties"]
    assert "connection_id" in asked
    assert "connection_id" not in shown
    assert "sip_password" in shown
    assert "sip_password" not in asked


EVERY_COMMAND = (
    DIAL, CREATE_CONFERENCE, JOIN_CONFERENCE, UPDATE_PARTICIPANT, CREATE_QUEUE, *CALL_COMMANDS.values(),
    *CONFERENCE_COMMANDS.values(), *QUEUE_COMMANDS.values(),
)  # fmt: skip


@pytest.mark.parametrize("rule", EVERY_COMMAND, ids=lambda rule: rule.command.__name__)
def test_a_command_knows_every_code_that_its_file_names(rule: CommandRule) -> None:
    source = inspect.getsource(inspect.getmodule(rule.decide))  # pyright: ignore[reportArgumentType]
    named = set(re.findall(r'(?:rejected|Problem)\(\s*"(\d{5})"', source))
    assert named <= codes(rule) <= TITLES.keys()


@pytest.mark.parametrize("name", CONFERENCE_COMMANDS)
def test_a_command_to_a_conference_may_find_it_over_or_not_there(name: str) -> None:
    assert {"90019", "90058"} <= codes(CONFERENCE_COMMANDS[name])
