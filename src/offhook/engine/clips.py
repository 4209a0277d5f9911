"""Where the audio of everything that customers have played comes from: speech, URLs, uploads, commands. No calls."""

import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable

from offhook.engine.audio import Decoder
from offhook.engine.download import Download
from offhook.engine.ports import NoAudio
from offhook.engine.speech import Speaking
from offhook.voice.sound import Clip, Inline, Link, Source, Speech, Stored

# How long a file that a URL gave is taken for what it would give now.
REUSE_SECONDS = 60.0
REUSED = 32


class Clips:
    """Implements `ports.AudioSource`.

    `stored` gets the content of an account's media file, or raises NoAudio. Without `speaking` nothing can be said, for
    the reason `lacking`.
    """

    def __init__(
        self,
        decoder: Decoder,
        speaking: Speaking | None,
        download: Download,
        stored: Callable[[str, str], Awaitable[bytes]],
        lacking: str = "",
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._decoder = decoder
        self._speaking = speaking
        self._download = download
        self._stored = stored
        self._monotonic = monotonic
        self.lacking = {"speech": lacking} if speaking is None else {}
        self._fetched: OrderedDict[str, tuple[float, Clip]] = OrderedDict()

    async def clips(self, account_id: str, source: Source) -> AsyncIterator[Clip]:
        match source:
            case Speech():
                async for clip in self._said(source):
                    yield clip
            case Link():
                yield await self._linked(source)
            case Stored(media_name):
                yield await self._decoder.decode(await self._stored(account_id, media_name))
            case Inline(content):
                yield await self._decoder.decode(content)

    async def decode(self, content: bytes) -> Clip:
        """The audio of a file whose content is at hand; NoAudio where it is none."""
        return await self._decoder.decode(content)

    async def close(self) -> None:
        """End the processes that make audio."""
        await self._decoder.close()
        if self._speaking is not None:
            await self._speaking.close()

    def _said(self, speech: Speech) -> AsyncIterator[Clip]:
        if self._speaking is None:
            raise NoAudio("failed", self.lacking["speech"])
        return self._speaking.clips(speech)

    async def _linked(self, link: Link) -> Clip:
        since, clip = self._fetched.get(link.url, (0.0, None))
        if link.reuse == "cached" and clip is not None and self._monotonic() - since < REUSE_SECONDS:
            return clip
        clip = await self._decoder.decode((await self._download(link.url)).data)
        self._fetched.pop(link.url, None)
        self._fetched[link.url] = (self._monotonic(), clip)
        if len(self._fetched) > REUSED:
            self._fetched.popitem(last=False)
        return clip
