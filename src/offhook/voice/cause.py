"""Why a leg ended: one table from our causes to every protocol's own words. No I/O."""

import msgspec

from offhook.wire.rtc_cause import CAUSE_CODES


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
    name: Cause(name, CAUSE_CODES[name], sip, sip_reason, hangup_cause)
    for name, sip, sip_reason, hangup_cause in (
        ("UNALLOCATED_NUMBER", 404, "Not Found", "not_found"),
        ("NORMAL_CLEARING", 200, "OK", "normal_clearing"),
        ("USER_BUSY", 486, "Busy Here", "user_busy"),
        ("NO_USER_RESPONSE", 408, "Request Timeout", "timeout"),
        ("NO_ANSWER", 480, "Temporarily Unavailable", "timeout"),
        ("USER_NOT_REGISTERED", 480, "Temporarily Unavailable", "not_found"),
        ("CALL_REJECTED", 403, "Forbidden", "call_rejected"),
        ("DESTINATION_OUT_OF_ORDER", 502, "Bad Gateway", "unspecified"),
        ("INVALID_NUMBER_FORMAT", 484, "Address Incomplete", "not_found"),
        ("NORMAL_CIRCUIT_CONGESTION", 503, "Service Unavailable", "unspecified"),
        ("NETWORK_OUT_OF_ORDER", 503, "Service Unavailable", "unspecified"),
        ("NORMAL_TEMPORARY_FAILURE", 503, "Service Unavailable", "unspecified"),
        ("INCOMPATIBLE_DESTINATION", 488, "Not Acceptable Here", "unspecified"),
        ("RECOVERY_ON_TIMER_EXPIRE", 408, "Request Timeout", "timeout"),
        ("ORIGINATOR_CANCEL", 487, "Request Terminated", "originator_cancel"),
        ("ALLOTTED_TIMEOUT", 200, "OK", "time_limit"),
        ("MEDIA_TIMEOUT", 408, "Request Timeout", "unspecified"),
        ("EMERGENCY_NOT_SUPPORTED", 403, "Forbidden", "call_rejected"),
    )
}


class Ending(msgspec.Struct, frozen=True):
    """How one leg ended, as told to its far end: a cause of the table, and what overrides or explains it.

    `detail` is for people (it names the setting that refused a call). `headers` travel with the bye. `told` is the
    `hangup_cause` where it is another than the cause's, `error` the code of a TeXML document's error.
    """

    cause: str
    code: int
    sip_code: int | None = None
    sip_reason: str | None = None
    detail: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    told: str = ""
    error: str = ""


def ending(name: str, detail: str = "") -> Ending:
    """The table's ending of that name; KeyError for one that is not in the table."""
    cause = CAUSES[name]
    return Ending(cause.name, cause.code, cause.sip, cause.sip_reason, detail)
