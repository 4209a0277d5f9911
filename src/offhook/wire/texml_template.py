"""Templates in documents: what a request carried stands where `{{its name}}` does. Knows no verbs.

`{{#if A == B}}…{{/if}}` keeps what is inside where both are alike; so do `!=` for the contrary, a name alone for what
is not empty, and `{{else}}` for the rest. A and B are names, or texts in quotes. A name that the request does not have
is empty. What is put in is escaped: it is text, never an element.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

MAX_DEPTH = 32
MAX_LENGTH = 1 << 20

_TAG = re.compile(r"\{\{\s*(#if\s+[^{}]{1,400}|/if|else|[A-Za-z_][A-Za-z0-9_.-]{0,127})\s*\}\}")
_CONDITION = re.compile(r"#if\s+(\S.*?)\s*(?:(==|!=)\s*(\S.*?)\s*)?")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"}


class TemplateError(ValueError):
    """The text is no template; the message is for people."""


class _Block(NamedTuple):
    """An `#if` that is open: whether what surrounds it counts, and whether its condition holds."""

    outside: bool
    holds: bool


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with what `values` has for its names; TemplateError where its blocks do not match, or it grows without
    measure."""
    if "{{" not in text:
        return text
    written: list[str] = []
    blocks: list[_Block] = []
    counts, length, at = True, 0, 0
    for tag in _TAG.finditer(text):
        piece = text[at : tag.start()]
        at = tag.end()
        word = tag[1]
        if not word.startswith(("#if", "/if", "else")):
            piece += _escaped(values.get(word, ""))
        if counts:
            written.append(piece)
            length += len(piece)
        if length > MAX_LENGTH:
            raise TemplateError(f"it grows over {MAX_LENGTH} characters")
        counts = _step(blocks, word, counts, values)
    if blocks:
        raise TemplateError("an {{#if}} has no {{/if}}")
    return "".join((*written, text[at:]))


def _step(blocks: list[_Block], word: str, counts: bool, values: Mapping[str, str]) -> bool:
    """Whether what follows this tag counts."""
    if word.startswith("#if"):
        if len(blocks) == MAX_DEPTH:
            raise TemplateError(f"its blocks are nested more than {MAX_DEPTH} deep")
        blocks.append(_Block(counts, _holds(word, values)))
        return counts and blocks[-1].holds
    if word not in ("/if", "else"):
        return counts
    if not blocks:
        raise TemplateError(f"{{{{{word}}}}} has no {{{{#if}}}}")
    block = blocks[-1]
    if word == "else":
        return block.outside and not block.holds
    blocks.pop()
    return block.outside


def _holds(word: str, values: Mapping[str, str]) -> bool:
    found = _CONDITION.fullmatch(word)
    if found is None:
        raise TemplateError("a condition is a name, or two that are compared")
    left, operator, right = found.groups()
    if operator is None:
        return bool(_value(left, values))
    return (_value(left, values) == _value(right, values)) is (operator == "==")


def _value(term: str, values: Mapping[str, str]) -> str:
    if len(term) > 1 and term[0] == term[-1] and term[0] in "\"'":
        return term[1:-1]
    return values.get(term, "" if not _is_number(term) else term)


def _is_number(term: str) -> bool:
    return term.lstrip("+-").isdigit()


def _escaped(text: str) -> str:
    return "".join(_ESCAPES.get(each, each) for each in text)
