"""Answer: the platform takes a call that a far end dialled; a parked client's too, although its API direction is
outgoing."""

from typing import ClassVar

from offhook.voice import recorder, ringing, streaming
from offhook.voice.command import OK, CommandRule, Document
from offhook.voice.commands.call.shared import (
    NO_AI,
    NO_SOUND_EFFECTS,
    BillingGroup,
    Header,
    Hooked,
    UserToUser,
    billed_to,
    headers,
)
from offhook.voice.commands.call.streamed import AnyCodec, StreamUrl, to_stream
from offhook.voice.commands.call.transcribed import TranscriptionConfig, when_answered
from offhook.voice.floor import Floor
from offhook.voice.leg import UNANSWERED, Leg, Moment
from offhook.voice.resources.problem import rejected
from offhook.voice.signal import Ordered
from offhook.voice.stream import Codec, Mode, Targets, Track


class Answer(Hooked, frozen=True, kw_only=True):
    """POST /calls/{call_control_id}/actions/answer."""

    ignored: ClassVar[frozenset[str]] = frozenset(("preferred_codecs", "send_silence_when_idle"))
    refused: ClassVar[dict[str, str]] = {
        "assistant": NO_AI,
        "conversation_relay_config": NO_AI,
        "deepfake_detection": NO_AI,
        "sound_modifications": NO_SOUND_EFFECTS,
    }

    billing_group_id: BillingGroup | None = None
    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[UserToUser, ...] = ()
    stream_url: StreamUrl | None = None
    stream_track: Track = "inbound_track"
    stream_codec: AnyCodec = "default"
    stream_bidirectional_mode: Mode = "mp3"
    stream_bidirectional_codec: Codec = "PCMU"
    stream_bidirectional_target_legs: Targets = "opposite"
    transcription: bool = False
    transcription_config: TranscriptionConfig | None = None

    def needed(self) -> str:
        return "transcription" if self.transcription else ""


def decide(floor: Floor, leg: Leg, order: Ordered[Answer], now: Moment) -> Document:
    if leg.side == "outgoing":
        raise rejected("90102", "Only the far end can answer a call that was dialled to it.")
    leg.party = billed_to(leg.party, order.command.billing_group_id)
    leg.answer_headers = headers(order.command.custom_headers, order.command.sip_headers)
    leg.transcribes = when_answered(order.command.transcription, order.command.transcription_config)
    if wanted := to_stream(order.command):
        streaming.of(leg).start_when_answered(floor, leg, wanted, "then")
    settings = order.command.to_record
    id = settings and recorder.of(leg).start_when_answered(leg, settings, "StartCallRecordingAPI")
    ringing.answer(floor, leg, now)
    return OK | ({"recording_id": id} if id else {})


RULE = CommandRule(
    "answer",
    Answer,
    UNANSWERED,
    decide,
    causes=("call.answered", "call.bridged", "streaming.started", "streaming.failed", "call.recording.saved"),
    codes=("90057", "90102"),
)
