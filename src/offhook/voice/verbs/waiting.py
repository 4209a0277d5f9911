"""Enqueue and Leave: a call waits in a queue, hears a document over and over, and gets out of it."""

from offhook.voice.event import CallBridged, CallDequeued, CallUnbridged
from offhook.voice.verbs import documents
from offhook.voice.verbs.steps import (
    Asking,
    Call,
    Document,
    Interrupted,
    Look,
    Over,
    Parameters,
    QueueSeen,
    Redirected,
    Steps,
    after,
    expect_own,
    goto,
    order,
    quietly,
)
from offhook.wire import texml_verbs as texml

_RESULTS = {"bridged": "bridged", "leave": "leave", "timeout": "max-wait-time-exceeded", "hangup": "hangup"}
# A document that is over at once is not asked for again before this, in seconds.
ROUND_SECONDS = 1.0
# How long it may take until a call that was taken out of its queue meets somebody.
MEETING_SECONDS = 30.0


def enqueue(call: Call, verb: texml.Enqueue) -> Steps:
    """Wait in the queue; go on with the action once the call has left it, and whom it met there."""
    name = verb.text or "default"
    body: Document = {"queue_name": name, "max_wait_time_secs": verb.max_wait_time_secs}
    begun = yield from after(0)
    if (yield from order(call, "enqueue", **body)) is None:
        return goto(call, verb.action, verb.method, {"QueueResult": "error", "QueueTime": "0"})
    seen: QueueSeen | None = yield Look(name, call.leg)
    try:
        dequeued = yield from _wait(call, verb, name)
    except Redirected:
        yield from quietly(call, "leave_queue")
        raise
    told = {
        "QueueResult": _RESULTS.get(dequeued.reason, "bridged"),
        "QueueSid": seen.id if seen else name,
        "QueueTime": str(dequeued.waited),
    }
    if verb.wait_url:
        yield from quietly(call, "gather_stop")
        yield from quietly(call, "playback_stop", stop="all")
    if dequeued.reason in ("bridged", "bridging-in-process"):
        yield from _talk(call)
    over = yield from after(0)
    told["DialCallDuration"] = str(max(0, round(over - begun) - dequeued.waited))
    return goto(call, verb.action, verb.method, told)


def _wait(call: Call, verb: texml.Enqueue, name: str) -> Asking[CallDequeued]:
    """Follow the document of those who wait, again and again, until the call waits no more."""
    before, call.breaks = call.breaks, (CallDequeued,)
    try:
        while verb.wait_url:
            again = yield from after(ROUND_SECONDS)
            told = yield from _turn(call, name)
            outcome = yield from documents.aside(call, call.absolute(verb.wait_url), verb.wait_url_method, told)
            if isinstance(outcome, Over):
                yield from order(call, "hangup")
            yield from expect_own(call, CallDequeued, until=again)
        while True:
            yield from expect_own(call, CallDequeued)
    except Interrupted as interrupted:
        if not isinstance(interrupted.event, CallDequeued):
            raise
        return interrupted.event
    finally:
        call.breaks = before


def _turn(call: Call, name: str) -> Asking[Parameters]:
    seen: QueueSeen | None = yield Look(name, call.leg)
    if seen is None:
        return {}
    return {
        "AvgQueueTime": str(seen.average_wait),
        "CurrentQueueSize": str(seen.size),
        "QueuePosition": str(seen.position),
        "QueueSid": seen.id,
        "QueueTime": str(seen.waited),
    }


def _talk(call: Call) -> Asking[None]:
    """Until the call and whoever took it part. It may be that they never meet."""
    until = yield from after(MEETING_SECONDS)
    event = yield from expect_own(call, CallBridged, CallUnbridged, until=until)
    while isinstance(event, CallBridged):
        event = yield from expect_own(call, CallUnbridged)


def leave(call: Call, _verb: texml.Leave) -> Steps:
    """The call leaves its queue, and its document goes on after the verb by which it came there."""
    if (yield from order(call, "leave_queue")) is not None:
        yield from expect_own(call, CallDequeued)
    return None
