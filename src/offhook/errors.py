"""Every error the SDK raises, as a tree. It knows words and codes; it touches nothing.

::

    OffhookError
    ├── ConfigurationError          what you passed in cannot work; change it
    ├── SignallingError             the way to the platform
    │   ├── NotConnected            the client is not (or no longer) connected
    │   ├── ConnectFailed           the platform could not be reached
    │   ├── LoginRefused            the platform does not accept this login, password or token
    │   ├── ConnectionLost          the websocket went away in the middle of something
    │   └── RequestTimedOut         the platform took a request and did not answer it
    ├── CallError                   one call, named by `call_id`
    │   ├── InvalidState            this cannot be done to a call in that state
    │   ├── CallEnded               the call is over; `cause`, `code` and `sip_code` say why
    │   └── Refused                 the platform refused a request on the call; nothing has changed
    └── MediaError                  audio
        ├── DeviceError             no such microphone or speaker, or the `audio` extra is missing
        └── AudioFormatError        this is not audio that can be played

Match on the class and its fields. The text is for people and may change.
"""


class OffhookError(Exception):
    """Anything that can go wrong in the SDK."""


class ConfigurationError(OffhookError):
    """What the program was given cannot work, whatever the platform says."""


class SignallingError(OffhookError):
    """Something between this client and the platform."""


class NotConnected(SignallingError):
    """The client has no connection: call `connect` (or enter `async with`) first, or it was closed."""


class ConnectFailed(SignallingError):
    """The platform could not be reached at all."""


class LoginRefused(SignallingError):
    """The platform refused the login. Trying again with the same credentials is of no use."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(f"login refused: {message} ({code})")
        self.code = code
        self.message = message


class ConnectionLost(SignallingError):
    """The websocket went away; what was asked may or may not have happened."""


class RequestTimedOut(SignallingError):
    """The platform did not answer `method` within `seconds`."""

    def __init__(self, method: str, seconds: float) -> None:
        super().__init__(f"no answer to {method} within {seconds:g} s")
        self.method = method
        self.seconds = seconds


class CallError(OffhookError):
    """Something about one call."""

    def __init__(self, call_id: str, text: str) -> None:
        super().__init__(text)
        self.call_id = call_id


class InvalidState(CallError):
    """The call is not in a state in which `action` is possible."""

    def __init__(self, call_id: str, action: str, state: str) -> None:
        super().__init__(call_id, f"cannot {action} a call that is {state}")
        self.action = action
        self.state = state


class CallEnded(CallError):
    """The call is over, and this is why. `code` is the Q.850 (or platform) number of `cause`."""

    def __init__(
        self, call_id: str, cause: str, code: int, sip_code: int | None = None, sip_reason: str | None = None
    ) -> None:
        sip = f", SIP {sip_code} {sip_reason or ''}".rstrip() if sip_code else ""
        super().__init__(call_id, f"the call ended: {cause} ({code}{sip})")
        self.cause = cause
        self.code = code
        self.sip_code = sip_code
        self.sip_reason = sip_reason


class Refused(CallError):
    """The platform refused a request on this call with a JSON-RPC error."""

    def __init__(self, call_id: str, code: int, message: str) -> None:
        super().__init__(call_id, f"refused: {message} ({code})")
        self.code = code
        self.message = message


class MediaError(OffhookError):
    """Audio could not be set up or went away; `reason` is the media core's own word for it."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class DeviceError(MediaError):
    """A microphone or speaker that is not there, is busy, or cannot be reached from here."""


class AudioFormatError(MediaError):
    """Bytes, an array or a file that is not playable audio."""
