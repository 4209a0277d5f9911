"""Dial: others are rung for a call; whoever answers first meets it. Or it meets a queue, or a conference."""

from collections.abc import Iterable
from typing import Any, get_args
from urllib.parse import unquote

import msgspec

from offhook.voice.callbacks import status_urls
from offhook.voice.event import CallAnswered, CallHungUp, CallUnbridged, DtmfReceived
from offhook.voice.resources.problem import Rejected
from offhook.voice.sound import Ringtone
from offhook.voice.verbs import conference, documents, words
from offhook.voice.verbs.beside import recording_urls
from offhook.voice.verbs.steps import (
    Asking,
    Call,
    Document,
    Gone,
    Listen,
    Look,
    Note,
    Order,
    Parameters,
    QueueSeen,
    Redirected,
    Steps,
    after,
    expect,
    expect_own,
    goto,
    order,
    quietly,
)
from offhook.wire import texml_verbs as texml

_RINGTONES = frozenset(get_args(Ringtone))
# How often somebody who waits for the first of an empty queue looks again.
LOOK_SECONDS = 1.0
_DETECTION = {"Enable": "detect", "DetectMessageEnd": "greeting_end", "Disable": "disabled"}


class Rung(msgspec.Struct):
    """A call that a noun has made, until it is over."""

    call_control_id: str
    noun: texml.Number
    call: Call | None = None


def dial(call: Call, verb: texml.Dial) -> Steps:
    """Let the call meet whom the verb names, and go on with the action when they part."""
    nouns = verb.nouns or ((texml.Number(text=verb.text),) if verb.text else ())
    if not nouns:
        yield Note("<Dial> names nobody")
        return None
    met = yield from _meet(call, verb, nouns)
    return goto(call, verb.action, verb.method, met) if verb.action else None


def _meet(call: Call, verb: texml.Dial, nouns: tuple[Any, ...]) -> Asking[Parameters]:
    first = nouns[0]
    match first:
        case texml.ConferenceNoun():
            return (yield from conference.enter(call, first))
        case texml.QueueNoun():
            return (yield from _meet_first_of(call, verb, first))
        case _:
            rung = [each for each in nouns if isinstance(each, texml.Number)]
            return (yield from _ring(call, verb, rung))


# ---- numbers and SIP URIs ------------------------------------------------------------------------------------


def _ring(call: Call, verb: texml.Dial, nouns: Iterable[texml.Number]) -> Asking[Parameters]:
    """Ring all of them; the words for what came of it."""
    rung: dict[str, Rung] = {}
    try:
        for noun in nouns:
            made = yield from order(call, "ring", **_body(call, verb, noun))
            if made is not None:
                id = made["call_control_id"]
                rung[id] = Rung(id, noun)
        if verb.audio_url:
            yield from order(call, "playback_start", audio_url=call.absolute(verb.audio_url), loop="infinity")
        return (yield from _race(call, verb, rung))
    except (Gone, Redirected):
        yield from _hang_up(rung)
        raise


def _race(call: Call, verb: texml.Dial, rung: dict[str, Rung]) -> Asking[Parameters]:
    """Wait until somebody has answered, and until those who meet have parted."""
    last: Parameters = {"DialCallStatus": "failed"}
    while rung:
        event = yield from expect(call, CallAnswered, CallHungUp, DtmfReceived)
        assert event is not None  # no time was set
        id = event.about.ids.call_control_id
        if _gives_up(call, verb, event):
            break
        if id not in rung:
            continue
        if isinstance(event, CallHungUp):
            del rung[id]
            last = _status(event)
        elif isinstance(event, CallAnswered):
            rung[id].call = Call(event.about, call.verbs, call)
            yield from _hang_up({other: each for other, each in rung.items() if other != id})
            return (yield from _bridge(call, verb, rung[id]))
    yield from _hang_up(rung)
    yield from _hush(call, verb)
    return {"DialCallStatus": "canceled"} if rung else last


def _bridge(call: Call, verb: texml.Dial, rung: Rung) -> Asking[Parameters]:
    """Somebody has answered: it follows its own document first, if it has one; then they meet, until they part."""
    other = rung.call
    assert other is not None  # it has answered
    try:
        if rung.noun.url:
            yield from documents.whisper(other, call.absolute(rung.noun.url), rung.noun.method)
        yield from _hush(call, verb)
        if verb.record != "do-not-record":
            yield from _record(call, verb)
        met = yield from order(call, "bridge", call_control_id=rung.call_control_id, park_after_unbridge="self")
        if met is None:
            yield Order("hangup", rung.call_control_id, {})
        while True:
            event = yield from expect(other, DtmfReceived)
            if event is not None and _gives_up(call, verb, event):
                yield Order("hangup", rung.call_control_id, {})
    except Gone as gone:
        if gone.call is not other:
            yield Order("hangup", rung.call_control_id, {})
            raise
        return _status(gone.event)


