"""Dial: a leg comes to be towards a client, a phone or a number; linked to another leg it may meet it by itself."""

import re
from typing import Annotated, ClassVar, Literal, TypeVar

import msgspec

from offhook.voice import effect, entering, meeting, recorder, ringing, streaming
from offhook.voice.binding import Encryption
from offhook.voice.command import Base64, CommandRule, Document
from offhook.voice.commands.call.audible import MediaName
from offhook.voice.commands.call.detecting import DETECTION_EVENTS, about_detection, detects
from offhook.voice.commands.call.shared import (
    DIGITS,
    KEYS,
    MAX_SECONDS,
    NO_AI,
    NO_SOUND_EFFECTS,
    BillingGroup,
    ControlId,
    Digits,
    Header,
    Hooked,
    Url,
    UserToUser,
    about_emergency,
    billed_to,
    headers,
)
from offhook.voice.commands.call.streamed import AnyCodec, Rate, StreamUrl, Token, to_stream
from offhook.voice.commands.call.transcribed import TranscriptionConfig, when_answered
from offhook.voice.commands.conference import enter
from offhook.voice.commands.conference.enter import ConferenceConfig
from offhook.voice.effect import Save
from offhook.voice.floor import Floor
from offhook.voice.greeting import Config
from offhook.voice.leg import Leg, LegIds, Moment, Party
from offhook.voice.parameter import rule
from offhook.voice.place import Place, Seat
from offhook.voice.resources.problem import Problem, rejected
from offhook.voice.signal import Originated
from offhook.voice.sound import file_of
from offhook.voice.stream import Codec, Mode, Targets, Track

# Nothing in it can end a header line; a space alone names nobody.
DESTINATION = r"(?=.*\S)[^\x00-\x1f\x7f]{1,256}"
ONE_LINE = r"[^\x00-\x1f\x7f]*"
Destination = Annotated[str, rule(low=1, high=256, pattern=DESTINATION, expects="a destination: one line")]
MAX_DESTINATIONS = 32
MAX_DIGITS = 64
_ENCRYPTIONS: dict[str, Encryption | None] = {"disabled": None, "SRTP": "srtp", "DTLS": "dtls"}


class Outward(Hooked, frozen=True, kw_only=True):
    """What a command says about a leg that it makes: `dial` and `transfer` share it.

    `audio_url` or `media_name` is what its far end hears first when it has answered, in place of whom it meets.
    """

    ignored: ClassVar[frozenset[str]] = frozenset((
        "diversion", "preferred_codecs", "route_to_mobile", "sip_auth_password",
        "sip_auth_username", "sip_region", "sip_transport_protocol",
    ))  # fmt: skip
    refused: ClassVar[dict[str, str]] = {"sound_modifications": NO_SOUND_EFFECTS}

    custom_headers: tuple[Header, ...] = ()
    sip_headers: tuple[UserToUser, ...] = ()
    from_display_name: Annotated[str, rule(high=128, pattern=ONE_LINE, expects="one line")] = ""
    privacy: Literal["id", "none"] = "none"
    timeout_secs: Annotated[int, rule(low=5, high=600)] = 30
    time_limit_secs: Annotated[int, rule(low=30, high=MAX_SECONDS)] = MAX_SECONDS
    send_digits_on_answer: Annotated[Digits, rule(high=MAX_DIGITS)] | None = None
    park_after_unbridge: Literal["self"] | None = None
    audio_url: Url | None = None
    media_name: MediaName | None = None
    media_encryption: Literal["disabled", "SRTP", "DTLS"] = "disabled"
    answering_machine_detection: Literal[
        "premium", "premium_ios_call_screening_detection", "detect", "detect_beep", "detect_words", "greeting_end",
        "disabled",
    ] = "disabled"  # fmt: skip
    answering_machine_detection_config: Config | None = None

    @property
    def encryption(self) -> Encryption | None:
        """How the media of a phone that it rings is encrypted; None where that is as the phone's connection says."""
        return _ENCRYPTIONS[self.media_encryption]

    def problems(self) -> list[Problem]:
        problems = super().problems() + about_detection(self.answering_machine_detection)
        if self.audio_url and self.media_name:
            problems.append(Problem("10015", "audio_url and media_name cannot be used together.", "/media_name"))
        return problems


