"""Category: compatibility. Every operation that a voice app uses has a route; what has none says so in the envelope.

`operations.txt` is the list. An operation that is not here answers 501 where the hosted product has it, 404 else.
"""

import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from platform_process import Platform

LINES = (Path(__file__).parent / "operations.txt").read_text().splitlines()
OPERATIONS = [(method, path) for _, method, path in (line.split() for line in LINES if not line.startswith("#"))]

# What later work brings.
LATER = {
    "SIP trunks": ("/sip_registration_status",),
    "TeXML": ("/texml/*",),
    "reports of the hosted SDKs": ("/voice_sdk_call_reports*", "/connections/count"),
}  # fmt: skip

# Some of what is exotic, some of what is nothing at all.
ELSEWHERE = [
    ("GET", "/ai/assistants"),
    ("POST", "/calls/x/actions/ai_assistant_start"),
    ("POST", "/calls/x/actions/siprec_start"),
    ("GET", "/rooms"),
    ("GET", "/external_connections/x/releases"),
    ("POST", "/messages"),
    ("GET", "/nothing/at/all"),
    ("DELETE", "/calls/x"),
    ("PATCH", "/calls"),
]


async def asked(platform: Platform, operations: list[tuple[str, str]]) -> dict[tuple[str, str], tuple[int, Any]]:
    """What comes of each operation, with `x` for every id."""
    answers: dict[tuple[str, str], tuple[int, Any]] = {}
    headers = {"Authorization": f"Bearer {platform.api_key}"}
    async with aiohttp.ClientSession(headers=headers) as http:
        for method, path in operations:
            body = {} if method in ("POST", "PUT", "PATCH") else None
            url = platform.base_url + re.sub(r"\{[^}]*\}", "x", path)
            async with http.request(method, url, json=body) as response:
                text = await response.text()
                answers[method, path] = response.status, text
    return answers


def is_missing(answer: tuple[int, str]) -> bool:
    status, text = answer
    return status == 501 or (status == 404 and "no such operation" in text) or status == 405


@pytest.fixture
async def platform(tmp_path: Path) -> Any:
    started = await Platform.start(tmp_path)
    yield started
    await started.stop()


async def test_every_operation_has_a_route_or_comes_later(platform: Platform) -> None:
    assert len(OPERATIONS) == 176
    later = tuple(pattern for patterns in LATER.values() for pattern in patterns)
    answers = await asked(platform, OPERATIONS)
    missing = {operation for operation, answer in answers.items() if is_missing(answer)}
    assert [each for each in missing if not any(fnmatchcase(each[1], pattern) for pattern in later)] == []
    assert [each for each, (status, _) in answers.items() if status >= 500 and status != 501] == []


async def test_what_has_no_route_says_so_in_the_envelope(platform: Platform) -> None:
    for operation, (status, text) in (await asked(platform, ELSEWHERE)).items():
        assert status in (404, 501), operation
        assert '"errors":[{"code":"100' in text, operation
