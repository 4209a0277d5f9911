"""A measured figure beside its aim, and how many of them look as a table or as JSON. Measures nothing."""

import math
import os
import platform
import subprocess
from pathlib import Path
from typing import Literal

import msgspec
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).parent.parent


class Figure(msgspec.Struct, frozen=True):
    """`value` in `unit`; `aim` is its bound, the best or the worst that it should be. `beside` says what it stands
    next to: the peer's figure in the same run, the conditions."""

    name: str
    value: float
    unit: str
    beside: str = ""
    aim: float | None = None
    better: Literal["lower", "higher"] = "lower"

    @property
    def met(self) -> bool | None:
        """None where there is no aim. What could not be measured is a miss."""
        if math.isnan(self.value):
            return False
        if self.aim is None:
            return None
        return self.value <= self.aim if self.better == "lower" else self.value >= self.aim


def missing(
    name: str, unit: str, why: str, aim: float | None = None, better: Literal["lower", "higher"] = "lower"
) -> Figure:
    """What could not be measured."""
    return Figure(name, float("nan"), unit, f"not measured: {why}", aim, better)


def show(figures: list[Figure], console: Console) -> None:
    """Print the table."""
    table = Table(title=machine(), title_justify="left")
    for heading in ("what", "reached", "aim", "beside"):
        table.add_column(heading, justify="left" if heading in ("what", "beside") else "right")
    for figure in figures:
        reached = f"{_rounded(figure.value)} {figure.unit}"
        table.add_row(figure.name, f"[{_STYLES[figure.met]}]{reached}[/]", _bound(figure), figure.beside)
    console.print(table)


def write(figures: list[Figure], file: Path) -> None:
    """The same as JSON."""
    rows = [{**msgspec.to_builtins(figure), "met": figure.met} for figure in figures]
    document = msgspec.json.encode({"machine": machine(), "figures": rows})  # not-a-number becomes null
    file.write_bytes(msgspec.json.format(document, indent=2) + b"\n")


def machine() -> str:
    """What was measured, and on what."""
    describe = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    commit = subprocess.run(describe, capture_output=True, text=True, check=False).stdout.strip() or "unknown"
    return f"offhook {commit}, {os.cpu_count()} × {_processor()}, Python {platform.python_version()}"


_STYLES = {None: "default", True: "green", False: "red"}


def _processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return names[0].partition(":")[2].strip() if names else platform.machine()


def _rounded(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _bound(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    return f"{'≤' if figure.better == 'lower' else '≥'} {_rounded(figure.aim)} {figure.unit}"
