"""TeXML text in, verbs out. Fetches nothing, follows nothing, knows no calls.

A DOCTYPE is refused, and so is a document that is too large, too deep or has too many elements. What this release does
not know in a document is passed over, with a warning for its author.
"""

from typing import Any, NamedTuple, cast, get_args
from xml.parsers import expat

import msgspec

from offhook.wire import texml_verbs as verbs
from offhook.wire.texml_verbs import Element, Verb

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
MAX_ELEMENTS = 1000
MAX_WARNINGS = 20
# Attributes that there are, and that change nothing that a caller hears: none gets a warning.
_SILENT = frozenset(("effect", "hints", "profanityFilter", "useEnhanced", "transcriptionEngine", "region"))


class TexmlError(ValueError):
    """The text is no TeXML document; the message is for people, and holds nothing of the text."""


class Document(NamedTuple):
    """What a document orders, and what of it was passed over, in words for its author."""

    verbs: tuple[Verb, ...]
    warnings: tuple[str, ...] = ()


def read(text: bytes) -> Document:
    """A document in UTF-8; TexmlError where it is none."""
    root = _tree(_decoded(text))
    if root.name != "Response":
        raise TexmlError("its root element is not <Response>")
    reader = _Reader()
    found = reader.nested(root, _VERBS)
    return Document(cast(tuple[Verb, ...], found), tuple(reader.warnings))


def _decoded(text: bytes) -> str:
    if len(text) > MAX_BYTES:
        raise TexmlError(f"it is longer than {MAX_BYTES} bytes")
    try:
        decoded = text.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise TexmlError("it is not UTF-8") from None
    if not decoded.strip():
        raise TexmlError("it is empty")
    return decoded


# ---- text to elements ----------------------------------------------------------------------------------------


class _Node:
    """An element as it was written; of what is said, `markup` is what stands in it as it was marked up."""

    __slots__ = ("attributes", "children", "markup", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[_Node] = []
        self.text = ""
        self.markup = ""


class _Builder:
    """Collects elements as the parser meets them."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self._open: list[_Node] = []
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise TexmlError(f"it has more than {MAX_ELEMENTS} elements")
        if len(self._open) == MAX_DEPTH:
            raise TexmlError(f"its elements are nested more than {MAX_DEPTH} deep")
        node = _Node(name, attributes)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def end(self, name: str) -> None:
        node = self._open.pop()
        if self._is_said():
            written = "".join(f' {key}="{_escaped(value)}"' for key, value in node.attributes.items())
            self._open[-1].markup += f"<{name}{written}>{node.markup}</{name}>"

    def characters(self, text: str) -> None:
        self._open[-1].text += text
        if self._is_said():
            self._open[-1].markup += _escaped(text)

    def _is_said(self) -> bool:
        return any(node.name == "Say" for node in self._open)


def _tree(text: str) -> _Node:
    builder = _Builder()
    # The bytes were UTF-8, whatever the declaration says.
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    parser.StartDoctypeDeclHandler = _no_doctype
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        raise TexmlError(f"not well-formed in line {error.lineno}: {expat.ErrorString(error.code)}") from None
    assert builder.root is not None  # a document without a root element is not well-formed
    return builder.root


def _no_doctype(*_: object) -> None:
    raise TexmlError("it has a DOCTYPE")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


# ---- elements to values --------------------------------------------------------------------------------------

_VERBS: dict[str, type[Element]] = {
    each.__name__: each for each in cast(tuple[type[Element], ...], get_args(Verb)) if each is not verbs.RecordVerb
} | {"Record": verbs.RecordVerb}
_BESIDE: dict[str, type[Element]] = {
    "Stream": verbs.Stream,
    "Transcription": verbs.Transcription,
    "Suppression": verbs.Suppression,
    "Recording": verbs.Recording,
}
# What may stand in what.
_NESTED: dict[type[Element], dict[str, type[Element]]] = {
    verbs.Gather: {"Say": verbs.Say, "Play": verbs.Play},
    verbs.Dial: {
        "Number": verbs.Number,
        "Sip": verbs.Sip,
        "Queue": verbs.QueueNoun,
        "Conference": verbs.ConferenceNoun,
    },
    verbs.Refer: {"Sip": verbs.Sip},
    verbs.Start: _BESIDE,
    verbs.Stop: _BESIDE,
    verbs.Connect: {"Stream": verbs.Stream},
    verbs.Stream: {"Parameter": verbs.Parameter},
}


class _Reader:
    """Turns elements into values and notes what it passes over."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def nested(self, node: _Node, allowed: dict[str, type[Element]]) -> tuple[Element, ...]:
        found: list[Element] = []
        for child in node.children:
            form = allowed.get(child.name)
            if form is None:
                self._warn(f"<{_short(child.name)}> in <{_short(node.name)}> is not known here")
            else:
                found.append(self._element(child, form))
        return tuple(found)

    def _element(self, node: _Node, form: type[Element]) -> Element:
        values: dict[str, Any] = self._attributes(node, form)
        names = {field.name for field in msgspec.structs.fields(form)}
        if form in _NESTED:
            values["nouns"] = self.nested(node, _NESTED[form])
        if form is verbs.Say:
            values |= _said(node)
        elif "text" in names:
            values["text"] = node.text.strip()
        return form(**values)

    def _attributes(self, node: _Node, form: type[Element]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        fields = {field.encode_name: field for field in msgspec.structs.fields(form) if field.name not in _CONTENT}
        for name, value in node.attributes.items():
            field = fields.get(name)
            if field is None:
                if name not in _SILENT:
                    self._warn(f"{_short(name)} of <{node.name}> is not known here")
                continue
            try:
                found[field.name] = _converted(value.strip(), field.type)
            except msgspec.ValidationError:
                self._warn(f"{name} of <{node.name}> cannot have this value")
        return found

    def _warn(self, warning: str) -> None:
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.append(warning)


# What comes from what stands in an element, not from its attributes.
_CONTENT = frozenset(("text", "nouns", "marked"))


def _said(node: _Node) -> dict[str, Any]:
    """What is said: plain text, or what is marked up as SSML has it."""
    if not node.children:
        return {"text": " ".join(node.text.split())}
    return {"text": f"<speak>{node.markup}</speak>", "marked": True}


def _converted(value: str, kind: Any) -> Any:
    if kind is verbs.Words or kind == verbs.Words:
        return tuple(value.split())
    return msgspec.convert(value.upper() if kind is verbs.Method else value, kind, strict=False)


def _short(name: str) -> str:
    return name if len(name) <= 32 else name[:32] + "…"
