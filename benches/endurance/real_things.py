"""Live calls, conferences, queues and resources of a platform under test, and their ids put into requests.

A thing that a request has ended is made anew for the next one. Speaks blocking HTTP; knows nothing of what is checked.
"""

import base64
import json
import random
import struct
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar
from urllib.parse import quote

import requests
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation import GenerationMode

from benches.platform import Platform

T = TypeVar("T")

ECHO = "+12025550110"
CALLER = "+12025550199"
# Nobody listens there, so whatever is fetched or told fails at once.
NOWHERE = "http://127.0.0.1:1/nothing"
NOWHERE_BY_SOCKET = "ws://127.0.0.1:1/nothing"
NOWHERE_BY_RTP = "udp:127.0.0.1:9"
QUEUE = FILE = "fuzzed"
# How often a request names a real thing, where it has a place for one.
MOSTLY = 0.8
# So many are made at once, because each takes a second.
RECORDINGS = 8
PATIENCE_SECONDS = 15.0

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
_RECORD = ("record_start", {"channels": "single", "format": "wav"})
# What has to go on before a command makes sense.
BEFORE: dict[str, tuple[tuple[str, dict[str, Any]], ...]] = {
    "fork_stop": (("fork_start", {"rx": NOWHERE_BY_RTP}),),
    "gather_stop": (("gather", {}),),
    "leave_queue": (("enqueue", {"queue_name": QUEUE}),),
    "playback_stop": (("playback_start", {"media_name": FILE, "loop": "infinity"}),),
    "record_pause": (_RECORD,),
    "record_resume": (_RECORD, ("record_pause", {})),
    "record_stop": (_RECORD,),
    "suppression_stop": (("suppression_start", {}),),
}


