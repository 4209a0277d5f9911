"""Installs the official packages that the compatibility tests drive, and a peer of the benches, each set in a cached
place of its own.

Knows uv, npm and the cache's layout; does not know the tests. A place is named by the hash of its lock file, so
another lock makes another place and nothing is ever updated in it.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import native

COMPAT = native.ROOT / "tests" / "compat"


def _place(lock: Path, extra: str = "") -> Path:
    return native.cache_dir() / "compat" / hashlib.sha256(lock.read_bytes() + extra.encode()).hexdigest()[:24]


def _once(place: Path, install: Callable[[], None]) -> Path:
    """Run `install` unless an earlier one finished in this place."""
    place.mkdir(parents=True, exist_ok=True)
    finished = place / ".finished"
    with (place / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not finished.exists():
            install()
            finished.touch()
    return place


def node_modules() -> Path:
    """The browser SDK as the npm registry has it, without running any script of a package."""
    return _npm(COMPAT / "browser")


def jssip() -> Path:
    """A SIP phone for browsers, likewise."""
    return _npm(COMPAT / "jssip")


def official_node() -> Path:
    """The official Node SDK, likewise."""
    return _npm(COMPAT / "official_node")


def example_node(name: str) -> Path:
    """What an example's own package.json wants, likewise."""
    return _npm(native.ROOT / "examples" / name)


def _npm(source: Path) -> Path:
    place = _place(source / "package-lock.json")

    def install() -> None:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(source / name, place / name)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"], cwd=place, check=True)

    return _once(place, install) / "node_modules"


def python_packages() -> Path:
    """The site-packages of the official Python SDK; append it to `sys.path`."""
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return _venv(COMPAT / "official") / "lib" / f"python{version}" / "site-packages"


def pipecat() -> Path:
    """A Python that has pipecat, which is too heavy to live beside offhook."""
    return _venv(COMPAT / "pipecat") / "bin" / "python"


def sippy() -> Path:
    """The back-to-back agent that the benches measure ours beside."""
    return _venv(native.ROOT / "benches" / "peers" / "sippy") / "bin" / "b2bua_simple"


def _venv(source: Path) -> Path:
    python = sys.executable
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    place = _place(source / "uv.lock", version)
    uv = next(native.cache_dir().glob("uv-*/bin/uv"), Path(shutil.which("uv") or "uv"))

    def install() -> None:
        subprocess.run(
            [uv, "sync", "--frozen", "--quiet", "--no-install-project", "--python", python, "--project", source],
            # Compiled once: without, each backend that a test starts compiles thousands of files.
            env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(place / "venv"), "UV_COMPILE_BYTECODE": "1"},
            check=True,
        )

    return _once(place, install) / "venv"


def _tests_want() -> None:
    node_modules()
    jssip()
    official_node()
    for example in ("parked_call", "call_centre_queue", "conference", "inbound_call", "voice_agent"):
        example_node(example)
    python_packages()
    pipecat()


if __name__ == "__main__":
    if sys.argv[1:] == ["sippy"]:
        print(sippy())
    else:
        _tests_want()
