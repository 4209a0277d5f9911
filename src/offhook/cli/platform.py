"""Finds the running `offhook dev` and asks its HTTP interface. Knows addresses and status codes, nothing inside."""

import json
import os
from pathlib import Path
from typing import Any, NamedTuple, cast

from offhook.errors import ConfigurationError, ConnectFailed, OffhookError

ROOT = "OFFHOOK_CONSOLE_URL"


class Answer(NamedTuple):
    status: int
    text: str

    def json(self) -> dict[str, Any]:
        """The body as an object; OffhookError where it is something else."""
        try:
            value: object = json.loads(self.text)
        except ValueError:
            value = None
        if not isinstance(value, dict):
            raise OffhookError("the platform's answer is not the JSON object that it should be")
        return cast("dict[str, Any]", value)


def state_file() -> Path:
    """Where a running `dev` leaves its settings for the other commands of the same user."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "offhook" / "dev.json"


def remember(settings: dict[str, str]) -> None:
    """Leave the settings, keys included, for this user only."""
    file = state_file()
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(file, json.dumps(settings, indent=2) + "\n")


def forget(settings: dict[str, str]) -> None:
    """Take them away again, unless a later `dev` has left its own."""
    file = state_file()
    if file.exists() and file.read_text() == json.dumps(settings, indent=2) + "\n":
        file.unlink()


def write_private(file: Path, text: str) -> None:
    """Write a whole file at once, readable by its owner only: a reader sees all of it or none."""
    part = file.with_name(f".{file.name}.{os.getpid()}")
    part.touch(mode=0o600)
    part.write_text(text)
    part.replace(file)


def settings() -> dict[str, str]:
    """The running platform's settings: the environment's if it has them, else those of this user's `dev`."""
    if ROOT in os.environ:
        return {name: value for name, value in os.environ.items() if name.startswith(("OFFHOOK_", "TELNYX_"))}
    try:
        return json.loads(state_file().read_text())
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"no platform is running here: start one with `offhook dev`, or set {ROOT} to the address of another"
        ) from error


async def get(path: str, **query: str) -> Answer:
    """GET below the platform's root; ConnectFailed where nobody answers."""
    import aiohttp

    url = settings()[ROOT].rstrip("/") + path
    try:
        async with aiohttp.ClientSession() as http, http.get(url, params=query) as response:
            return Answer(response.status, await response.text())
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ConnectFailed(f"nobody answers at {url}: {error}") from error
