"""Category: unit. The public face: which names there are, and that importing them loads no server."""

import json
import subprocess
import sys

import offhook
from offhook import errors

PUBLIC = [
    "Array",
    "AudioFormatError",
    "Call",
    "CallEnded",
    "CallError",
    "Callback",
    "Client",
    "Collector",
    "ConfigurationError",
    "ConnectFailed",
    "ConnectionLost",
    "Device",
    "DeviceError",
    "Ear",
    "File",
    "Frame",
    "Heard",
    "InvalidState",
    "LoginRefused",
    "MediaError",
    "Microphone",
    "NotConnected",
    "OffhookError",
    "Recorder",
    "Refused",
    "RequestTimedOut",
    "SignallingError",
    "Silence",
    "Sink",
    "Source",
    "Speaker",
    "Stream",
    "Tone",
    "events",
]


def test_the_exported_names() -> None:
    assert offhook.__all__ == PUBLIC
    assert dir(offhook) == sorted(PUBLIC)
    assert all(getattr(offhook, name) is not None for name in PUBLIC)


def test_every_error_is_exported_and_drawn() -> None:
    tree = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)]
    assert {cls.__name__ for cls in tree} <= set(PUBLIC)
    assert all(cls.__name__ in (errors.__doc__ or "") for cls in tree)


def test_the_sdk_loads_no_server_module() -> None:
    program = "import json, sys; from offhook import *; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)
    server = ("offhook.voice", "offhook.engine", "offhook.edge", "offhook.cli.", "offhook.testing", "sqlalchemy")
    assert "offhook.client.client" in loaded
    assert [name for name in loaded if name.startswith(server)] == []


def test_importing_offhook_is_cheap() -> None:
    program = "import offhook, sys; print(len([n for n in sys.modules if n.startswith('offhook')]))"
    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout.strip() == b"1"
