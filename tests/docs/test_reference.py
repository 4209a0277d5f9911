"""Category: documentation. Pages that are made from the program are what the program would make them now."""

import inspect
import re

import pytest

import docstrings
import offhook
import reference
from offhook.client import call
from offhook.voice import dialing
from offhook.voice.cause import CAUSES


@pytest.mark.parametrize("name", reference.GENERATED)
def test_a_generated_page_is_not_stale(name: str) -> None:
    assert (reference.PAGES / name).read_text(encoding="utf-8") == reference.text_of(name), "run `make docs`"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (reference.ROOT / "zensical.toml").read_text(encoding="utf-8")
    docs = reference.ROOT / "docs"
    pages = [page.relative_to(docs).as_posix() for page in docs.rglob("*.md")]
    assert [page for page in pages if f'"{page}"' not in navigation] == []


def test_the_page_about_dialling_has_every_refusal_and_no_other() -> None:
    causes = re.findall(r'_Refused\(\s*"([A-Z_]+)"', inspect.getsource(dialing))
    page = (reference.PAGES / "dialling.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_]+)` \| (\d+) \|", page, re.MULTILINE)
    assert {cause for cause, _ in rows} == set(causes)
    assert all(CAUSES[cause].sip == int(status) for cause, status in rows)


def test_the_page_about_dialling_names_every_setting_that_refuses() -> None:
    details = re.findall(r'"([a-z_]+(?:\.[a-z_]+)?)(?:: | of | is )', inspect.getsource(dialing))
    page = (reference.PAGES / "dialling.md").read_text(encoding="utf-8")
    settings = {name for name in details if "_" in name}
    assert {"sip_uri_calling_preference", "inbound.channel_limit", "max_destination_rate"} <= settings
    assert [name for name in settings if f"`{name}`" not in page] == []


def test_the_sdks_page_has_every_public_name() -> None:
    page = (reference.PAGES / "sdk.md").read_text(encoding="utf-8")
    assert [name for name in offhook.__all__ if not re.search(rf"\b{name}\b", page)] == []


def test_the_sdks_page_shows_what_is_public_only() -> None:
    text = docstrings.named(reference.SOURCE / "offhook/client/call.py", ("Call",))
    assert "await answer(" in text
    assert call.Call.abandon.__name__ not in text
