"""Category: voice. Where a webhook goes, how often, and what a customer may say about it."""

from typing import Any

import pytest

from offhook.voice.delivery import DEFAULT_WAITS, Route, Target, endpoint, route, steps, verdict
from offhook.voice.event_types import EVENT_TYPES
from offhook.voice.hooks import Hooks, check_policies, check_urls

TARGET = Target("https://app.test/", "https://spare.test/", "1", 5.0)


def test_precedence_type_then_leg_then_connection() -> None:
    hooks = Hooks("https://leg.test/", "GET", {"call.hangup": ("https://hangup.test/",)}, "POST")
    found = [route(type, given, TARGET) for type, given in (
        ("call.hangup", hooks), ("call.answered", hooks), ("call.answered", Hooks()),
    )]  # fmt: skip
    assert [(each.url, each.method, each.named_by) for each in found if each] == [
        ("https://hangup.test/", "POST", "command"),
        ("https://leg.test/", "GET", "command"),
        ("https://app.test/", "POST", "connection"),
    ]
    assert {(each.failover, each.version, each.seconds) for each in found if each} == {
        ("https://spare.test/", "1", 5.0)
    }


def test_no_url_no_route() -> None:
    assert route("call.answered", Hooks(), Target()) is None
    assert route("call.answered", Hooks(urls={"call.hangup": ("https://a.test/",)}), Target()) is None


def test_by_default_two_at_each_url_in_turn() -> None:
    found = list(steps(Route("a", failover="b")))
    assert "".join(each.url for each in found) == "aabbaabbaabbaa"
    assert [each.wait for each in found] == [0.0, *DEFAULT_WAITS]
    assert {each.url for each in steps(Route("a"))} == {"a"}
    # Ten minutes of failure must not be the end, however the waits are spread.
    assert 0.8 * sum(DEFAULT_WAITS) > 600


@pytest.mark.parametrize(
    ("retries", "expected"),
    [((100, 2000), [("a", 0), ("a", 0.1), ("a", 2), ("b", 0), ("b", 0.1), ("b", 2)]), ((), [("a", 0), ("b", 0)])],
)
def test_own_retries_at_each_url(retries: tuple[int, ...], expected: list[Any]) -> None:
    found = list(steps(Route("a", failover="b", retries=retries)))
    assert [(each.url, each.wait) for each in found] == expected
    assert not any(each.spread for each in found)


@pytest.mark.parametrize(
    ("statuses", "meaning"),
    [
        ((200, 201, 204, 299), "delivered"),
        ((408, 429, 500, 503, 599, 302, 199, 600), "again"),
        ((400, 404, 410), "refused"),
    ],
)
def test_statuses(statuses: tuple[int, ...], meaning: str) -> None:
    assert {verdict(status) for status in statuses} == {meaning}


def test_an_endpoint_is_scheme_host_and_port() -> None:
    assert endpoint("https://u:p@App.Test:8443/a?b#c") == "https://app.test:8443"
    assert endpoint("http://[::1/") == "none"


def test_keys_are_event_types() -> None:
    assert check_urls({"call.answered": "https://a.test/", "call.hangup": ["http://b.test/", "http://c.test/"]}) == []
    [problem] = check_urls({"call.answred": "https://a.test/"})
    assert (problem.code, problem.pointer) == ("90057", "/webhook_urls/call.answred")
    [problem] = check_policies({"calls": {"retries_ms": [1]}})
    assert (problem.code, problem.pointer) == ("90057", "/webhook_retries_policies/calls")
    assert {"call.initiated", "conference.participant.joined", "call.cost"} <= EVENT_TYPES


@pytest.mark.parametrize(
    "url", ["", "ftp://a.test/", "a.test", 1, None, "https://a.test/" + "x" * 2048, [], [""], ["https://a.test/"] * 6]
)
def test_values_are_urls(url: Any) -> None:
    [problem] = check_urls({"call.answered": url})
    assert problem.pointer == "/webhook_urls/call.answered"


@pytest.mark.parametrize(
    "policy", [{"retries_ms": [1] * 6}, {"retries_ms": [60_001]}, {"retries_ms": [-1]}, {"retries_ms": [True]},
               {"retries_ms": "1"}, {}, {"retries_ms": [1], "more": 1}, None]
)  # fmt: skip
def test_policies_are_few_and_within_a_minute(policy: Any) -> None:
    [problem] = check_policies({"call.answered": policy})
    assert (problem.code, problem.pointer) == ("10033", "/webhook_retries_policies/call.answered/retries_ms")
    assert check_policies({"call.answered": {"retries_ms": [10_000] * 5}}) == []


def test_an_event_of_several_urls_goes_to_each_and_others_go_where_they_went() -> None:
    hooks = Hooks("https://leg.test/", urls={"call.hangup": ("https://one.test/", "https://two.test/")})
    gone_to = [each.target("call.hangup")[0] for each in hooks.each("call.hangup")]
    assert gone_to == ["https://one.test/", "https://two.test/"]
    assert hooks.each("call.answered") == [hooks]
