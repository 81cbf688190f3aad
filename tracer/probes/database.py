"""The database: statements, transactions, and raw connections being opened and closed.

A raw connection lives from its opening to its real end. If a pool lends it out, returning it is not
that end: the raw connection itself is asked whether it was closed, and recognised by its identity
when it is used again. Neither settings nor names are looked at.

Statements are kept as text (see `tracer.probes.statements`). They are reduced to their kind and
table later, off the request's path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from tracer.model import stages
from tracer.probes import statements
from tracer.probes.connection_pools import pool_of, wrapper_of
from tracer.probes.imports import Imports
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace, current

ROWS = "rows"
"""Not a stage, but the row count of the statement just before it on the same thread."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches every alias, on every thread."""
    wrappers = _ConnectionWrappers(recorder)

    def cursors(utils: Any) -> None:
        for name in ("execute", "executemany"):
            patches.wrap(utils.CursorWrapper, name, wrappers.statement)
        patches.wrap(utils.CursorWrapper, "callproc", wrappers.procedure)

    def connections(base: Any) -> None:
        wrapper = base.BaseDatabaseWrapper
        patches.wrap(wrapper, "connect", wrappers.connect)
        patches.wrap(wrapper, "close", wrappers.close)
        patches.wrap(wrapper, "_commit", lambda call: wrappers.transaction(call, "COMMIT"))
        patches.wrap(wrapper, "_rollback", lambda call: wrappers.transaction(call, "ROLLBACK"))
        patches.wrap(wrapper, "set_autocommit", wrappers.autocommit)

    def compiler(module: Any) -> None:
        for cls, name, count in (
            (module.SQLCompiler, "execute_sql", _selected),
            (module.SQLInsertCompiler, "execute_sql", _inserted),
            (module.SQLUpdateCompiler, "execute_returning_sql", len),
        ):
            if hasattr(cls, name):
                patches.wrap(cls, name, partial(_count_rows, recorder, count))

    def copies(base: Any) -> None:
        for name in ("Cursor", "ServerBindingCursor"):
            cls = getattr(base, name, None)
            if hasattr(cls, "copy"):
                patches.wrap(cls, "copy", partial(statements.copy_wrapper, recorder, wrappers.used))

    imports.when("django.db.backends.postgresql.base", copies)
    imports.when("django.db.backends.utils", cursors)
    imports.when("django.db.backends.base.base", connections)
    imports.when("django.db.models.sql.compiler", compiler)


def find_open_connections(recorder: Recorder, owners: Iterable[Any]) -> None:
    """Records the raw connections that these preexisting wrappers and pools have open.

    They may belong to another thread, so none of their methods is called.
    """
    for owner in owners:
        try:
            token = recorder.weakrefs.token_of(owner)
            if token is None:
                continue
            if "connection" in vars(owner):
                raw = _find_open(recorder, vars(owner)["connection"], owner, token)
                if raw is not None:
                    recorder.resources.setdefault(token, raw)
            elif (wrapper := wrapper_of(owner)) is not None:
                for each in list(vars(owner)["_pool"]):
                    _find_open(recorder, each, wrapper, token)
        except Exception as fault:
            recorder.fault("connection", fault)


def _find_open(recorder: Recorder, raw: Any, wrapper: Any, owner: int) -> int | None:
    """Returns the token of an open raw connection, and records it if it is new."""
    token = recorder.weakrefs.token_of(raw)
    if raw is None or token is not None or owner in recorder.resources:
        return token
    label = f"{wrapper.vendor} connection {wrapper.alias}"
    pool = recorder.weakrefs.token_of(pool_of(raw))
    return recorder.resource_born(raw, "connection", label, pool or owner, before=True)


