"""How a customer's command is taken: once, in a lawful stage, by its line in the table, and remembered. No I/O."""

from typing import Any

from offhook.voice import effect, passage
from offhook.voice.command import OK, Command, Document, Wants, refusal
from offhook.voice.floor import Floor
from offhook.voice.hooks import Hooks
from offhook.voice.leg import Leg, Moment
from offhook.voice.resources.problem import Rejected
from offhook.voice.signal import Ordered, Originated


def ordered(floor: Floor, order: Ordered[Any], now: Moment) -> None:
    """A command to a leg: answered as before where its command_id was seen, refused, or obeyed."""
    leg = floor.legs.get(order.leg)
    known = leg and leg.answers.get(order.command.command_id or "")
    if known:
        floor.emit(effect.Accepted(order.reply, known))
    elif leg is None or leg.stage not in order.rule.stages:
        floor.emit(effect.Rejected(order.reply, refusal(order.rule, leg and leg.stage)))
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


def accept(floor: Floor, leg: Leg, order: Ordered[Any], document: Document, now: Moment) -> None:
    """The command is done, now and should it come again."""
    if order.command.command_id is not None:
        leg.answers[order.command.command_id] = document
    _remember(floor, order.command, leg.party.account_id, leg.id, document, now)
    floor.emit(effect.Accepted(order.reply, document))


def _obey(floor: Floor, leg: Leg, order: Ordered[Any], now: Moment) -> None:
    before = leg.client_state, leg.hooks
    _take_on(leg, order.command)
    try:
        outcome = order.rule.decide(floor, leg, order, now)
    except Rejected as why:
        leg.client_state, leg.hooks = before
        floor.emit(effect.Rejected(order.reply, why))
        return
    if leg.stage in ("trying", "early") and leg.patience is not None:
        leg.expires_at = now.mono + leg.patience
    if leg.stage != "ended" and before != (leg.client_state, leg.hooks):
        floor.save(leg)
    if isinstance(outcome, Wants):
        passage.want(floor, outcome, order)
    else:
        accept(floor, leg, order, outcome or OK, now)


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
