"""The verbs and nouns of TeXML as values, with their attributes and defaults. Knows no text, no calls.

A field's name in camel case is the attribute's; its type and bounds say what the attribute may be. `text` is what an
element holds, `nouns` are the elements in it. An attribute that is none of these, or has no such value, is left out:
the documents that people write are to run.
"""

from typing import Annotated, Literal

import msgspec

Method = Literal["GET", "POST"]
Event = Literal["initiated", "ringing", "answered", "amd", "dtmf", "completed"]
# Several words with blanks between.
Words = tuple[str, ...]


def whole(low: int, high: int) -> msgspec.Meta:
    """The bounds of a number."""
    return msgspec.Meta(ge=low, le=high)


Loop = Annotated[int, whole(0, 1000)]
Seconds = Annotated[int, whole(0, 14400)]
RingSeconds = Annotated[int, whole(5, 120)]
Url = Annotated[str, msgspec.Meta(max_length=2048)]
Detection = Literal["Enable", "Disable", "DetectMessageEnd"]
Record = Literal[
    "do-not-record", "record-from-answer", "record-from-ringing", "record-from-answer-dual", "record-from-ringing-dual"
]


class Element(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """An element that has been read."""


# ---- what is heard -------------------------------------------------------------------------------------------


class Say(Element, frozen=True):
    """`text` is plain, or with `marked` an SSML document. A `loop` of 0 is for ever."""

    text: str = ""
    marked: bool = False
    voice: str = ""
    language: str = ""
    loop: Loop = 1
    gender: str = ""


class Play(Element, frozen=True):
    """`text` is a URL or, with `media_storage`, the name of a media file; `digits` are played in its place."""

    text: str = ""
    loop: Loop = 1
    media_storage: bool = False
    digits: str = ""


class Pause(Element, frozen=True):
    length: Annotated[int, whole(1, 180)] = 1


class Gather(Element, frozen=True):
    """`speech_timeout` is how long nobody speaks after speech, in seconds; `auto` leaves that to the engine."""

    nouns: tuple[Say | Play, ...] = ()
    action: Url = ""
    method: Method = "POST"
    timeout: Annotated[int, whole(1, 120)] = 5
    input: Words = ("dtmf",)
    num_digits: Annotated[int, whole(1, 128)] | None = None
    min_digits: Annotated[int, whole(1, 128)] = 1
    max_digits: Annotated[int, whole(1, 128)] = 128
    finish_on_key: str = "#"
    valid_digits: str = "0123456789#*"
    invalid_digits_action: Url = ""
    speech_timeout: Annotated[int, whole(1, 60)] | Literal["auto"] = "auto"
    partial_result_callback: Url = ""
    partial_result_callback_method: Method = "POST"
    language: str = "en-US"


# ---- whom the call meets -------------------------------------------------------------------------------------


class Recorded(Element, frozen=True):
    """What verbs that may record have in common."""

    recording_status_callback: Url = ""
    recording_status_callback_method: Method = "POST"
    recording_status_callback_event: Words = ("completed",)


class Number(Element, frozen=True):
    """A phone number to be rung. With `url`, whoever answers first follows that document, and only then they meet."""

    text: str = ""
    url: Url = ""
    method: Method = "GET"
    status_callback: Url = ""
    status_callback_event: Words = ("completed",)
    status_callback_method: Method = "POST"
    machine_detection: Detection = "Disable"
    detection_mode: str = "Regular"
    machine_detection_timeout: Annotated[int, whole(500, 60000)] | None = None
    send_digits: str = ""


class Sip(Number, frozen=True):
    """A SIP URI to be rung. A browser, or a phone that is registered here, is one."""

    username: str = ""
    password: str = ""


class QueueNoun(Element, frozen=True):
    """The first who waits in the queue of this name; `url` is followed by that call before they meet."""

    text: str = ""
    url: Url = ""
    method: Method = "POST"


class ConferenceNoun(Recorded, frozen=True):
    """The conference of this name."""

    text: str = ""
    muted: bool = False
    start_conference_on_enter: bool = True
    end_conference_on_exit: bool = False
    max_participants: Annotated[int, whole(2, 800)] = 250
    beep: Literal["true", "false", "onEnter", "onExit"] = "true"
    participant_label: str = ""
    record: Literal["do-not-record", "record-from-start"] = "do-not-record"
    record_beep: bool = True
    recording_timeout: Seconds = 0
    trim: Literal["trim-silence", "do-not-trim"] = "do-not-trim"
    status_callback: Url = ""
    status_callback_method: Method = "POST"
    status_callback_event: Words = ("start", "end", "join", "leave")
    wait_url: Url | None = None
    wait_method: Method = "POST"


class Dial(Recorded, frozen=True):
    """With `text`, that number is rung."""

    text: str = ""
    nouns: tuple[Number | Sip | QueueNoun | ConferenceNoun, ...] = ()
    action: Url = ""
    method: Method = "POST"
    caller_id: str = ""
    from_display_name: str = ""
    hangup_on_star: bool = False
    timeout: RingSeconds = 30
    time_limit: Annotated[int, whole(30, 14400)] = 14400
    record: Record = "do-not-record"
    recording_channels: Literal["single", "dual"] = "single"
    record_max_length: Seconds = 0
    send_recording_url: bool = True
    ring_tone: str = "us"
    audio_url: Url = ""
    machine_detection: Detection = "Disable"


class Enqueue(Element, frozen=True):
    """`text` is the queue's name; `wait_url` a document that is followed over and over while the call waits."""

    text: str = ""
    action: Url = ""
    method: Method = "POST"
    wait_url: Url = ""
    wait_url_method: Method = "POST"
    max_wait_time_secs: Annotated[int, whole(1, 86400)] = 14400


class Refer(Element, frozen=True):
    nouns: tuple[Sip, ...] = ()
    action: Url = ""
    method: Method = "POST"


# ---- how the document goes on --------------------------------------------------------------------------------


class Leave(Element, frozen=True):
    """The call leaves its queue."""


class Hangup(Element, frozen=True):
    pass


class Reject(Element, frozen=True):
    reason: Literal["rejected", "busy"] = "rejected"


class Redirect(Element, frozen=True):
    text: str = ""
    method: Method = "POST"


# ---- what goes on beside the call ----------------------------------------------------------------------------


class RecordVerb(Recorded, frozen=True):
    """`timeout` is how much silence ends it, in seconds; 0 for none."""

    action: Url = ""
    method: Method = "POST"
    finish_on_key: str = "1234567890*#"
    timeout: Seconds = 0
    max_length: Annotated[int, whole(1, 14400)] = 3600
    play_beep: bool = True
    trim: Literal["trim-silence", "do-not-trim"] = "trim-silence"
    channels: Literal["single", "dual"] = "dual"
    format: Literal["mp3", "wav"] = "mp3"
    transcription: bool = False
    transcription_language: str = "en"


class Parameter(Element, frozen=True):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=128)] = ""
    value: Annotated[str, msgspec.Meta(max_length=1024)] = ""


