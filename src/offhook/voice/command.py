"""What a customer asks of a leg or place: the form of a command, and the line that each has in the table.

A command is one file and one line in the table of `voice/commands`: a class whose fields are the parameters on the
wire, the stages in which it is lawful, and `decide`. REST routes, checks, schema and reference are read off that.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, TypeVar

import msgspec

from offhook.voice.leg import ANSWERED, LIVE, Leg, Moment, Stage
from offhook.voice.parameter import parameters, rule
from offhook.voice.resources.field import check, codes_of
from offhook.voice.resources.problem import Problem, Rejected, rejected

Document = dict[str, Any]

Method = Literal["POST", "PUT", "PATCH", "DELETE"]

OK: Document = {"result": "ok"}

Base64 = Annotated[
    str,
    rule(
        pattern=r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
        expects="base64",
        wrong_code="90017",
        high=8192,
    ),
]


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The parameters of a command.

    `ignored` ones are of the official types and change nothing here; `refused` ones would change something that is
    not here, each with the reason. `needs` is what a platform may not have: without it the command is refused. One that
    needs it for some parameters only says so by `needed`.
    """

    ignored: ClassVar[frozenset[str]] = frozenset()
    refused: ClassVar[dict[str, str]] = {}
    needs: ClassVar[str] = ""

    def needed(self) -> str:
        """What of that it needs as it is."""
        return self.needs

    def problems(self) -> list[Problem]:
        """What is wrong with its parameters that their types and rules cannot say."""
        return []


class Command(Form, frozen=True, kw_only=True):
    """What every command to a leg may say: the leg's new `client_state`, and its own name. A `command_id` that was
    seen before is answered alike and does nothing."""

    client_state: Base64 | None = None
    command_id: Annotated[str, rule(low=1, high=255)] | None = None


class Wants(NamedTuple):
    """A command goes on with `then(leg, other, now)` once another owner's leg, `leg`, has arrived: or, with `queue`,
    the first of the queue of that name or id. `then` may still raise `Rejected`.

    `taken` says whether one comes that is bridged already, `rung` whether one comes that still rings, alone.
    """

    leg: str
    then: Callable[[Leg, Leg, Moment], Document | None]
    taken: Literal["comes", "stays", "unless queued"] = "comes"
    queue: str = ""
    rung: Literal["comes", "stays"] = "stays"


class Enters(NamedTuple):
    """A command is to be carried out by the queue or conference of this name or id, by its `reserve`. One that is not
    there is `made`, or the command is refused."""

    kind: Literal["queue", "conference"]
    name: str
    missing: Literal["made", "refused"] = "made"


class CommandRule(NamedTuple):
    """A line of the table. `decide(floor, leg, order, now)` emits effects and returns what the customer gets (None
    is `OK`), or what it waits for; it raises `Rejected` before it has changed anything. `makes` says whether it needs
    the ids of a new leg.

    `reserve(floor, order, now)` is what a queue or conference decides about a leg that is to enter it: it returns what
    it wants. A leg that is in one stays under the command, or leaves for its session, which then decides (`waiting`).

    `causes` are the events that it may bring about, by their names; `codes` those of its refusals that neither its
    parameters nor its stages say.
    """

    name: str
    command: type[Any]
    stages: frozenset[Stage]
    decide: Callable[[Any, Any, Any, Moment], Any]
    method: Method = "POST"
    makes: Literal["nothing", "leg", "place"] = "nothing"
    reserve: Callable[[Any, Any, Moment], Wants] | None = None
    waiting: Literal["stays", "leaves"] = "stays"
    causes: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


def answer_again(rule: CommandRule, known: Document) -> Document:
    """What the command of a known name was answered. One that makes a place has an answer of another kind than all
    others: Rejected where the name was that of such a one, or of one of those."""
    if ("result" in known) == (rule.makes == "place"):
        raise rejected("10027", "This command_id was that of another command.", pointer="/command_id")
    return known


F = TypeVar("F", bound=Form)


def read(form: type[F], body: Mapping[str, Any]) -> F:
    """The command in a body; Rejected with every problem that the body has."""
    known = {name: value for name, value in body.items() if name not in form.ignored}
    asked = {name: known.pop(name) for name in form.refused if name in known}
    problems = [
        Problem("10027", f"{name} cannot be set to this here: {form.refused[name]}.", f"/{name}")
        for name, value in asked.items()
        if value not in NOTHING
    ]
    problems += check(parameters(form), known, "create")
    if problems:
        raise Rejected(problems)
    command = msgspec.convert(known, form)
    if problems := command.problems():
        raise Rejected(problems)
    return command


def refusal(rule: CommandRule, stage: Stage | None) -> Rejected:
    """Why a command is not lawful for a leg in this stage; None is a leg that has ended."""
    if stage is None or stage == "ended":
        return rejected("90018", "The call has already ended.")
    if rule.stages == ANSWERED:
        return rejected("90034", "The call has not been answered yet.")
    return rejected("10027", f"{rule.name} is not possible for a call in this state.")


def codes(rule: CommandRule) -> frozenset[str]:
    """Every code by which a command may be refused: for its body, for its leg's stage, or by its own decision."""
    found = codes_of(parameters(rule.command)) | {"10015", "10023", *rule.codes}
    if rule.command.refused or rule.command.needs:
        found |= {"10027"}
    if rule.stages:
        unlawful = [refusal(rule, stage) for stage in _STAGES - rule.stages]
        found |= {"90015"} | {problem.code for why in unlawful for problem in why.problems}
    return frozenset(found)


# What asks for nothing: a parameter that is refused may have it.
NOTHING: tuple[Any, ...] = (None, False, "", "disabled", [], {})
_STAGES: frozenset[Stage] = LIVE | frozenset[Stage](("ended",))
