"""`offhook env`: the running platform's settings, to be read by a shell or a program."""

import json
import shlex
from typing import Annotated, Literal

from cyclopts import Parameter

from offhook.cli import platform


def dotenv(settings: dict[str, str]) -> str:
    """As lines that a shell and every dotenv reader take."""
    return "\n".join(f"{name}={shlex.quote(value)}" for name, value in settings.items())


def env(*, output: Annotated[Literal["dotenv", "json"], Parameter(name=("--output", "-o"))] = "dotenv") -> None:
    """Print the running platform's addresses and keys.

    Parameters
    ----------
    output
        dotenv (`eval "$(offhook env)"` or a file), or one JSON object.
    """
    settings = platform.settings()
    print(json.dumps(settings, indent=2) if output == "json" else dotenv(settings))
