"""The API asked what its own description allows, and much that it does not, with live calls behind the ids."""

import asyncio
import contextlib
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from benches.endurance.promise import Promise, Run
from benches.endurance.real_things import CALLER, NOWHERE, NOWHERE_BY_SOCKET, RealThings
from benches.platform import Platform, running
from offhook import Client
from offhook.errors import CallError

Document = dict[str, Any]

CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
)
# It ends what the others need: it is asked last.
LAST = "/_offhook/reset"
SECONDS = 30.0


class Findings(NamedTuple):
    """What was asked and answered: requests by status, operations that did something, and what broke a promise."""

    statuses: Counter[int]
    done: set[str]
    broken: dict[str, str]


async def description(run: Run) -> list[Promise]:
    """Whatever is asked, each answer is one that the description has, and none is a 5xx."""
    found = await explored(run.many(200, least=5), run.chance.randrange(1 << 32))
    for where, what in found.broken.items():
        print(f"{where}\n{what}\n")
    asked = sum(found.statuses.values())
    return [Promise("the API is as it describes itself", not found.broken, f"{asked} requests, {found.statuses}")]


async def explored(
    examples: int, seed: int, below: str = "/", read: Callable[[Document], Document] = lambda described: described
) -> Findings:
    """Ask each operation `below` a path so many times. `read` is how the description is read, to try this very test.

    Events have somewhere to go, where nobody takes them.
    """
    async with (
        running("--log-level", "error", "--webhook-url", NOWHERE) as platform,
        Client(platform.ws_url, login=platform.identities[0].login, password=platform.identities[0].password) as phone,
    ):
        await _let_park(platform)
        loop = asyncio.get_running_loop()
        things = RealThings(
            platform, lambda: asyncio.run_coroutine_threadsafe(_dialled(phone), loop).result(), random.Random(seed)
        )
        described = _strict(read(await asyncio.to_thread(things.get, "/_offhook/openapi.json")))
        return await asyncio.to_thread(_explore, described, things, examples, seed, below)


async def _let_park(platform: Platform) -> None:
    for connection in (await platform.rest("GET", "/credential_connections"))["data"]:
        body = {"outbound": {"call_parking_enabled": True}}
        await platform.rest("PATCH", f"/credential_connections/{connection['id']}", json=body)


async def _dialled(phone: Client) -> str:
    """A call that a client dials and that is parked; the one before it is hung up."""
    for before in list(phone.calls.values()):
        with contextlib.suppress(CallError):  # a command has ended it
            await before.hangup()
    call = await phone.new_call(CALLER)
    await call.wait_for("early")
    return call.ids.call_control


def _explore(described: Document, things: RealThings, examples: int, seed: int, below: str) -> Findings:
    schema = schemathesis.openapi.from_dict(described)
    schema.config.update(base_url=things.root)
    found = Findings(Counter(), set(), {})
    operations = [each for each in (made.ok() for made in schema.get_all_operations()) if each.path.startswith(below)]
    for operation in sorted(operations, key=lambda each: each.path == LAST):
        _ask(operation, things, found, 1 if operation.path == LAST else examples, seed)
    return found


def _ask(operation: Any, things: RealThings, found: Findings, examples: int, seed: int) -> None:
    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(_cases(operation))
    def ask(case: Any) -> None:
        things.put_into(case)
        response = case.call(session=things.session, timeout=SECONDS)
        found.statuses[response.status_code] += 1
        if response.status_code < 300:
            found.done.add(operation.label)
        for what in _faults(case, response):
            found.broken.setdefault(operation.label, f"{what}\n{case.as_curl_command()}")

    ask()


def _cases(operation: Any) -> st.SearchStrategy[Any]:
    """Requests as they are described, and, where that can be, as they are not."""
    as_described = operation.as_strategy(generation_mode=GenerationMode.POSITIVE)
    if not operation.body and not operation.query:
        return as_described
    return as_described | operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)


def _faults(case: Any, response: Any) -> Iterator[str]:
    try:
        case.validate_response(response, checks=[*CHECKS, *_more_checks(case)])
    except FailureGroup as group:
        yield "\n".join(str(each) for each in group.exceptions)
        return
    described = case.operation.definition.raw["responses"]
    if "x-error-codes" in described[str(response.status_code)]:
        yield from _strange_codes(described, response)


def _more_checks(case: Any) -> list[Any]:
    """What is wrong in a JSON body has to be refused. What is wrong in a query may have no form on the wire."""
    body = case.meta.components.get(ParameterLocation.BODY)
    is_wrong = body is not None and body.mode is GenerationMode.NEGATIVE and case.media_type == "application/json"
    return [checks.negative_data_rejection] if is_wrong else []


def _strange_codes(described: Document, response: Any) -> Iterator[str]:
    """The first problem of a refusal says its status; others may be of any kind that the operation has."""
    errors = response.json()["errors"]
    codes = [each["code"] for each in errors] if isinstance(errors, list) else []
    of_all = {code for each in described.values() for code in each.get("x-error-codes", ())}
    if not set(codes[:1]) <= set(described[str(response.status_code)]["x-error-codes"]) or not set(codes) <= of_all:
        yield f"{response.status_code} with {', '.join(codes)}, which the description does not have"


def _strict(document: Document) -> Document:
    """The description of a release whose replies have nothing that it does not describe. Records vary by their type."""
    for name, schema in document["components"]["schemas"].items():
        if name != "DetailRecord" and "additionalProperties" not in schema:
            _close(schema)
        _simplify(schema)
    return document


def _simplify(schema: Any) -> None:
    """Make no text of all that is not something: of such a pattern Hypothesis makes a list of all other characters."""
    if isinstance(schema, dict):
        pattern = schema.get("pattern")
        if isinstance(pattern, str) and "[^" in pattern:
            del schema["pattern"]
            schema |= {"enum": _urls(pattern, schema["type"])} if "://" in pattern else {}
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _simplify(each)


def _urls(pattern: str, type: str | list[str]) -> list[str | None]:
    """What stands for all URLs of a pattern, none among them where that is allowed."""
    found: list[str | None] = [NOWHERE_BY_SOCKET if "wss" in pattern else NOWHERE]
    return found + ([""] if re.search(pattern, "") else []) + ([None] if "null" in type else [])


def _close(schema: Any) -> None:
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if isinstance(schema, dict):
        if "properties" in schema:
            schema["additionalProperties"] = False
        for each in schema.values():
            _close(each)