class Dial(Outward, frozen=True, kw_only=True, rename={"from_": "from"}):
    """POST /calls. With `to` a list, all of them ring and the first to answer has the leg.

    With `conference_config` it enters that conference when it is answered, and ends where it finds no seat there.
    With `supervise_call_control_id` it joins that leg and its partner when it is answered, and is told so by
    `call.bridged`.
    """

    ignored: ClassVar[frozenset[str]] = Outward.ignored | {"send_silence_when_idle"}
    refused: ClassVar[dict[str, str]] = Outward.refused | {
        "assistant": NO_AI,
        "conversation_relay_config": NO_AI,
        "deepfake_detection": NO_AI,
        "dialogflow_config": NO_AI,
        "enable_dialogflow": NO_AI,
    }

    connection_id: Annotated[str, rule(pattern="[1-9][0-9]{18}", expects="the id of a connection", wrong_code="10017")]
    to: Annotated[
        str | tuple[str, ...],
        rule(high=MAX_DESTINATIONS, pattern=DESTINATION, expects="a destination: one line of 1 to 256 characters"),
    ]
    from_: Annotated[str, rule(low=1, high=256, pattern=ONE_LINE, expects="one line")]
    billing_group_id: BillingGroup | None = None
    link_to: ControlId | None = None
    bridge_intent: bool = False
    bridge_on_answer: bool = False
    prevent_double_bridge: bool = False
    retry_on_timeout: bool = True
    stream_url: StreamUrl | None = None
    stream_track: Track = "inbound_track"
    stream_codec: AnyCodec = "default"
    stream_bidirectional_mode: Mode = "mp3"
    stream_bidirectional_codec: Codec = "PCMU"
    stream_bidirectional_target_legs: Targets = "opposite"
    stream_bidirectional_sampling_rate: Rate | None = None
    stream_auth_token: Token = ""
    stream_establish_before_call_originate: bool = False
    transcription: bool = False
    transcription_config: TranscriptionConfig | None = None
    conference_config: ConferenceConfig | None = None
    supervise_call_control_id: ControlId | None = None
    supervisor_role: Literal["barge", "whisper", "monitor"] = "barge"

    def problems(self) -> list[Problem]:
        problems = super().problems() + about_emergency(*self.destinations)
        problems += about_digits(self.to) if isinstance(self.to, str) else []
        problems += self.conference_config.problems() if self.conference_config else []
        meets = [self.bridge_on_answer, self.conference_config, self.supervise_call_control_id]
        if sum(map(bool, meets)) > 1:
            detail = "A call can be bridged, enter a conference or supervise others, and only one of these."
            problems.append(Problem("10015", detail, f"/{self._last_met}"))
        return problems

    @property
    def _last_met(self) -> str:
        return "supervise_call_control_id" if self.supervise_call_control_id else "conference_config"

    def needed(self) -> str:
        return "transcription" if self.transcription else ""

    @property
    def destinations(self) -> tuple[str, ...]:
        """Who shall ring; with a list, all of it."""
        return (parted(self.to)[0],) if isinstance(self.to, str) else self.to


AnyDial = TypeVar("AnyDial", bound=Dial)


def decide(floor: Floor, _leg: None, order: Originated[AnyDial], now: Moment) -> Document:
    command, destinations = order.command, order.command.destinations
    linked, supervised = _linked(command, order.linked), _supervised(floor, command)
    caller = caller_of(command, linked)
    party = billed_to(order.party, command.billing_group_id)
    after = parted(command.to)[1] if isinstance(command.to, str) else ""
    leg = outward(command, order.ids, party, ",".join(destinations), after, caller, now)
    leg.client_state = command.client_state
    leg.first_command_within = order.first_command_within
    leg.meets = linked.ids.call_control_id if linked and command.bridge_on_answer else supervised
    leg.role = "party" if supervised is None else command.supervisor_role
    leg.taken = "stays" if command.prevent_double_bridge else "comes"
    leg.unanswered = "timeout" if command.retry_on_timeout else "no_answer"
    leg.transcribes = when_answered(command.transcription, command.transcription_config)
    if command.conference_config is not None:
        entering.when_answered(leg, enter.order(leg, command.conference_config))
    _stream(floor, leg, command)
    recording = record(command, leg)
    place(floor, leg, destinations, now, command.encryption)
    return call_document(order.ids, command.client_state) | ({"recording_id": recording} if recording else {})


def caller_of(command: Dial, linked: Save | None) -> str:
    """Under which number or name a call is made: the command's, or that of whom it shall be bridged to."""
    return linked.caller.number or linked.caller.username if linked and command.bridge_intent else command.from_


def _stream(floor: Floor, leg: Leg, command: Dial) -> None:
    """Let a leg be streamed from its answer on, as its command says."""
    wanted = to_stream(command, command.stream_bidirectional_sampling_rate, command.stream_auth_token)
    if wanted is not None:
        connects = "now" if command.stream_establish_before_call_originate else "then"
        streaming.of(leg).start_when_answered(floor, leg, wanted, connects)


