"""The API asked what its own description allows, and much that it does not, with live calls behind the ids."""

import asyncio
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from benches.endurance.promise import Promise, Run
from benches.endurance.real_things import NOWHERE, NOWHERE_BY_SOCKET, RealThings
from benches.platform import Platform, running

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


async def explored(examples: int, seed: int) -> Findings:
    """Ask each operation of a platform so many times; events have somewhere to go, where nobody takes them."""
    async with running("--log-level", "error", "--webhook-url", NOWHERE) as platform:
        return await asyncio.to_thread(_explore, platform, examples, seed)


def _explore(platform: Platform, examples: int, seed: int) -> Findings:
    things = RealThings(platform, random.Random(seed))
    schema = schemathesis.openapi.from_dict(_strict(things.get("/_offhook/openapi.json")))
    schema.config.update(base_url=things.root)
    found = Findings(Counter(), set(), {})
    operations = [each.ok() for each in schema.get_all_operations()]
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
        case.validate_response(response, checks=list(CHECKS))
    except FailureGroup as group:
        yield "\n".join(str(each) for each in group.exceptions)
        return
    if response.status_code < 400 or "json" not in response.headers.get("Content-Type", [""])[0]:
        return
    described = case.operation.definition.raw["responses"][str(response.status_code)]
    errors = response.json()["errors"]
    codes = {each["code"] for each in errors} if isinstance(errors, list) else set[str]()
    if strangers := codes - set(described.get("x-error-codes", ())):
        yield f"{response.status_code} with {', '.join(sorted(strangers))}, which the description does not have"


def _strict(document: dict[str, Any]) -> dict[str, Any]:
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
            schema |= {"enum": [NOWHERE_BY_SOCKET if "wss" in pattern else NOWHERE]} if "://" in pattern else {}
    for each in schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ():
        _simplify(each)


def _close(schema: Any) -> None:
    if isinstance(schema, list):
        for each in schema:
            _close(each)
    if isinstance(schema, dict):
        if "properties" in schema:
            schema["additionalProperties"] = False
        for each in schema.values():
            _close(each)