class Stream(Element, frozen=True):
    nouns: tuple[Parameter, ...] = ()
    url: Url = ""
    track: Literal["inbound_track", "outbound_track", "both_tracks"] = "inbound_track"
    name: str = ""
    codec: str = "default"
    bidirectional_mode: Literal["mp3", "rtp"] = "mp3"
    bidirectional_codec: str = "PCMU"
    bidirectional_sampling_rate: int = 8000
    status_callback: Url = ""
    status_callback_method: Method = "POST"
    enable_reconnect: bool = True


class Transcription(Element, frozen=True):
    language: str = "en"
    interim_results: bool = False
    transcription_engine: str = "Google"
    transcription_tracks: Literal["inbound", "outbound", "both"] = "inbound"
    transcription_callback: Url = ""
    transcription_callback_method: Method = "POST"


class Suppression(Element, frozen=True):
    direction: Literal["inbound", "outbound", "both"] = "inbound"


class Recording(Recorded, frozen=True):
    """What is recorded beside the document, to the end of the call."""

    channels: Literal["mono", "single", "dual"] = "dual"
    track: Literal["inbound", "outbound", "both"] = "both"
    trim: Literal["trim-silence", "do-not-trim"] = "do-not-trim"
    format: Literal["mp3", "wav"] = "mp3"


Beside = Stream | Transcription | Suppression | Recording


class Start(Element, frozen=True):
    nouns: tuple[Beside, ...] = ()


class Stop(Element, frozen=True):
    nouns: tuple[Beside, ...] = ()


class Connect(Element, frozen=True):
    """The document goes on when the stream is over."""

    nouns: tuple[Stream, ...] = ()


Verb = (
    Say
    | Play
    | Pause
    | Gather
    | Dial
    | Enqueue
    | Refer
    | Leave
    | Hangup
    | Reject
    | Redirect
    | RecordVerb
    | Start
    | Stop
    | Connect
)
