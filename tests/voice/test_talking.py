"""Category: voice. Who has the floor of a conference: whoever goes on being the loudest, and nobody by a cough."""

import pytest

from offhook.voice.conference import Contest
from offhook.voice.talking import REPORTS, heard


def holders(reports: str) -> str:
    """Who has the floor after each report; a dot is nobody, or silence."""
    contest, found = Contest(), ""
    for each in reports:
        contest = heard(contest, None if each == "." else each)
        found += contest.holder or "."
    return found


@pytest.mark.parametrize(
    ("reports", "expected"),
    [
        ("aaaa", "..aa"),  # it begins with whoever goes on
        ("aaabaabba", "..aaaaaaa"),  # a cough, or a word between, does not take it
        ("aaabbb", "..aaab"),
        ("aaabb.b", "..aaaaa"),  # what is interrupted begins anew
        ("aaa...", "..aaaa"),  # silence takes it from nobody
        ("aaabcbcbc", "..aaaaaaa"),  # nor do two who drown each other
        ("......", "......"),
    ],
)
def test_the_floor_goes_to_whoever_goes_on(reports: str, expected: str) -> None:
    assert REPORTS == 3
    assert holders(reports) == expected


def test_who_leaves_neither_holds_it_nor_contests_it() -> None:
    contest = Contest("a", "b", 2)
    assert contest.without("a") == Contest(None, "b", 2)
    assert contest.without("b") == Contest("a")
    assert contest.without("c") == contest
