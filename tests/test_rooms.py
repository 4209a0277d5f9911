"""Category: house. The one arrow that the import linter cannot see, because it ends at a binary."""

import ast
from pathlib import Path

import offhook

SOURCE = Path(offhook.__file__).parent


def opens_native(text: str) -> bool:
    """Whether a module's text imports the native module in any spelling."""
    for node in ast.walk(ast.parse(text)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        origin = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
        if any("_media" in f"{origin}.{name}".split(".") for name in names):
            return True
    return False


def test_only_the_media_room_opens_the_native_module() -> None:
    openers = [path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py") if opens_native(path.read_text())]
    assert openers == ["media/core.py"]


def test_the_check_sees_every_spelling() -> None:
    spellings = ("import offhook._media", "from offhook import _media", "from offhook._media import Core")
    assert all(map(opens_native, spellings))
    assert not opens_native("from offhook.media import core")
