"""Live calls, conferences, queues and resources of a platform under test, and their ids put into requests.

A thing that a request has ended is made anew for the next one. Speaks blocking HTTP; knows nothing of what is checked.
"""

import random
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from benches.platform import Platform

ECHO = "+12025550110"
CALLER = "+12025550199"
# Nobody listens there, so whatever is fetched or told fails at once.
NOWHERE = "http://127.0.0.1:1/nothing"
NOWHERE_BY_SOCKET = "ws://127.0.0.1:1/nothing"
# How often a request names a real thing, where it has a place for one.
MOSTLY = 0.8
# So many are made at once, because each takes a second.
RECORDINGS = 8
PATIENCE_SECONDS = 15.0
T = TypeVar("T")
# Half a second of silence.
_WAV_HEADER = struct.pack(
    "<4sI4s4sIHHIIHH4sI", b"RIFF", 8036, b"WAVE", b"fmt ", 16, 1, 1, 8000, 16000, 2, 16, b"data", 8000
)
_WAV = _WAV_HEADER + bytes(8000)

# A body that makes one, by the collection; # is a number that no other one has.
BODIES: dict[str, dict[str, str]] = {
    "credential_connections": {"connection_name": "number #", "user_name": "number#", "password": "a long secret"},
    "call_control_applications": {"application_name": "number #", "webhook_event_url": NOWHERE},
    "texml_applications": {"friendly_name": "number #", "voice_url": NOWHERE},
    "outbound_voice_profiles": {"name": "number #"},
    "mobile_push_credentials": {"alias": "number #", "type": "ios", "certificate": "a certificate", "private_key": "a"},
}


