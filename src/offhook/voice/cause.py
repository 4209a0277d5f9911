"""Why a leg ended: one table from our causes to every protocol's own words. No I/O."""

import msgspec


class Cause(msgspec.Struct, frozen=True):
    """One reason to end, in the words of each side.

    `name` and `code` are the browser SDK's `cause` and `causeCode` (Q.850 where it has one), `sip` the status
    a SIP far end gets or gave with its reason phrase, `hangup_cause` the Voice API's word in `call.hangup`.
    """

    name: str
    code: int
    sip: int
    sip_reason: str
    hangup_cause: str


CAUSES: dict[str, Cause] = {
    cause.name: cause
    for cause in (
        Cause("UNALLOCATED_NUMBER", 1, 404, "Not Found", "not_found"),
        Cause("NORMAL_CLEARING", 16, 200, "OK", "normal_clearing"),
        Cause("USER_BUSY", 17, 486, "Busy Here", "user_busy"),
        Cause("NO_USER_RESPONSE", 18, 408, "Request Timeout", "timeout"),
        Cause("NO_ANSWER", 19, 480, "Temporarily Unavailable", "timeout"),
        Cause("USER_NOT_REGISTERED", 20, 480, "Temporarily Unavailable", "not_found"),
        Cause("CALL_REJECTED", 21, 403, "Forbidden", "call_rejected"),
        Cause("DESTINATION_OUT_OF_ORDER", 27, 502, "Bad Gateway", "unspecified"),
        Cause("INVALID_NUMBER_FORMAT", 28, 484, "Address Incomplete", "not_found"),
        Cause("NORMAL_CIRCUIT_CONGESTION", 34, 503, "Service Unavailable", "unspecified"),
        Cause("NORMAL_TEMPORARY_FAILURE", 41, 503, "Service Unavailable", "unspecified"),
        Cause("INCOMPATIBLE_DESTINATION", 88, 488, "Not Acceptable Here", "unspecified"),
        Cause("RECOVERY_ON_TIMER_EXPIRE", 102, 408, "Request Timeout", "timeout"),
        Cause("ORIGINATOR_CANCEL", 487, 487, "Request Terminated", "originator_cancel"),
        Cause("ALLOTTED_TIMEOUT", 602, 200, "OK", "time_limit"),
        Cause("MEDIA_TIMEOUT", 604, 408, "Request Timeout", "unspecified"),
    )
}


class Ending(msgspec.Struct, frozen=True):
    """How one leg ended, as told to its far end: a cause of the table, and what overrides or explains it.

    `detail` is for people (it names the setting that refused a call). `headers` travel with the bye.
    """

    cause: str
    code: int
    sip_code: int | None = None
    sip_reason: str | None = None
    detail: str = ""
    headers: tuple[tuple[str, str], ...] = ()


def ending(name: str, detail: str = "") -> Ending:
    """The table's ending of that name; KeyError for one that is not in the table."""
    cause = CAUSES[name]
    return Ending(cause.name, cause.code, cause.sip, cause.sip_reason, detail)
