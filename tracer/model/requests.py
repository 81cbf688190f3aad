"""Requests as people see them: each is assembled when somebody looks at it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import overload

from tracer.model.facts import Birth, Span
from tracer.model.recorded import CUT_OFF, RecordedRequest, page_of


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """One request, with its stages, the objects born in it and the objects it used."""

    number: int
    """Counts from 1 within its process."""
    method: str
    path: str
    """Path and query string; the query's values are masked unless the settings allow them."""
    status: int | None
    thread: int
    thread_name: str
    started: float
    begun: int
    closed: int
    size: int | None
    """Body size in bytes; None where it could not be counted."""
    watching: int
    """Nanoseconds of this request that the tracer itself took."""
    spans: tuple[Span, ...]
    births: tuple[Birth, ...]
    seen: tuple[tuple[int, int], ...]
    """Pairs of (object token, thread token): which objects it used, on which thread."""
    imports: tuple[str, ...] = ()
    by_import: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """(module, tokens of the objects that its code built while it was imported)."""
    ending: str = "closed"
    """"closed"; "never closed" when the server skipped the response's close(); "no response" when
    an exception left the handler; "cut off" when the process was gone before the request was
    written: then only its beginning is known."""
    uncounted: int = 0
    """Births beyond the limit per request, counted but not watched."""

    @property
    def duration(self) -> int:
        """Nanoseconds from its start to its close."""
        return self.closed - self.begun

    @property
    def page(self) -> str:
        """What was asked for: method and path, without the query."""
        return page_of(self.method, self.path)

    @property
    def cut_off(self) -> bool:
        """Whether its process was gone before the request was written."""
        return self.ending == CUT_OFF

    def __repr__(self) -> str:
        stages = len(self.spans)
        return f"<Request {self.number}: {self.method} {self.path} {self.status}, {stages} stages>"


class Requests(Sequence[Request]):
    """Requests in the order of their numbers. A slice is a sequence of the same kind."""

    def __init__(
        self, recorded: Sequence[RecordedRequest], assemble: Callable[[RecordedRequest], Request]
    ) -> None:
        self.recorded = recorded
        self.assemble = assemble

    @overload
    def __getitem__(self, index: int) -> Request: ...
    @overload
    def __getitem__(self, index: slice) -> Requests: ...

    def __getitem__(self, index: int | slice) -> Request | Requests:
        if isinstance(index, slice):
            return Requests(self.recorded[index], self.assemble)
        return self.assemble(self.recorded[index])

    def __len__(self) -> int:
        return len(self.recorded)


def heads(requests: Sequence[Request]) -> Sequence[Request | RecordedRequest]:
    """Returns the requests without assembling them, for those who read numbers and times only."""
    return requests.recorded if isinstance(requests, Requests) else requests
