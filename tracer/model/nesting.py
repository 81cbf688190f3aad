"""Which stage ran inside which: found from their times and threads, after the request.

Stages on one thread nest like the calls they were. A stage on another thread (a synchronous view
under ASGI, a pool's worker) belongs to the innermost stage open on a *spine* thread, one that ran
middleware or the view.
"""

from __future__ import annotations

from collections.abc import Sequence

from tracer.model import stages

Interval = tuple[int, int, int, str]
"""(start, end, thread, stage)"""

_SPINE = frozenset({stages.MIDDLEWARE, stages.VIEW, stages.RESOLVE, stages.HOOK})


def order(intervals: Sequence[Interval]) -> list[int]:
    """Returns the indices in the order in which the stages began; the enclosing one first.

    Stages are recorded when they end, so of two with equal times the later one encloses.
    """
    return sorted(range(len(intervals)), key=lambda i: (intervals[i][0], -intervals[i][1], -i))


def parents(intervals: Sequence[Interval]) -> list[int | None]:
    """Returns for each interval, given in `order`, the index of the one it ran inside, or None."""
    if len({thread for _, _, thread, _ in intervals}) < 2:
        return enclosing([end for _, end, _, _ in intervals])
    spine = {thread for _, _, thread, stage in intervals if stage in _SPINE}
    stacks: dict[int, list[int]] = {}
    found: list[int | None] = []
    for index, (start, end, thread, _) in enumerate(intervals):
        best: int | None = None
        for lane, stack in stacks.items():
            if lane != thread and lane not in spine:
                continue
            while stack and intervals[stack[-1]][1] <= start and intervals[stack[-1]][1] < end:
                stack.pop()
            inner = _innermost(intervals, stack, end)
            if inner is not None and (best is None or inner > best):
                best = inner
        found.append(best)
        stacks.setdefault(thread, []).append(index)
    return found


def enclosing(ends: Sequence[int]) -> list[int | None]:
    """`parents` where there is one thread; of intervals in `order`, their ends are enough.

    The parent is the newest that ends no earlier. One that ends before it can be nobody else's
    parent any more: whatever comes later and fits into that one fits into the newer one, too.
    """
    found: list[int | None] = []
    open_: list[tuple[int, int]] = []
    for index, end in enumerate(ends):
        while open_ and open_[-1][0] < end:
            open_.pop()
        found.append(open_[-1][1] if open_ else None)
        open_.append((end, index))
    return found


def _innermost(intervals: Sequence[Interval], stack: list[int], end: int) -> int | None:
    """The newest on the stack that is still open at `end`."""
    for index in reversed(stack):
        if intervals[index][1] >= end:
            return index
    return None
