"""Redis as a cache: the client behind a cache object, its pools, and their connections.

The probe watches only what Django's own cache backend uses, from its first use on. Other users of
the same library are left alone, and no command is sent to the server.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches the backend's client and the library's connections, as far as they are loaded."""
    wrappers = _RedisWrappers(recorder)

    def clients(module: Any) -> None:
        patches.wrap(module.RedisCacheClient, "_get_connection_pool", wrappers.get_pool)

    def connections(module: Any) -> None:
        for pool in (module.ConnectionPool, module.BlockingConnectionPool):
            if "make_connection" in vars(pool):
                patches.wrap(pool, "make_connection", wrappers.make_connection)
        base = getattr(module, "AbstractConnection", module.Connection)
        # `connect` calls the inner one where there is one, and so does a lost connection that is
        # opened again.
        inner = "connect_check_health"
        patches.wrap(base, inner if inner in vars(base) else "connect", wrappers.connect)
        patches.wrap(base, "disconnect", wrappers.disconnect)

    imports.when("django.core.cache.backends.redis", clients)
    imports.when("redis.connection", connections)


class _Known(weakref.ref):  # type: ignore[type-arg]
    """A weak reference to a pool that a watched client uses, or to a connection of such a pool."""

    __slots__ = ("alias", "key", "pool")
    alias: str
    key: int
    pool: int | None
    """Token of the pool; None if the limit of watched objects was reached."""


class _RedisWrappers:
    """Wrappers around the calls that choose a pool, make a connection, open it and close it."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.see = recorder.sighting()
        self.known: dict[int, _Known] = {}
        """Address to pool or connection. Each command looks its connection up."""

    def get_pool(self, call: Callable[..., Any]) -> Any:
        """Wraps `_get_connection_pool`: every operation calls it, and uses client and pool."""
        known, see = self.known, self.see

        def _get_connection_pool(client: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                pool = call(client, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                if id(pool) not in known:
                    self._first_use(client, pool)
                else:
                    see(client)
                    see(pool)
            except Exception as fault:
                self.recorder.fault("cache client", fault)
            return pool

        return _get_connection_pool

    def _first_use(self, client: Any, pool: Any) -> None:
        """Records the birth of a pool, and of its client if that is new as well."""
        alias, born = _alias(client), self.recorder.born
        if self.recorder.seen(client) is None and self.recorder.weakrefs.token_of(client) is None:
            born(client, "client", f"{type(client).__name__} {alias}".rstrip())
        self._remember(pool, alias, born(pool, "pool", f"{type(pool).__name__} {alias}".rstrip()))

    def _remember(self, obj: Any, alias: str, pool: int | None) -> None:
        known = _Known(obj, self._forget)
        known.key, known.alias, known.pool = id(obj), alias, pool
        self.known[known.key] = known

    def _forget(self, known: _Known) -> None:
        if self.known.get(known.key) is known:
            self.known.pop(known.key, None)

    def make_connection(self, call: Callable[..., Any]) -> Any:
        """Wraps a pool's `make_connection`: nothing is open yet, but its pool is known now."""

        def make_connection(pool: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                connection = call(pool, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                known = self.known.get(id(pool))
                if known is not None and known() is pool:
                    self._remember(connection, known.alias, known.pool)
            except Exception as fault:
                self.recorder.fault("cache connection", fault)
            return connection

        return make_connection

    def connect(self, call: Callable[..., Any]) -> Any:
        """Wraps `connect`, which every command calls: it opens a connection that is not open."""

        def describe(_trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            known = self.known.get(id(args[0]))
            alias = known.alias if known is not None else ""
            return self.recorder.weakrefs.token_of(args[0]), f"open {alias}".rstrip(), "redis"

        def open_connection(connection: Any, *args: Any, **kwargs: Any) -> Any:
            result = call(connection, *args, **kwargs)
            try:
                self._record_opened(connection)
            except Exception as fault:
                self.recorder.fault("cache connection", fault)
            return result

        timed_open = timed(self.recorder, stages.CONNECTION, open_connection, describe)
        see, known = self.see, self.known

        def connect(connection: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                if id(connection) not in known:
                    return call(connection, *args, **kwargs)
                if not _is_open(connection):
                    return timed_open(connection, *args, **kwargs)
                result = call(connection, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            see(connection)
            return result

        return connect

    def _record_opened(self, connection: Any) -> None:
        """Records a connection that was opened just now."""
        known = self.known.get(id(connection))
        if known is not None and known() is connection and known.pool and _is_open(connection):
            label = f"redis connection {known.alias}".rstrip()
            self.recorder.resource_born(connection, "cache connection", label, known.pool)

    def disconnect(self, call: Callable[..., Any]) -> Any:
        """Wraps `disconnect`: the end of an open connection."""
        recorder = self.recorder

        def disconnect(connection: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                result = call(connection, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                token = recorder.weakrefs.token_of(connection)
                # A connection that dies open closes itself. Its weak reference reports that end.
                dying = sys._getframe(1).f_code.co_name == "__del__"
                if token is not None and not dying and not _is_open(connection):
                    recorder.resource_closed(token)
            except Exception as fault:
                recorder.fault("cache connection", fault)
            return result

        return disconnect


def _is_open(connection: Any) -> bool:
    return vars(connection).get("_sock") is not None


def _alias(client: Any) -> str:
    """Returns the alias of the cache whose client this is, if this thread has that cache."""
    module = sys.modules.get("django.core.cache")
    if module is None:
        return ""
    known = module.caches._connections
    for alias in module.caches:
        backend = getattr(known, alias, None)
        if backend is not None and vars(backend).get("_cache") is client:
            return str(alias)
    return ""


hide_functions(__name__)
