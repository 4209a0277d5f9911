"""How the demo looks: headings, ladders, what was heard, and a verdict for every line. Knows rich, no calls."""

from __future__ import annotations

from rich.console import Console
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from offhook.client.sinks import Heard

BARS = "▁▂▃▄▅▆▇█"
QUIETEST = -60.0


class Show:
    """Prints, and remembers whether everything printed was true."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.claims = 0
        self.broken: list[str] = []

    def _line(self, text: Text) -> None:
        """One line, never folded: a narrow window cuts what a ladder lines up."""
        self.console.print(text, soft_wrap=True)

    def title(self, text: str, more: str = "") -> None:
        self.console.print()
        self.console.print(Text.assemble((text, "bold"), ("  " + more, "dim")))

    def scene(self, text: str) -> None:
        self.console.print()
        self.console.print(Rule(Text(text, style="bold cyan"), align="left", style="cyan"))

    def note(self, text: str) -> None:
        self._line(Text("  " + text, style="dim"))

    def step(self, line: str, more: str = "") -> None:
        """One line of a ladder, as it happens, and what there is to say about it."""
        self._line(Text.assemble(("  │ ", "cyan"), (f"{line:<30}" if more else line, _style(line)), (more, "dim")))

    def claim(self, what: str, seen: str, true: bool) -> None:
        """Say what is so, and whether it is."""
        self.claims += 1
        if not true:
            self.broken.append(f"{what}: {seen}")
        mark = ("✔ ", "bold green") if true else ("✘ ", "bold red")
        self._line(Text.assemble("  ", mark, (f"{what:<20}", ""), (seen, "bold" if true else "bold red")))

    def heard(self, who: str, heard: Heard | None, hz: float) -> None:
        """What one side heard of the other, which plays a tone of `hz`."""
        if heard is None:
            self.claim(f"{who} hears", f"no {hz:.0f} Hz tone", true=False)
            return
        level = f"{meter(heard.level)} {heard.level:6.1f} dBov"
        self.claim(f"{who} hears", f"{level}  {heard.hz:6.1f} Hz  ({heard.share:.0%} pure)", heard.is_tone(hz))

    def bill(self, rows: list[tuple[str, str]], total: str) -> None:
        table = Table(box=None, padding=(0, 2), show_header=False)
        for what, cost in rows:
            table.add_row(Text("  " + what, style="dim"), Text(cost, justify="right"))
        table.add_row(Text("  total", style="bold"), Text(total, style="bold", justify="right"))
        self.console.print(table)

    def verdict(self, seconds: float) -> bool:
        """The last word: was all of it true?"""
        self.console.print()
        if self.broken or not self.claims:
            self.console.print(Text(f"✘ {len(self.broken)} of {self.claims} lines were not true:", style="bold red"))
            for line in self.broken:
                self.console.print(Text("  " + line, style="red"))
            return False
        self.console.print(Text(f"✔ All {self.claims} lines were true, in {seconds:.1f} s.", style="bold green"))
        return True


def meter(level: float) -> str:
    """A level as a row of bars: empty at -60 dBov, full at 0."""
    filled = max(0.0, min(1.0, 1 - level / QUIETEST)) * len(BARS)
    return "".join(bar if index < filled else " " for index, bar in enumerate(BARS))


def _style(line: str) -> str:
    if " webhook " in line:
        return "magenta"
    if " command " in line:
        return "yellow"
    if " >< " in line:
        return "bold green"
    return "bold" if " -> " in line else ""
