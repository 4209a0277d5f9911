"""The build backend: maturin, but an editable install takes the native core from the shared cache.

Wheels and source distributions are maturin's own. Only `build_editable` differs: maturin would compile the
crates once for each clone, where `native.ensure` compiles them once for each content.
"""

import zipfile
from pathlib import Path
from typing import Any

import maturin  # pyright: ignore[reportMissingTypeStubs]

import native

build_wheel = maturin.build_wheel
build_sdist = maturin.build_sdist
get_requires_for_build_wheel = maturin.get_requires_for_build_wheel
get_requires_for_build_sdist = maturin.get_requires_for_build_sdist
prepare_metadata_for_build_wheel = maturin.prepare_metadata_for_build_wheel

Settings = dict[str, Any] | None
WHEEL = b"Wheel-Version: 1.0\nGenerator: offhook\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def get_requires_for_build_editable(config_settings: Settings = None) -> list[str]:
    return get_requires_for_build_wheel(config_settings)


def prepare_metadata_for_build_editable(metadata_directory: str, config_settings: Settings = None) -> str:
    return prepare_metadata_for_build_wheel(metadata_directory, config_settings)


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: str | None = None
) -> str:
    """A wheel that holds the metadata and one path: the `src` of this clone."""
    native.ensure()
    staged = Path(metadata_directory) if metadata_directory else Path(wheel_directory)
    if metadata_directory is None:
        staged = staged / prepare_metadata_for_build_wheel(wheel_directory, config_settings)
    files = {
        str(path.relative_to(staged.parent)): path.read_bytes()
        for path in staged.rglob("*")
        if path.is_file() and path.name not in ("WHEEL", "RECORD")
    }
    files[f"{staged.name}/WHEEL"] = WHEEL
    files["offhook.pth"] = f"{native.ROOT / 'src'}\n".encode()
    record = f"{staged.name}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record]).encode()
    name = f"{staged.name.removesuffix('.dist-info')}-0editable-py3-none-any.whl"
    with zipfile.ZipFile(Path(wheel_directory) / name, "w") as wheel:
        for path, content in files.items():
            wheel.writestr(path, content)
    return name
