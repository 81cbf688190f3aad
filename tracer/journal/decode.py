"""Decodes lines of the journal into facts; `tracer.journal.format` documents them.

Checks the type of every element, so that a damaged journal puts no wrong type into the model.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from types import UnionType
from typing import Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

from tracer.journal.format import FIELDS, PLAIN, REQUEST_FIELDS, VERSION, Row
from tracer.model.facts import (
    Birth,
    Boot,
    Built,
    Deaths,
    Died,
    EndedWithThread,
    Fact,
    Held,
    Imported,
    Replaced,
    Request,
    Span,
    Walk,
)

T = TypeVar("T")


class Unreadable(ValueError):
    """The line is no whole fact: it is cut off, damaged, or no line of a journal."""


class UnknownFact(Unreadable):
    """The line holds a type of fact that this version does not know, which is no fault."""


class UnknownFormat(Exception):
    """The header names a version that cannot be read; the argument is that version."""


def read_header(line: bytes) -> None:
    """Checks a file's first line. Raises UnknownFormat, or Unreadable if it is no header."""
    document = _object(line)
    if document.get("journal") != "tracer" or "format" not in document:
        raise Unreadable("not the header of a journal")
    if document["format"] != VERSION:
        raise UnknownFormat(document["format"])


def decode(line: bytes) -> Fact:
    """Returns the fact on this line. Raises UnknownFact, or Unreadable for a damaged line."""
    document = _object(line)
    name = document.get("fact")
    if not isinstance(name, str):
        raise Unreadable("not a fact")
    decoder = _DECODERS.get(name)
    if decoder is None and name not in _PLAIN_TYPES:
        raise UnknownFact(name)
    try:
        return decoder(document) if decoder else cast("Fact", _plain(_PLAIN_TYPES[name], document))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Unreadable(f"not a whole {name}: {error}") from error


def _object(line: bytes) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error
    if not isinstance(document, dict):
        raise Unreadable("not a JSON object")
    return document


# -- one function for each type of fact ----------------------------------------------------------


def _plain(kind: type, document: dict[str, Any]) -> object:
    known = {name: document[name] for name in FIELDS[kind] if name in document}
    return _checked(kind(**known))


def _request(document: dict[str, Any]) -> Fact:
    head = {name: document[name] for name in REQUEST_FIELDS if name in document}
    begun, home = document["begun"], document["thread"]
    return _checked(
        Request(
            **head,
            spans=_spans(document, home),
            births=tuple(_birth(row, begun, home) for row in _list(document, "births")),
            seen=_pairs(_list(document, "seen")),
            imports=_strings(_list(document, "imports", ())),
            by_import=tuple(map(_by_import, _list(document, "by_import", ()))),
        )
    )


def _spans(document: dict[str, Any], home: int) -> tuple[Span, ...]:
    spans = tuple(_span(row, home) for row in _list(document, "spans"))
    if any(span.parent is not None and not 0 <= span.parent < len(spans) for span in spans):
        raise ValueError("a span's parent does not exist")
    return spans


def _boot(document: dict[str, Any]) -> Fact:
    known = {name: document[name] for name in FIELDS[Boot] if name in document}
    known["spans"] = _spans(document, 0)
    known["heaviest"] = tuple(_checked(Imported(*row[:3])) for row in _list(document, "heaviest"))
    return _checked(Boot(**known))


def _built(document: dict[str, Any]) -> Fact:
    at, home = document["at"], document["thread"]
    return Built(tuple(_birth(row, at, home) for row in _list(document, "births")))


def _deaths(document: dict[str, Any]) -> Fact:
    at, ident = document["at"], document["ident"]
    return Deaths(tuple(_death(row, at, ident) for row in _list(document, "deaths")))


def _walk(document: dict[str, Any]) -> Fact:
    return _checked(
        Walk(
            document["begun"],
            document["ended"],
            tuple(map(_held, _list(document, "found"))),
            _integers(_list(document, "lost")),
        )
    )


def _replaced(document: dict[str, Any]) -> Fact:
    return Replaced(_integers(_list(document, "tokens")))