def _linked(command: Dial, linked: Save | None) -> Save | None:
    """The leg that the new one is linked to, as far as the command asks for one."""
    if command.link_to is None:
        if command.bridge_intent or command.bridge_on_answer or command.park_after_unbridge:
            raise rejected("10004", "link_to must say which call this one belongs to.", pointer="/link_to")
        return None
    if linked is None:
        raise rejected("90018", "The call to link to has already ended.", pointer="/link_to")
    if command.prevent_double_bridge and linked.place == "bridge":
        raise rejected("10027", "The call to link to is bridged already.", pointer="/link_to")
    return linked


def _supervised(floor: Floor, command: Dial) -> str | None:
    """The leg that the new one shall supervise: the shell has seen to it that this floor has it, if it lives."""
    id = command.supervise_call_control_id
    leg = None if id is None else floor.legs.get(id)
    if id is not None and (leg is None or not meeting.partners(floor, leg)):
        raise rejected("10027", "The call to supervise is not bridged.", pointer="/supervise_call_control_id")
    return id


def parted(to: str) -> tuple[str, str]:
    """`+1555...,200`: whom to dial, and the digits that it gets once it has answered, if any."""
    destination, _, digits = to.partition(",")
    return destination, digits


def about_digits(to: str) -> list[Problem]:
    """What is wrong with the digits after a destination."""
    digits = parted(to)[1]
    if "," not in to or (len(digits) <= MAX_DIGITS and re.fullmatch(DIGITS, digits)):
        return []
    return [Problem("90026", f"After a comma come 1 to {MAX_DIGITS} of 0-9, A-D, *, #, w and W.", "/to")]


def outward(
    command: Outward, ids: LegIds, party: Party, destination: str, digits: str, caller: str, now: Moment
) -> Leg:
    """A leg that the platform dials, as its command says; `digits` are those that came with the destination."""
    leg = Leg(ids, "outgoing", party, destination, now.wall)
    leg.direction = "outgoing"
    leg.caller = msgspec.structs.replace(party, number=caller, name=command.from_display_name or caller)
    leg.headers = headers(command.custom_headers, command.sip_headers)
    leg.hooks = leg.hooks.joined(command.hooks)
    leg.caller_id = "hidden" if command.privacy == "id" else "shown"
    leg.ringback = "none"
    leg.rings_until = now.mono + command.timeout_secs
    leg.time_limit = command.time_limit_secs
    leg.digits = (command.send_digits_on_answer or digits).translate(KEYS)
    leg.unbridged = "park" if command.park_after_unbridge else "hangup"
    leg.greeting = file_of(command.audio_url, command.media_name)
    leg.detects = detects(command.answering_machine_detection, command.answering_machine_detection_config)
    return leg


def record(command: Outward, leg: Leg) -> str | None:
    """Let a leg be recorded from its answer on, as its command says; the id that the recording will have."""
    settings = command.to_record
    return settings and recorder.of(leg).start_when_answered(leg, settings, "OutboundAPI")


def place(
    floor: Floor, leg: Leg, destinations: tuple[str, ...], now: Moment, encryption: Encryption | None = None
) -> None:
    """Let a leg that the platform dials be, alone until it is answered, and find out who rings for it."""
    floor.admit(leg, Place("parked", leg.id), Seat("ringing"))
    ringing.announce(floor, leg, now, "bridging")
    floor.emit(
        effect.Route(leg.ids, leg.party, destinations, leg.caller.number, leg.caller.name, encryption=encryption)
    )


def call_document(ids: LegIds, client_state: Base64 | None) -> Document:
    """A call that has just begun, as the API shows it."""
    return {
        "call_control_id": ids.call_control_id,
        "call_leg_id": ids.call_leg_id,
        "call_session_id": ids.call_session_id,
        "client_state": client_state,
        "is_alive": False,
        "record_type": "call",
    }


RULE = CommandRule(
    "dial",
    Dial,
    frozenset(),
    decide,
    makes="leg",
    causes=(
        "call.initiated",
        "call.answered",
        "call.bridged",
        "call.hangup",
        "streaming.started",
        "streaming.failed",
        "call.recording.saved",
        "conference.created",
        "conference.participant.joined",
        *DETECTION_EVENTS,
    ),
    codes=("10004", "10017", "10027", "90015", "90018", "90042", "90043", "90057", "90058", "90911"),
)
