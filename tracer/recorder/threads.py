"""Numbers for threads. The operating system reuses its identifiers; these are never reused."""

from __future__ import annotations

import itertools
import threading
import weakref
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Any

_tokens = itertools.count(1)
coming: dict[int, Any] = {}
"""What threads are called that Python may not know yet: a collection meets them where it comes."""


class Numbers:
    """What a lane's threads are called, found without a look into their local storage.

    For a collection's listener: where the collection came while that storage was being made, a
    look would make another, and the thread two threads.
    """

    def __init__(self) -> None:
        self.by_ident: dict[int, int] = {}

    def here(self) -> int:
        """Return the current thread's number, given now if it has none."""
        return self.by_ident.setdefault(get_ident(), next(_tokens))

    def forked(self) -> None:
        """In a child: only the thread that forked is there still, and others may be called so."""
        mine = {get_ident(): self.by_ident[get_ident()]} if get_ident() in self.by_ident else {}
        self.by_ident.clear()
        self.by_ident.update(mine)


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
        # Runs once in every thread that touches the instance. `current_thread()` would leave a
        # dummy behind in threads that Python did not start, so look without asking.
        ident = get_ident()
        by_ident = numbers.by_ident if numbers is not None else {}
        token: int = vars(self).setdefault("token", by_ident.setdefault(ident, next(_tokens)))
        by_ident[ident] = token
        thread = threading._active.get(ident)  # type: ignore[attr-defined]
        name = vars(thread).get("_name") if thread is not None else coming.get(ident)
        met.append((token, str(name or f"thread {token}"), clock()))
        self._sentinel = _Sentinel()

        def ended(_: object) -> None:
            if by_ident.get(ident) == token:
                del by_ident[ident]
            gone.append((token, "", clock()))

        self._end = weakref.ref(self._sentinel, ended)
