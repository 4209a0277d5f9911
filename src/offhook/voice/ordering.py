"""How a customer's command is taken: once, in a lawful stage, by its line in the table, and remembered. No I/O."""

from collections.abc import Callable
from typing import Any

import msgspec

from offhook.voice import effect, entering, first_command, owning, passage
from offhook.voice.command import OK, Command, Document, Enters, Wants, answer_again, refusal
from offhook.voice.floor import Floor
from offhook.voice.hooks import Hooks
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import Rejected, rejected
from offhook.voice.signal import Directed, Ordered, Originated


def ordered(floor: Floor, order: Ordered[Any], now: Moment) -> None:
    """A command to a leg: answered as before where its command_id was seen, refused, or obeyed."""
    if order.into:
        _reserve(floor, order, now)
        return
    leg = floor.legs.get(order.leg)
    known = leg and leg.answers.get(order.command.command_id or "")
    if known:
        _answer_again(floor, order, known)
    elif leg is None or leg.stage not in order.rule.stages:
        floor.emit(effect.Rejected(order.reply, refusal(order.rule, leg and leg.stage)))
    elif order.forbidden is not None:
        floor.emit(effect.Rejected(order.reply, order.forbidden))
    elif order.rule.waiting == "leaves" and owning.is_guest(floor, leg):
        passage.hand_back(floor, leg, order, now)
    else:
        _obey(floor, leg, order, now)


def originated(floor: Floor, order: Originated[Any], now: Moment) -> None:
    """A command that makes a leg."""
    try:
        document = order.rule.decide(floor, None, order, now)
    except Rejected as why:
        floor.emit(effect.Rejected(order.reply, why))
        return
    _remember(floor, order.command, order.party.account_id, order.party.connection_id, document, now)
    floor.emit(effect.Accepted(order.reply, document))


def directed(floor: Floor, order: Directed[Any], now: Moment) -> None:
    """A command to a queue or conference; a conference's is answered as before where its command_id was seen."""
    conference, name = floor.conference, getattr(order.command, "command_id", None)
    known = conference and conference.answers.get(name or "")
    if known:
        floor.emit(effect.Accepted(order.reply, known))
        return
    try:
        document = order.rule.decide(floor, None, order, now) or OK
    except Rejected as why:
        floor.emit(effect.Rejected(order.reply, why))
        return
    if conference is not None and name is not None:
        conference.answers[name] = document
        floor.emit(effect.Remember(conference.card.account_id, conference.card.id, name, document, now.wall))
    floor.emit(effect.Accepted(order.reply, document))


def go_on(
    floor: Floor, order: Ordered[Any], leg: Leg | None, then: Callable[[Leg], Document | None], now: Moment
) -> None:
    """A command has what it waited for: it is carried out on its leg, if that is still here."""
    if leg is None or leg.stage != "answered":
        why = rejected("90018", "The call has ended, or was taken elsewhere meanwhile.")
        floor.emit(effect.Rejected(order.reply, why))
    elif (document := _tried(floor, leg, order, lambda: then(leg))) is not None:
        accept(floor, leg, order, document, now)


def accept(floor: Floor, leg: Leg, order: Ordered[Any], document: Document, now: Moment) -> None:
    """The command is done, now and should it come again."""
    if order.command.command_id is not None:
        leg.answers[order.command.command_id] = document
    _remember(floor, order.command, leg.party.account_id, leg.id, document, now)
    floor.emit(effect.Accepted(order.reply, document))


def _answer_again(floor: Floor, order: Ordered[Any], known: Document) -> None:
    try:
        floor.emit(effect.Accepted(order.reply, answer_again(order.rule, known)))
    except Rejected as why:
        floor.emit(effect.Rejected(order.reply, why))


def _obey(floor: Floor, leg: Leg, order: Ordered[Any], now: Moment) -> None:
    outcome = _tried(floor, leg, order, lambda: order.rule.decide(floor, leg, order, now) or OK)
    if outcome is not None:
        first_command.came(leg)
    if leg.stage in ("trying", "early") and leg.patience is not None and outcome is not None:
        leg.expires_at = now.mono + leg.patience
    match outcome:
        case None:
            pass
        case Wants() | Enters():
            _move_on(floor, leg, order, outcome)
        case _:
            accept(floor, leg, order, outcome, now)


def _move_on(floor: Floor, leg: Leg, order: Ordered[Any], outcome: Wants | Enters) -> None:
    if isinstance(outcome, Wants):
        passage.want(floor, outcome, order, leg.party.account_id)
    else:
        order = msgspec.structs.replace(order, into=outcome)
        floor.emit(effect.PassOn(order, leg.party.account_id))


def _reserve(floor: Floor, order: Ordered[Any], now: Moment) -> None:
    """A place wants the leg that was told to enter it, if it has a seat for it. Where it has finished meanwhile,
    another of its name does."""
    assert floor.owned is not None
    assert order.into is not None  # it names places that own themselves
    assert order.rule.reserve is not None  # and only such a command asks for one
    if order.into.missing == "made" and floor.conference is not None and floor.conference.is_finished:
        floor.emit(effect.PassOn(order, floor.conference.card.account_id))
        return
    try:
        wants = order.rule.reserve(floor, order, now)
    except Rejected as why:
        entering.refuse(floor, order, why)
        return
    passage.want(floor, wants, order, floor.owned.card.account_id)


def _tried(floor: Floor, leg: Leg, order: Ordered[Any], act: Callable[[], Any]) -> Any:
    """What came of a command: None where it was refused, which leaves no trace. What it says for good sticks to the
    leg once it is carried out, not while it waits."""
    before = leg.client_state, leg.hooks
    _take_on(leg, order.command)
    try:
        outcome = act() or OK
    except Rejected as why:
        leg.client_state, leg.hooks = before
        entering.refuse(floor, order, why)
        return None
    if isinstance(outcome, Wants | Enters):
        leg.client_state, leg.hooks = before
    elif leg.stage != "ended" and before != (leg.client_state, leg.hooks):
        floor.save(leg)
    return outcome


def _take_on(leg: Leg, command: Command) -> None:
    """What sticks to a leg: the last client_state, and where its events go."""
    if command.client_state is not None:
        leg.client_state = command.client_state
    hooks: Hooks | None = getattr(command, "hooks", None)
    if hooks is not None:
        leg.hooks = leg.hooks.joined(hooks)


def _remember(floor: Floor, command: Command, account_id: str, scope: str, document: Document, now: Moment) -> None:
    """Let the outcome of a command that has a name survive."""
    if command.command_id is not None:
        floor.emit(effect.Remember(account_id, scope, command.command_id, document, now.wall))
