"""Category: faults. The small guards of the doors, by themselves: failed logins, shown text, origins."""

import pytest

from offhook.edge.attempts import Attempts
from offhook.edge.text import MAX_SHOWN, shown

ALICE = ("alice", "192.0.2.1")


def test_failures_count_within_their_minute_only() -> None:
    attempts = Attempts(limit=3, window=60.0)
    for now in (0.0, 30.0, 59.0):
        assert not attempts.blocked(ALICE, now)
        attempts.failed(ALICE, now)
    assert attempts.blocked(ALICE, 59.5)
    assert not attempts.blocked(("alice", "192.0.2.2"), 59.5)
    assert not attempts.blocked(("bob", "192.0.2.1"), 59.5)
    assert not attempts.blocked(ALICE, 60.0)
    attempts.failed(ALICE, 61.0)
    assert attempts.blocked(ALICE, 61.0)


def test_many_names_do_not_fill_the_memory_and_the_busy_ones_are_remembered() -> None:
    attempts = Attempts(limit=1, max_keys=100)
    for number in range(10_000):
        attempts.failed((f"user-{number}", "192.0.2.1"), 0.0)
        attempts.failed(ALICE, 0.0)
    assert attempts.blocked(ALICE, 1.0)
    assert sum(attempts.blocked((f"user-{number}", "192.0.2.1"), 1.0) for number in range(10_000)) == 99


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31mred", "\u202eevil", "\r\n\0", "x" * 5000, "\x1b" * 5000, "Zoë 北京"])
def test_shown_text_is_one_short_printable_line(text: str) -> None:
    assert shown(text).isprintable()
    assert len(shown(text)) <= MAX_SHOWN


def test_shown_text_keeps_what_people_can_read() -> None:
    assert shown("Zoë 北京") == "Zoë 北京"
    assert shown("a\nb") == "a\\nb"
