"""Writes the generated pages of the reference from the tables and docstrings that the program itself uses.

`make docs` runs it; tests/docs/test_reference.py fails where a page that is committed differs from what it makes.
"""

import inspect
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import get_args

import msgspec

import docstrings
from offhook import _HOMES  # pyright: ignore[reportPrivateUsage]
from offhook.cli import main as cli
from offhook.edge import rtc as door
from offhook.edge import rtc_writer as writer
from offhook.edge.attempts import Attempts
from offhook.voice.commands import reference as commands
from offhook.voice.resources.catalogue import RESOURCES
from offhook.voice.resources.reference import document
from offhook.wire import rtc, rtc_c2s, rtc_s2c
from offhook.wire import rtc_liveness as liveness
from offhook.wire import rtc_values as values

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src"
PAGES = ROOT / "docs" / "reference"
MADE = "Made by `make docs` from `{}`; do not edit."


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table."""
    titles = list(head)
    lines = [titles, ["---"] * len(titles), *([str(cell) for cell in row] for row in rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


# ---- the command ---------------------------------------------------------------------------------------------


def cli_page() -> str:
    """Every command with its parameters, and what the exit codes mean."""
    _, _, commands = cli.app.generate_docs().partition("\n## offhook ")
    codes = [(0, "it worked"), (cli.USAGE, "the command line is wrong"), (cli.INTERRUPTED, "Ctrl-C")]
    codes += [(code, f"`{kind.__name__}`: {_first_sentence(kind)}") for kind, code in cli.EXIT_CODES]
    return "\n\n".join([
        "# The command line", MADE.format("src/offhook/cli/"),
        "Results go to standard output; what went wrong is one line on standard error.",
        f"## offhook {commands.strip()}", "## Exit codes", table(("code", "because"), codes),
    ])  # fmt: skip


# ---- the websocket -------------------------------------------------------------------------------------------

_WEBSOCKET = """# The websocket

Made by `make docs` from `src/offhook/wire/rtc*.py`; do not edit.

