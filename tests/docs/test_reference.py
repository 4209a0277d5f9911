"""Category: documentation. Pages that are made from the program are what the program would make them now."""

import inspect
import re

import aiohttp
import pytest

import docstrings
import offhook
import reference
from offhook.client import call
from offhook.edge import backstage
from offhook.edge.rest.app import owner_routes
from offhook.edge.server import start_dev
from offhook.voice import dialing, permission
from offhook.voice.cause import CAUSES


@pytest.mark.parametrize("name", reference.GENERATED)
def test_a_generated_page_is_not_stale(name: str) -> None:
    assert (reference.PAGES / name).read_text(encoding="utf-8") == reference.text_of(name), "run `make docs`"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (reference.ROOT / "zensical.toml").read_text(encoding="utf-8")
    docs = reference.ROOT / "docs"
    pages = [page.relative_to(docs).as_posix() for page in docs.rglob("*.md")]
    assert [page for page in pages if f'"{page}"' not in navigation] == []


def _dialling() -> str:
    """The rules, as they are written."""
    return inspect.getsource(dialing) + inspect.getsource(permission)


def test_the_page_about_dialling_has_every_refusal_and_no_other() -> None:
    causes = re.findall(r'Refused\(\s*"([A-Z_]+)"', _dialling())
    causes += [reason.cause for reason in vars(permission).values() if isinstance(reason, permission.Reason)]
    page = (reference.PAGES / "dialling.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \|", page, re.MULTILINE)
    assert {cause for cause, _ in rows} == set(causes)
    assert all(CAUSES[cause].sip == int(status) for cause, status in rows)


def test_the_page_about_dialling_names_every_setting_that_refuses() -> None:
    details = re.findall(r'"([a-z_]+(?:\.[a-z_]+)?)(?:: | of | is | \{named\} )', _dialling())
    page = (reference.PAGES / "dialling.md").read_text(encoding="utf-8")
    settings = {name for name in details if "_" in name}
    assert {"sip_uri_calling_preference", "inbound.channel_limit", "max_destination_rate"} <= settings
    assert [name for name in settings if f"`{name}`" not in page] == []


def _owners_routes() -> list[tuple[str, str]]:
    source = inspect.getsource(backstage.Backstage.routes) + inspect.getsource(owner_routes)
    found = re.findall(r'(?:web\.([a-z]+)\(|\("([A-Z]+)", )"(/_offhook/[^"]+)"', source)
    return [((verb or method).upper(), path) for verb, method, path in found]


async def test_the_page_about_the_owners_addresses_has_every_one_of_them() -> None:
    platform = await start_dev()
    try:
        root = platform.env["OFFHOOK_CONSOLE_URL"]
        page = (reference.PAGES / "owner.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `([A-Z]+)` \| `(/_offhook/\S+)` \| (.*) \|$", page, re.MULTILINE)
        assert {(method, path) for method, path, _ in rows} == set(_owners_routes())
        async with aiohttp.ClientSession(root) as http:
            for method, path, what in rows:
                async with http.request(method, path.replace("{id}", "x")) as response:
                    assert (response.status == 401) == ("needs an API key" in what), path
    finally:
        await platform.stop()


def test_the_sdks_page_has_every_public_name() -> None:
    page = (reference.PAGES / "sdk.md").read_text(encoding="utf-8")
    assert [name for name in offhook.__all__ if not re.search(rf"\b{name}\b", page)] == []


def test_the_sdks_page_shows_what_is_public_only() -> None:
    text = docstrings.named(reference.SOURCE / "offhook/client/call.py", ("Call",))
    assert "await answer(" in text
    assert call.Call.abandon.__name__ not in text