def _ended_with_thread(document: dict[str, Any]) -> Fact:
    return _checked(EndedWithThread(document["thread"], _integers(_list(document, "tokens"))))


_DECODERS: Final[dict[str, Callable[[dict[str, Any]], Fact]]] = {
    "request": _request,
    "built": _built,
    "boot": _boot,
    "deaths": _deaths,
    "walk": _walk,
    "replaced": _replaced,
    "ended_with_thread": _ended_with_thread,
}
_PLAIN_TYPES: Final[dict[str, type]] = {name: kind for kind, name in PLAIN.items()}


# -- their parts ---------------------------------------------------------------------------------


def _span(row: Row, home: int) -> Span:
    stage, name, parent, start, length, object_, detail, thread, error = _padded(
        row, 5, (None, "", None, "")
    )
    thread = home if thread is None else thread
    return _checked(
        Span(stage, name, parent, start, start + length, object_, thread, detail, error)
    )


def _birth(row: Row, at: int, home: int) -> Birth:
    token, cls, name, kind, since, thread, phase, owner, mortal = _padded(
        row, 5, (None, None, None, True)
    )
    return _checked(
        Birth(
            token=token,
            kind=kind,
            cls=cls,
            name=str(cls).rpartition(".")[2] if name is None else name,
            at=at + since,
            thread=home if thread is None else thread,
            phase="request" if phase is None else phase,
            owner=owner,
            mortal=mortal,
        )
    )


def _death(row: Row, at: int, ident: int) -> Died:
    token, since, how, own = _padded(row, 3, (None,))
    return _checked(Died(token, at + since, how, ident if own is None else own))


def _held(row: Row) -> Held:
    token, path, spot, *more = _padded(row, 2, (None, "module", 0, 0, False))
    return _checked(Held(token, path, path if spot is None else spot, *more))


def _by_import(row: Row) -> tuple[str, tuple[int, ...]]:
    (module,) = _strings(row[:1])
    return module, _integers(row[1:])


def _integers(values: list[Any]) -> tuple[int, ...]:
    if not all(isinstance(value, int) for value in values):
        raise TypeError("an array of integers has something else in it")
    return tuple(values)


def _padded(row: Row, least: int, defaults: tuple[Any, ...]) -> Row:
    """Returns a row with the defaults of what it leaves off, and without unknown elements."""
    if not isinstance(row, list) or len(row) < least:
        raise TypeError("a row is too short")
    return (row + list(defaults[len(row) - least :]))[: least + len(defaults)]


def _pairs(flat: list[Any]) -> tuple[tuple[int, int], ...]:
    """Returns a flat array of integers as pairs."""
    if len(flat) % 2 or not all(isinstance(each, int) for each in flat):
        raise TypeError("seen is not an array of pairs of integers")
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _list(document: dict[str, Any], key: str, default: Any = None) -> list[Any]:
    rows = document.get(key, default) if default is not None else document[key]
    if not isinstance(rows, list | tuple):
        raise TypeError(f"{key} is not an array")
    return cast("list[Any]", rows)


def _strings(values: list[Any]) -> tuple[str, ...]:
    if not all(isinstance(value, str) for value in values):
        raise TypeError("an array of strings has something else in it")
    return tuple(values)


def _choices(hint: Any) -> tuple[type, ...]:
    if isinstance(hint, UnionType):
        return tuple(get_args(hint))
    if hint is float:
        return (float, int)
    return (get_origin(hint) or hint,)


_TYPES: Final[dict[type, tuple[tuple[type, ...], ...]]] = {
    kind: tuple(_choices(get_type_hints(kind)[name]) for name in names)
    for kind, names in FIELDS.items()
}
"""For each field of each fact, the types that its value may have."""


def _checked(fact: T) -> T:
    """Returns `fact`, a dataclass. Raises TypeError if a value is not of its field's type."""
    kind = type(fact)
    values = [getattr(fact, name) for name in FIELDS[kind]]
    if not all(map(isinstance, values, _TYPES[kind])):
        raise TypeError(f"a field of {kind.__name__} has a value of the wrong type")
    return fact