class RealThings:
    """What there is to be asked about. `put_into` lets a request be about it. `dialled` is the id of a new call that a
    client has dialled and that is parked."""

    def __init__(self, platform: Platform, dialled: Callable[[], str], chance: random.Random) -> None:
        self.session = requests.Session()
        self.session.headers.update(platform.headers)
        self.root = platform.root
        self._application = platform.application
        self._dialled = dialled
        self._chance = chance
        self._leg = self._other = self._conference = ""
        self._made = 0

    def get(self, path: str) -> Any:
        """A JSON document."""
        return self._json("GET", path)

    def put_into(self, case: Any) -> None:
        """Let a generated request name what is there, mostly; and no address of anybody else. What is wrong on purpose
        stays so."""
        path = case.operation.path
        wrong = {place for place, made in case.meta.components.items() if made.mode is GenerationMode.NEGATIVE}
        for name in {} if ParameterLocation.PATH in wrong else case.path_parameters or {}:
            if self._mostly() and (real := self._in_path(case.method, path, name)):
                case.path_parameters[name] = real
        if isinstance(case.body, dict) and ParameterLocation.BODY not in wrong:
            case.body = {name: self._in_body(path, name, value) for name, value in case.body.items()}
        if path == "/v2/detail_records" and self._mostly():
            case.query = {**(case.query or {}), "filter[record_type]": "sip-trunking"}

    def _mostly(self) -> bool:
        return self._chance.random() < MOSTLY

    # ---- what a request has room for ---------------------------------------------------------------------------

    def _in_path(self, method: str, path: str, name: str) -> str | None:
        collection = path.removeprefix("/v2").split("/")[1]
        if collection == "calls":
            return self._leg_for(path.rpartition("/")[2])
        if collection == "queues":
            return self._queued() if name == "id" else self._queue("emptied" if method == "DELETE" else QUEUE)
        if name == "participant":
            return self._leg
        if path == "/_offhook/tokens/{id}":
            return self._token()
        makers: Mapping[str, Callable[[], str | None]] = {
            "_offhook": self._session_id,
            "conferences": self._running_conference,
            "connections": lambda: self._application,
            "media": self._file,
            "phone_numbers": self._number,
            "recordings": self._recording,
            "telephony_credentials": self._credential,
            "recording_transcriptions": lambda: self._first("/v2/recording_transcriptions"),
            "webhook_deliveries": lambda: self._first("/v2/webhook_deliveries"),
        }
        return makers[collection]() if collection in makers else self._resource(collection)

    def _in_body(self, path: str, name: str, value: Any) -> Any:
        if isinstance(value, str) and value and name.endswith(("_url", "_urls")):
            return NOWHERE_BY_SOCKET if value.startswith("ws") else NOWHERE
        if isinstance(value, str) and value and name in ("rx", "tx"):
            return NOWHERE_BY_RTP
        if not self._mostly():
            return value
        if isinstance(value, list):
            return {"call_control_ids": [self._leg], "ids": [self._first("/v2/recordings")]}.get(name, value)
        return self._named(path, name) or value if isinstance(value, str) else value

    def _named(self, path: str, name: str) -> str | None:
        """What a parameter of this name means."""
        match name:
            case "call_control_id":
                return self._other_leg() if path.endswith(("/bridge", "/join")) else self._leg
            case "link_to" | "supervise_call_control_id":
                return self._leg
            case "connection_id":
                is_login = path.startswith("/v2/telephony")
                return self._first("/v2/credential_connections") if is_login else self._application
            case "media_name":
                return None if path.startswith("/v2/media") else self._file()
            case _:
                return {"from": CALLER, "to": ECHO, "queue_name": QUEUE}.get(name)

    # ---- calls and where they are ------------------------------------------------------------------------------

    def _leg_for(self, command: str) -> str:
        """A call to which a command can be given."""
        if command in ("answer", "reject"):
            return self._dialled()
        leg = self._live_leg()
        if "playback_start" in str(BEFORE.get(command)):
            self._file()
        for name, body in BEFORE.get(command, ()):
            self._act(leg, name, body)
        return leg

    def _live_leg(self) -> str:
        """A call that was answered, and has not ended."""
        if not self._is_alive(self._leg):
            self._leg = self._answered()
        return self._leg

    def _other_leg(self) -> str:
        if not self._is_alive(self._other):
            self._other = self._answered()
        return self._other

    def _answered(self) -> str:
        body = {"connection_id": self._application, "to": ECHO, "from": CALLER}
        leg = self._json("POST", "/v2/calls", body)["data"]["call_control_id"]
        _until(lambda: self._is_alive(leg))
        return leg

    def _is_alive(self, leg: str) -> bool:
        return bool(self._shown("calls", leg).get("is_alive"))

    def _running_conference(self) -> str:
        if self._shown("conferences", self._conference).get("status") != "in_progress":
            self._conference = _until(self._opened)
        return self._conference

    def _opened(self) -> str | None:
        """A new conference; None where its call ended at that moment, as the one before has hung it up."""
        self._made += 1
        body = {"call_control_id": self._live_leg(), "name": f"fuzzed {self._made}"}
        made = self._ask("POST", "/v2/conferences", body)
        self._leg = self._leg if made.ok else ""
        return made.json()["data"]["id"] if made.ok else None

    def _queue(self, name: str) -> str:
        self._ask("POST", "/v2/queues", {"queue_name": name})
        return name

    def _queued(self) -> str:
        self._act(self._live_leg(), "enqueue", {"queue_name": self._queue(QUEUE)})
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

    def _token(self) -> str:
        token = self._ask("POST", f"/v2/telephony_credentials/{self._credential()}/token").text
        return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["jti"]

    def _number(self) -> str | None:
        self._made += 1
        self._ask("POST", "/_offhook/numbers", {"phone_number": f"+1303555{self._made:04}"})
        return self._first("/v2/phone_numbers")

    def _file(self) -> str:
        self.session.post(f"{self.root}/v2/media", data={"media_name": FILE}, files={"media": ("a.wav", _WAV)})
        return FILE

    def _recording(self) -> str:
        if self._first("/v2/recordings") is None:
            leg = self._live_leg()
            for _ in range(RECORDINGS):
                self._act(leg, "record_start", {"channels": "single", "format": "wav", "max_length": 1})
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

    def _act(self, leg: str, name: str, body: dict[str, Any]) -> None:
        self._ask("POST", f"/v2/calls/{quote(leg, safe='')}/actions/{name}", body)

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
