"""Connection pools of the database: the connections that they open, lend out and close.

The probe watches psycopg's pool as Django builds it. A pool opens its connections on threads of its
own, keeps them open between requests and closes them itself. So the pool owns its connections, also
while a request uses them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.signatures import call_then
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace


def pool_of(raw: Any) -> Any:
    """Returns the pool that a raw connection was taken from, or None."""
    own = getattr(raw, "__dict__", None)
    return own.get("_pool") if type(own) is dict else None


def wrapper_of(pool: Any) -> Any:
    """Returns the DatabaseWrapper that built a pool; None if the pool is not Django's."""
    configure = vars(pool).get("_configure")
    return configure.__self__ if type(configure) is MethodType else None


def pool_label(pool: Any) -> str:
    """Returns what a person would call the pool."""
    return f"{type(pool).__name__} {getattr(wrapper_of(pool), 'alias', pool.name)}"


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches pools and psycopg's connections, as far as the project loads them."""
    wrappers = _PoolWrappers(recorder)

    def pools(module: Any) -> None:
        patches.wrap(module.ConnectionPool, "__init__", wrappers.init)
        if "_connect" in vars(module.ConnectionPool):
            patches.wrap(module.ConnectionPool, "_connect", wrappers.connect)

    def connections(module: Any) -> None:
        patches.wrap(module.Connection, "close", wrappers.close)

    imports.when("psycopg_pool.pool", pools)
    imports.when("psycopg.connection", connections)


class _PoolWrappers:
    """Wrappers around the three calls in which a pool or a connection begins or ends."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def init(self, call: Callable[..., Any]) -> Any:
        """Wraps a pool's `__init__`."""
        recorder = self.recorder

        def record_birth(pool: Any) -> None:
            try:
                if recorder.weakrefs.token_of(wrapper_of(pool)) is not None:
                    recorder.born(pool, "pool", pool_label(pool))
            except Exception as fault:
                recorder.fault("pool", fault)

        return call_then(call, record_birth)

    def connect(self, call: Callable[..., Any]) -> Any:
        """Wraps a pool's `_connect`: the birth of a raw connection, on a thread of the pool's."""
        recorder = self.recorder

        def describe(_trace: Trace, args: Any, result: Any) -> tuple[int | None, str, str]:
            wrapper = wrapper_of(args[0])
            alias = getattr(wrapper, "alias", args[0].name)
            return (
                recorder.weakrefs.token_of(result),
                f"open {alias}",
                getattr(wrapper, "vendor", ""),
            )

        def open_connection(pool: Any, *args: Any, **kwargs: Any) -> Any:
            raw = call(pool, *args, **kwargs)
            try:
                owner, wrapper = recorder.weakrefs.token_of(pool), wrapper_of(pool)
                if owner is not None:
                    name = f"{wrapper.vendor} connection {wrapper.alias}"
                    recorder.resource_born(raw, "connection", name, owner)
            except Exception as fault:
                recorder.fault("pool", fault)
            return raw

        return timed(recorder, stages.CONNECTION, open_connection, describe)

    def close(self, call: Callable[..., Any]) -> Any:
        """Wraps a raw connection's `close`, which the pool, Django or the project may call."""
        weakrefs = self.recorder.weakrefs

        def close(raw: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return call(raw, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                try:
                    token = weakrefs.token_of(raw)
                    if token is not None and raw.closed:
                        self.recorder.resource_closed(token)
                except Exception as fault:
                    self.recorder.fault("connection", fault)

        return close


hide_functions(__name__)
