"""The rows of the journal: spans, births and deaths as short arrays, there and back.

`tracer.journal.format` documents their order. Encoding is on a server's clock, so these functions
are plain; decoding checks the type of every element, so that a damaged journal can never put a
wrong type into the model.
"""

from __future__ import annotations

from dataclasses import fields
from types import UnionType
from typing import Any, Final, TypeAlias, TypeVar, get_args, get_origin, get_type_hints

from tracer.model.facts import Birth, Died, Fact, Imported, Span

Row: TypeAlias = list[Any]
T = TypeVar("T")


class Unreadable(ValueError):
    """The line is no whole fact: torn, or never a journal's."""


def _choices(hint: Any) -> tuple[type, ...]:
    if isinstance(hint, UnionType):
        return tuple(get_args(hint))
    if hint is float:
        return (float, int)
    return (get_origin(hint) or hint,)


FIELDS: Final[dict[type, tuple[str, ...]]] = {
    kind: tuple(field.name for field in fields(kind))
    for kind in (*get_args(Fact), Birth, Died, Imported, Span)
}
"""The names of each fact's fields, in order."""
_TYPES: Final[dict[type, tuple[tuple[type, ...], ...]]] = {
    kind: tuple(_choices(get_type_hints(kind)[name]) for name in names)
    for kind, names in FIELDS.items()
}
"""For each of these fields, the types that its value may have."""


def check(fact: T) -> T:
    """Returns `fact`, a dataclass. Raises TypeError if a value is not of its field's type."""
    kind = type(fact)
    values = [getattr(fact, name) for name in FIELDS[kind]]
    if not all(map(isinstance, values, _TYPES[kind])):
        raise TypeError(f"a field of {kind.__name__} has a value of the wrong type")
    return fact


def span_row(span: Span, home: int) -> Row:
    """Returns a span as a row; `home` is the thread that goes without saying."""
    row: Row = [span.stage, span.name, span.parent, span.start, span.end - span.start]
    if span.error:
        thread = None if span.thread == home else span.thread
        row += (span.object, span.detail, thread, span.error)
    elif span.thread != home:
        row += (span.object, span.detail, span.thread)
    elif span.detail:
        row += (span.object, span.detail)
    elif span.object is not None:
        row.append(span.object)
    return row


def span_from(row: Row, home: int) -> Span:
    """Returns the span that a row holds."""
    stage, name, parent, start, length, object_, detail, thread, error = _padded(
        row, 5, (None, "", None, "")
    )
    thread = home if thread is None else thread
    return check(Span(stage, name, parent, start, start + length, object_, thread, detail, error))


def birth_row(birth: Birth, at: int, home: int) -> Row:
    """Returns a birth as a row; `at` and `home` are the time and thread to count from."""
    cls = birth.cls
    name = None if cls.rpartition(".")[2] == birth.name else birth.name
    row: Row = [birth.token, cls, name, birth.kind, birth.at - at]
    if birth.thread != home or birth.phase != "request" or birth.owner is not None:
        thread = None if birth.thread == home else birth.thread
        row += (thread, birth.phase, birth.owner, birth.mortal)
    elif not birth.mortal:
        row += (None, None, None, False)
    return row


def birth_from(row: Row, at: int, home: int) -> Birth:
    """Returns the birth that a row holds."""
    token, cls, name, kind, since, thread, phase, owner, mortal = _padded(
        row, 5, (None, None, None, True)
    )
    return check(
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


def death_row(death: Died, at: int, ident: int) -> Row:
    """Returns a death as a row; `at` and `ident` are the time and thread to count from."""
    row: Row = [death.token, death.at - at, death.how]
    if death.ident != ident:
        row.append(death.ident)
    return row


def death_from(row: Row, at: int, ident: int) -> Died:
    """Returns the death that a row holds."""
    token, since, how, own = _padded(row, 3, (None,))
    return check(Died(token, at + since, how, ident if own is None else own))


def _padded(row: Row, least: int, defaults: tuple[Any, ...]) -> Row:
    """Returns a row with the defaults of what it leaves off, and without what is not known."""
    if not isinstance(row, list) or len(row) < least:
        raise TypeError("a row is too short")
    return (row + list(defaults[len(row) - least :]))[: least + len(defaults)]


def pairs(flat: list[Any]) -> tuple[tuple[int, int], ...]:
    """Returns a flat array of integers as pairs."""
    if len(flat) % 2 or not all(isinstance(each, int) for each in flat):
        raise TypeError("seen is not an array of pairs of integers")
    return tuple(zip(flat[::2], flat[1::2], strict=True))
