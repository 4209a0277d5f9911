"""Hangup, Reject and Redirect: where a document ends, or leads elsewhere."""

from offhook.voice.verbs.steps import Call, Goto, Note, Over, Steps, order
from offhook.wire import texml_verbs as texml


def hangup(_call: Call, _verb: texml.Hangup) -> Steps:
    """The call is over."""
    yield from ()
    return Over()


def reject(call: Call, verb: texml.Reject) -> Steps:
    """The call is over: whoever called is told by the cause, for it was answered before its document was asked for."""
    yield from order(call, "end", cause="USER_BUSY" if verb.reason == "busy" else "CALL_REJECTED")
    return Over()


def redirect(call: Call, verb: texml.Redirect) -> Steps:
    """On to another document; nothing after this verb is followed."""
    if not verb.text:
        yield Note("<Redirect> names no document")
        return None
    return Goto(call.absolute(verb.text), verb.method)
