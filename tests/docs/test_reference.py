"""Category: documentation. Pages that are made from the program are what the program would make them now."""

import pytest

import docstrings
import reference
from offhook.client import call


@pytest.mark.parametrize("name", reference.GENERATED)
def test_a_generated_page_is_not_stale(name: str) -> None:
    assert (reference.PAGES / name).read_text(encoding="utf-8") == reference.text_of(name), "run `make docs`"


def test_every_page_is_in_the_navigation() -> None:
    navigation = (reference.ROOT / "zensical.toml").read_text(encoding="utf-8")
    docs = reference.ROOT / "docs"
    pages = [page.relative_to(docs).as_posix() for page in docs.rglob("*.md")]
    assert [page for page in pages if f'"{page}"' not in navigation] == []


def test_the_sdks_page_shows_what_is_public_only() -> None:
    text = docstrings.named(reference.SOURCE / "offhook/client/call.py", ("Call",))
    assert "await answer(" in text
    assert call.Call.abandon.__name__ not in text
