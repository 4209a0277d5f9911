"""Where the contents of media files lie: in a directory, or in memory. Knows neither accounts' rules nor HTTP.

A file is two: `<key>.media`, its content, and `<key>.json`, what is known of it. The second is written last and removed
first, so that what is known of is there; whatever else lies there after a crash is removed at the next start.
"""

import hashlib
import os
from pathlib import Path
from typing import Protocol

import msgspec


class MediaFile(msgspec.Struct, frozen=True):
    """What is known of a file. Times are Unix seconds."""

    account_id: str
    media_name: str
    content_type: str
    size: int
    created_at: float
    updated_at: float
    expires_at: float


class Shelf(Protocol):
    """Keeps files. Its methods block."""

    def load(self) -> list[MediaFile]:
        """Everything that is there."""
        ...

    def put(self, file: MediaFile, content: bytes | None) -> None:
        """Keep a file; without `content` it keeps the one that it has. OSError where it cannot."""
        ...

    def get(self, file: MediaFile) -> bytes:
        """The content of a file; OSError where it cannot be read."""
        ...

    def drop(self, file: MediaFile) -> None:
        """Keep it no more."""
        ...


class MemoryShelf:
    """Files that end with the process."""

    def __init__(self) -> None:
        self._contents: dict[tuple[str, str], bytes] = {}

    def load(self) -> list[MediaFile]:
        return []

    def put(self, file: MediaFile, content: bytes | None) -> None:
        if content is not None:
            self._contents[file.account_id, file.media_name] = content

    def get(self, file: MediaFile) -> bytes:
        return self._contents[file.account_id, file.media_name]

    def drop(self, file: MediaFile) -> None:
        self._contents.pop((file.account_id, file.media_name), None)


class DirectoryShelf:
    """Files in a directory that belongs to the platform alone."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self) -> list[MediaFile]:
        if not self._directory.exists():
            return []
        found = {path.stem: _read(path) for path in self._directory.glob("*.json")}
        known = {key: file for key, file in found.items() if file is not None}
        for path in self._directory.iterdir():
            if path.stem not in known:
                path.unlink()
        return list(known.values())

    def put(self, file: MediaFile, content: bytes | None) -> None:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        if content is not None:
            _write(self._path(file, "media"), content)
        _write(self._path(file, "json"), msgspec.json.encode(file))

    def get(self, file: MediaFile) -> bytes:
        return self._path(file, "media").read_bytes()

    def drop(self, file: MediaFile) -> None:
        self._path(file, "json").unlink(missing_ok=True)
        self._path(file, "media").unlink(missing_ok=True)

    def _path(self, file: MediaFile, suffix: str) -> Path:
        """Customers choose names: none of them becomes a path."""
        key = hashlib.sha256(f"{file.account_id}\0{file.media_name}".encode()).hexdigest()
        return self._directory / f"{key}.{suffix}"


def _read(path: Path) -> MediaFile | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=MediaFile)
    except msgspec.DecodeError:
        return None


def _write(path: Path, content: bytes) -> None:
    """Write a whole file at once: a crash leaves all of it or none."""
    part = path.with_suffix(path.suffix + ".part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