The browser SDK's protocol: JSON-RPC 2.0, one text frame a message, on path `/` with any query. Both sides send
requests. A server's frames bear a `voice_sdk_id`; a client that comes back with it in its query is the same client.
The result of an invite leaves before anything else about that call. Of duplicate keys the last one counts."""

_CODES = {
    values.Code.PARSE_ERROR: "the frame is not JSON, or nested too deep",
    values.Code.INVALID_REQUEST: "a wrong envelope, an id that is in use, or too many requests unanswered",
    values.Code.UNKNOWN_METHOD: "there is no such method",
    values.Code.INVALID_PARAMS: "the params do not fit; the text names the field, or the line of the SDP",
    values.Code.LOGIN_REFUSED: "the login is refused, or a request came before it",
    values.Code.CALL_ERROR: "the call does not exist, or is not in a stage in which this can be asked",
}


def websocket_page() -> str:
    """Methods, results, error codes, limits and close codes."""
    return "\n\n".join([
        _WEBSOCKET,
        "## What a client asks", table(("method", "which means", "result"), map(_asked, rtc_c2s.KINDS)),
        "Frames that have `type` in place of `method` and begin with `debug_report_` are diagnoses; they are answered "
        "with `Done` and forgotten. Without an id nothing is answered.",
        "## What the server says", table(("method", "which means", "acknowledged"), map(_said, rtc_s2c.KINDS)),
        "## Results", table(("result", "keys", "which is"), map(_result, _results())),
        "## Errors", table(("code", "because"), ((f"`{code.value}`", _CODES[code]) for code in values.Code)),
        inspect.cleandoc(values.Code.__doc__ or "").partition("\n\n")[2],
        "## Limits", table(("limit", "value"), _limits()),
        "## Close codes", table(("code", "text"), _closes()),
        f"Three requests of a client must be answered within {liveness.CLIENT.answer_within:g} s, else it takes the "
        "websocket for dead: ping, modify and bye.",
    ])  # fmt: skip


def _asked(kind: type[rtc_c2s.Message]) -> tuple[str, str, str]:
    return f"`{kind.method}`", _first_sentence(kind), f"`{kind.result_type.__name__}`"


def _said(kind: type[rtc_s2c.Message]) -> tuple[str, str, str]:
    return f"`{kind.method}`", _first_sentence(kind), "yes" if kind in rtc_s2c.ACKNOWLEDGED else ""


def _results() -> list[type[values.Result]]:
    return list(dict.fromkeys(kind.result_type for kind in rtc_c2s.KINDS))


def _result(kind: type[values.Result]) -> tuple[str, str, str]:
    keys = ", ".join(f"`{field.encode_name}`" for field in msgspec.structs.fields(kind))
    return f"`{kind.__name__}`", keys, " ".join(inspect.cleandoc(kind.__doc__ or "").split())


def _limits() -> list[tuple[str, str]]:
    server, attempts = liveness.SERVER, inspect.signature(Attempts).parameters
    return [
        ("a frame", f"{door.MAX_MESSAGE // 1024} KiB"),
        ("what a client may leave unread", f"{writer.MAX_QUEUED // 1024} KiB, for {writer.STUCK_SECONDS:g} s"),
        ("until the login", f"{server.login_within:g} s"),
        ("silence until the server pings", f"{server.ping_after:g} s"),
        ("silence until the socket is dead", f"{server.dead_after:g} s"),
        ("requests unanswered, in either direction", str(rtc.MAX_OWED)),
        ("calls on one socket", str(rtc.MAX_DIALOGS)),
        ("failed logins on one socket", str(door.MAX_FAILURES_PER_SOCKET)),
        (
            "failed logins of one username from one address",
            f"{attempts['limit'].default} in {attempts['window'].default:g} s",
        ),
        ("a name, number or destination", f"{_longest(values.Text)} characters, one line"),
        ("a call id", f"{_longest(values.CallId)} characters"),
        ("`clientState`", f"{_longest(values.ClientState)} characters"),
        ("digits in one message", str(_longest(values.Digits))),
        ("custom headers", f"{_longest(values.HeaderList)}, each of at most 1,024 characters"),
    ]


def _longest(kind: object) -> int:
    return next(part.max_length for part in get_args(kind) if isinstance(part, msgspec.Meta) and part.max_length)


def _closes() -> list[tuple[str, str]]:
    reasons = (
        liveness.UNANSWERED, liveness.SILENT, door.GOING_AWAY, liveness.NO_LOGIN, door.TOKEN_EXPIRED,
        door.TOO_MANY_FAILURES,
    )  # fmt: skip
    found = [(f"{int(reason.code)}", reason.text) for reason in reasons]
    return [
        *found,
        ("1003", "text frames only"),
        ("1008", "why the login was revoked"),
        ("1009", "a frame is too long"),
    ]


# ---- docstrings ----------------------------------------------------------------------------------------------


def media_page() -> str:
    """The media core's messages."""
    commands, events = (SOURCE / "offhook" / "media" / f"{name}.py" for name in ("commands", "events"))
    return "\n\n".join([
        "# The media core's messages", MADE.format("src/offhook/media/{commands,events}.py"),
        docstrings.module_text(commands), docstrings.everything(commands), docstrings.everything(events),
    ])  # fmt: skip


# In the order in which a reader needs them.
_TITLES = {
    "offhook.client.client": "A client",
    "offhook.client.call": "A call",
    "offhook.client.audio": "What is played",
    "offhook.client.sinks": "Who listens",
    "offhook.client.devices": "Devices",
    "offhook.errors": "What can go wrong",
}


def sdk_page() -> str:
    """The public classes of the Python phone."""
    parts = ["# The Python phone", MADE.format("src/offhook/client/"), "`from offhook import Client, Tone, …`"]
    for home, title in _TITLES.items():
        path = SOURCE / f"{home.replace('.', '/')}.py"
        # The errors are best read as the tree that their module draws.
        text = docstrings.module_text(path) if path.stem == "errors" else docstrings.named(path, _HOMES[home])
        parts.append(f"## {title}\n\n{text}")
    told = SOURCE / "offhook" / "client" / "events.py"
    parts += ["## What is told: `offhook.events`", docstrings.module_text(told), docstrings.everything(told, "###")]
    phones = SOURCE / "offhook" / "client" / "script.py"
    parts += ["## Phones that behave by themselves", docstrings.module_text(phones), docstrings.everything(phones)]
    return "\n\n".join(parts)


def _first_sentence(kind: type[object]) -> str:
    """The first sentence of a docstring, as it begins a table's cell."""
    text = " ".join(inspect.cleandoc(kind.__doc__ or "").split())
    return text.partition(". ")[0].rstrip(".")


GENERATED: dict[str, Callable[[], str]] = {
    "commands.md": commands.document,
    "resources.md": lambda: document(RESOURCES),
    "cli.md": cli_page,
    "websocket.md": websocket_page,
    "media-messages.md": media_page,
    "sdk.md": sdk_page,
}


def text_of(name: str) -> str:
    """What the page `name` has to be."""
    return GENERATED[name]().rstrip() + "\n"


if __name__ == "__main__":
    for page in GENERATED:
        (PAGES / page).write_text(text_of(page), encoding="utf-8")
