"""Numbers for threads. The operating system reuses its identifiers; these are never reused."""

from __future__ import annotations

import itertools
import sys
import threading
import weakref
from collections import deque
from collections.abc import Callable
from threading import get_ident, get_native_id
from typing import Any

_tokens = itertools.count(1)
starting_names: dict[int, Any] = {}
"""Identifier to name of threads that are starting, which Python may not know yet. A garbage
collection in such a thread finds its name here."""


class ThreadNumbers:
    """The numbers of all threads, found without reading a thread's local storage.

    The garbage collection's listener needs this. A collection can run while that storage is being
    made; reading it then would make another, and the thread would have two numbers.
    """

    def __init__(self, clock: Callable[[], int], met: deque[tuple[int, str, int]]) -> None:
        self.clock = clock
        self.threads_met = met
        self.by_ident: dict[int, tuple[int, int]] = {}
        """Identifier to (number, the kernel's identifier). The kernel's tells a thread from an
        earlier one with the same identifier, whose end is not reported if only a garbage collection
        ever met it."""
        self.met_by_collector: dict[int, int] = {}
        """Identifier to number of threads that only a garbage collection has met so far."""

    def current(self) -> int:
        """Returns the current thread's number, and report the thread if it is new."""
        ident = get_ident()
        is_known = ident in self.by_ident
        number = self.assign(ident)
        if not is_known:
            self.met_by_collector[ident] = number
            self.threads_met.append((number, _name(number, ident), self.clock()))
        return number

    def assign(self, ident: int) -> int:
        """Returns the number of the current thread, whose identifier is `ident`."""
        native = get_native_id()
        known = self.by_ident.get(ident)
        if known is not None and known[1] != native:
            del self.by_ident[ident]
        # A garbage collection may come before this and ask too: `setdefault` gives one number.
        return self.by_ident.setdefault(ident, (next(_tokens), native))[0]

    def number_of(self, ident: int) -> int | None:
        """Returns the number of the current thread, whose identifier is `ident`, if it has one."""
        known = self.by_ident.get(ident)
        return known[0] if known is not None and known[1] == get_native_id() else None

    def forget(self, ident: int, number: int) -> None:
        """Forgets a thread that has ended."""
        if self.by_ident.get(ident, (0, 0))[0] == number:
            del self.by_ident[ident]

    def forked(self) -> None:
        """Forgets all threads but the current one, to which the kernel gave a new identifier."""
        ident = get_ident()
        mine = self.by_ident.get(ident)
        self.by_ident.clear()
        if mine is not None:
            self.by_ident[ident] = mine[0], get_native_id()


def _name(number: int, ident: int) -> str:
    """Returns the current thread's name.

    `current_thread()` would leave a dummy object behind in threads that Python did not start.
    """
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    name = vars(thread).get("_name") if thread is not None else starting_names.get(ident)
    return str(name or f"thread {number}")


_STORAGES_SHARE_A_KEY = sys.version_info >= (3, 13)
"""Before, only the dictionary of the thread's state shows which storages belong to one thread. The
garbage collector knows that dictionary once a list is in it, as `repr` of a list puts it there."""


class _Sentinel:
    """An object in a thread's local storage that dies when the thread does."""

    __slots__ = ("__weakref__",)


class _FirstToken:
    """A descriptor that gives a thread its number if it has none yet.

    A garbage collection may come before the first line of `CurrentThread.__init__`, and its
    listener reads the number too. Once it is set, the instance's own attribute is found first.
    """

    def __get__(self, current: threading.local, _owner: type) -> int:
        number: int = vars(current).setdefault("token", next(_tokens))
        return number


class CurrentThread(threading.local):
    """The current thread's number, as `token`. It is given when the thread first reads it.

    A thread's first use and its end are appended to `met` and `gone` as
    `(token, name or "", at)`.
    """

    token = _FirstToken()

    def __init__(
        self,
        clock: Callable[[], int],
        met: deque[tuple[int, str, int]],
        gone: deque[tuple[int, str, int]],
        numbers: ThreadNumbers | None = None,
    ) -> None:
        # Runs once in every thread that touches the instance.
        if not _STORAGES_SHARE_A_KEY:
            repr([0])
        ident = get_ident()
        numbers = numbers or ThreadNumbers(clock, met)
        token: int = vars(self).setdefault("token", numbers.assign(ident))
        numbers.by_ident[ident] = token, get_native_id()
        if numbers.met_by_collector.pop(ident, 0) != token:
            met.append((token, _name(token, ident), clock()))
        self._sentinel = _Sentinel()

        def ended(_: object) -> None:
            numbers.forget(ident, token)
            gone.append((token, "", clock()))

        self._end = weakref.ref(self._sentinel, ended)
