"""Statements in unusual forms: composed ones, `COPY`, and rows that are counted only later.

Parameters are never looked at, nor literals within a composed statement.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

from tracer.model import stages
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import open_span, record
from tracer.recorder.trace import Trace

_MAX_PARTS = 200
"""Parts of a composed statement that are read; its kind and its table come first."""


def text(sql: Any) -> str:
    """Returns a statement's text, whatever form it has, without running code of its class."""
    if type(sql) is bytes:
        return sql.decode("utf-8", "replace")
    for name in ("psycopg.sql", "psycopg2.sql"):
        module = sys.modules.get(name)
        if module is not None and issubclass(type(sql), module.Composable):
            return "".join(_parts(module, sql))
    return plain_values.text(sql)


def _parts(module: Any, sql: Any) -> Iterator[str]:
    """Yields a composed statement's text; a literal or a placeholder is a question mark."""
    waiting = [sql]
    for _ in range(_MAX_PARTS):
        if not waiting:
            return
        part = waiting.pop()
        cls = type(part)
        # Its name in psycopg, and in psycopg2.
        own = vars(part).get("_obj", vars(part).get("_wrapped"))
        if issubclass(cls, module.Composed):
            waiting += reversed(own)
        elif issubclass(cls, module.SQL):
            yield plain_values.text(own)
        elif issubclass(cls, module.Identifier):
            yield ".".join(f'"{plain_values.text(name)}"' for name in own)
        else:
            yield "?"


def no_rows(cursor: Any) -> int:
    """Returns what a count of no rows means: 0, or -1 if the rows are still to come.

    SQLite counts the rows of a statement with `RETURNING` as they are fetched.
    """
    fetched_later = cursor.db.vendor == "sqlite" and cursor.cursor.description is not None
    return -1 if fetched_later else 0


def copy_wrapper(
    recorder: Recorder, used: Callable[[Trace, Any], int | None], call: Callable[..., Any]
) -> Any:
    """Wraps psycopg's `Cursor.copy`, whose context manager is the statement."""

    def copy(self: Any, statement: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            manager = call(self, statement, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        return _TimedCopy(recorder, used, manager, self, statement)

    return copy


class _TimedCopy:
    """The context manager of one `COPY`, timed from its start to its end."""

    def __init__(
        self,
        recorder: Recorder,
        used: Callable[[Trace, Any], int | None],
        manager: Any,
        cursor: Any,
        statement: Any,
    ) -> None:
        self.recorder = recorder
        self.used = used
        self.manager = manager
        self.cursor = cursor
        self.statement = statement

    def __getattr__(self, name: str) -> Any:
        return getattr(self.manager, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """A context manager of a generator can be used as a decorator, too."""
        try:
            return self.manager(*args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    def __enter__(self) -> Any:
        self.trace, self.start = open_span(self.recorder, stages.QUERY)
        try:
            return self.manager.__enter__()
        except BaseException as exc:
            drop_own_frames(exc)
            self._record(exc)
            raise

    def __exit__(self, kind: Any, exc: Any, traceback: Any) -> Any:
        try:
            suppressed = self.manager.__exit__(kind, exc, traceback)
        except BaseException as raised:
            drop_own_frames(raised)
            self._record(raised)
            raise
        self._record(exc)
        return suppressed

    def _record(self, exc: BaseException | None) -> None:
        if self.trace is not None:
            call = self._describe, (), None
            record(self.recorder, self.trace, stages.QUERY, self.start, call, exc)

    def _describe(self, trace: Trace, _args: Any, _result: Any) -> tuple[int | None, str, Any]:
        connections = sys.modules["django.db"].connections
        raw = self.cursor.connection
        for wrapper in connections.all(initialized_only=True):
            if wrapper.connection is raw:
                return self.used(trace, wrapper), text(self.statement), (
                    wrapper.alias, self.cursor.rowcount
                )  # fmt: skip
        return None, text(self.statement), ("", -1)


hide_functions(__name__)
