"""Record, Start, Stop, Connect and Refer: what goes on beside a call, or goes on without us."""

from typing import Any

from offhook.voice.callbacks import Method
from offhook.voice.event import (
    DtmfReceived,
    Event,
    RecordingFailed,
    RecordingSaved,
    StreamingFailed,
    StreamingStopped,
)
from offhook.voice.verbs import words
from offhook.voice.verbs.steps import Asking, Call, Document, Note, Steps, after, expect_own, goto, order
from offhook.wire import texml_verbs as texml

Urls = dict[str, tuple[str, Method]]
# How long the file of a recording may take.
FILE_SECONDS = 60.0
_RECORDED = {"completed": "call.recording.saved", "absent": "call.recording.error"}


def recording_urls(call: Call, verb: texml.Recorded) -> Urls:
    """Where recordings are told that this verb makes."""
    if not verb.recording_status_callback:
        return {}
    where = call.absolute(verb.recording_status_callback), verb.recording_status_callback_method
    urls = {_RECORDED[each]: where for each in verb.recording_status_callback_event if each in _RECORDED}
    return urls | ({"conference.recording.saved": where} if "completed" in verb.recording_status_callback_event else {})


def record(call: Call, verb: texml.RecordVerb) -> Steps:
    """Record until a key, silence or the limit, and go on with the action."""
    yield from order(call, "adopt", callbacks={"urls": recording_urls(call, verb)})
    settings: Document = {
        "channels": verb.channels,
        "format": verb.format,
        "play_beep": verb.play_beep,
        "max_length": verb.max_length,
        "timeout_secs": verb.timeout,
    }
    settings |= {"trim": "trim-silence"} if verb.trim == "trim-silence" else {}
    settings |= (
        {"transcription": True, "transcription_language": verb.transcription_language} if verb.transcription else {}
    )
    started = yield from order(call, "record_start", **settings)
    if started is None:
        return None
    digits, saved = yield from _recorded(call, verb, started["recording_id"])
    told = {"Digits": digits} | (words.recording(saved) if isinstance(saved, RecordingSaved) else {})
    return goto(call, verb.action, verb.method, told)


def _recorded(call: Call, verb: texml.RecordVerb, id: str) -> Asking[tuple[str, Event | None]]:
    """The key that ended a recording, and what became of it."""
    digits, until = "", None
    while True:
        event = yield from expect_own(call, DtmfReceived, RecordingSaved, RecordingFailed, until=until)
        match event:
            case RecordingSaved(recording_id=other) | RecordingFailed(recording_id=other):
                if other == id:
                    return digits, event
            case DtmfReceived(digit=digit):
                if digit in verb.finish_on_key and not digits:
                    digits, until = digit, (yield from after(FILE_SECONDS))
                    yield from order(call, "record_stop", recording_id=id)
            case _:
                return digits, None


# ---- streams and the like ------------------------------------------------------------------------------------


def start(call: Call, verb: texml.Start) -> Steps:
    """Begin what then goes on beside the document."""
    for noun in verb.nouns:
        match noun:
            case texml.Stream():
                yield from _stream(call, noun)
            case texml.Transcription():
                yield from _transcribe(call, noun)
            case texml.Suppression(direction=direction):
                yield from order(call, "suppression_start", direction=direction)
            case texml.Recording():
                yield from _record_on(call, noun)
    return None


def stop(call: Call, verb: texml.Stop) -> Steps:
    """End what goes on beside the document."""
    for noun in verb.nouns:
        yield from order(call, _STOPS[type(noun)])
    return None


_STOPS: dict[type[texml.Element], str] = {
    texml.Stream: "streaming_stop",
    texml.Transcription: "transcription_stop",
    texml.Suppression: "suppression_stop",
    texml.Recording: "record_stop",
}


def connect(call: Call, verb: texml.Connect) -> Steps:
    """Give the call to a program, until that is through with it."""
    for noun in verb.nouns[:1]:
        started = yield from _stream(call, noun)
        if started is None:
            return None
        id = started["stream_id"]
        event: Any = None
        while event is None or event.stream_id != id:
            event = yield from expect_own(call, StreamingStopped, StreamingFailed)
    return None


def _stream(call: Call, noun: texml.Stream) -> Asking[Document | None]:
    if noun.status_callback:
        where = call.absolute(noun.status_callback), noun.status_callback_method
        yield from order(call, "adopt", callbacks={"urls": dict.fromkeys(_STREAMING, where)})
    return (yield from order(call, "streaming_start", **_settings(noun)))


_STREAMING = ("streaming.started", "streaming.stopped", "streaming.failed")


def _settings(noun: texml.Stream) -> Document:
    return {
        "stream_url": noun.url.strip(),
        "stream_track": noun.track,
        "stream_codec": noun.codec if noun.codec == "default" else noun.codec.upper(),
        "stream_bidirectional_mode": noun.bidirectional_mode,
        "stream_bidirectional_codec": noun.bidirectional_codec.upper(),
        "stream_bidirectional_sampling_rate": noun.bidirectional_sampling_rate,
        # What the program says is for the far end of this very call.
        "stream_bidirectional_target_legs": "self",
        "custom_parameters": [{"name": each.name, "value": each.value} for each in noun.nouns if each.name],
    }


def _transcribe(call: Call, noun: texml.Transcription) -> Asking[None]:
    if noun.transcription_callback:
        where = call.absolute(noun.transcription_callback), noun.transcription_callback_method
        yield from order(call, "adopt", callbacks={"urls": {"call.transcription": where}})
    config = {"language": noun.language, "interim_results": noun.interim_results}
    tracks = noun.transcription_tracks
    yield from order(call, "transcription_start", transcription_engine_config=config, transcription_tracks=tracks)


def _record_on(call: Call, noun: texml.Recording) -> Asking[None]:
    """Record what is left of the call."""
    yield from order(call, "adopt", callbacks={"urls": recording_urls(call, noun)})
    settings: Document = {
        "channels": "dual" if noun.channels == "dual" else "single",
        "format": noun.format,
        "recording_track": noun.track,
    }
    settings |= {"trim": "trim-silence"} if noun.trim == "trim-silence" else {}
    yield from order(call, "record_start", **settings)


# ---- away from here ------------------------------------------------------------------------------------------


def refer(call: Call, verb: texml.Refer) -> Steps:
    """Ask the far end to call somebody else in its place; where it takes that, it hangs up by itself."""
    for noun in verb.nouns[:1]:
        told = yield from order(call, "refer", sip_address=noun.text)
        status = {"ReferCallStatus": "failed" if told is None else "in-progress"}
        return goto(call, verb.action, verb.method, status)
    yield Note("<Refer> names nobody")
    return None
