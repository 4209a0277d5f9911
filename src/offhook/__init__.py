"""offhook's Python SDK: `Client` and `Call`, what they play and hear, what they tell, what can go wrong.

Names are imported when they are used, so that `import offhook` costs next to nothing. No server module is loaded.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offhook.client import events
    from offhook.client.audio import Array, File, Frame, Silence, Source, Stream, Tone
    from offhook.client.call import Call
    from offhook.client.client import Client
    from offhook.client.devices import Device, Microphone, Speaker
    from offhook.client.sinks import Callback, Collector, Ear, Heard, Recorder, Sink
    from offhook.errors import (
        AudioFormatError,
        CallEnded,
        CallError,
        ConfigurationError,
        ConnectFailed,
        ConnectionLost,
        DeviceError,
        InvalidState,
        LoginRefused,
        MediaError,
        NotConnected,
        OffhookError,
        Refused,
        RequestTimedOut,
        SignallingError,
    )

_HOMES = {
    "offhook.client.audio": ("Array", "File", "Frame", "Silence", "Source", "Stream", "Tone"),
    "offhook.client.call": ("Call",),
    "offhook.client.client": ("Client",),
    "offhook.client.devices": ("Device", "Microphone", "Speaker"),
    "offhook.client.sinks": ("Callback", "Collector", "Ear", "Heard", "Recorder", "Sink"),
    "offhook.errors": (
        "AudioFormatError",
        "CallEnded",
        "CallError",
        "ConfigurationError",
        "ConnectFailed",
        "ConnectionLost",
        "DeviceError",
        "InvalidState",
        "LoginRefused",
        "MediaError",
        "NotConnected",
        "OffhookError",
        "Refused",
        "RequestTimedOut",
        "SignallingError",
    ),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
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


def __getattr__(name: str) -> Any:
    if name == "events":
        return importlib.import_module("offhook.client.events")
    if name not in _HOME:
        raise AttributeError(f"module 'offhook' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
