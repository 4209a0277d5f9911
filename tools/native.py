"""Builds the native core once for each content of the Rust tree, in a user cache that clones share.

Knows cargo and the cache's layout; does not know Python packaging (that is `backend.py`).

The finished library is kept under a hash of everything that makes it: the profile, the compiler, `Cargo.toml`,
`Cargo.lock` and `crates/`. A second clone of the same content copies it; a clone with other content can never
load it. Dependencies compile into one target directory per lock file and compiler, which clones share too.
"""

import argparse
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LIBRARY = ROOT / "src" / "offhook" / "_media.abi3.so"
PACKAGE = "offhook-media-py"
ARTIFACT = "liboffhook_media_py.so"


def cache_dir() -> Path:
    """The user's cache for offhook, outside every clone."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "offhook"


def _sources() -> Iterator[Path]:
    yield ROOT / "Cargo.toml"
    yield ROOT / "Cargo.lock"
    yield from sorted(path for path in (ROOT / "crates").rglob("*") if path.is_file())


def _compiler() -> str:
    return subprocess.run(["rustc", "-vV"], check=True, capture_output=True, text=True).stdout


def _digest(*parts: bytes) -> str:
    total = hashlib.sha256()
    for part in parts:
        total.update(len(part).to_bytes(8, "big"))
        total.update(part)
    return total.hexdigest()[:24]


def content_key(profile: str) -> str:
    """What the library is made of, as a name for a directory."""
    named = [part for path in _sources() for part in (str(path.relative_to(ROOT)).encode(), path.read_bytes())]
    return _digest(profile.encode(), _compiler().encode(), *named)


def target_dir() -> Path:
    """Where cargo compiles: shared by every clone that has the same lock file and compiler."""
    return cache_dir() / "target" / _digest((ROOT / "Cargo.lock").read_bytes(), _compiler().encode())


@contextmanager
def _locked(directory: Path) -> Generator[None]:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / ".offhook-lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _compile(profile: str, kept: Path) -> None:
    target = target_dir()
    with _locked(target):  # cargo names its result alike for every clone: build and copy are one step
        for root in (ROOT / "crates").glob("*/src/lib.rs"):
            root.touch()  # cargo goes by file times, which can be older than content that is new here
        subprocess.run(
            ["cargo", "build", "--locked", "--profile", profile, "--package", PACKAGE],
            cwd=ROOT,
            env={**os.environ, "CARGO_TARGET_DIR": str(target)},
            check=True,
        )
        _place(target / profile / ARTIFACT, kept)


def _place(source: Path, destination: Path) -> None:
    """Copy so that a reader sees the old file or the new one, never half of it."""
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f".{destination.name}.{os.getpid()}")
    shutil.copy2(source, partial)
    partial.replace(destination)


def ensure(profile: str = "release") -> Path:
    """Make the library of this tree's content present beside the package, building it only if nobody has."""
    kept = cache_dir() / "native" / content_key(profile) / LIBRARY.name
    if not kept.exists():
        _compile(profile, kept)
    if not LIBRARY.exists() or LIBRARY.read_bytes() != kept.read_bytes():
        _place(kept, LIBRARY)
    return LIBRARY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("what", choices=["build", "target-dir", "cache-dir"])
    match parser.parse_args().what:
        case "build":
            print(ensure().relative_to(ROOT))
        case "target-dir":
            print(target_dir())
        case _:
            print(cache_dir())


if __name__ == "__main__":
    sys.exit(main())
