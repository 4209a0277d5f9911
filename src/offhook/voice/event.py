"""What the customer is told of a call, as past-tense facts, and their payloads. How they travel is not known here.

A payload has every field that the official types declare for its event and those that were seen on the wire.
"""

from typing import Any, ClassVar, Literal

import msgspec

from offhook.voice.cause import CAUSES, Ending
from offhook.voice.hooks import Hooks
from offhook.voice.leg import Direction, Headers, Leg, LegIds, Party
from offhook.voice.rating import Charge, dollars, total
from offhook.voice.resources.moment import format_moment

Document = dict[str, Any]
Source = Literal["caller", "callee", "unknown"]


class About(msgspec.Struct, frozen=True):
    """The leg that an event is about, as it was then. `started_at` is Unix seconds.

    `caller` and `called` are the API's `from` and `to`; `hooks` is where the leg's events go.
    """

    ids: LegIds
    party: Party
    caller: str
    called: str
    caller_name: str
    direction: Direction
    started_at: float
    client_state: str | None = None
    headers: Headers = ()
    hooks: Hooks = Hooks()


def about(leg: Leg) -> About:
    """A leg as its events show it from now on."""
    return About(
        ids=leg.ids,
        party=leg.party,
        caller=leg.caller.number or leg.caller.username,
        called=leg.destination,
        caller_name=leg.caller.name,
        direction=leg.direction,
        started_at=leg.started_wall,
        client_state=leg.client_state,
        headers=leg.headers + _marks(leg),
        hooks=leg.hooks,
    )


def _marks(leg: Leg) -> Headers:
    """What lets a backend join an event to the call in its browser: the browser SDK's own names for it."""
    if len(leg.dialogs) != 1 or not leg.party.sessid:
        return ()
    return (
        ("X-RTC-CALLID", leg.dialog.id.name),
        ("X-RTC-SESSID", leg.party.sessid),
        ("X-rtc_leg_uuid", leg.ids.call_leg_id),
    )


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a leg, at `at` (Unix seconds)."""

    type: ClassVar[str]

    about: About
    at: float

    def common(self, domain: str) -> Document:
        """What every event of its family has in its payload; `domain` is the SIP domain in which parties are named."""
        about = self.about
        return {
            "call_control_id": about.ids.call_control_id,
            "call_leg_id": about.ids.call_leg_id,
            "call_session_id": about.ids.call_session_id,
            "calling_party_type": about.party.network,
            "client_state": about.client_state,
            "connection_id": about.party.connection_id,
            "from": about.caller,
            "from_sip_uri": sip_uri(about.caller, domain),
            "start_time": format_moment(about.started_at),
            "to": about.called,
            "to_sip_uri": sip_uri(about.called, domain),
        }

    def fields(self) -> Document:
        """What this kind of event has beyond that."""
        return {}


class CallInitiated(Event, frozen=True):
    """A leg came to be: one that dials, or one that is rung. `parked` waits for the backend's commands."""

    type = "call.initiated"

    state: Literal["parked", "bridging"]

    def fields(self) -> Document:
        return {
            "call_screening_result": None,
            "caller_id_name": self.about.caller_name,
            "connection_codecs": None,
            "custom_headers": headers_of(self.about),
            "direction": self.about.direction,
            "offered_codecs": None,
            "shaken_stir_attestation": None,
            "shaken_stir_validated": None,
            "sip_headers": [],
            "state": self.state,
            "tags": [],
        }


class CallAnswered(Event, frozen=True):
    """A leg was answered; from now on it costs."""

    type = "call.answered"

    codec: str | None = None

    def fields(self) -> Document:
        name, rate = _CODECS.get(self.codec or "", (None, None))
        return {
            "codec": name,
            "custom_headers": headers_of(self.about),
            "sampling_rate": rate,
            "sip_headers": [],
            "state": "answered",
            "tags": [],
        }


