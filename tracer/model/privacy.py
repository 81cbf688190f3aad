"""What may be kept of a finished trace: values that may be secrets are left out, unless the
settings ask for them.

Of SQL the verb and the table stay, of a query string the names, of a cache's key nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from tracer.model import sql, stages
from tracer.model.recorded import Kind, What
from tracer.model.trace import Trace

MOST: Final = 64
"""Sequences of stages, and of births, of which it is remembered what may be kept."""


class Privacy:
    """Shows some values and masks others."""

    def __init__(
        self,
        query_values: bool,
        cache_keys: bool,
        class_name: Callable[[int], str],
        signal_name: Callable[[int], str] = str,
        urlconf: Callable[[], str] = str,
    ) -> None:
        """`class_name` gives the dotted name of a class by its number (`tracer.recorder.classes`),
        `signal_name` that of a signal by its address, `urlconf` that of the project's URLconf.
        """
        self.query_values = query_values
        self.cache_keys = cache_keys
        self.class_name = class_name
        self.signal_name = signal_name
        self.urlconf = urlconf
        self._whats: dict[tuple[What, ...], tuple[What, ...]] = {}
        self._kinds: dict[Any, tuple[Kind, ...]] = {}

    def path(self, trace: Trace) -> str:
        """Returns path and query string, the query's values masked unless they may be shown."""
        path = f"{trace.script or ''}{trace.path or ''}"
        if not trace.awaited and not path.isascii():
            path = _as_typed(path)
        query = str(trace.query or "")
        if not query:
            return path
        return f"{path}?{query if self.query_values else masked_query(query)}"

    def kind(self, kind: str, number: int, details: Any) -> Kind:
        """Returns what is kept of a birth; `number` is that of the class."""
        label, *more = details if type(details) is tuple else (details, None, None, True)
        return (kind, self.class_name(number), label, *more)

    def kinds(self, *columns: list[Any]) -> tuple[Kind, ...]:
        """Returns what is kept of births; three columns."""
        key = tuple(map(tuple, columns))
        known = self._kinds.get(key)
        if known is None:
            known = tuple([self.kind(*each) for each in zip(*columns, strict=True)])
            remember(self._kinds, key, known)
        return known

    def stages(self, whats: tuple[What, ...]) -> tuple[What, ...]:
        """Returns what is kept of stages."""
        try:
            known = self._whats.get(whats)
            if known is None:
                known = tuple([self._plain(what) for what in whats])
                remember(self._whats, whats, known)
        except TypeError:
            # An application may have put there what cannot be hashed.
            known = tuple([self._plain(what) for what in whats])
        return known

    def _plain(self, what: What) -> What:
        stage, token, name, detail, error = what
        if stage == stages.QUERY:
            name = sql.describe(name)
        elif stage == stages.CACHE and not self.cache_keys:
            detail = None, detail[1]
        elif stage == stages.SIGNAL:
            name = self.signal_name(name)
        elif stage in (stages.REQUEST_STARTED, stages.REQUEST_FINISHED):
            name = stage
        elif stage == stages.RESOLVE:
            detail = detail[0] or self.urlconf(), detail[1]
        return stage, token, _plain(name), _plain(detail), error


def masked_query(query: str) -> str:
    """Returns a query string with "…" in the place of each value, such as "page=…&q=…".

    A part without "=" is a value too: nothing tells it from a bare token.
    """
    parts = [part.partition("=") for part in query.split("&")]
    return "&".join(f"{name}=…" if sep else "…" for name, sep, _ in parts)


def remember(memo: dict[Any, Any], key: Any, value: Any) -> None:
    """Adds to a memo, which is emptied when it is full."""
    if len(memo) >= MOST:
        memo.clear()
    memo[key] = value


def _plain(value: Any) -> Any:
    """Returns a value that JSON can hold; text for any other."""
    if type(value) is tuple:
        return tuple([_plain(each) for each in value])
    return value if type(value) in _PLAIN else str(value)


_PLAIN: Final = frozenset({str, int, float, bool, type(None)})


def _as_typed(path: str) -> str:
    """Returns a path as typed. A WSGI server passes its bytes, each as one character."""
    try:
        return path.encode("latin-1").decode()
    except UnicodeError:
        return path
