"""Parameters that several commands have, with what they mean. Knows no single command."""

from typing import Annotated, Any, Literal

import msgspec

from offhook.voice import emergency
from offhook.voice.command import Command
from offhook.voice.dialing import names_emergency
from offhook.voice.hooks import Hooks, check_policies, check_urls, retries_of, urls_of
from offhook.voice.leg import Headers, Leg, Party
from offhook.voice.parameter import rule
from offhook.voice.recording import Channels, Format, Settings, Track
from offhook.voice.resources.problem import Problem

MAX_SECONDS = 14400
# For a recording or a wait that may be longer than any call: more of it changes nothing.
MAX_RECORDED_SECONDS = 43200
MAX_COUNT = 2**31 - 1
MAX_NAME = 255
Url = Annotated[str, rule(pattern=r"(?:https?://[^\s/?#][^\s]*)?", expects="an http or https URL", high=2048)]
DIGITS = r"[0-9A-Da-d*#wW]{1,100}"
Digits = Annotated[str, rule(pattern=DIGITS, expects="0-9, A-D, *, #, w and W", wrong_code="90026")]
# How far ends are sent the letters of keys: in upper case; w and W are pauses.
KEYS = str.maketrans("abcd", "ABCD")
QueueName = Annotated[str, rule(low=1, high=MAX_NAME)]
ControlId = Annotated[str, rule(low=1, high=255)]
RecordingId = Annotated[
    str, rule(pattern=r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", expects="the id of a recording")
]

BillingGroup = Annotated[
    str, rule(pattern="[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", expects="the id of a billing group")
]
# Whose digits are kept from whom while two legs are bridged.
MuteDtmf = Literal["none", "both", "self", "opposite"]

NO_AI = "this release has no AI assistants"
NO_VIDEO = "this release has no video rooms"
NO_SOUND_EFFECTS = "this release changes nobody's voice"


class Header(msgspec.Struct, frozen=True):
    """A custom header of an invite, answer or bye."""

    name: Annotated[str, rule(low=1, high=128, pattern=r"[!-9;-~]+", expects="a header name")]
    value: Annotated[str, rule(high=1024, pattern=r"[^\r\n]*", expects="one line")]


class UserToUser(msgspec.Struct, frozen=True):
    """A SIP header of which only this one may be set."""

    name: Literal["User-to-User"]
    value: Annotated[str, rule(high=1024, pattern=r"[^\r\n]*", expects="one line")]


RecordingName = Annotated[str, rule(high=40, pattern=r"[^\x00-\x1f\x7f/\\\\]*", expects="a name without slashes")]


class Recorded(Command, frozen=True, kw_only=True):
    """A command that may let its leg be recorded, from its answer on, or from now on where it is answered."""

    record: Literal["record-from-answer"] | None = None
    record_channels: Channels = "dual"
    record_format: Format = "mp3"
    record_max_length: Annotated[int, rule(low=0, high=MAX_RECORDED_SECONDS)] = 0
    record_timeout_secs: Annotated[int, rule(low=0, high=MAX_RECORDED_SECONDS)] = 0
    record_track: Track = "both"
    record_trim: Literal["trim-silence"] | None = None
    record_custom_file_name: RecordingName = ""

    @property
    def to_record(self) -> Settings | None:
        """How the leg is to be recorded, if it is."""
        if self.record is None:
            return None
        return Settings(
            channels=self.record_channels,
            format=self.record_format,
            track=self.record_track,
            max_seconds=self.record_max_length,
            silence_seconds=self.record_timeout_secs,
            trim="silence" if self.record_trim else "nothing",
            file_name=self.record_custom_file_name,
        )


class Hooked(Recorded, frozen=True, kw_only=True):
    """A command that may say where its leg's events go from now on."""

    webhook_url: Url = ""
    webhook_url_method: Literal["POST", "GET"] = "POST"
    webhook_urls: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    webhook_urls_method: Literal["POST", "GET"] = "POST"
    webhook_retries_policies: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])

    def problems(self) -> list[Problem]:
        return check_urls(self.webhook_urls) + check_policies(self.webhook_retries_policies)

    @property
    def hooks(self) -> Hooks:
        """Where the leg's events go from now on."""
        return Hooks(
            self.webhook_url,
            self.webhook_url_method,
            urls_of(self.webhook_urls),
            self.webhook_urls_method,
            retries_of(self.webhook_retries_policies),
        )


def about_emergency(*destinations: str) -> list[Problem]:
    """A call to an emergency number is refused before anything comes of it: whoever dials it must know at once."""
    if any(names_emergency(each.partition(",")[0]) for each in destinations):
        return [Problem(emergency.CODE, f"{emergency.DETAIL[0].upper()}{emergency.DETAIL[1:]}.", "/to")]
    return []


def headers(custom: tuple[Header, ...], sip: tuple[UserToUser, ...] = ()) -> Headers:
    """Headers of a body as a leg has them."""
    return tuple((each.name, each.value) for each in (*custom, *sip))


def billed_to(party: Party, billing_group: str | None) -> Party:
    """The party with the billing group that a command names, if it names one."""
    if not billing_group:
        return party
    return msgspec.structs.replace(party, terms=msgspec.structs.replace(party.terms, billing_group=billing_group))


def mute(leg: Leg, other: Leg, which: MuteDtmf) -> None:
    """Let two legs that meet be spared the other's digits: `self` is the one that was commanded."""
    leg.tones = "muted" if which in ("self", "both") else "passed"
    other.tones = "muted" if which in ("opposite", "both") else "passed"