# The media core's names of codecs: the API's, and how many samples a second they have.
_CODECS = {"opus": ("OPUS", 48_000), "pcmu": ("PCMU", 8_000), "pcma": ("PCMA", 8_000), "g722": ("G722", 16_000)}


class CallRinging(Event, frozen=True):
    """A leg's far end alerts its user. Told of legs that have callbacks."""

    type = "call.ringing"


class CallUnbridged(Event, frozen=True):
    """A leg that follows a document is alone again: whom it was with has gone."""

    type = "call.unbridged"


class CallBridged(Event, frozen=True):
    """Two legs have met; each of them has this event of its own. `first` is that of the leg that was there first."""

    type = "call.bridged"

    other: LegIds
    first: bool


class CallEnqueued(Event, frozen=True):
    """A leg waits in a queue. `position` is 1 for whoever comes first; `average_wait` is whole seconds."""

    type = "call.enqueued"

    queue: str
    position: int
    average_wait: int

    def fields(self) -> Document:
        return {
            "current_position": self.position,
            "queue": self.queue,
            "queue_avg_wait_time_secs": self.average_wait,
        }


class CallDequeued(Event, frozen=True):
    """A leg waits in its queue no more. `reason` is `bridged` where it goes straight to the leg that wants it, and
    `bridging-in-process` where it left for a bridge or transfer of which nobody knows yet whether it succeeds."""

    type = "call.dequeued"

    queue: str
    position: int
    reason: Literal["bridged", "bridging-in-process", "hangup", "leave", "timeout"]
    waited: int

    def fields(self) -> Document:
        return {
            "queue": self.queue,
            "queue_position": self.position,
            "reason": self.reason,
            "wait_time_secs": self.waited,
        }


class DtmfReceived(Event, frozen=True):
    """A leg's far end pressed one key."""

    type = "call.dtmf.received"

    digit: str

    def fields(self) -> Document:
        return {"digit": self.digit}


PlayStatus = Literal["completed", "cancelled", "call_hangup", "file_not_found", "failed"]
GatherStatus = Literal["valid", "invalid", "timeout", "cancelled", "call_hangup"]


class SpeakStarted(Event, frozen=True):
    """A leg hears the first of what was to be said."""

    type = "call.speak.started"

    speak_id: str

    def fields(self) -> Document:
        return {"speak_id": self.speak_id}


class SpeakEnded(Event, frozen=True):
    """What was to be said is over. Besides the API's statuses it may be `cancelled` by a command, or `failed`."""

    type = "call.speak.ended"

    speak_id: str
    status: PlayStatus

    def fields(self) -> Document:
        return {"speak_id": self.speak_id, "status": self.status}


class PlaybackStarted(Event, frozen=True):
    """A leg hears the first of a file. Both media fields are null for one that came with its command."""

    type = "call.playback.started"

    media_url: str | None
    media_name: str | None
    overlay: bool

    def fields(self) -> Document:
        return {"media_name": self.media_name, "media_url": self.media_url, "overlay": self.overlay}


class PlaybackEnded(Event, frozen=True):
    """A file is over, or could not be played; `detail` then says why, for people."""

    type = "call.playback.ended"

    media_url: str | None
    media_name: str | None
    overlay: bool
    status: PlayStatus
    detail: str = ""

    def fields(self) -> Document:
        return {
            "media_name": self.media_name,
            "media_url": self.media_url,
            "overlay": self.overlay,
            "status": self.status,
            "status_detail": self.detail or None,
        }


class GatherEnded(Event, frozen=True):
    """A leg's far end has pressed what was asked for, or has not."""

    type = "call.gather.ended"

    gather_id: str
    digits: str
    status: GatherStatus

    def fields(self) -> Document:
        return {"digits": self.digits, "gather_id": self.gather_id, "status": self.status}


class StreamingStarted(Event, frozen=True):
    """The websocket of a leg's stream is up, and its audio flows."""

    type = "streaming.started"

    stream_id: str
    url: str

    def fields(self) -> Document:
        return {"stream_id": self.stream_id, "stream_url": self.url}


