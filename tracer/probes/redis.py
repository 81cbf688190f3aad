"""Redis as a cache: the client behind a cache object, its pools, and the connections in them.

Only what Django's own cache backend uses is watched, from its first use on; other users of the
same library are left alone. Nothing here speaks to the server.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder.hidden_frames import drop_own_frames, pass_over
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import Trace


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watch the backend's client and the library's connections, as far as they are loaded."""
    watched = _Redis(recorder)

    def clients(module: Any) -> None:
        patches.wrap(module.RedisCacheClient, "_get_connection_pool", watched.choose)

    def connections(module: Any) -> None:
        for pool in (module.ConnectionPool, module.BlockingConnectionPool):
            if "make_connection" in vars(pool):
                patches.wrap(pool, "make_connection", watched.make)
        base = getattr(module, "AbstractConnection", module.Connection)
        # The later one is what the earlier one calls, and also how a lost connection comes back.
        inner = "connect_check_health"
        patches.wrap(base, inner if inner in vars(base) else "connect", watched.connect)
        patches.wrap(base, "disconnect", watched.disconnect)

    imports.when("django.core.cache.backends.redis", clients)
    imports.when("redis.connection", connections)


class _Home(weakref.ref):  # type: ignore[type-arg]
    """A pool that a watched client uses, or a connection that such a pool has made."""

    __slots__ = ("alias", "key", "pool")
    alias: str
    key: int
    pool: int | None
    """Token of the pool; None if there was no room to watch it."""


class _Redis:
    """Wrappers around the calls that choose a pool, make a connection, open it and close it."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.see = recorder.sighting()
        self.homes: dict[int, _Home] = {}
        """By address: connections can be opened many times, and are asked by each command."""

    def choose(self, call: Callable[..., Any]) -> Any:
        """Around `_get_connection_pool`, which every operation calls: client and pool are used."""
        homes, see = self.homes, self.see

        def _get_connection_pool(client: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                pool = call(client, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                if id(pool) not in homes:
                    self.met(client, pool)
                else:
                    see(client)
                    see(pool)
            except Exception as fault:
                self.recorder.fault("cache client", fault)
            return pool

        return _get_connection_pool

    def met(self, client: Any, pool: Any) -> None:
        """The first operation of a client, or its first on this server, has just built them."""
        alias, born = _alias(client), self.recorder.born
        if self.recorder.seen(client) is None and self.recorder.lives.token_of(client) is None:
            born(client, "client", f"{type(client).__name__} {alias}".rstrip())
        self._settle(pool, alias, born(pool, "pool", f"{type(pool).__name__} {alias}".rstrip()))

    def _settle(self, obj: Any, alias: str, pool: int | None) -> None:
        home = _Home(obj, self._forget)
        home.key, home.alias, home.pool = id(obj), alias, pool
        self.homes[home.key] = home

    def _forget(self, home: _Home) -> None:
        if self.homes.get(home.key) is home:
            self.homes.pop(home.key, None)

    def make(self, call: Callable[..., Any]) -> Any:
        """Around a pool's `make_connection`: nothing is opened yet, but it is known whose it is."""

        def make_connection(pool: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                connection = call(pool, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                home = self.homes.get(id(pool))
                if home is not None and home() is pool:
                    self._settle(connection, home.alias, home.pool)
            except Exception as fault:
                self.recorder.fault("cache connection", fault)
            return connection

        return make_connection

    def connect(self, call: Callable[..., Any]) -> Any:
        """Around `connect`, which every command calls: opens what is not open, uses what is."""

        def describe(_trace: Trace, args: Any, _result: Any) -> tuple[int | None, str, str]:
            home = self.homes.get(id(args[0]))
            alias = home.alias if home is not None else ""
            return self.recorder.lives.token_of(args[0]), f"open {alias}".rstrip(), "redis"

        def opened(connection: Any, *args: Any, **kwargs: Any) -> Any:
            result = call(connection, *args, **kwargs)
            try:
                self.opened(connection)
            except Exception as fault:
                self.recorder.fault("cache connection", fault)
            return result

        opening = timed(self.recorder, stages.CONNECTION, opened, describe)
        see, homes = self.see, self.homes

        def connect(connection: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                if id(connection) not in homes:
                    return call(connection, *args, **kwargs)
                if not _is_open(connection):
                    return opening(connection, *args, **kwargs)
                result = call(connection, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            see(connection)
            return result

        return connect

    def opened(self, connection: Any) -> None:
        """Note the connection that was opened just now."""
        home = self.homes.get(id(connection))
        if home is not None and home() is connection and home.pool and _is_open(connection):
            label = f"redis connection {home.alias}".rstrip()
            self.recorder.resource_born(connection, "cache connection", label, home.pool)

    def disconnect(self, call: Callable[..., Any]) -> Any:
        """Around `disconnect`: the end of what was opened."""
        recorder = self.recorder

        def disconnect(connection: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                result = call(connection, *args, **kwargs)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                token = recorder.lives.token_of(connection)
                # A connection that dies open closes itself: that end its weak reference tells.
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
    """Return the alias of the cache whose client this is, as far as this thread knows it."""
    module = sys.modules.get("django.core.cache")
    if module is None:
        return ""
    known = module.caches._connections
    for alias in module.caches:
        backend = getattr(known, alias, None)
        if backend is not None and vars(backend).get("_cache") is client:
            return str(alias)
    return ""


pass_over(__name__)