class _ConnectionWrappers:
    """Wrappers around a DatabaseWrapper's methods, and the raw connections that are open."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.by_id = recorder.weakrefs.by_id
        self.by_owner = recorder.resources
        """Token of the DatabaseWrapper to the token of its raw connection."""

    def used(self, trace: Trace, wrapper: Any) -> int | None:
        """Records that the request uses a DatabaseWrapper and, if open, its raw connection."""
        known = self.by_id.get(id(wrapper))
        if known is None or known() is not wrapper:
            return None
        raw = self.by_owner.get(known.token)
        if raw is not None:
            trace.seen.append(raw)
        return known.token

    def statement(self, call: Callable[..., Any]) -> Any:
        """Wraps `CursorWrapper.execute` and `executemany`."""

        def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, Any, Any]:
            cursor, sql = args[0], args[1] if len(args) > 1 else None
            text = sql if type(sql) is str else statements.text(sql)
            rows = cursor.cursor.rowcount or statements.no_rows(cursor)
            return self.used(trace, cursor.db), text, (cursor.db.alias, rows)

        return timed(self.recorder, stages.QUERY, call, describe)

    def procedure(self, call: Callable[..., Any]) -> Any:
        """Wraps `CursorWrapper.callproc`, which is given a name instead of a statement."""

        def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, Any, Any]:
            cursor, name = args[0], args[1] if len(args) > 1 else None
            rows = cursor.cursor.rowcount
            word = f"CALL {plain_values.text(name)}"
            return self.used(trace, cursor.db), word, (cursor.db.alias, rows)

        return timed(self.recorder, stages.QUERY, call, describe)

    def transaction(self, call: Callable[..., Any], word: str) -> Any:
        """Wraps `_commit` and `_rollback`."""

        def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            return self.used(trace, args[0]), word, args[0].alias

        return timed(self.recorder, stages.TRANSACTION, call, describe)

    def autocommit(self, call: Callable[..., Any]) -> Any:
        """Wraps `set_autocommit`: Django begins a transaction by leaving autocommit."""

        def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            return self.used(trace, args[0]), "BEGIN", args[0].alias

        begin = timed(self.recorder, stages.TRANSACTION, call, describe)

        def set_autocommit(self_: Any, autocommit: Any, *args: Any, **kwargs: Any) -> Any:
            # Opening a connection sets autocommit too; only turning it off begins a transaction.
            around = begin if not autocommit else call
            try:
                return around(self_, autocommit, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        return set_autocommit

    def connect(self, call: Callable[..., Any]) -> Any:
        """Wraps `connect`: the birth of a raw connection."""
        recorder = self.recorder

        def describe(_trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            wrapper = args[0]
            verb = "open" if pool_of(wrapper.connection) is None else "take"
            token = self.by_owner.get(recorder.weakrefs.token_of(wrapper) or 0)
            return token, f"{verb} {wrapper.alias}", wrapper.vendor

        def open_connection(wrapper: Any) -> Any:
            result = call(wrapper)
            try:
                self.record_opened(wrapper)
            except Exception as fault:
                recorder.fault("connection", fault)
            return result

        return timed(recorder, stages.CONNECTION, open_connection, describe)

    def record_opened(self, wrapper: Any) -> None:
        """Records the raw connection that `wrapper` has just opened, or was lent by a pool."""
        recorder, raw = self.recorder, wrapper.connection
        owner = recorder.weakrefs.token_of(wrapper)
        if owner is None or raw is None:
            return
        pool = pool_of(raw)
        if pool is not None:
            pool = recorder.seen(pool)
        token = recorder.weakrefs.token_of(raw)
        if token is None:
            label = f"{wrapper.vendor} connection {wrapper.alias}"
            # A watched pool records what it opens, so this was open before tracing began.
            before = pool is not None
            token = recorder.resource_born(raw, "connection", label, pool or owner, before)
        self.by_owner[owner] = token

    def close(self, call: Callable[..., Any]) -> Any:
        """Wraps `close`: the raw connection's end, if it really ended."""
        recorder = self.recorder

        def close(wrapper: Any) -> Any:
            raw = getattr(wrapper, "connection", None)
            try:
                return call(wrapper)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                try:
                    # Inside atomic() Django keeps the closed connection until the block is left.
                    if raw is not None and (
                        wrapper.connection is None or wrapper.closed_in_transaction
                    ):
                        self.record_closed(recorder.weakrefs.token_of(wrapper), raw)
                except Exception as fault:
                    recorder.fault("connection", fault)

        return close

    def record_closed(self, owner: int | None, raw: Any) -> None:
        """Records the end of a raw connection that its wrapper closed, unless it is still open."""
        token = self.by_owner.pop(owner or 0, None)
        if token is None:
            return
        known = self.recorder.weakrefs.token_of(raw) == token
        # One that is still open will be recognised when it is used again. The end of one that is no
        # longer known was recorded already.
        if (known and _is_closed(raw)) or not type(raw).__weakrefoffset__:
            self.recorder.resource_closed(token)


def _is_closed(raw: Any) -> bool:
    """Returns whether a raw connection says it is closed; one that cannot say so is."""
    return bool(getattr(raw, "closed", True))


def _selected(result: Any) -> int | None:
    """Returns the number of rows of a SELECT: chunks of them in a list, or one that was asked for.

    None if they have not all been fetched.
    """
    if type(result) is list:
        return sum(map(len, result))
    return 1 if type(result) is tuple else None


def _inserted(result: Any) -> int | None:
    """Returns the number of rows that an INSERT returned; None if it was asked for none."""
    return len(result) or None


def _count_rows(
    recorder: Recorder, count: Callable[[Any], int | None], call: Callable[..., Any]
) -> Any:
    """Wraps a compiler's method that fetches rows: records how many, if that is known."""

    def execute_sql(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            result = call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        try:
            trace = current.get()
            rows = count(result) if trace is not None else None
            if trace is not None and rows is not None:
                recorder.instant(trace, (ROWS, None, rows, "", ""))
        except Exception as fault:
            recorder.fault("rows", fault)
        return result

    return execute_sql


hide_functions(__name__)
