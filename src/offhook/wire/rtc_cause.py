"""The causes of a `bye` by name, and their numbers, which both ends must agree on. Not what they mean. No I/O.

Up to 127 they are of ITU-T Q.850; the others are FreeSWITCH's, whose dialect the browser SDK speaks, but for 911, which
is ours: neither has one that says it.
"""

CAUSE_CODES: dict[str, int] = {
    "UNALLOCATED_NUMBER": 1,
    "NORMAL_CLEARING": 16,
    "USER_BUSY": 17,
    "NO_USER_RESPONSE": 18,
    "NO_ANSWER": 19,
    "USER_NOT_REGISTERED": 20,
    "CALL_REJECTED": 21,
    "DESTINATION_OUT_OF_ORDER": 27,
    "INVALID_NUMBER_FORMAT": 28,
    "NORMAL_CIRCUIT_CONGESTION": 34,
    "NETWORK_OUT_OF_ORDER": 38,
    "NORMAL_TEMPORARY_FAILURE": 41,
    "INCOMPATIBLE_DESTINATION": 88,
    "RECOVERY_ON_TIMER_EXPIRE": 102,
    "ORIGINATOR_CANCEL": 487,
    "ALLOTTED_TIMEOUT": 602,
    "MEDIA_TIMEOUT": 604,
    "EMERGENCY_NOT_SUPPORTED": 911,
}
