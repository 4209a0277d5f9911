"""The table of verbs: what orders which. Documents are followed by it."""

from collections.abc import Callable
from typing import Any

from offhook.voice.verbs import beside, dial, going, heard, waiting
from offhook.voice.verbs.steps import Call, Steps
from offhook.wire import texml_verbs as texml

VERBS: dict[type[texml.Element], Callable[[Call, Any], Steps]] = {
    texml.Say: heard.say,
    texml.Play: heard.play,
    texml.Pause: heard.pause,
    texml.Gather: heard.gather,
    texml.Dial: dial.dial,
    texml.Enqueue: waiting.enqueue,
    texml.Leave: waiting.leave,
    texml.Refer: beside.refer,
    texml.Hangup: going.hangup,
    texml.Reject: going.reject,
    texml.Redirect: going.redirect,
    texml.RecordVerb: beside.record,
    texml.Start: beside.start,
    texml.Stop: beside.stop,
    texml.Connect: beside.connect,
}
