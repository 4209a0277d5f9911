"""The table of commands as a reference page. Reads the table and nothing else."""

import inspect
from collections.abc import Iterable, Iterator

from offhook.voice.command import CommandRule, codes
from offhook.voice.commands import (
    CALL_COMMANDS,
    CONFERENCE_COMMANDS,
    CREATE_CONFERENCE,
    CREATE_QUEUE,
    DIAL,
    JOIN_CONFERENCE,
    QUEUE_COMMANDS,
    UPDATE_PARTICIPANT,
)
from offhook.voice.leg import LIVE, STAGES
from offhook.voice.parameter import parameters
from offhook.voice.resources.reference import rows

# By the heading under which they stand.
_RULES: dict[str, tuple[CommandRule, ...]] = {
    "Calls": (DIAL, *CALL_COMMANDS.values()),
    "Conferences": (CREATE_CONFERENCE, JOIN_CONFERENCE, UPDATE_PARTICIPANT, *CONFERENCE_COMMANDS.values()),
    "Queues": (CREATE_QUEUE, *QUEUE_COMMANDS.values()),
}
_INTRODUCTION = """# Commands

Made by `make docs` from the table that carries them out (`src/offhook/voice/commands/`); do not edit.
A parameter that says *only* takes just these values in this release, and refuses others with code 10027. What else a
body has is refused with 10015. What each code means stands with the [resources](resources.md#errors); the same as
OpenAPI is printed by `offhook openapi`.

A call goes through the stages `trying` (its far end dials), `early` (and hears something), `answered`, `ended`; one
that is dialled through `offered`, `ringing`, `answered`, `ended`. In another stage than its own a command is refused:
with 90018 where the call has ended, with 90034 where it must be answered first, with 10027 else.
"""


def document() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for title, rules in _RULES.items():
        parts += [f"## {title}\n", *map(page, rules)]
    return "\n".join(parts)


def page(rule: CommandRule) -> str:
    """A command's part of it, as Markdown."""
    address, _, said = _words(rule.command.__doc__).partition(".")
    lines = [f"### {rule.command.__name__}", "", f"`{address}`", "", *_prose(rule, said.strip())]
    fields = parameters(rule.command)
    if fields:
        lines += ["| parameter | type | default | |", "|---|---|---|---|", *rows(fields, ""), ""]
    return "\n".join([*lines, *_facts(rule), ""])


def _prose(rule: CommandRule, said: str) -> Iterator[str]:
    module = inspect.getmodule(rule.command)
    yield from (_words(module.__doc__ if module else ""), "")
    if said:
        yield from (said, "")


def _facts(rule: CommandRule) -> Iterator[str]:
    if rule.command.ignored:
        yield f"- Taken, and without effect: {_list(sorted(rule.command.ignored))}."
    for why in dict.fromkeys(rule.command.refused.values()):
        names = [name for name, each in rule.command.refused.items() if each == why]
        yield f"- Refused unless it asks for nothing: {_list(sorted(names))}; {why}."
    if rule.stages:
        yield f"- For calls that are {'alive' if rule.stages == LIVE else _list(_in_order(rule))}."
    if rule.causes:
        yield f"- Events: {_list(rule.causes)}."
    yield f"- Codes: {', '.join(sorted(codes(rule)))}."


def _in_order(rule: CommandRule) -> list[str]:
    return [stage for stage in dict.fromkeys(stage for stage, _ in STAGES) if stage in rule.stages]


def _list(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _words(docstring: str | None) -> str:
    return " ".join(inspect.cleandoc(docstring or "").split())
