"""`offhook version`: what is installed, and, with --verbose, what it stands on."""

import importlib
import importlib.metadata
import platform
import sys

PARTS = ("aiohttp", "msgspec", "sqlalchemy", "cryptography", "soundfile", "sounddevice", "psycopg")


def version(*, verbose: bool = False) -> None:
    """Print the version.

    Parameters
    ----------
    verbose
        Print what a bug report needs besides: Python, machine, native core, dependencies.
    """
    print(f"offhook {_installed('offhook')}")
    if verbose:
        for name, value in details():
            print(f"{name:<14}{value}")


def details() -> list[tuple[str, str]]:
    """(what, which) of everything that a bug report should name."""
    return [
        ("python", f"{platform.python_implementation()} {platform.python_version()}"),
        ("platform", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("executable", sys.executable),
        ("media core", _native()),
        *((part, _installed(part)) for part in PARTS),
    ]


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def _native() -> str:
    try:
        importlib.import_module("offhook.media.core")
    except ImportError as error:
        return f"cannot be loaded: {error}"
    return "loaded"
