"""What a verb may ask of whoever lets it run, and what it is told. A verb is a generator: it orders, it does not act.

It yields a step and is sent what came of that. `expect` waits for an event of a call; it raises `Gone` where that call
has ended, and `Interrupted` where something has happened that another verb, around this one, has waited for.
"""

from collections.abc import Callable, Generator, Mapping
from typing import Any, NamedTuple, TypeVar
from urllib.parse import urljoin

from offhook.voice.callbacks import Method, Page
from offhook.voice.event import About, CallHungUp, Event
from offhook.voice.resources.problem import Rejected
from offhook.wire.texml_verbs import Element

Document = dict[str, Any]
# The parameters of a request, by their names.
Parameters = dict[str, str]


# ---- steps ---------------------------------------------------------------------------------------------------


class Order(NamedTuple):
    """Command a leg; the answer is a document, or `Rejected`. `name` is that of the command, `leg` a call_control_id,
    `place` the id of the conference that is commanded."""

    name: str
    leg: str
    body: Document
    place: str = ""


class Fetch(NamedTuple):
    """Ask for a document; the answer is a `Fetched`, or `Failed`."""

    url: str
    method: Method
    parameters: Parameters


class Wait(NamedTuple):
    """Wait for the next event of this session; the answer is the event, or None once it is `until` (monotonic)."""

    until: float | None = None


class Look(NamedTuple):
    """Look something up that events do not tell: `queue` by name, as a call_control_id sees it. The answer is a
    `QueueSeen` or None."""

    queue: str
    leg: str


class Listen(NamedTuple):
    """Hear of the events of this session, too, from now on."""

    call_session_id: str


class Clock(NamedTuple):
    """The answer is the monotonic time, in seconds."""


class Note(NamedTuple):
    """Tell the author of the document something about it."""

    text: str


Step = Order | Fetch | Wait | Look | Listen | Clock | Note


class Fetched(NamedTuple):
    """A document as it came; `url` is where it came from after redirects."""

    body: bytes
    url: str


class Failed(NamedTuple):
    """There is no document. `why` is for people."""

    why: str


class QueueSeen(NamedTuple):
    """A queue, and the turn in it of the call that looks: times are whole seconds, `position` is 0 for a call that
    does not wait there. `first` is who comes first."""

    id: str
    size: int
    position: int
    waited: int
    average_wait: int
    first: About | None


# ---- calls ---------------------------------------------------------------------------------------------------


class Gone(Exception):
    """A call has ended."""

    def __init__(self, call: "Call", event: CallHungUp) -> None:
        super().__init__(call.leg)
        self.call = call
        self.event = event


class Redirected(Exception):
    """Somebody has given the call another document: verbs put in order what they leave behind, then it goes on."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page


class Interrupted(Exception):
    """An event that the verb around this one has waited for."""

    def __init__(self, event: Event) -> None:
        super().__init__(event.type)
        self.event = event


class Call:
    """A call that follows documents, as its verbs know it. `verbs` is the table by which they are followed, `url` that
    of the document at hand, to which the URLs in it are relative, `domain` the SIP domain in which parties are named.
    `parent` is the call whose verb has made this one; events of the types `breaks` interrupt."""

    __slots__ = ("about", "breaks", "domain", "parent", "status", "url", "verbs")

    def __init__(self, about: About, verbs: "Verbs", parent: "Call | None" = None, domain: str = "") -> None:
        self.domain = domain if parent is None else parent.domain
        self.about = about
        self.verbs = verbs
        self.parent = parent
        self.url = ""
        self.status = "in-progress"
        self.breaks: tuple[type[Event], ...] = ()

    @property
    def leg(self) -> str:
        """Its call_control_id."""
        return self.about.ids.call_control_id

    def is_about(self, event: Event) -> bool:
        """Whether an event is one of this call."""
        return event.about.ids.call_control_id == self.leg

    def absolute(self, url: str) -> str:
        """A URL of the document at hand."""
        return urljoin(self.url, url.strip()) if self.url else url.strip()

    def note(self, event: Event) -> None:
        """Something has happened: maybe to this call, or to the one that it was made for."""
        if self.parent is not None:
            self.parent.note(event)
        if not self.is_about(event):
            return
        self.about = event.about
        if isinstance(event, CallHungUp):
            raise Gone(self, event)
        if isinstance(event, self.breaks):
            raise Interrupted(event)


class Goto(NamedTuple):
    """The document at this URL takes the place of the one at hand. `parameters` are in its request besides those of
    every request."""

    url: str
    method: Method = "POST"
    parameters: Mapping[str, str] = {}


class Over(NamedTuple):
    """The document is over: the call hangs up."""


# What comes of a verb: None lets the next one begin.
Next = Goto | Over | None
Steps = Generator[Step, Any, Next]
Verbs = Mapping[type[Element], Callable[[Call, Any], Steps]]
T = TypeVar("T")
Asking = Generator[Step, Any, T]
E = TypeVar("E", bound=Event)


def order(call: Call, name: str, *, place: str = "", **body: Any) -> Asking[Document | None]:
    """Command the call; None where that was refused, of which the document's author hears."""
    answer = yield Order(name, call.leg, body, place)
    if isinstance(answer, Rejected):
        yield Note(f"{name} was refused: {answer.problems[0].detail}")
        return None
    return answer


def quietly(call: Call, name: str, **body: Any) -> Asking[None]:
    """Command the call, and be content with a refusal: what is to end may have ended."""
    yield Order(name, call.leg, body)


def expect(call: Call, *types: type[Event], until: float | None = None) -> Asking[Event | None]:
    """The next event of these types, of whichever call of the session; None where the time is up before."""
    while True:
        event = yield Wait(until)
        if event is None:
            return None
        call.note(event)
        if isinstance(event, types):
            return event


def expect_own(call: Call, *types: type[Event], until: float | None = None) -> Asking[Event | None]:
    """The same for an event of this call itself."""
    while True:
        event = yield from expect(call, *types, until=until)
        if event is None or call.is_about(event):
            return event


def after(seconds: float) -> Asking[float]:
    """The monotonic time in so many seconds."""
    now = yield Clock()
    return now + seconds


def goto(call: Call, url: str, method: Method, parameters: Mapping[str, str]) -> Goto | None:
    """On to the document of an action, if there is one."""
    return Goto(call.absolute(url), method, parameters) if url else None
