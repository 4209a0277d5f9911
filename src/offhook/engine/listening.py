"""Everybody who listens in on legs from outside, or talks back: streams, forks, transcriptions; one front for all."""

from collections.abc import Callable

import msgspec

from offhook.engine.forks import Forks
from offhook.engine.ports import Datagrams, MediaCore, MediaSockets
from offhook.engine.streams import Decode, Streams
from offhook.engine.tapping import Taps
from offhook.engine.transcription import Transcriber, Transcriptions
from offhook.media.events import FeedPlayed, Tapped
from offhook.voice import effect
from offhook.voice.signal import ListenerSignal


class Outside(msgspec.Struct, frozen=True):
    """What listeners need of the world: ways out, a decoder for MP3s, and an engine where there is one."""

    sockets: MediaSockets
    datagrams: Datagrams
    decode: Decode
    transcriber: Transcriber | None = None


class Listeners:
    """All of them, on one core. `tell` takes what becomes of them, to the leg's owner of that time."""

    def __init__(self, core: MediaCore, outside: Outside, tell: Callable[[ListenerSignal], None]) -> None:
        self._taps = Taps(core)
        self._streams = Streams(core, self._taps, outside.sockets, outside.decode, tell)
        self._forks = Forks(self._taps, outside.datagrams)
        self._transcriptions = Transcriptions(self._taps, outside.transcriber, tell)

    def perform(self, it: effect.Listener) -> None:
        """What a leg's owner has decided."""
        match it:
            case effect.StartFork():
                self._forks.start(it)
            case effect.StopFork():
                self._forks.stop(it)
            case effect.StartTranscription():
                self._transcriptions.start(it)
            case effect.StopTranscription():
                self._transcriptions.stop(it)
            case _:
                self._streams.perform(it)

    def media_event(self, event: Tapped | FeedPlayed) -> None:
        """What the core tells of taps and feeds."""
        if isinstance(event, Tapped):
            self._taps.tapped(event)
        else:
            self._taps.fed(event)

    async def stop(self) -> None:
        """End them all."""
        await self._streams.stop()
        await self._transcriptions.close()
