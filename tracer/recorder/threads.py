"""Numbers for threads. The operating system reuses its identifiers; these are never reused."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import deque
from collections.abc import Callable
from threading import get_ident, get_native_id
from typing import Any

_tokens = itertools.count(1)
coming: dict[int, Any] = {}
"""What threads are called that Python may not know yet: a collection meets them where it comes."""


class Numbers:
    """What a lane's threads are called, found without a look into their local storage.

    For a collection's listener: where the collection came while that storage was being made, a
    look would make another, and the thread two threads.
    """

    def __init__(self, clock: Callable[[], int], met: deque[tuple[int, str, int]]) -> None:
        self.clock = clock
        self.met = met
        self.by_ident: dict[int, tuple[int, int]] = {}
        """To (number, the kernel's identifier): others may be called as one that is gone, and its
        end is not told where nothing but a collection ever met it."""
        self.early: dict[int, int] = {}
        """Identifier to number, of threads that nothing but a collection has met so far."""

    def here(self) -> int:
        """Return the current thread's number; it is met now, if it was not before."""
        ident = get_ident()
        is_known = ident in self.by_ident
        number = self.given(ident)
        if not is_known:
            self.early[ident] = number
            self.met.append((number, _name(number, ident), self.clock()))
        return number

    def given(self, ident: int) -> int:
        """Return the number of the current thread, which has this identifier."""
        native = get_native_id()
        known = self.by_ident.get(ident)
        if known is not None and known[1] != native:
            del self.by_ident[ident]
        # A collection may come before this, and ask: it is one number all the same.
        return self.by_ident.setdefault(ident, (next(_tokens), native))[0]

    def let_go(self, ident: int, number: int) -> None:
        """The thread has ended."""
        if self.by_ident.get(ident, (0, 0))[0] == number:
            del self.by_ident[ident]

    def forked(self) -> None:
        """In a child: only the thread that forked is there still, and the kernel calls it anew."""
        ident = get_ident()
        mine = self.by_ident.get(ident)
        self.by_ident.clear()
        if mine is not None:
            self.by_ident[ident] = mine[0], get_native_id()


def _name(number: int, ident: int) -> str:
    """What the current thread is called; `current_thread()` would leave a dummy behind in threads
    that Python did not start, so look without asking."""
    thread = threading._active.get(ident)  # type: ignore[attr-defined]
    name = vars(thread).get("_name") if thread is not None else coming.get(ident)
    return str(name or f"thread {number}")


class _Sentinel:
    """Lives in a thread's local storage, and dies when the thread does."""

    __slots__ = ("__weakref__",)


class _First:
    """Gives a thread its number where it has none yet; what a lane holds itself goes before it.

    A collection may come before the first line of `Lane.__init__`, and its listener asks, too.
    """

    def __get__(self, lane: threading.local, _owner: type) -> int:
        number: int = vars(lane).setdefault("token", next(_tokens))
        return number


class Lane(threading.local):
    """`lane.token` is the current thread's number, given at its first use in that thread.

    A thread's first use and its end are appended to `met` and `gone` as
    `(token, name or "", at)`.
    """

    token = _First()

    def __init__(
        self,
        clock: Callable[[], int],
        met: deque[tuple[int, str, int]],
        gone: deque[tuple[int, str, int]],
        numbers: Numbers | None = None,
    ) -> None:
        # Runs once in every thread that touches the instance.
        ident = get_ident()
        numbers = numbers or Numbers(clock, met)
        token: int = vars(self).setdefault("token", numbers.given(ident))
        numbers.by_ident[ident] = token, get_native_id()
        if numbers.early.pop(ident, 0) != token:
            met.append((token, _name(token, ident), clock()))
        self._sentinel = _Sentinel()

        def ended(_: object) -> None:
            numbers.let_go(ident, token)
            gone.append((token, "", clock()))

        self._end = weakref.ref(self._sentinel, ended)
