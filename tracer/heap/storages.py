"""What lies in threads' storages and in contexts: which thread's it is, which variable's."""

from __future__ import annotations

import gc
import sys
import threading
from contextvars import Context, ContextVar
from itertools import compress
from typing import Any

from tracer.heap import inside
from tracer.heap.steps import Children, Step, Steps, namespace, same

SHARED_KEY = sys.version_info >= (3, 13)
"""Whether all storages of one thread have the same key. Before, each has its own, and only the
thread's state knows which keys belong together."""


class Storages:
    """Spells the contents of `threading.local`s and contexts.

    `current` is the tracer's own `threading.local`. Its storages have the thread's number as
    `token`, which proves whose the other storages of the same threads are.
    """

    def __init__(self, current: threading.local | None) -> None:
        self._current = current
        self._threads: dict[int, int] | None = None
        self._variables: dict[int, str] | None = None

    def local(self, _item: threading.local, children: Children) -> Steps:
        """Spells the step from a `threading.local` to the table of its storages."""
        return {
            key: Step("", "", self._table) for key, child in children.items() if type(child) is dict
        }

    def _table(self, table: dict[Any, Any], children: Children) -> Steps:
        return {
            id(storage): Step("", "", namespace, storage=id(storage), thread=self._thread_of(key))
            for key, storage in list(table.items())
            if id(storage) in children
        }

    def _thread_of(self, key: Any) -> int:
        if self._threads is None:
            self._threads = _threads(self._current)
        return self._threads.get(_address(key), 0)

    def context(self, item: Context, children: Children) -> Steps:
        """Spells the step from a context through its tree to a variable's value."""
        return self._context(item, children, "[{}]")

    def loose_context(self, item: Context, children: Children) -> Steps:
        """The same for a context that only a thread's state holds."""
        return self._context(item, children, "context variable {}")

    def _context(self, item: Context, children: Children, form: str) -> Steps:
        names = {id(value): same(form.format(self._name(var))) for var, value in item.items()}

        def tree(_node: Any, children: Children) -> Steps:
            return {key: names.get(key) or Step("", "", tree) for key in children}

        steps = tree(item, children)
        return {key: step._replace(storage=id(item)) for key, step in steps.items()}

    def _name(self, variable: ContextVar[Any]) -> str:
        if self._variables is None:
            self._variables = _global_variables()
        return self._variables.get(id(variable), variable.name)


def _global_variables() -> dict[int, str]:
    """Returns the dotted name of each context variable that is a module's global."""
    kind = id(ContextVar)
    names: dict[int, str] = {}
    for module, item in list(sys.modules.items()):
        if inside.is_a(item, type(sys)):
            entries = list((inside.instance_dict(item) or {}).items())
            is_one = [id(type(value)) == kind for _, value in entries]
            for name, value in compress(entries, is_one):
                names.setdefault(id(value), f"{module}.{name}")
    return names


def _threads(current: threading.local | None) -> dict[int, int]:
    """Returns the numbers of the threads by the addresses of their storages' keys."""
    tables = [table for table in gc.get_referents(current) if type(table) is dict]
    tokens = {
        _address(key): storage["token"]
        for table in tables
        for key, storage in list(table.items())
        if type(storage) is dict and "token" in storage
    }
    if SHARED_KEY:
        return tokens
    keys = [key() for table in tables for key in list(table) if _address(key) in tokens]
    threads = {}
    for state in gc.get_referrers(*keys):
        if type(state) is dict:
            own = [id(key) for name, key in list(state.items()) if _is_storage(name)]
            token = next((tokens[key] for key in own if key in tokens), 0)
            threads.update(dict.fromkeys(own, token))
    return threads


def _is_storage(name: object) -> bool:
    return type(name) is str and name.startswith("thread.local.")


def _address(key: Any) -> int:
    """Returns the address of a storage's key; before Python 3.13 tables refer to it weakly."""
    return id(key) if SHARED_KEY else id(key())
