"""What the API says is wrong: the documented codes with their titles and statuses, as one table. No HTTP, no I/O."""

from collections.abc import Sequence

import msgspec

TITLES: dict[str, tuple[int, str]] = {
    "10004": (422, "Missing required parameter"),
    "10005": (404, "Resource not found"),
    "10007": (500, "Unexpected error"),
    "10009": (401, "Authentication failed"),
    "10010": (403, "Not authorized"),
    "10011": (429, "Too many requests"),
    "10012": (422, "Duplicate resource"),
    "10015": (400, "Bad request"),
    "10016": (422, "Phone number must be in +E.164 format"),
    "10017": (422, "Associated resource not found"),
    "10021": (422, "Resource is in use"),
    "10023": (400, "Invalid JSON"),
    "10026": (422, "Invalid parameter type"),
    "10027": (422, "Unprocessable entity"),
    "10028": (422, "Invalid encoding"),
    "10032": (422, "Invalid enumerated value"),
    "10033": (422, "Value out of range"),
    "10036": (409, "Idempotency key in use"),
    "90015": (422, "Invalid Call Control ID"),
    "90017": (422, "Invalid value for client_state"),
    "90018": (422, "Call has already ended"),
    "90019": (422, "Conference has already ended"),
    "90026": (422, "Invalid digits"),
    "90031": (422, "Call is not being forked"),
    "90032": (422, "Conference is full"),
    "90033": (422, "Conference name is in use"),
    "90034": (422, "Call not answered yet"),
    "90035": (422, "Call is not in a queue"),
    "90036": (422, "Queue is full"),
    "90037": (422, "Maximum queue size cannot be changed"),
    "90038": (422, "Call is already in a queue"),
    "90040": (400, "Audio download failed"),
    "90042": (422, "Outbound voice profile's channel limit exceeded"),
    "90043": (422, "Connection's channel limit exceeded"),
    "90044": (422, "Call is already in the conference"),
    "90045": (422, "Media streaming is in use"),
    "90048": (422, "Media streaming is not in use"),
    "90050": (400, "Only empty queues can be deleted"),
    "90053": (422, "Transcription is already running"),
    "90057": (422, "Invalid event type in webhook_urls"),
    "90058": (422, "Conference does not exist"),
    "90911": (422, "Emergency calling is not supported"),
    "90102": (422, "Command cannot be issued for an outbound call"),
}


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong. `pointer` names a field of the body, `parameter` one of the query."""

    code: str
    detail: str
    pointer: str | None = None
    parameter: str | None = None

    @property
    def title(self) -> str:
        """The documented title of its code."""
        return TITLES[self.code][1]


class Rejected(Exception):
    """A request is refused and nothing has changed. `status` overrides the status of the first problem's code."""

    def __init__(self, problems: Sequence[Problem], status: int | None = None) -> None:
        super().__init__("; ".join(problem.detail for problem in problems))
        self.problems = tuple(problems)
        self.status = status or TITLES[problems[0].code][0]


class CredentialExpired(Rejected):
    """A telephony credential that has expired can only be deleted. The API words this one like no other."""

    def __init__(self) -> None:
        super().__init__((Problem("10027", "can't update credentials in expired status"),))


def rejected(
    code: str, detail: str, *, pointer: str | None = None, parameter: str | None = None, status: int | None = None
) -> Rejected:
    """A refusal for one reason."""
    return Rejected((Problem(code, detail, pointer, parameter),), status)