class StreamingStopped(Event, frozen=True):
    """A leg's stream is over: by command, with the leg, or because its far end closed it in good order."""

    type = "streaming.stopped"

    stream_id: str
    url: str

    def fields(self) -> Document:
        return {"stream_id": self.stream_id, "stream_url": self.url}


class StreamingFailed(Event, frozen=True):
    """The websocket of a leg's stream could not be opened, or was lost for good. `reason` is for people."""

    type = "streaming.failed"

    stream_id: str
    url: str
    track: str
    reason: str

    def fields(self) -> Document:
        return {
            "failure_reason": self.reason,
            "stream_id": self.stream_id,
            "stream_params": {"stream_url": self.url, "track": self.track},
            "stream_type": "websocket",
        }


class ForkStarted(Event, frozen=True):
    """A leg's audio is being copied."""

    type = "call.fork.started"

    def fields(self) -> Document:
        return {"stream_type": "decrypted"}


class ForkStopped(Event, frozen=True):
    """A leg's audio is copied no more."""

    type = "call.fork.stopped"

    def fields(self) -> Document:
        return {"stream_type": "decrypted"}


class CallTranscribed(Event, frozen=True):
    """Something was said on a leg. What is not final may be corrected by what follows."""

    type = "call.transcription"

    transcript: str
    confidence: float
    certainty: Literal["final", "interim"]
    track: Literal["inbound", "outbound"]

    def fields(self) -> Document:
        return {
            "transcription_data": {
                "confidence": self.confidence,
                "is_final": self.certainty == "final",
                "transcript": self.transcript,
                "transcription_track": self.track,
            }
        }


class MachineDetectionEnded(Event, frozen=True):
    """It is known whether a person or a machine has answered, or that it cannot be."""

    type = "call.machine.detection.ended"

    result: Literal["human", "machine", "not_sure"]

    def fields(self) -> Document:
        return {"result": self.result}


class MachineGreetingEnded(Event, frozen=True):
    """A machine's greeting is over, by a beep or by a pause, or has gone on for longer than was to be waited."""

    type = "call.machine.greeting.ended"

    result: Literal["beep_detected", "ended", "not_sure"]

    def fields(self) -> Document:
        return {"result": self.result}


class PremiumDetectionStarted(Event, frozen=True):
    """Who has answered is listened to."""

    type = "call.machine.premium.detection.started"


class PremiumDetectionEnded(Event, frozen=True):
    """It is known what has answered."""

    type = "call.machine.premium.detection.ended"

    result: Literal["human_residence", "human_business", "machine", "silence", "fax_detected", "not_sure"]

    def fields(self) -> Document:
        return {"result": self.result}


class PremiumGreetingEnded(Event, frozen=True):
    """There was a beep, or none came in the time that was to be waited."""

    type = "call.machine.premium.greeting.ended"

    result: Literal["beep_detected", "no_beep_detected"]

    def fields(self) -> Document:
        return {"result": self.result}


class RecordingSaved(Event, frozen=True):
    """A recording can be downloaded: `urls` are its links by format. Moments are Unix seconds."""

    type = "call.recording.saved"

    recording_id: str
    channels: str
    format: str
    started_at: float
    ended_at: float
    urls: dict[str, str | None]

    def fields(self) -> Document:
        return {
            "channels": self.channels,
            "end_time": format_moment(self.ended_at),
            "flow_destination": None,
            "format": self.format,
            "public_recording_urls": dict.fromkeys(self.urls),
            "recording_ended_at": format_moment(self.ended_at),
            "recording_id": self.recording_id,
            "recording_started_at": format_moment(self.started_at),
            "recording_urls": self.urls,
            "start_time": format_moment(self.started_at),
        }


class RecordingFailed(Event, frozen=True):
    """A recording could not be kept, or not all of it; `detail` is ours and says why, for people."""

    type = "call.recording.error"

    recording_id: str
    detail: str

    def fields(self) -> Document:
        return {
            "reason": "Internal server error",
            "recording_id": self.recording_id,
            "status_detail": self.detail,
        }


