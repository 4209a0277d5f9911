"""Category: house. Every known case of bad input, attack and fault is held by tests that are found by its number."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HELD: dict[str, list[str]] = tomllib.loads((ROOT / "tests" / "cases.toml").read_text())


def lacking(case: str, test: str, text: str) -> str | None:
    """What the text of a test's file lacks, in words: the test itself, or the number of the case."""
    if not re.search(rf"\b(?:class|def|fn) {re.escape(test)}\b", text):
        return f"no test {test}"
    return None if case in text else f"no word of {case}"


@pytest.mark.parametrize("case", HELD)
def test_every_case_has_its_tests(case: str) -> None:
    assert HELD[case]
    for path, _, test in (name.partition("::") for name in HELD[case]):
        assert lacking(case, test, (ROOT / path).read_text()) is None, path


def test_a_test_that_is_gone_or_names_no_case_is_missed() -> None:
    held = '"""Case WS-01."""\ndef test_bombs() -> None:\n    ...'
    assert lacking("WS-01", "test_bombs", held) is None
    assert lacking("WS-01", "test_bomb", held) == "no test test_bomb"
    assert lacking("WS-02", "test_bombs", held) == "no word of WS-02"