class RealThings:
    """What there is to be asked about. `put_into` lets a request be about it."""

    def __init__(self, platform: Platform, chance: random.Random) -> None:
        self.session = requests.Session()
        self.session.headers.update(platform.headers)
        self.root = platform.root
        self._application = platform.application
        self._chance = chance
        self._leg = self._conference = ""
        self._made = 0

    def get(self, path: str) -> Any:
        """A JSON document."""
        return self._json("GET", path)

    def put_into(self, case: Any) -> None:
        """Let a generated request name what is there, mostly; and no address of anybody else."""
        for name in case.path_parameters or {}:
            if self._chance.random() < MOSTLY and (real := self._in_path(case.operation.path, name)):
                case.path_parameters[name] = real
        if isinstance(case.body, dict):
            case.body = {name: self._in_body(name, value) for name, value in case.body.items()}

    # ---- what a request has room for ---------------------------------------------------------------------------

    def _in_path(self, path: str, name: str) -> str | None:
        collection = path.removeprefix("/v2/").partition("/")[0]
        if name == "participant":
            return self._leg
        if collection == "queues":
            return self._queue() if name == "name" else self._queued()
        makers: Mapping[str, Callable[[], str | None]] = {
            "calls": self.leg,
            "conferences": self._running_conference,
            "connections": lambda: self._application,
            "telephony_credentials": self._credential,
            "phone_numbers": self._number,
            "media": self._file,
            "recordings": self._recording,
            "recording_transcriptions": lambda: self._first("/v2/recording_transcriptions"),
            "webhook_deliveries": lambda: self._first("/v2/webhook_deliveries"),
            "_offhook": self._session_id,
        }
        return makers[collection.strip("/")]() if collection.strip("/") in makers else self._resource(collection)

    def _in_body(self, name: str, value: Any) -> Any:
        if name.endswith(("_url", "_urls")) and isinstance(value, str) and value:
            return NOWHERE_BY_SOCKET if value.startswith("ws") else NOWHERE
        if isinstance(value, str) and name in _NAMES and self._chance.random() < MOSTLY:
            return _NAMES[name](self)
        if name == "call_control_ids" and isinstance(value, list) and self._chance.random() < MOSTLY:
            return [self._leg]
        return value

    # ---- calls and where they are ------------------------------------------------------------------------------

    def leg(self) -> str:
        """A call that was answered, and has not ended."""
        if not self._leg or not self._shown("calls", self._leg).get("is_alive"):
            self._leg = self._answered()
        return self._leg

    def _answered(self) -> str:
        body = {"connection_id": self._application, "to": ECHO, "from": CALLER}
        leg = self._json("POST", "/v2/calls", body)["data"]["call_control_id"]
        _until(lambda: self._shown("calls", leg).get("is_alive"))
        return leg

    def _running_conference(self) -> str:
        if self._shown("conferences", self._conference).get("status") != "in_progress":
            self._made += 1
            body = {"call_control_id": self.leg(), "name": f"fuzzed {self._made}"}
            self._conference = self._json("POST", "/v2/conferences", body)["data"]["id"]
        return self._conference

    def _queue(self) -> str:
        self._ask("POST", "/v2/queues", {"queue_name": "fuzzed"})
        return "fuzzed"

    def _queued(self) -> str:
        self._ask("POST", f"/v2/calls/{quote(self.leg(), safe='')}/actions/enqueue", {"queue_name": "fuzzed"})
        return self._leg

    # ---- resources ---------------------------------------------------------------------------------------------

    def _resource(self, collection: str) -> str | None:
        if collection not in BODIES:
            return None
        self._made += 1
        body = {name: value.replace("#", str(self._made)) for name, value in BODIES[collection].items()}
        return self._json("POST", f"/v2/{collection}", body)["data"]["id"]

    def _credential(self) -> str:
        connection = self._first("/v2/credential_connections")
        return self._json("POST", "/v2/telephony_credentials", {"connection_id": connection})["data"]["id"]

    def _number(self) -> str:
        self._made += 1
        body = {"phone_number": f"+1303555{self._made:04}"}
        self._ask("POST", "/_offhook/numbers", body)
        return self._first("/v2/phone_numbers") or ""

    def _file(self) -> str:
        self.session.post(f"{self.root}/v2/media", data={"media_name": "fuzzed"}, files={"media": ("a.wav", _WAV)})
        return "fuzzed"

    def _recording(self) -> str:
        if self._first("/v2/recordings") is None:
            actions = f"/v2/calls/{quote(self.leg(), safe='')}/actions"
            for _ in range(RECORDINGS):
                self._ask("POST", f"{actions}/record_start", {"channels": "single", "format": "wav", "max_length": 1})
        return _until(lambda: self._first("/v2/recordings"))

    def _session_id(self) -> str | None:
        sessions = self.get("/_offhook/sessions")["sessions"]
        return sessions[-1] if sessions else None

    def _first(self, path: str) -> str | None:
        found = self.get(path)["data"]
        return found[0]["id"] if found else None

    # ---- asking ------------------------------------------------------------------------------------------------

    def _shown(self, collection: str, id: str) -> dict[str, Any]:
        return self._ask("GET", f"/v2/{collection}/{quote(id, safe='')}").json().get("data", {}) if id else {}

    def _json(self, method: str, path: str, body: Any = None) -> Any:
        response = self._ask(method, path, body)
        response.raise_for_status()
        return response.json()

    def _ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        return self.session.request(method, self.root + path, json=body, timeout=PATIENCE_SECONDS)


def _until(found: Callable[[], T | None]) -> T:
    """What is found at last; TimeoutError where nothing is."""
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if thing := found():
            return thing
    raise TimeoutError("what was asked for has not come to be")


_NAMES: dict[str, Callable[[RealThings], Any]] = {
    "call_control_id": RealThings.leg,
    "connection_id": lambda things: things._application,  # pyright: ignore[reportPrivateUsage]
    "from": lambda _: CALLER,
    "link_to": RealThings.leg,
    "media_name": lambda things: things._file(),  # pyright: ignore[reportPrivateUsage]
    "queue_name": lambda _: "fuzzed",
    "supervise_call_control_id": RealThings.leg,
    "to": lambda _: ECHO,
}
