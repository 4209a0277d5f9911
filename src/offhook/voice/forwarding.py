"""A leg that nobody took goes on to where the dialled number sends it. No I/O; where that is, dialling decides."""

from offhook.voice import effect
from offhook.voice.cause import Ending, ending
from offhook.voice.floor import Floor
from offhook.voice.leg import RUNG, Dialog, Leg, Moment

# What a called far end says or fails to say, after which a call is forwarded on failure. Not what its caller does, nor
# what the platform's owner or a customer orders.
FAILURES = frozenset((
    "USER_BUSY", "NO_USER_RESPONSE", "NO_ANSWER", "USER_NOT_REGISTERED", "CALL_REJECTED", "UNALLOCATED_NUMBER",
    "DESTINATION_OUT_OF_ORDER", "NETWORK_OUT_OF_ORDER", "NORMAL_CIRCUIT_CONGESTION", "NORMAL_TEMPORARY_FAILURE",
    "INCOMPATIBLE_DESTINATION", "RECOVERY_ON_TIMER_EXPIRE", "INVALID_NUMBER_FORMAT",
))  # fmt: skip


def goes_on(floor: Floor, leg: Leg, why: Ending, now: Moment, gone: Dialog | None = None) -> bool:
    """Whether a leg that would end rings elsewhere instead; `Routed` then comes for it. Those who rang for it are told
    that it is over, but not one whose dialog is `gone`."""
    way, leg.otherwise = leg.otherwise, None
    if way is None or leg.stage not in RUNG or why.cause not in FAILURES:
        return False
    if way.by is not None and way.by <= now.mono:
        return False
    for dialog in tuple(leg.dialogs):
        if dialog is not gone:
            floor.say_bye(dialog, ending("ORIGINATOR_CANCEL", "the number sends the call on"))
        floor.disconnect(leg, dialog)
    leg.move("forwarded")
    leg.rings_until, leg.expires_at = way.by, None
    leg.party, leg.destination = way.party, way.destination
    leg.headers = (*leg.headers, *way.headers)
    floor.save(leg)
    caller = leg.caller
    floor.emit(effect.Route(leg.ids, leg.party, (way.destination,), caller.number, caller.name, way.passed))
    return True
