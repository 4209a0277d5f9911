"""The one notation for calls: inputs and effects of a session in, lines out. No I/O.

    alice -> INVITE bob
    bob <- INVITE alice
    bob -> 200 OK
    alice <- 200 OK
    alice webhook call.answered
    alice >< bob

`->` is what a far end did, `<-` what the platform did to it, `><` who meets whom, `webhook` what its customer's backend
is told of it, `command` what that orders; a line without any of them is a remark. What came from outside is kept apart
from our own words, with what it is, until a line is rendered: `full` for the owner's trace, `masked` for logs. A log
shows names; of numbers, addresses and digits it shows that they were.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any, Literal, NamedTuple

import msgspec

from offhook.voice import effect, signal
from offhook.voice.cause import CAUSES, Ending
from offhook.voice.conference_event import ConferenceCreated, ConferenceEnded, ParticipantJoined, ParticipantLeft
from offhook.voice.event import (
    CallBridged,
    CallDequeued,
    CallEnqueued,
    DtmfReceived,
    Event,
    GatherEnded,
    PlaybackStarted,
    SpeakStarted,
)
from offhook.voice.leg import DialogId
from offhook.voice.sound import Sound

MAX_TEXT = 300

Arrow = Literal["->", "<-", "><", "webhook", "command", ""]
# What the private part of a line is: a party's number or name, digits that were pressed, our own explanation, which may
# name what a customer has named, or text that a far end has written.
Kind = Literal["party", "digits", "words", "quoted"]
Names = Mapping[DialogId | int | str, str]


class Line(msgspec.Struct, frozen=True):
    """One line. `at` is Unix seconds, `who` the leg. `what` is our own words (after `><` the other leg), `private` all
    that is not, and `kind` says how a log may show it."""

    at: float
    who: str
    arrow: Arrow
    what: str
    private: str = ""
    kind: Kind = "quoted"

    def full(self) -> str:
        """The line for those who may see everything."""
        return _join(self.who, self.arrow, self.what, self.private)

    def masked(self) -> str:
        """The line for logs."""
        what = mask_party(self.what) if self.arrow == "><" else self.what
        return _join(mask_party(self.who), self.arrow, what, _MASKS[self.kind](self.private))


@lru_cache(4096)  # the same few parties come in each line of a call, and no text is longer than `MAX_TEXT`
def mask_party(text: str) -> str:
    """A caller or a destination as a log may show it: a name without its domain, of a phone number the last two digits,
    and `***` for everything else. `john1234` is a name; one with more than four digits loses them."""
    name = _NAME.fullmatch(text)
    if name is not None:
        return name[1] if len(_DIGIT.findall(name[1])) <= _DIGITS_OF_A_NAME else _mask_digits(name[1])
    number = _NUMBER.fullmatch(text)
    digits = "" if number is None else "".join(_DIGIT.findall(number[1]))
    if len(digits) >= _DIGITS_OF_A_NUMBER:
        return "*" * (len(digits) - 2) + digits[-2:]
    return _HIDDEN if text else ""


def lines(given: signal.Input, effects: Iterable[effect.Effect], names: Names, at: float) -> list[Line]:
    """What an input and its effects look like; most media effects are not worth a line."""
    return [line for _, line in keyed_lines(given, effects, names, at)]


def keyed_lines(
    given: signal.Input, effects: Iterable[effect.Effect], names: Names, at: float, told: Iterable[Event] = ()
) -> Iterator[tuple[DialogId | int | str, Line]]:
    """The same, each with what it is about: the key under which `names` has it. `told` are the events that leave as
    webhooks: each follows the effect that tells it, one that no effect tells comes last."""
    untold = {id(event): event for event in told}
    for each in (given, *effects):
        line = _line(each, names, at)
        if line is not None:
            yield _SAID[type(each)][0](each), line
        if isinstance(each, effect.Tell) and untold.pop(id(each.event), None) is not None:
            yield _webhook(each.event, names, at)
    for event in untold.values():
        yield _webhook(event, names, at)


def text(ladder: Iterable[Line]) -> str:
    """The full ladder, one line each."""
    return "\n".join(line.full() for line in ladder)


def svg(ladder: Iterable[Line]) -> str:
    """The full ladder as a drawing: one column for the platform, one for each leg, and one for a backend."""
    drawn = list(ladder)
    backend = [_BACKEND] if any(line.arrow in _WITH_BACKEND for line in drawn) else []
    columns = [*backend, _OFFHOOK, *dict.fromkeys(line.who for line in drawn)]
    height = _ROW * (len(drawn) + 2)
    parts = [_column(name, _x(columns, name), height) for name in columns]
    parts += [_rung(line, columns, _ROW * (row + 2)) for row, line in enumerate(drawn)]
    width = _GAP * len(columns)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'font-family="monospace" font-size="12">{_LOOK}{"".join(parts)}</svg>'
    )


_ROW, _GAP = 24, 220
_OFFHOOK, _BACKEND = "offhook", "backend"
_WITH_BACKEND = frozenset(("webhook", "command"))
# White behind everything, also in a dark window, and around letters where they cross a line.
_LOOK = (
    '<style>text{paint-order:stroke;stroke:#fff;stroke-width:4px}</style><rect width="100%" height="100%" fill="#fff"/>'
)
_HIDDEN = "***"
_DIGIT = re.compile("[0-9]")
_STARS = str.maketrans("0123456789", "*" * 10)
_DIGITS_OF_A_NAME, _DIGITS_OF_A_NUMBER = 4, 7
# Bounded by what they do not take, not by what they forbid: an unusual spelling is hidden, not shown.
_NAME = re.compile(r"(?:sips?:)?([A-Za-z][A-Za-z0-9_.-]*'*)(?:@.*)?")
_NUMBER = re.compile(r"(?:sips?:|tel:)?(\+?[0-9() -]+)(?:@.*)?")


def _mask_digits(text: str) -> str:
    if text.isascii():
        return text.translate(_STARS)
    return "".join("*" if each.isnumeric() else each for each in text)


_MASKS: dict[Kind, Callable[[str], str]] = {
    "party": mask_party,
    "digits": lambda text: "*" * len(text),
    "words": _mask_digits,
    "quoted": lambda text: _HIDDEN if text else "",
}


def _x(columns: list[str], name: str) -> int:
    return _GAP * columns.index(name) + _GAP // 2


def _column(name: str, x: int, height: int) -> str:
    return (
        f'<text x="{x}" y="16" text-anchor="middle" font-weight="bold">{escape(name)}</text>'
        f'<line x1="{x}" y1="24" x2="{x}" y2="{height}" stroke="#bbb"/>'
    )


def _rung(line: Line, columns: list[str], y: int) -> str:
    ours, theirs = _x(columns, _OFFHOOK), _x(columns, line.who)
    label = escape(f"{line.what} {line.private}".strip())
    if line.arrow == "webhook":
        return _arrow(ours, _x(columns, _BACKEND), y, f"{escape(line.who)} {label}")
    if line.arrow == "command":
        return _arrow(_x(columns, _BACKEND), ours, y, f"{escape(line.who)} {label}")
    if line.arrow == "><" and line.what in columns:
        return _arrow(theirs, _x(columns, line.what), y, "meet", both=True)
    if line.arrow == "->":
        return _arrow(theirs, ours, y, label)
    if line.arrow == "<-":
        return _arrow(ours, theirs, y, label)
    return f'<text x="{theirs}" y="{y}" text-anchor="middle" fill="#555">{label}</text>'


def _arrow(start: int, end: int, y: int, label: str, *, both: bool = False) -> str:
    heads = [_head(start, end, y), _head(end, start, y)] if both else [_head(start, end, y)]
    return (
        f'<line x1="{start}" y1="{y}" x2="{end}" y2="{y}" stroke="#222"/>{"".join(heads)}'
        f'<text x="{(start + end) // 2}" y="{y - 6}" text-anchor="middle">{label}</text>'
    )


def _head(start: int, end: int, y: int) -> str:
    back = end - 8 if end > start else end + 8
    return f'<polygon points="{end},{y} {back},{y - 4} {back},{y + 4}" fill="#222"/>'


def _join(*parts: str) -> str:
    return " ".join(part for part in parts if part)


def _webhook(event: Event, names: Names, at: float) -> tuple[str, Line]:
    leg = event.about.ids.call_control_id
    return leg, Line(at, _one_line(names.get(leg, "?")), "webhook", event.type)


def _line(thing: signal.Input | effect.Effect, names: Names, at: float) -> Line | None:
    known = _SAID.get(type(thing))
    if known is None:
        return None
    key, say = known
    said = say(thing, names)
    who = names.get(key(thing), "?")
    if said is None:
        return None
    return Line(at, _one_line(who), said.arrow, _one_line(said.what), _one_line(said.private), said.kind)


def _one_line(text: str) -> str:
    """Far ends choose destinations and names: none of them may forge a line, or fill a log."""
    shown = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
    return shown if shown.isprintable() else "".join(each if each.isprintable() else "?" for each in shown)


class Said(NamedTuple):
    """A line but for its leg and its time."""

    arrow: Arrow
    what: str
    private: str = ""
    kind: Kind = "quoted"


def _over(arrow: Arrow, ending: Ending, before: str = "") -> Said:
    """An end that the platform gives: its cause is of the table, its detail in our words."""
    detail = f"({ending.detail})" if ending.detail else ""
    return Said(arrow, _join(before, f"BYE {ending.code} {ending.cause}"), detail, "words")


def _hung_up(ending: Ending) -> Said:
    """An end that a far end gives: it may say anything."""
    known = CAUSES.get(ending.cause)
    if known is None or known.code != ending.code:
        return Said("->", "BYE", f"{ending.code} {ending.cause}")
    return Said("->", f"BYE {ending.code} {ending.cause}")


def _refused(refused: signal.PortRefused) -> Said:
    if refused.line:
        return Said("", f"media refused: {refused.detail}:", refused.line)
    return Said("", f"media refused: {refused.detail}")


def _tell(told: effect.Tell, names: Names) -> Said | None:
    match told.event:
        case CallBridged(other=other, first=True):
            return Said("><", names.get(other.call_control_id, "?"))
        case CallEnqueued(queue=queue):
            return Said("", "enqueued", queue, "words")
        case CallDequeued(reason=reason):
            return Said("", f"dequeued: {reason}")
        case ConferenceCreated():
            return Said("", "conference created")
        case ConferenceEnded(reason=reason):
            return Said("", f"conference ended: {reason}")
        case ParticipantJoined():
            return Said("", "joined the conference")
        case ParticipantLeft():
            return Said("", "left the conference")
        case DtmfReceived(digit=digit):
            return Said("", "DTMF", digit, "digits")
        case SpeakStarted():
            return Said("<-", "speak")
        case PlaybackStarted():
            return Said("<-", "playback")
        case GatherEnded(digits=digits, status=status):
            return Said("", f"gathered {status}", digits, "digits")
        case _:
            return None


def _told(told: effect.Tell) -> str:
    return told.event.about.ids.call_control_id


def _dialog(thing: Any) -> DialogId:
    return thing.dialog


def _port(thing: Any) -> int:
    return thing.port


def _sings(sound: Sound | None) -> Said | None:
    """What a far end hears from now on; of ringback, whose country's is nobody's concern."""
    if sound is None:
        return None
    return Said("<-", sound if sound == "hold_music" else "ringback")


def _asked(thing: Any) -> int:
    return thing.request.port


_Key = Callable[[Any], DialogId | int | str]
_Say = Callable[[Any, Names], Said | None]

_SAID: dict[type, tuple[_Key, _Say]] = {
    signal.Dialled: (_dialog, lambda s, _: Said("->", "INVITE", s.destination, "party")),
    signal.Rang: (_dialog, lambda _s, _: Said("->", "180 Ringing")),
    signal.Progressed: (_dialog, lambda _s, _: Said("->", "183 Session Progress")),
    signal.Answered: (_dialog, lambda _s, _: Said("->", "200 OK")),
    signal.Referred: (_dialog, lambda s, _: Said("->", f"REFER {s.status}")),
    signal.Completed: (_dialog, lambda _s, _: Said("->", "ACK")),
    signal.HungUp: (_dialog, lambda s, _: _hung_up(s.ending)),
    signal.AskedHold: (_dialog, lambda s, _: Said("->", s.action)),
    signal.Renegotiated: (_dialog, lambda _s, _: Said("->", "re-INVITE")),
    signal.Noted: (_dialog, lambda s, _: Said(s.arrow, s.what, s.private, s.kind)),
    signal.PortUp: (_port, lambda _s, _: Said("", "media up")),
    signal.PortDown: (_port, lambda s, _: Said("", f"media down: {s.reason}")),
    signal.PortRefused: (_asked, lambda s, _: _refused(s)),
    signal.Ordered: (lambda order: order.leg, lambda order, _: Said("command", order.rule.name)),
    signal.Originated: (lambda order: order.ids.call_control_id, lambda order, _: Said("command", order.rule.name)),
    signal.HangUp: (lambda command: command.leg or "", lambda c, _: _over("", c.ending, "ordered")),
    effect.Invite: (_dialog, lambda e, _: Said("<-", "INVITE", e.invitation.caller_number, "party")),
    effect.Ringing: (_dialog, lambda _e, _: Said("<-", "180 Ringing")),
    effect.Progress: (_dialog, lambda _e, _: Said("<-", "183 Session Progress")),
    effect.Answer: (_dialog, lambda _e, _: Said("<-", "200 OK")),
    effect.Refer: (_dialog, lambda e, _: Said("<-", "REFER", e.referral.target, "party")),
    effect.Inform: (_dialog, lambda e, _: Said("<-", "INFO", e.content_type)),
    effect.Bye: (_dialog, lambda e, _: _over("<-", e.ending)),
    effect.Sing: (_port, lambda e, _: _sings(e.sound)),
    effect.SendDigits: (_port, lambda e, _: Said("<-", "DTMF", e.digits, "digits")),
    effect.Tell: (_told, _tell),
}
