"""Why a call ended, in SIP's words ⇄ ours: status codes and the Reason header (RFC 3326, RFC 3398). No I/O."""

from offhook.voice.cause import CAUSES, Ending
from offhook.voice.leg import Headers
from offhook.wire.rtc_cause import CAUSE_CODES
from offhook.wire.sip_fields import Fields
from offhook.wire.sip_grammar import Malformed, quoted
from offhook.wire.sip_headers import parse_valued
from offhook.wire.sip_identity import passed_on, sendable
from offhook.wire.sip_message import Message, Response

_HIGHEST_Q850 = 127

_BY_STATUS = {
    400: "NORMAL_TEMPORARY_FAILURE",
    404: "UNALLOCATED_NUMBER",
    408: "NO_USER_RESPONSE",
    410: "UNALLOCATED_NUMBER",
    415: "INCOMPATIBLE_DESTINATION",
    480: "NO_ANSWER",
    484: "INVALID_NUMBER_FORMAT",
    486: "USER_BUSY",
    487: "ORIGINATOR_CANCEL",
    488: "INCOMPATIBLE_DESTINATION",
    502: "DESTINATION_OUT_OF_ORDER",
    503: "NORMAL_CIRCUIT_CONGESTION",
    504: "RECOVERY_ON_TIMER_EXPIRE",
    600: "USER_BUSY",
    604: "UNALLOCATED_NUMBER",
    606: "INCOMPATIBLE_DESTINATION",
}
_BY_Q850 = {code: name for name, code in CAUSE_CODES.items() if name in CAUSES and code <= _HIGHEST_Q850}


def of_refusal(response: Response) -> Ending:
    """What a far end's final response to our INVITE means."""
    name = _BY_STATUS.get(response.status)
    if name is None:
        name = "NORMAL_TEMPORARY_FAILURE" if 500 <= response.status < 600 else "CALL_REJECTED"
    cause = CAUSES[name]
    return Ending(cause.name, cause.code, response.status, response.reason, headers=_headers(response))


def of_bye(message: Message) -> Ending:
    """What a far end's BYE or CANCEL means: by its Reason where it has one in Q.850's numbers."""
    cause = CAUSES[_BY_Q850.get(_q850(message), "NORMAL_CLEARING")]
    return Ending(cause.name, cause.code, cause.sip, cause.sip_reason, headers=_headers(message))


def _q850(message: Message) -> int:
    for element in message.elements("Reason"):
        try:
            reason = parse_valued(element)
        except Malformed:
            continue
        cause = reason.param("cause") or ""
        if reason.value.upper() == "Q.850" and cause.isascii() and cause.isdigit() and len(cause) <= 3:
            return int(cause)
    return 0


def status_of(why: Ending) -> int:
    """The final response that an unanswered INVITE of a far end gets."""
    code = why.sip_code or 0
    return code if 400 <= code <= 699 else 480


def reason_fields(why: Ending) -> Fields:
    """What a BYE, a CANCEL or a refusal says of the cause, with the headers that travel with it."""
    told = (*(field for field in why.headers if field[0] == "Reason"), *sendable(why.headers))
    if not 0 < why.code <= _HIGHEST_Q850:
        return told
    text = why.detail or why.sip_reason or why.cause
    printable = "".join(letter for letter in text if letter.isprintable())
    return (("Reason", f"Q.850;cause={why.code};text={quoted(printable)}"), *told)


def _headers(message: Message) -> Headers:
    return passed_on(message)
