"""Documents: each is asked for, read and followed verb by verb, until one is over. The whole course of a call.

`follow` is that of a call that follows documents; `aside`, `whisper` and `first_file` are for verbs with a document of
their own. Nobody is kept in a loop for ever: of one call so many documents a minute are followed, and no more.
"""

from collections import deque

from offhook.voice.callbacks import Method, Page
from offhook.voice.cause import Ending, ending
from offhook.voice.verbs import heard, words
from offhook.voice.verbs.steps import (
    Asking,
    Call,
    Failed,
    Fetch,
    Fetched,
    Goto,
    Next,
    Note,
    Over,
    Parameters,
    Redirected,
    Steps,
    after,
    order,
)
from offhook.wire import texml, texml_template
from offhook.wire import texml_verbs as verbs
from offhook.wire.texml import TexmlError
from offhook.wire.texml_template import TemplateError

MAX_DOCUMENTS = 50
DOCUMENTS_SECONDS = 60.0
# What a caller hears whose document cannot be had.
APOLOGY = "We are sorry. An application error has occurred. Goodbye."
# Codes of TeXML's errors, as callbacks have them.
NO_DOCUMENT, LOOP = "11200", "12205"


class Broken(Exception):
    """There is no document to go on with."""

    def __init__(self, code: str, why: str) -> None:
        super().__init__(why)
        self.code = code


class Course:
    """The documents of one call, counted."""

    __slots__ = ("_times", "call", "fallback")

    def __init__(self, call: Call, fallback: tuple[str, Method] | None = None) -> None:
        self.call = call
        self.fallback = fallback
        self._times: deque[float] = deque()

    def get(self, at: Goto) -> Asking[texml.Document]:
        """The document at a URL, or the one that is there for when that fails; Broken where there is neither."""
        url = at.url
        try:
            return (yield from self._get(at))
        except Broken as broken:
            if self.fallback is None or broken.code == LOOP:
                raise
            yield Note(f"{broken}; the fallback URL is asked instead")
            other, method = self.fallback
            told = {"ErrorCode": broken.code, "ErrorUrl": url}
            return (yield from self._get(Goto(other, method, {**at.parameters, **told})))

    def _get(self, at: Goto) -> Asking[texml.Document]:
        yield from self._count()
        told = {**words.parameters(self.call), **at.parameters}
        answer: Fetched | Failed = yield Fetch(at.url, at.method, told)
        if isinstance(answer, Failed):
            raise Broken(NO_DOCUMENT, f"the document could not be had: {answer.why}")
        self.call.url = answer.url
        return (yield from self.read(answer.body, told))

    def _count(self) -> Asking[None]:
        now = yield from after(0)
        while self._times and self._times[0] <= now - DOCUMENTS_SECONDS:
            self._times.popleft()
        if len(self._times) == MAX_DOCUMENTS:
            raise Broken(LOOP, f"more than {MAX_DOCUMENTS} documents within a minute: a loop")
        self._times.append(now)

    def read(self, body: bytes, told: Parameters) -> Asking[texml.Document]:
        """A document as it came, with what its request carried filled in."""
        try:
            found = texml.read(_filled(body, told))
        except (TexmlError, TemplateError) as error:
            raise Broken("12100", f"document parse failure: {error}") from None
        for warning in found.warnings:
            yield Note(warning)
        return found


def _filled(body: bytes, told: Parameters) -> bytes:
    if b"{{" not in body or len(body) > texml.MAX_BYTES:
        return body
    return texml_template.fill(body.decode("utf-8", "replace"), told).encode()


# ---- a call's own documents ----------------------------------------------------------------------------------


def follow(call: Call, page: Page, told: Parameters) -> Asking[Ending]:
    """Follow documents from `page` on; why the call then hangs up. `Gone` where it has ended before."""
    while True:
        fallback = (call.absolute(page.fallback), page.fallback_method) if page.fallback else None
        course = Course(call, fallback)
        try:
            yield from _follow(course, page, told)
        except Redirected as redirected:
            page, told = redirected.page, {}
        except Broken as broken:
            yield Note(str(broken))
            yield from heard.say(call, verbs.Say(text=APOLOGY))
            return _broken(broken)
        else:
            return ending("NORMAL_CLEARING")


def _follow(course: Course, page: Page, told: Parameters) -> Asking[None]:
    first = Goto(page.url, page.method, told)
    if page.text:
        everything = words.parameters(course.call) | told
        document = yield from course.read(page.text.encode(), everything)
    else:
        document = yield from course.get(first)
    while isinstance((outcome := (yield from _run(course.call, document))), Goto):
        document = yield from course.get(outcome)


def _broken(broken: Broken) -> Ending:
    found = ending("NORMAL_TEMPORARY_FAILURE", str(broken))
    return Ending(found.cause, found.code, found.sip_code, found.sip_reason, found.detail, error=broken.code)


# ---- documents of verbs --------------------------------------------------------------------------------------


def aside(call: Call, url: str, method: Method, told: Parameters) -> Asking[Next]:
    """Follow a document, and those that it leads to, and come back. One that cannot be had is passed over."""
    here, course = call.url, Course(call)
    try:
        outcome: Next = Goto(url, method, told)
        while isinstance(outcome, Goto):
            document = yield from course.get(outcome)
            outcome = yield from _run(call, document)
        return outcome
    except Broken as broken:
        yield Note(str(broken))
        return None
    finally:
        call.url = here


def whisper(call: Call, url: str, method: Method) -> Asking[None]:
    """Let a call follow a document before it meets another one."""
    if isinstance((yield from aside(call, url, method, {})), Over):
        yield from order(call, "hangup")


def first_file(call: Call, url: str, method: Method) -> Asking[str]:
    """The first file that a document plays; the URL itself where there is no document but maybe sound. Empty where
    nothing is to be heard."""
    here = call.url
    try:
        document = yield from Course(call).get(Goto(url, method))
        played = next((each for each in document.verbs if isinstance(each, verbs.Play) and each.text), None)
        return call.absolute(played.text) if played else ""
    except Broken:
        return url
    finally:
        call.url = here


def _run(call: Call, document: texml.Document) -> Steps:
    """Each verb in its turn, until one leads elsewhere."""
    for verb in document.verbs:
        outcome = yield from call.verbs[type(verb)](call, verb)
        if outcome is not None:
            return outcome
    return None