class RecordingTranscribed(Event, frozen=True):
    """What is said in a recording has been written down."""

    type = "call.recording.transcription.saved"

    recording_id: str
    transcription_id: str
    text: str

    def fields(self) -> Document:
        return {
            "calling_party_type": self.about.party.network,
            "recording_id": self.recording_id,
            "recording_transcription_id": self.transcription_id,
            "status": "completed",
            "transcription_text": self.text,
        }


class _Referred(Event, frozen=True):
    """`status` is SIP's, of what the leg's far end said."""

    status: int

    def fields(self) -> Document:
        return {"sip_notify_response": self.status}


class CallReferStarted(_Referred, frozen=True):
    """A leg's far end calls whom it was referred to."""

    type = "call.refer.started"


class CallReferCompleted(_Referred, frozen=True):
    """It has reached whom it was referred to."""

    type = "call.refer.completed"


class CallReferFailed(_Referred, frozen=True):
    """It will not call whom it was referred to, or has not reached that."""

    type = "call.refer.failed"


class CallHeld(Event, frozen=True):
    """A leg's far end put the call on hold."""

    type = "call.hold"


class CallUnheld(Event, frozen=True):
    """A leg's far end took the call off hold."""

    type = "call.unhold"


class CallHungUp(Event, frozen=True):
    """A leg ended. `source` is who ended it first, as the Voice API names it; `port` is that of its media, by which the
    shell finds how good they were. `answered_at` is Unix seconds."""

    type = "call.hangup"

    ending: Ending
    source: Source
    port: int | None = None
    answered_at: float | None = None

    @property
    def seconds(self) -> float:
        """How long it was answered."""
        return 0.0 if self.answered_at is None else self.at - self.answered_at

    def fields(self) -> Document:
        cause = CAUSES[self.ending.cause]
        return {
            "call_quality_stats": None,
            "custom_headers": headers_of(self.about),
            "end_time": format_moment(self.at),
            "hangup_cause": self.ending.told or cause.hangup_cause,
            "hangup_source": self.source,
            "sip_hangup_cause": str(self.ending.sip_code or cause.sip),
            "sip_headers": [],
            "state": "hangup",
            "tags": [],
            "telnyx_error": None,
        }


# What a part is called in `cost_parts` where that differs from its record type.
_CALL_PARTS = {"recording": "call-recording"}


class CallCost(Event, frozen=True):
    """What a leg has cost, line by line. The total is the sum of the lines, which are rounded each by itself."""

    type = "call.cost"

    charges: tuple[Charge, ...]

    def fields(self) -> Document:
        return {
            "billed_duration_secs": max(charge.billed_seconds for charge in self.charges),
            "billing_group_id": self.about.party.terms.billing_group or None,
            "cost_parts": [_cost_part(charge) for charge in self.charges],
            "occurred_at": format_moment(self.at),
            "status": "success",
            "total_cost": dollars(total(self.charges)),
        }


def _cost_part(charge: Charge) -> Document:
    return {
        "billed_duration_secs": charge.billed_seconds,
        "call_part": _CALL_PARTS.get(charge.part, charge.part),
        "cost": dollars(charge.micros),
        "currency": charge.currency,
        "rate": dollars(charge.rate.micros),
    }


def payload(event: Event, domain: str) -> Document:
    """The payload of an event, its keys in order."""
    return dict(sorted((event.common(domain) | event.fields()).items()))


def headers_of(about: About) -> list[dict[str, str]]:
    """The leg's custom headers as the API writes them."""
    return [{"name": name, "value": value} for name, value in about.headers]


def sip_uri(party: str, domain: str) -> str:
    """A party's SIP URI without its scheme; `domain` is that of parties who have none."""
    bare = party.removeprefix("sip:")
    return bare if "@" in bare else f"{bare}@{domain}"
