"""A Python file's public classes and functions as Markdown: signatures and docstrings. Reads text, imports nothing."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SECTION = re.compile(r"^# -{3,} (.+?) -{3,}$")
_INNER = re.compile(r"^ +# -{3,} for the ")  # what follows is public for other modules of the package


def module_text(path: Path) -> str:
    """What a module says of itself."""
    return _prose(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")


def everything(path: Path, heading: str = "##") -> str:
    """All public classes and functions of a file in their order, under the headings that its dividing comments make."""
    source = path.read_text(encoding="utf-8")
    dividers = [
        (number, found[1]) for number, line in enumerate(source.split("\n"), 1) if (found := _SECTION.match(line))
    ]
    parts: list[str] = []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.ClassDef | _Function) or node.name.startswith("_"):
            continue
        while dividers and dividers[0][0] < node.lineno:
            parts.append(f"{heading} {dividers.pop(0)[1].capitalize()}")
        parts.append(_class(node, f"{heading}#") if isinstance(node, ast.ClassDef) else _method(node))
    return "\n\n".join(parts)


def named(path: Path, names: tuple[str, ...]) -> str:
    """The classes of a file that have these names, in that order, up to what is not for everybody."""
    source = path.read_text(encoding="utf-8")
    inner = next((number for number, line in enumerate(source.split("\n")) if _INNER.match(line)), sys.maxsize)
    found = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    return "\n\n".join(_class(found[name], "###", inner) for name in names)


def _class(node: ast.ClassDef, heading: str, until: int = sys.maxsize) -> str:
    parts = [f"{heading} {node.name}", _code(f"{node.name}({_made_with(node)})"), _prose(ast.get_docstring(node) or "")]
    parts += [_method(method) for method in _methods(node, until)]
    return "\n\n".join(part for part in parts if part)


def _made_with(node: ast.ClassDef) -> str:
    """The arguments that make one: those of `__init__`, or the fields of a struct."""
    for each in node.body:
        if isinstance(each, ast.FunctionDef) and each.name == "__init__":
            return _arguments(each)
    return ", ".join(_field(each) for each in node.body if isinstance(each, ast.AnnAssign))


def _field(node: ast.AnnAssign) -> str:
    text = f"{ast.unparse(node.target)}: {ast.unparse(node.annotation)}"
    if node.value is None:
        return text
    return f"{text} = {'…' if isinstance(node.value, ast.Call) else ast.unparse(node.value)}"


def _methods(node: ast.ClassDef, until: int) -> Iterator[_Function]:
    """The public ones before line `until`; of overloads only what they stand for."""
    for each in node.body:
        if not isinstance(each, _Function) or each.name.startswith("_") or each.lineno > until:
            continue
        if "overload" not in _decorators(each):
            yield each


def _decorators(node: _Function) -> list[str]:
    return [ast.unparse(each) for each in node.decorator_list]


def _method(node: _Function) -> str:
    returns = ast.unparse(node.returns).strip("'") if node.returns is not None else "None"
    is_awaited = isinstance(node, ast.AsyncFunctionDef) and not returns.startswith("Async")
    if "property" in _decorators(node):
        text = node.name
    else:
        text = f"{'await ' if is_awaited else ''}{node.name}({_arguments(node)})"
    arrow = "" if returns == "None" else f" → {returns}"
    return f"**`{text}{arrow}`**\n\n{_prose(ast.get_docstring(node) or '')}".rstrip()


def _arguments(node: _Function) -> str:
    text = re.sub(r"^self(?:, |$)", "", ast.unparse(node.args))
    return re.sub(r"(?<=[\w\]])=", " = ", text)  # every argument is annotated, so PEP 8 wants the spaces


def _code(text: str) -> str:
    """A signature as a block, one argument a line where it is long."""
    if len(text) > 100:
        head, _, rest = text.partition("(")
        arguments = re.split(r", (?![^\[(]*[\])])", rest[:-1])
        text = f"{head}(\n" + "".join(f"    {each},\n" for each in arguments) + ")"
    return f"```python\n{text}\n```"


def _prose(docstring: str) -> str:
    """A docstring as Markdown: what follows `::` is indented, and so a block already."""
    return re.sub(r"\n*::$", "", docstring, flags=re.MULTILINE).strip()
