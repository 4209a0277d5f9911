"""The console's one page, as text: what to copy, who is registered, calls with their ladders and bills. No I/O."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

import msgspec


class RegisteredRow(msgspec.Struct, frozen=True):
    """One binding, as the page shows it. `rings` tells whether a call to the username rings this one."""

    username: str
    connection: str
    transport: str
    address: str
    user_agent: str
    since: str
    rings: bool


class CallRow(msgspec.Struct, frozen=True):
    """One session: its legs' states in words, its ladder, its bill (exact decimals, empty while it lasts)."""

    session: str
    state: str
    started: str
    ladder: Sequence[str]
    charges: Sequence[tuple[str, str]]
    total: str


class ConsoleView(msgspec.Struct, frozen=True):
    """All that the page shows at one moment."""

    settings: Sequence[tuple[str, str]]
    identities: Sequence[tuple[str, str, str]]
    numbers: Sequence[tuple[str, str]]
    scripted: Sequence[tuple[str, str, str]]
    registered: Sequence[RegisteredRow]
    calls: Sequence[CallRow]


_STYLE = """
:root { color-scheme: light dark; --ink: #1d2430; --soft: #66707f; --line: #dfe3ea; --card: #fff; --page: #f5f6f9;
  --accent: #1b6e5a; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #2c3340; --card: #1a1f29;
  --page: #12161d; --accent: #58c9a9; } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 62rem; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h1 span { color: var(--accent) }
h2 { font-size: 1rem; margin: 2rem 0 .6rem; text-transform: none } p { color: var(--soft); margin: 0 }
pre, code { font: 13px/1.55 ui-monospace, monospace }
pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: .9rem 1.1rem;
  margin: .6rem 0; overflow-x: auto }
table { border-collapse: collapse; width: 100% } th { text-align: left; color: var(--soft); font-weight: 500 }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top;
  white-space: nowrap }
tr:last-child td { border-bottom: 0 } td:last-child { padding-right: 0 }
td.n { text-align: right; font-variant-numeric: tabular-nums }
.head { display: flex; gap: .8rem; align-items: baseline; flex-wrap: wrap; margin-bottom: .5rem }
pre + table { margin-top: .6rem }
.live { color: var(--accent) } .ended { color: var(--soft) } .state { font-weight: 600 } .soft { color: var(--soft) }
"""

# Replaces the part that changes, so that a selection in the settings is not lost. No library, one second's pace.
_SCRIPT = """
setInterval(async () => {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer || !answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("live");
  const shown = document.getElementById("live");
  if (fresh && fresh.innerHTML !== shown.innerHTML) shown.replaceWith(fresh);
}, 1000);
"""


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src {_source(_STYLE)}; script-src {_source(_SCRIPT)}; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    if not body:
        return f"<p>{escape(nothing)}</p>"
    return f"<table><tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr>{body}</table>"


def _turn(row: RegisteredRow) -> str:
    return "rings" if row.rings else "stands by"


def _registered(rows: Sequence[RegisteredRow]) -> str:
    return _table(
        ("username", "connection", "from", "user agent", "since", ""),
        (
            (row.username, row.connection, f"{row.transport} {row.address}", row.user_agent, row.since, _turn(row))
            for row in rows
        ),
        "Nobody is registered. Log a client in with one of the identities above.",
    )


def _bill(call: CallRow) -> str:
    if not call.charges:
        return ""
    lines = "".join(
        f'<tr><td>{escape(what)}</td><td class="n">{escape(cost)}</td></tr>'
        for what, cost in (*call.charges, ("total", call.total))
    )
    return f"<table>{lines}</table>"


def _call(call: CallRow) -> str:
    ladder = escape("\n".join(call.ladder))
    picture = f"/_offhook/sessions/{escape(call.session)}/ladder.svg"
    return (
        f'<div class="card"><div class="head"><span class="state {escape(call.state)}">{escape(call.state)}</span>'
        f"<span>{escape(call.started)}</span>"
        f'<code class="soft">{escape(call.session)}</code> <a class="soft" href="{picture}">as a drawing</a></div>'
        f"<pre>{ladder}</pre>{_bill(call)}</div>"
    )


def render(view: ConsoleView) -> str:
    """The whole page as HTML. Everything that a far end or a customer wrote is escaped."""
    settings = "\n".join(f"{name}={value}" for name, value in view.settings)
    calls = "".join(_call(call) for call in view.calls) or "<p>No calls yet.</p>"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>offhook</title><link rel="icon" href="data:,"><style>{_STYLE}</style>
<h1>off<span>hook</span></h1><p>A voice platform on this machine. Copy what you need.</p>
<div class="card"><pre>{escape(settings)}</pre></div>
<div class="card">{_table(("log in as", "password", "what it is"), view.identities, "No identities.")}</div>
<div id="live"><div class="card">{_table(("number", "rings"), view.numbers, "No numbers.")}</div>
<h2>Numbers to dial</h2><div class="card">{_table(("number", "name", "what it does"), view.scripted, "None.")}</div>
<h2>Registered</h2><div class="card">{_registered(view.registered)}</div><h2>Calls</h2>{calls}</div>
<script>{_SCRIPT}</script></html>
"""
