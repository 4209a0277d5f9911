"""Dial with a conference: the call takes part in it until it leaves, or the conference ends."""

from typing import Any

from offhook.voice.callbacks import Method
from offhook.voice.conference_event import ConferenceEnded, ParticipantJoined, ParticipantLeft
from offhook.voice.event import Event
from offhook.voice.verbs import documents
from offhook.voice.verbs.beside import recording_urls
from offhook.voice.verbs.steps import Asking, Call, Document, Parameters, after, expect_own, order
from offhook.wire import texml_verbs as texml

# TeXML's words for what is told of a conference.
_EVENTS: dict[str, str] = {
    "start": "conference.created",
    "end": "conference.ended",
    "join": "conference.participant.joined",
    "leave": "conference.participant.left",
    "speaker": "conference.floor.changed",
}
_BEEPS = {"true": "always", "false": "never", "onEnter": "on_enter", "onExit": "on_exit"}


def enter(call: Call, noun: texml.ConferenceNoun) -> Asking[Parameters]:
    """Take part; the words for what came of it."""
    label = {"ParticipantLabel": noun.participant_label} if noun.participant_label else {}
    own = {"FriendlyName": noun.text} | label
    yield from order(call, "adopt", callbacks={"urls": _urls(call, noun), "parameters": own})
    begun = yield from after(0)
    if (yield from order(call, "enter_conference", **(yield from _body(call, noun)))) is None:
        return {"DialCallStatus": "failed"}
    joined = yield from expect_own(call, ParticipantJoined)
    assert isinstance(joined, ParticipantJoined)  # no time was set
    if noun.record == "record-from-start":
        yield from _record(call, noun, joined.conference_id)
    event: Event | None = None
    while not _left(call, joined, event):
        event = yield from expect_own(call, ParticipantLeft, ConferenceEnded)
    over = yield from after(0)
    told = {"ConferenceSid": joined.conference_id, "DialCallStatus": "completed"}
    return told | {"DialCallDuration": str(round(over - begun))}


def _left(call: Call, joined: ParticipantJoined, event: Event | None) -> bool:
    return isinstance(event, ParticipantLeft) and event.conference_id == joined.conference_id and call.is_about(event)


def _body(call: Call, noun: texml.ConferenceNoun) -> Asking[Document]:
    body: Document = {
        "conference_name": noun.text,
        "mute": noun.muted,
        "start_conference_on_create": noun.start_conference_on_enter,
        "start_conference_on_enter": noun.start_conference_on_enter,
        # Whoever is left follows its own document further.
        "soft_end_conference_on_exit": noun.end_conference_on_exit,
        "max_participants": noun.max_participants,
        "beeps": _BEEPS[noun.beep],
    }
    if noun.wait_url:
        url = yield from documents.first_file(call, call.absolute(noun.wait_url), noun.wait_method)
        body |= {"wait_audio_url": url} if url else {}
    return body


def _urls(call: Call, noun: texml.ConferenceNoun) -> dict[str, tuple[str, Method]]:
    urls: dict[str, Any] = recording_urls(call, noun)
    if noun.status_callback:
        where = call.absolute(noun.status_callback), noun.status_callback_method
        urls |= {_EVENTS[each]: where for each in noun.status_callback_event if each in _EVENTS}
    return urls


def _record(call: Call, noun: texml.ConferenceNoun, conference_id: str) -> Asking[None]:
    """The first who takes part begins the recording; for all others there is one."""
    body: Document = {"format": "mp3", "play_beep": noun.record_beep}
    body |= {"trim": "trim-silence"} if noun.trim == "trim-silence" else {}
    yield from order(call, "record_start", place=conference_id, **body)
