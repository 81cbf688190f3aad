"""Decodes lines of a journal into facts; `tracer.journal.format` documents them.

Checks the type of every element, so that a damaged journal puts no wrong type into the model.
"""

from __future__ import annotations

import contextlib
import json
from types import UnionType
from typing import Any, Final, cast, get_args, get_origin, get_type_hints

from tracer.journal.format import DEATHS, FACTS, FIELDS, MORE, NAMES, REQUESTS, VERSION
from tracer.model.facts import Boot, Deaths, Died, Fact, Span
from tracer.model.recorded import RecordedRequests


class Unreadable(ValueError):
    """The line is no whole fact: it is cut off, damaged, or no line of a journal."""


class UnknownFact(Unreadable):
    """The line holds a type of fact that this version does not know, which is no fault."""


class UnknownFormat(Exception):
    """The header names a version that cannot be read; the argument is that version."""


def read_header(line: bytes) -> None:
    """Checks a file's first line. Raises UnknownFormat, or Unreadable if it is no header."""
    document = _json(line)
    if not isinstance(document, dict) or document.get("journal") != "tracer":
        raise Unreadable("not the header of a journal")
    if document.get("format") != VERSION:
        raise UnknownFormat(document.get("format"))


class Decoder:
    """Decodes the lines of one file in their order."""

    def __init__(self) -> None:
        self._names: dict[int, tuple[Any, ...]] = {}
        self._lists: dict[int, tuple[Any, ...]] = {}
        """Several names in a row, likewise by number."""
        self._lowest: dict[int, int] = {}
        """Of several stages, the lowest token."""
        self._shared: dict[tuple[int, ...], tuple[int, ...]] = {}
        """What requests saw, so that those who saw the same share it."""

    def decode(self, line: bytes) -> Fact | None:
        """Returns the fact on this line; None for a line of names.

        Raises UnknownFact, or Unreadable for a damaged line.
        """
        row = _json(line)
        if not isinstance(row, list) or not row or not isinstance(row[0], str):
            raise Unreadable("not a fact")
        kind, values = row[0], row[1:]
        try:
            if kind == NAMES:
                self._add_names(_integer(values[0]), values[1:])
                return None
            if kind == REQUESTS:
                return self._requests(values)
            if kind == DEATHS:
                return Deaths(tuple([died for each in values for died in _deaths(*each)]))
            if kind not in FACTS:
                raise UnknownFact(kind)
            fact = cast("Fact", _fact(FACTS[kind], values))
            if isinstance(fact, Boot) and not _is_tree(fact.spans):
                raise ValueError("a span's parent does not exist")
            return fact
        except (KeyError, TypeError, ValueError, IndexError) as error:
            if isinstance(error, Unreadable):
                raise
            raise Unreadable(f"not a whole {kind}: {error}") from error

    def _add_names(self, first: int, names: list[Any]) -> None:
        for number, name in enumerate(names, first):
            if set(map(type, name)) <= {int}:
                several = tuple([self._names[each] for each in name])
                self._lists[number] = several
                tokens = [each[1] or 0 for each in several if len(each) == 5]
                self._lowest[number] = min(tokens, default=0)
            else:
                self._names[number] = _name(name)

    def _requests(self, values: list[Any]) -> RecordedRequests:
        head, stages, kinds, seen, viewed, responded, starts, ends, tokens, marks, *rest = values
        found = _heads(head)
        found.whats, found.kinds = self._lists[stages], self._lists[kinds]
        if self._lowest[stages] < -len(found.kinds):
            raise ValueError("a stage names what it did not build")
        seen = tuple(_integers(seen))
        found.seen = self._shared.setdefault(seen, seen)
        found.viewed, found.responded = _numbers(viewed), _numbers(responded)
        for column in (starts, ends, tokens, marks):
            _integers(column)
        count, whats, born = len(found), len(found.whats), len(found.kinds)
        if not len(viewed) == len(responded) == count:
            raise ValueError("a column has not an element for each request")
        if not len(starts) == len(ends) == count * whats:
            raise ValueError("the stages' columns are of the wrong length")
        if born > 1 and len(tokens) == count:
            tokens = [first + place for first in tokens for place in range(born)]
        if not len(tokens) == len(marks) == count * born:
            raise ValueError("the births' columns are of the wrong length")
        found.tokens, found.marks = tokens, marks
        for place, begun in enumerate(found.begun):
            own = slice(place * whats, (place + 1) * whats)
            found.starts += [start + begun for start in starts[own]]
            found.ends += [end + begun for end in ends[own]]
        _say_more(found, rest)
        return found


