"""Calls in the words of TeXML's requests and callbacks: the parameters of each, and what a status is called. No I/O."""

from collections.abc import Mapping
from email.utils import formatdate
from typing import Any

from offhook.voice.cause import Ending
from offhook.voice.conference_event import (
    ConferenceCreated,
    ConferenceEnded,
    ConferenceEvent,
    ConferenceRecordingSaved,
    FloorChanged,
    ParticipantJoined,
    ParticipantLeft,
)
from offhook.voice.event import (
    About,
    CallAnswered,
    CallHungUp,
    CallInitiated,
    CallRinging,
    CallTranscribed,
    DtmfReceived,
    Event,
    MachineDetectionEnded,
    PremiumDetectionEnded,
    RecordingFailed,
    RecordingSaved,
    StreamingFailed,
    StreamingStarted,
    StreamingStopped,
    sip_uri,
)
from offhook.voice.resources.moment import format_moment
from offhook.voice.verbs.steps import Call

Words = dict[str, str]

# What the cause of an end is called: as the status of a call, and of one that a verb has dialled.
_ENDED: dict[str, str] = {
    "USER_BUSY": "busy",
    "CALL_REJECTED": "busy",
    "NO_ANSWER": "no-answer",
    "NO_USER_RESPONSE": "no-answer",
    "USER_NOT_REGISTERED": "no-answer",
    "ORIGINATOR_CANCEL": "canceled",
    "ALLOTTED_TIMEOUT": "completed",
}
_SEQUENCE: dict[type[Event], int] = {CallInitiated: 0, CallRinging: 1, CallAnswered: 2, CallHungUp: 3}
_STATUS: dict[type[Event], str] = {CallInitiated: "initiated", CallRinging: "ringing", CallAnswered: "in-progress"}
_ANSWERED_BY = {
    "human": "human",
    "human_residence": "human",
    "human_business": "human",
    "machine": "machine",
    "fax_detected": "fax",
}
_IN_CONFERENCE: dict[type[ConferenceEvent], str] = {
    ConferenceCreated: "conference-start",
    ConferenceEnded: "conference-end",
    ParticipantJoined: "participant-join",
    ParticipantLeft: "participant-leave",
    FloorChanged: "participant-speech-start",
}
_STREAM = {StreamingStarted: "stream-started", StreamingStopped: "stream-stopped", StreamingFailed: "stream-error"}


def ended(ending: Ending, answered: bool) -> str:
    """What a call that is over is called."""
    return "completed" if answered else _ENDED.get(ending.cause, "failed")


def parameters(call: Call) -> Words:
    """What every request for a document carries."""
    own = call.about.hooks.callbacks
    return _common(call.about, own.parameters if own else {}, call.domain) | {"CallStatus": call.status}


def callback(event: Event, domain: str, more: Mapping[str, Any]) -> Words:
    """What a callback carries that tells of an event; `more` are facts that the shell has, in JSON for what is no
    text."""
    own = event.about.hooks.callbacks
    words = _common(event.about, own.parameters if own else {}, domain)
    words |= {"CallbackSource": "call-progress-events", "Timestamp": formatdate(event.at, usegmt=True)}
    words["CallInitiatedAt"] = format_moment(event.about.started_at)
    sequence = _SEQUENCE.get(type(event))
    if sequence is not None:
        words["SequenceNumber"] = str(sequence)
    return words | _own(event) | {name: str(value) for name, value in more.items() if value is not None}


def _common(about: About, own: Mapping[str, str], domain: str) -> Words:
    ids, party = about.ids, about.party
    words = {
        "AccountSid": party.account_id,
        "CallSid": ids.call_control_id,
        "CallSidLegacy": ids.call_control_id,
        "CallerId": about.caller_name or about.caller,
        "CallingPartyType": party.network,
        "ConnectionId": party.connection_id,
        "Direction": "inbound" if about.direction == "incoming" else "outbound",
        "From": about.caller,
        "FromSipUri": sip_uri(about.caller, domain),
        "To": about.called,
        "ToSipUri": sip_uri(about.called, domain),
    }
    return {**words, **own}


def _own(event: Event) -> Words:
    match event:
        case CallInitiated() | CallRinging():
            return {"CallStatus": _STATUS[type(event)]}
        case CallAnswered():
            fields = event.fields()
            known = {"Codec": fields["codec"], "SamplingRate": fields["sampling_rate"]}
            return {"CallStatus": "in-progress"} | {name: str(value) for name, value in known.items() if value}
        case CallHungUp():
            return _hung_up(event)
        case DtmfReceived(digit=digit):
            return {"CallStatus": "in-progress", "Digits": digit, "CallbackSource": "dtmf"}
        case MachineDetectionEnded(result=result) | PremiumDetectionEnded(result=result):
            return {"CallStatus": "in-progress", "AnsweredBy": _ANSWERED_BY.get(result, "unknown")}
        case RecordingSaved() | ConferenceRecordingSaved():
            return _recorded(event)
        case RecordingFailed(recording_id=id):
            return {"RecordingSid": id, "RecordingStatus": "absent"}
        case ConferenceEvent():
            return {"ConferenceSid": event.conference_id, "StatusCallbackEvent": _IN_CONFERENCE[type(event)]}
        case StreamingStarted() | StreamingStopped() | StreamingFailed():
            return _streamed(event)
        case CallTranscribed():
            return _transcribed(event)
        case _:
            return {}


def _hung_up(event: CallHungUp) -> Words:
    ids, fields = event.about.ids, event.fields()
    words = {
        "CallControlId": ids.call_control_id,
        "CallDuration": str(round(event.seconds)),
        "CallLegId": ids.call_leg_id,
        "CallSessionId": ids.call_session_id,
        "CallStatus": ended(event.ending, event.answered_at is not None),
        "EndTime": format_moment(event.at),
        "HangupCause": fields["hangup_cause"],
        "HangupSource": event.source,
    }
    if event.answered_at is not None:
        words["AnsweredTime"] = format_moment(event.answered_at)
    if event.ending.error:
        words |= {"ErrorCode": event.ending.error, "ErrorMessage": event.ending.detail}
    return words


def recording(event: RecordingSaved | ConferenceRecordingSaved) -> Words:
    """A recording, as actions and callbacks have it."""
    url = next((url for url in event.urls.values() if url), None)
    return {
        "RecordingChannels": "2" if event.channels == "dual" else "1",
        "RecordingDuration": str(round(event.ended_at - event.started_at)),
        "RecordingSid": event.recording_id,
    } | ({"RecordingUrl": url} if url else {})


def _recorded(event: RecordingSaved | ConferenceRecordingSaved) -> Words:
    return recording(event) | {"RecordingStatus": "completed"}


def _streamed(event: StreamingStarted | StreamingStopped | StreamingFailed) -> Words:
    words = {"StreamSid": event.stream_id, "StreamEvent": _STREAM[type(event)]}
    return words | ({"StreamError": event.reason} if isinstance(event, StreamingFailed) else {})


def _transcribed(event: CallTranscribed) -> Words:
    return {
        "Confidence": f"{event.confidence:g}",
        "IsFinal": "true" if event.certainty == "final" else "false",
        "Transcript": event.transcript,
        "TranscriptionTrack": event.track,
    }
