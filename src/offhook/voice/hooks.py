"""Where the events of one leg go besides what its connection says. No I/O; whether a URL may be fetched is not known.

Precedence is the API's: the URL for the event's type, then the leg's own URL, then the connection's.
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

from offhook.voice.callbacks import Callbacks
from offhook.voice.event_types import EVENT_TYPES
from offhook.voice.resources.problem import Problem

MAX_RETRIES = 5
MAX_RETRY_MS = 60_000
MAX_URL = 2048
MAX_URLS = 5
_URL = re.compile(r"https?://[^\s/?#][^\s]*")


class Hooks(msgspec.Struct, frozen=True):
    """`url` sticks from the last command that named one; `urls` and `retries` (milliseconds) are by event type.
    An event of a type with several URLs goes to each of them. A leg with `callbacks` follows documents: of its events
    only those are told for which it has one, in TeXML's words."""

    url: str = ""
    method: Literal["POST", "GET"] = "POST"
    urls: dict[str, tuple[str, ...]] = {}
    urls_method: Literal["POST", "GET"] = "POST"
    retries: dict[str, tuple[int, ...]] = {}
    callbacks: Callbacks | None = None

    def joined(self, later: "Hooks") -> "Hooks":
        """These hooks after a command that has named others; what it did not name stays."""
        return Hooks(
            later.url or self.url,
            later.method if later.url else self.method,
            self.urls | later.urls,
            later.urls_method if later.urls else self.urls_method,
            self.retries | later.retries,
            self._callbacks_joined(later.callbacks),
        )

    def _callbacks_joined(self, later: Callbacks | None) -> Callbacks | None:
        return later if self.callbacks is None else self.callbacks.joined(later or Callbacks())

    def target(self, event_type: str) -> tuple[str, Literal["POST", "GET"]]:
        """The (first) URL and the method for an event; an empty URL leaves it to the connection."""
        if self.callbacks is not None:
            return self.callbacks.urls.get(event_type, ("", "POST"))
        if self.urls.get(event_type):
            return self.urls[event_type][0], self.urls_method
        return self.url, self.method

    def each(self, event_type: str) -> "list[Hooks]":
        """These hooks once for each URL that an event goes to."""
        several = self.urls.get(event_type, ())
        if len(several) < 2:
            return [self]
        return [msgspec.structs.replace(self, urls={event_type: (url,)}) for url in several]


def check_urls(urls: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with `webhook_urls`: keys are event types, values URLs, or few of them in a list."""
    problems: list[Problem] = []
    for event_type, url in urls.items():
        at = f"/webhook_urls/{event_type[:64]}"
        if event_type not in EVENT_TYPES:
            problems.append(Problem("90057", "Keys of webhook_urls are event types, such as call.answered.", at))
        elif not _are_urls(url):
            problems.append(Problem("10015", f"This must be an http or https URL, or at most {MAX_URLS} of them.", at))
    return problems


def check_policies(policies: Mapping[str, Any]) -> list[Problem]:
    """What is wrong with `webhook_retries_policies`: `{event type: {"retries_ms": [...]}}`, few and within a minute."""
    problems: list[Problem] = []
    for event_type, policy in policies.items():
        at = f"/webhook_retries_policies/{event_type[:64]}"
        if event_type not in EVENT_TYPES:
            problems.append(Problem("90057", "Keys of webhook_retries_policies are event types.", at))
        elif not _is_policy(policy):
            detail = f"retries_ms is a list of at most {MAX_RETRIES} delays, together at most {MAX_RETRY_MS} ms."
            problems.append(Problem("10033", detail, at + "/retries_ms"))
    return problems


def urls_of(urls: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The URLs of a checked `webhook_urls` by event type."""
    return {event_type: (url,) if isinstance(url, str) else tuple(url) for event_type, url in urls.items()}


def retries_of(policies: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The delays of checked policies, in milliseconds, by event type."""
    return {event_type: tuple(policy["retries_ms"]) for event_type, policy in policies.items()}


def _are_urls(value: Any) -> bool:
    urls = cast(list[Any], value) if isinstance(value, list) else [value]
    return 0 < len(urls) <= MAX_URLS and all(
        isinstance(url, str) and len(url) <= MAX_URL and _URL.fullmatch(url) for url in urls
    )


def _is_policy(policy: Any) -> bool:
    if not isinstance(policy, dict) or set(cast(dict[str, Any], policy)) != {"retries_ms"}:
        return False
    delays = cast(dict[str, Any], policy)["retries_ms"]
    if not isinstance(delays, list) or len(cast(list[Any], delays)) > MAX_RETRIES:
        return False
    whole = [each for each in cast(list[Any], delays) if type(each) is int and each >= 0]
    return len(whole) == len(cast(list[Any], delays)) and sum(whole) <= MAX_RETRY_MS