def outline(line: bytes) -> RecordedRequests | None:
    """Returns requests without their stages and objects; None for a line of anything else.

    It usually parses only the head of the line, so listing a whole journal's requests is quick.
    Raises Unreadable for a damaged line.
    """
    if not line.startswith(b'["requests",'):
        return None
    end = line.find(b"]],") + 2
    if not line.endswith(b"}]"):
        # A path with these three signs in it is read below.
        with contextlib.suppress(ValueError, TypeError, IndexError):
            return _heads(json.loads(line[:end] + b"]")[1])
    try:
        _, head, *rest = _json(line)
        found = _heads(head)
        _say_more(found, rest[9:])
    except (TypeError, ValueError) as error:
        raise Unreadable(f"not whole requests: {error}") from error
    return found


def _say_more(found: RecordedRequests, rest: list[Any]) -> None:
    """Adds what is seldom said; `rest` begins with it, if there is that."""
    more = _checked(dict, rest[0]) if rest else {}
    for name, _ in MORE:
        if name in more:
            if len(found) != 1:
                raise ValueError("more is said of several requests")
            setattr(found, name, _more(name, more[name]))


def _heads(values: list[Any]) -> RecordedRequests:
    """Returns requests with nothing in their columns."""
    method, path, status, thread, watching, numbers, begun, durations, sizes = values[:9]
    if type(method) is not str or type(path) is not str:
        raise TypeError("an address is no text")
    if status is not None:
        _integer(status)
    found = RecordedRequests(
        method, path, status, _integer(thread), (), (), (), _integer(watching), _integers(numbers),
        _integers(begun),
    )  # fmt: skip
    found.sizes = _numbers(sizes)
    if not numbers or not len(numbers) == len(begun) == len(durations) == len(sizes):
        raise ValueError("a column has not an element for each request")
    found.closed = [sum(each) for each in zip(begun, _integers(durations), strict=True)]
    return found


def _deaths(at: Any, how: Any, tokens: Any) -> list[Died]:
    _integer(at), _checked(str, how)
    return [Died(token, at, how) for token in _integers(tokens)]


def _more(name: str, value: Any) -> Any:
    match name:
        case "ending":
            return _checked(str, value)
        case "uncounted":
            return _integer(value)
        case "imports":
            return [_checked(str, each) for each in value]
        case "by_import":
            return [(_checked(str, module), _integers(tokens)) for module, tokens in value]
    return _integers(value)


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not JSON") from error


def _checked(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"{value!r} is no {kind.__name__}")
    return value


def _integer(value: Any) -> int:
    return cast("int", _checked(int, value))


def _integers(values: Any) -> list[int]:
    if type(values) is not list or not set(map(type, values)) <= {int}:
        raise TypeError("a column of integers has something else in it")
    return values


def _numbers(values: Any) -> list[int | None]:
    """Returns a column of integers, of which some may be missing."""
    if type(values) is not list or not set(map(type, values)) <= {int, type(None)}:
        raise TypeError("a column of integers has something else in it")
    return values


def _name(value: Any) -> tuple[Any, ...]:
    """Returns a name as it was before it was written: arrays are tuples."""
    if type(value) is not list or len(value) not in _NAMES:
        raise TypeError("a name is neither a stage nor a kind")
    if not all(map(isinstance, value, _NAMES[len(value)])):
        raise TypeError("a part of a name is of the wrong type")
    return tuple([_tuples(each) for each in value])


_OPTIONAL: Final = int | None
_NAMES: Final[dict[int, tuple[Any, ...]]] = {
    5: (str, _OPTIONAL, object, object, str),
    6: (str, str, str | None, _OPTIONAL, _OPTIONAL, bool),
}
"""Number of parts to their types: of a stage, and of a kind of birth."""


def _tuples(value: Any) -> Any:
    return tuple([_tuples(each) for each in value]) if isinstance(value, list) else value


# -- other facts -----------------------------------------------------------------------------------


def _fact(kind: type, values: Any) -> object:
    """Returns a fact, or a part of one, from its fields in their order."""
    if not isinstance(values, list):
        raise TypeError("a part is no array")
    return kind(*map(_field, _PLANS[kind], values))


def _field(plan: _Plan, value: Any) -> Any:
    """Returns the value of a field; arrays are tuples."""
    part, types = plan
    if not isinstance(value, types):
        raise TypeError(f"{value!r} is of the wrong type")
    if part is None:
        return value
    several = cast("list[Any]", value)
    if part in FIELDS:
        return tuple([_fact(part, each) for each in several])
    return tuple(_integers(several))


def _is_tree(spans: tuple[Span, ...]) -> bool:
    return all(span.parent is None or 0 <= span.parent < len(spans) for span in spans)


_Plan = tuple["type | None", "type | tuple[type, ...]"]
"""Of what a field has several, and the types that its value may have."""


def _plan(hint: Any) -> _Plan:
    if get_origin(hint) is tuple:
        return get_args(hint)[0], list
    if isinstance(hint, UnionType):
        return None, get_args(hint)
    return None, (float, int) if hint is float else hint


_PLANS: Final[dict[type, tuple[_Plan, ...]]] = {
    kind: tuple(_plan(get_type_hints(kind)[name]) for name in names)
    for kind, names in FIELDS.items()
}