def _hush(call: Call, verb: texml.Dial) -> Asking[None]:
    if verb.audio_url:
        yield from quietly(call, "playback_stop", stop="all")


def _hang_up(rung: dict[str, Rung]) -> Asking[None]:
    for id in rung:
        yield Order("hangup", id, {})


def _gives_up(call: Call, verb: texml.Dial, event: Any) -> bool:
    return verb.hangup_on_star and isinstance(event, DtmfReceived) and call.is_about(event) and event.digit == "*"


def _status(event: CallHungUp) -> Parameters:
    return {
        "DialCallSid": event.about.ids.call_control_id,
        "DialCallStatus": words.ended(event.ending, event.answered_at is not None),
        "DialCallDuration": str(round(event.seconds)),
    }


def _body(call: Call, verb: texml.Dial, noun: texml.Number) -> Document:
    """The command that rings a noun."""
    to, headers = _destination(noun)
    detection = noun.machine_detection if noun.machine_detection != "Disable" else verb.machine_detection
    body: Document = {
        "connection_id": call.about.party.connection_id,
        "to": to,
        "from": verb.caller_id or call.about.caller,
        "link_to": call.leg,
        "timeout_secs": verb.timeout,
        "time_limit_secs": verb.time_limit,
        "custom_headers": headers,
        "ringtone": verb.ring_tone.lower() if verb.ring_tone.lower() in _RINGTONES else "us",
        "rings_back": "silently" if verb.audio_url else "audibly",
        "callbacks": {
            "urls": _urls(call, noun),
            "parameters": {"ParentCallSid": call.leg, "ParentCallSidLegacy": call.leg},
        },
    }
    if detection != "Disable":
        premium = noun.detection_mode.startswith("Premium")
        body["answering_machine_detection"] = "premium" if premium else _DETECTION[detection]
    if noun.send_digits:
        body["send_digits_on_answer"] = noun.send_digits
    if verb.from_display_name:
        body["from_display_name"] = verb.from_display_name
    if isinstance(noun, texml.Sip) and noun.username:
        body |= {"sip_auth_username": noun.username, "sip_auth_password": noun.password}
    return body


def _urls(call: Call, noun: texml.Number) -> Any:
    """Where the progress of a call is told that this noun makes."""
    url = call.absolute(noun.status_callback) if noun.status_callback else ""
    return status_urls(url, noun.status_callback_method, noun.status_callback_event)


def _destination(noun: texml.Number) -> tuple[str, list[Document]]:
    """Who is rung, and the headers that a SIP URI brings along."""
    if not isinstance(noun, texml.Sip):
        return noun.text, []
    uri, _, query = noun.text.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if "=" in pair]
    headers = [{"name": unquote(name), "value": unquote(value)} for name, _, value in pairs]
    return uri.partition(";")[0], [each for each in headers if each["name"].lower().startswith("x-")]


def _record(call: Call, verb: texml.Dial) -> Asking[None]:
    """Record both sides for as long as the call lasts."""
    yield from order(call, "adopt", callbacks={"urls": recording_urls(call, verb)})
    dual = verb.record.endswith("-dual") or verb.recording_channels == "dual"
    settings: Document = {
        "channels": "dual" if dual else "single",
        "format": "mp3",
        "max_length": verb.record_max_length,
    }
    yield from order(call, "record_start", **settings)


# ---- queues --------------------------------------------------------------------------------------------------


def _meet_first_of(call: Call, verb: texml.Dial, noun: texml.QueueNoun) -> Asking[Parameters]:
    """Meet the first of a queue; where nobody waits there yet, somebody may come until the time is up."""
    until = yield from after(verb.timeout)
    while not (yield from _take_first_of(call, noun)):
        now = yield from after(0)
        if now >= until:
            return {"DialCallStatus": "no-answer", "DialBridged": "false"}
        yield from expect_own(call, CallUnbridged, until=min(until, now + LOOK_SECONDS))
    begun = yield from after(0)
    while not isinstance((event := (yield from expect_own(call, CallUnbridged, DtmfReceived))), CallUnbridged):
        if event is not None and _gives_up(call, verb, event):
            yield from order(call, "withdraw")
    over = yield from after(0)
    return {"DialCallStatus": "completed", "DialBridged": "true", "DialCallDuration": str(round(over - begun))}


def _take_first_of(call: Call, noun: texml.QueueNoun) -> Asking[bool]:
    """Whether the call has met somebody, who has followed the noun's document before."""
    if noun.url:
        seen: QueueSeen | None = yield Look(noun.text, call.leg)
        if seen is None or seen.first is None:
            return False
        yield Listen(seen.first.ids.call_session_id)
        try:
            yield from documents.whisper(Call(seen.first, call.verbs, call), call.absolute(noun.url), noun.method)
        except Gone as gone:
            if gone.call is call:
                raise
            return False
    answer = yield Order("bridge", call.leg, {"queue": noun.text, "park_after_unbridge": "self"})
    return not isinstance(answer, Rejected)
