"""Database: statements, transactions, and raw connections being opened and closed.

A raw connection's life goes from its opening to its real end. Where a pool lends it out, being
returned is not that end: whether it was closed is asked of the raw connection itself, and that it
is the same one again is known by its identity. Neither settings nor names are looked at.

Statements are kept as text until they are reduced to their kind and table, off the request's
path; parameters are never looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tracer.model import stages
from tracer.probes.connection_pools import builder, lender
from tracer.probes.imports import Imports
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace, current

ROWS = "rows"
"""Not a stage: the row count of the statement just before it on the same thread."""


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch every alias, on every thread."""
    raw = _Raw(recorder)

    def statements(utils: Any) -> None:
        for name in ("execute", "executemany", "callproc"):
            patches.wrap(utils.CursorWrapper, name, raw.statement)

    def connections(base: Any) -> None:
        wrapper = base.BaseDatabaseWrapper
        patches.wrap(wrapper, "connect", raw.connect)
        patches.wrap(wrapper, "close", raw.close)
        patches.wrap(wrapper, "_commit", lambda call: raw.transaction(call, "COMMIT"))
        patches.wrap(wrapper, "_rollback", lambda call: raw.transaction(call, "ROLLBACK"))
        patches.wrap(wrapper, "set_autocommit", raw.autocommit)

    def compiler(module: Any) -> None:
        patches.wrap(module.SQLCompiler, "execute_sql", lambda call: _rows(recorder, call))

    imports.when("django.db.backends.utils", statements)
    imports.when("django.db.backends.base.base", connections)
    imports.when("django.db.models.sql.compiler", compiler)


def found_open(recorder: Recorder, owners: Iterable[Any]) -> None:
    """Note the raw connections that these wrappers and pools, found by a scan, have open already.

    They may be another thread's: nothing of theirs is called.
    """
    for owner in owners:
        try:
            token = recorder.lives.token_of(owner)
            if token is None:
                continue
            if "connection" in vars(owner):
                raw = _found(recorder, vars(owner)["connection"], owner, token)
                if raw is not None:
                    recorder.resources.setdefault(token, raw)
            elif (wrapper := builder(owner)) is not None:
                for each in list(vars(owner)["_pool"]):
                    _found(recorder, each, wrapper, token)
        except Exception as fault:
            recorder.fault("connection", fault)


def _found(recorder: Recorder, raw: Any, wrapper: Any, owner: int) -> int | None:
    """Return the token of a raw connection that is open; it was so before, if it has none yet."""
    token = recorder.lives.token_of(raw)
    if raw is None or token is not None or owner in recorder.resources:
        return token
    label = f"{wrapper.vendor} connection {wrapper.alias}"
    lent_by = recorder.lives.token_of(lender(raw))
    return recorder.resource_born(raw, "connection", label, lent_by or owner, before=True)


class _Raw:
    """The raw connections that are open: the token of the wrapper that owns it to its own."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.by_owner = recorder.resources

    def used(self, trace: Trace, wrapper: Any) -> int | None:
        """The current request uses this DatabaseWrapper and, if open, its raw connection."""
        token = self.recorder.lives.token_of(wrapper)
        if token is not None:
            raw = self.by_owner.get(token)
            if raw is not None:
                trace.seen.append(raw)
        return token

    def statement(self, call: Callable[..., Any]) -> Any:
        """Around `CursorWrapper.execute` and kin."""
        recorder = self.recorder

        def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, Any, Any]:
            cursor, sql = args[0], args[1] if len(args) > 1 else None
            rows = cursor.cursor.rowcount
            return self.used(trace, cursor.db), plain_values.text(sql), (cursor.db.alias, rows)

        return timed(recorder, stages.QUERY, call, describe)

    def transaction(self, call: Callable[..., Any], word: str) -> Any:
        """Around `_commit` and `_rollback`."""

        def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            return self.used(trace, args[0]), word, args[0].alias

        return timed(self.recorder, stages.TRANSACTION, call, describe)

    def autocommit(self, call: Callable[..., Any]) -> Any:
        """Around `set_autocommit`: leaving autocommit is how Django begins a transaction."""

        def describe(trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            return self.used(trace, args[0]), "BEGIN", args[0].alias

        begin = timed(self.recorder, stages.TRANSACTION, call, describe)

        def set_autocommit(self_: Any, autocommit: Any, *args: Any, **kwargs: Any) -> Any:
            # Opening a connection sets autocommit too; only turning it off begins something.
            around = begin if not autocommit else call
            try:
                return around(self_, autocommit, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise

        return set_autocommit

    def connect(self, call: Callable[..., Any]) -> Any:
        """Around `connect`: the birth of a raw connection."""
        recorder = self.recorder

        def describe(_trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            wrapper = args[0]
            verb = "open" if lender(wrapper.connection) is None else "take"
            token = self.by_owner.get(recorder.lives.token_of(wrapper) or 0)
            return token, f"{verb} {wrapper.alias}", wrapper.vendor

        def opened(wrapper: Any) -> Any:
            result = call(wrapper)
            try:
                self.opened(wrapper)
            except Exception as fault:
                recorder.fault("connection", fault)
            return result

        return timed(recorder, stages.CONNECTION, opened, describe)

    def opened(self, wrapper: Any) -> None:
        """Note the raw connection that `wrapper` has just opened, or was lent by a pool."""
        recorder, raw = self.recorder, wrapper.connection
        owner = recorder.lives.token_of(wrapper)
        if owner is None or raw is None:
            return
        pool = recorder.seen(lender(raw))
        token = recorder.lives.token_of(raw)
        if token is None:
            label = f"{wrapper.vendor} connection {wrapper.alias}"
            # What a watched pool opens is told by the pool: this was open before tracing began.
            before = pool is not None
            token = recorder.resource_born(raw, "connection", label, pool or owner, before)
        self.by_owner[owner] = token

    def close(self, call: Callable[..., Any]) -> Any:
        """Around `close`: the raw connection's end, if it really ended."""
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
                        self.let_go(recorder.lives.token_of(wrapper), raw)
                except Exception as fault:
                    recorder.fault("connection", fault)

        return close

    def let_go(self, owner: int | None, raw: Any) -> None:
        """A wrapper has closed `raw`: the raw connection itself tells whether that was the end."""
        token = self.by_owner.pop(owner or 0, None)
        if token is None:
            return
        known = self.recorder.lives.token_of(raw) == token
        # One that is known again can wait to be; the end of one that was, is told already.
        if (known and _is_closed(raw)) or not type(raw).__weakrefoffset__:
            self.recorder.resource_closed(token)


def _is_closed(raw: Any) -> bool:
    """What the raw connection says of itself; what says nothing is closed when it is let go."""
    return bool(getattr(raw, "closed", True))


def _rows(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Around `SQLCompiler.execute_sql`: how many rows came, where they are all there."""

    def execute_sql(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            result = call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise
        try:
            trace = current.get()
            if trace is not None and type(result) in (list, tuple):
                # Chunks of rows in a list, or the one row that was asked for.
                rows = sum(map(len, result)) if type(result) is list else 1
                recorder.instant(trace, (ROWS, None, rows, "", ""))
        except Exception as fault:
            recorder.fault("rows", fault)
        return result

    return execute_sql


pass_over(__name__)
