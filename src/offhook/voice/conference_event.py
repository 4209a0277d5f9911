"""What the customer is told of a conference. As in `event`; how it travels is not known here.

`about` is the participant that an event is about, or the leg that the conference was made with. `client_state` is that
of the conference's owner, as the API has it.
"""

from offhook.voice.conference import EndReason
from offhook.voice.event import Document, Event
from offhook.voice.resources.moment import format_moment


class ConferenceEvent(Event, frozen=True):
    """Something that happened in a conference, about one leg."""

    conference_id: str
    client_state: str | None

    def common(self, domain: str) -> Document:  # noqa: ARG002
        ids = self.about.ids
        return {
            "call_control_id": ids.call_control_id,
            "call_leg_id": ids.call_leg_id,
            "call_session_id": ids.call_session_id,
            "client_state": self.client_state,
            "conference_id": self.conference_id,
            "connection_id": self.about.party.connection_id,
            "occurred_at": format_moment(self.at),
        }


class ConferenceCreated(ConferenceEvent, frozen=True):
    """A conference came to be, with this leg."""

    type = "conference.created"


class ConferenceEnded(ConferenceEvent, frozen=True):
    """A conference is over; nobody takes part any more.

    The event has no word for an end by command, though the conference has; then all have left.
    """

    type = "conference.ended"

    reason: EndReason

    def fields(self) -> Document:
        return {"reason": "all_left" if self.reason == "ended_via_api" else self.reason}


class ParticipantJoined(ConferenceEvent, frozen=True):
    """A leg takes part from now on."""

    type = "conference.participant.joined"


class ParticipantLeft(ConferenceEvent, frozen=True):
    """A leg takes part no more."""

    type = "conference.participant.left"


class ConferenceRecordingSaved(ConferenceEvent, frozen=True):
    """A recording can be downloaded: `urls` are its links by format. Moments are Unix seconds."""

    type = "conference.recording.saved"

    recording_id: str
    channels: str
    format: str
    started_at: float
    ended_at: float
    urls: dict[str, str | None]

    def fields(self) -> Document:
        return {
            "channels": self.channels,
            "format": self.format,
            "public_recording_urls": dict.fromkeys(self.urls),
            "recording_ended_at": format_moment(self.ended_at),
            "recording_id": self.recording_id,
            "recording_started_at": format_moment(self.started_at),
            "recording_urls": self.urls,
        }


class FloorChanged(ConferenceEvent, frozen=True):
    """This participant talks now, and is the loudest."""

    type = "conference.floor.changed"


# ---- what is played ------------------------------------------------------------------------------------------


class Announced(ConferenceEvent, frozen=True):
    """Something that is played begins or is over. `whom` says whether the whole conference hears it or this participant
    does; both media fields are null for speech."""

    creator_session: str
    media_url: str | None = None
    media_name: str | None = None

    def fields(self) -> Document:
        return {"creator_call_session_id": self.creator_session} | self._media()

    def _media(self) -> Document:
        return {"media_name": self.media_name, "media_url": self.media_url}


class Spoken(Announced, frozen=True):
    """The same of speech."""

    def _media(self) -> Document:
        return {}


class ToAll(Announced, frozen=True):
    """The same to the whole conference: no leg is named."""

    def common(self, domain: str) -> Document:
        known = super().common(domain)
        return {name: known[name] for name in ("conference_id", "connection_id", "occurred_at")}


class SpokenToAll(ToAll, Spoken, frozen=True):
    """Speech to the whole conference."""


class PlaybackStarted(ToAll, frozen=True):
    """The first participant hears the first of a file."""

    type = "conference.playback.started"


class PlaybackEnded(ToAll, frozen=True):
    """A file is over for everybody."""

    type = "conference.playback.ended"


class SpeakStarted(SpokenToAll, frozen=True):
    """The first participant hears the first of what was to be said."""

    type = "conference.speak.started"


class SpeakEnded(SpokenToAll, frozen=True):
    """What was to be said is over for everybody."""

    type = "conference.speak.ended"


class ParticipantPlaybackStarted(Announced, frozen=True):
    """This participant hears the first of a file."""

    type = "conference.participant.playback.started"


class ParticipantPlaybackEnded(Announced, frozen=True):
    """A file is over for this participant."""

    type = "conference.participant.playback.ended"


class ParticipantSpeakStarted(Spoken, frozen=True):
    """This participant hears the first of what was to be said."""

    type = "conference.participant.speak.started"


class ParticipantSpeakEnded(Spoken, frozen=True):
    """What was to be said is over for this participant."""

    type = "conference.participant.speak.ended"
