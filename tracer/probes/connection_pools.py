"""Connection pools of the database: what they open, lend out, take back and close.

Watched is psycopg's pool as Django builds it. A pool opens its connections on threads of its own,
keeps them open between requests and closes them itself: so it owns them, whoever has one just now.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MethodType
from typing import Any

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.signatures import then
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace


def lender(raw: Any) -> Any:
    """Return the pool that a raw connection was taken from, or None."""
    own = getattr(raw, "__dict__", None)
    return own.get("_pool") if type(own) is dict else None


def builder(pool: Any) -> Any:
    """Return the DatabaseWrapper that a pool was built by, or None: not every pool is Django's."""
    configure = vars(pool).get("_configure")
    return configure.__self__ if type(configure) is MethodType else None


def label(pool: Any) -> str:
    """What a person would call the pool."""
    return f"{type(pool).__name__} {getattr(builder(pool), 'alias', pool.name)}"


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch pools and psycopg's connections, as far as the project loads them."""
    watched = _Pools(recorder)

    def pools(module: Any) -> None:
        patches.wrap(module.ConnectionPool, "__init__", watched.built)
        if "_connect" in vars(module.ConnectionPool):
            patches.wrap(module.ConnectionPool, "_connect", watched.connect)

    def connections(module: Any) -> None:
        patches.wrap(module.Connection, "close", watched.close)

    imports.when("psycopg_pool.pool", pools)
    imports.when("psycopg.connection", connections)


class _Pools:
    """Wrappers around the three calls in which a pool or a connection begins or ends."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder

    def built(self, call: Callable[..., Any]) -> Any:
        """Around a pool's `__init__`."""
        recorder = self.recorder

        def note(pool: Any) -> None:
            try:
                if recorder.lives.token_of(builder(pool)) is not None:
                    recorder.born(pool, "pool", label(pool))
            except Exception as fault:
                recorder.fault("pool", fault)

        return then(call, note)

    def connect(self, call: Callable[..., Any]) -> Any:
        """Around a pool's `_connect`: the birth of a raw connection, on a thread of the pool's."""
        recorder = self.recorder

        def describe(_trace: Trace, args: Any, result: Any) -> tuple[int | None, str, str]:
            wrapper = builder(args[0])
            alias = getattr(wrapper, "alias", args[0].name)
            return recorder.lives.token_of(result), f"open {alias}", getattr(wrapper, "vendor", "")

        def opened(pool: Any, *args: Any, **kwargs: Any) -> Any:
            raw = call(pool, *args, **kwargs)
            try:
                owner, wrapper = recorder.lives.token_of(pool), builder(pool)
                if owner is not None:
                    name = f"{wrapper.vendor} connection {wrapper.alias}"
                    recorder.resource_born(raw, "connection", name, owner)
            except Exception as fault:
                recorder.fault("pool", fault)
            return raw

        return timed(recorder, stages.CONNECTION, opened, describe)

    def close(self, call: Callable[..., Any]) -> Any:
        """Around a raw connection's `close`, whoever calls it: the pool, Django or the project."""
        lives = self.recorder.lives

        def close(raw: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return call(raw, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            finally:
                try:
                    token = lives.token_of(raw)
                    if token is not None and raw.closed:
                        self.recorder.resource_closed(token)
                except Exception as fault:
                    self.recorder.fault("connection", fault)

        return close


pass_over(__name__)
