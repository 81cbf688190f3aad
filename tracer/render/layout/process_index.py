"""An index of a process for its timelines: its lifetimes, and which request used which object."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from tracer.model import Lifetime, Process


class ProcessIndex:
    """Lifetimes by id and by request, and the requests that used each object."""

    def __init__(self, process: Process) -> None:
        self.parent = process.about.parent
        """Pid of the process that started it."""
        self.lives: dict[int, Lifetime] = {}
        """Id to lifetime."""
        self.born_in: dict[int, list[Lifetime]] = {}
        """Request number to the objects born in it."""
        self._numbers = [request.number for request in process.requests]
        self._requests_using: dict[int, list[int]] = {}
        for life in process.lifetimes:
            self.lives[life.id] = life
            if life.built_in is not None:
                self.born_in.setdefault(life.built_in, []).append(life)
        for request in process.requests:
            tokens = {token for token, _ in request.seen}
            tokens.update(birth.token for birth in request.births)
            for token in tokens:
                self._requests_using.setdefault(token, []).append(request.number)

    def use_number(self, life: Lifetime, number: int) -> int:
        """Returns how often an object has been used up to and including this request."""
        known = self._requests_using.get(life.id, [])
        so_far = bisect_right(known, number)
        # Of a long run only the first requests and the newest ones are known.
        first = life.built_in or 1
        since = bisect_right(self._numbers, number) - bisect_left(self._numbers, first)
        if since == number - first + 1:
            return max(so_far, 1)
        return max(life.requests - (len(known) - so_far), 1)


_newest: tuple[Process, ProcessIndex] | None = None


def index_of(process: Process) -> ProcessIndex:
    """Returns the index of a process; remembers the one that it made last."""
    global _newest
    newest = _newest
    if newest is None or newest[0] is not process:
        newest = _newest = process, ProcessIndex(process)
    return newest[1]
