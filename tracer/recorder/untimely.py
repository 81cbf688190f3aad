"""Deaths that say who held the object: in another request than its own, or as a thread ended.

They are noted from the callback of a weak reference, so nothing here may do more than append.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from threading import get_ident, get_native_id
from typing import Any

MOST: int = 10_000
"""Deaths of each sort that are noted until the worker thread takes them."""


class UntimelyDeaths:
    """Objects whose count of references fell to zero elsewhere than in their own request."""

    def __init__(self) -> None:
        self.let_go: deque[tuple[int, int, int]] = deque(maxlen=MOST)
        """In another request than their own: (token, number of the class, number of that
        request)."""
        self.with_thread: deque[tuple[int, int]] = deque(maxlen=MOST)
        """In a thread that gave up its storage: (token, thread)."""
        self.ending: dict[int, tuple[int, int]] = {}
        """Identifier to (number, the kernel's identifier) of threads that give up their storage.
        The kernel's tells such a thread from a later one with the same identifier."""

    def note(
        self,
        ref: Any,
        births: list[Any] | None,
        trace: Any,
        ident: Callable[[], int] = get_ident,
        native_id: Callable[[], int] = get_native_id,
    ) -> None:
        """Notes the death of what a `Ref` stood for, in a request's `trace`, or outside of any.

        The functions are arguments because a module's globals are gone when Python ends.
        """
        if ref.key:
            token, cls = ref.token, ref.cls
        else:
            place = ref.index
            if births is None or place >= len(births) or births[place] is not ref:
                return
            token, cls = births[place + 1], births[place + 3]
        if trace is None:
            thread, native = self.ending.get(ident(), (0, 0))
            if native and native == native_id():
                self.with_thread.append((token, thread))
        elif cls and not trace.closed:
            self.let_go.append((token, cls, trace.number))
