"""Who listens to which port, and who waits for what was fed to be heard: numbers handed out, events handed on."""

from collections.abc import Callable

from offhook.engine.ports import MediaCore
from offhook.media.commands import Encoding, Feed, Tap, Tracks, Untap
from offhook.media.events import FeedPlayed, Tapped

Listener = Callable[[Tapped], None]


class Taps:
    """All taps and feeds that are not the core's own. Their numbers are unique for the life of the core."""

    def __init__(self, core: MediaCore) -> None:
        self._core = core
        self._listeners: dict[int, tuple[int, Listener]] = {}
        self._heard: dict[int, Callable[[], None]] = {}
        self._last = 0

    def begin(self, port: int, tracks: Tracks, listener: Listener, encoding: Encoding = "pcm", rate: int = 8000) -> int:
        """Listen to a port; the tap's number."""
        tap = self._next()
        self._listeners[tap] = port, listener
        self._core.send(Tap(port, tap, rate, tracks, encoding))
        return tap

    def end(self, tap: int) -> None:
        """Listen no more; nothing where that is so already."""
        port, _ = self._listeners.pop(tap, (None, None))
        if port is not None:
            self._core.send(Untap(port, tap))

    def feed(self, port: int, audio: bytes, encoding: Encoding, rate: int, heard: Callable[[], None]) -> None:
        """Let a port's far end hear audio over what it hears, behind what was fed before; `heard` when it was, or when
        it was thrown away."""
        mark = self._next()
        self._heard[mark] = heard
        self._core.send(Feed(port, rate, audio, mark, overlay=True, encoding=encoding))

    def tapped(self, event: Tapped) -> None:
        """Hand on what was heard."""
        _, listener = self._listeners.get(event.tap, (None, None))
        if listener is not None:
            listener(event)

    def fed(self, event: FeedPlayed) -> None:
        """Hand on that it was heard."""
        heard = self._heard.pop(event.mark, None)
        if heard is not None:
            heard()

    def _next(self) -> int:
        self._last += 1
        return self._last
