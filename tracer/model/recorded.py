"""What was recorded of finished requests: plain, masked, and complete, so that it can be kept,
counted, written and read again. `tracer.model.masking` makes it of traces.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import repeat
from operator import itemgetter
from typing import Any

from tracer.model import stages

What = tuple[str, "int | None", Any, Any, str]
"""(stage, token, name, detail, error)"""
Kind = tuple[str, str, "str | None", "int | None", "int | None", bool]
"""What is written of a birth besides its token: (kind, dotted name of the class, label, thread or
None for the request's, owner, mortal), as in `tracer.model.Birth`."""

CUT_OFF = "cut off"
"""The ending of a request whose process was gone before it was written."""
LATE = 0
"""Stands in a stage for the token of an object that the trace itself names."""


@dataclass(slots=True)
class RecordedRequests:
    """What was recorded of one or more finished requests that are alike: numbers, strings, and
    tuples of these.

    They had the same address and status, ran on the same thread, went through the same stages,
    built the same and used the same. Times are those of the process's clock. Columns have the
    entries of one request behind those of the other.
    """

    method: str
    path: str
    """With the query string, masked as the settings ask for."""
    status: int | None
    thread: int
    whats: tuple[What, ...]
    """What a request built itself stands there by its place among its tokens: -1 for the first."""
    kinds: tuple[Kind, ...]
    seen: tuple[int, ...]
    """Tokens used without a stage of their own."""
    watching: int
    """Nanoseconds of each that recording took."""
    numbers: list[int] = field(default_factory=list)
    begun: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    sizes: list[int | None] = field(default_factory=list)
    viewed: list[int | None] = field(default_factory=list)
    responded: list[int | None] = field(default_factory=list)
    """Tokens for stages that say `LATE`, of each request."""
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    """Of each stage of each request."""
    tokens: list[int] = field(default_factory=list)
    """Of what each request built, in order."""
    marks: list[int] = field(default_factory=list)
    """When each of these died; negative if the collector freed it, 0 while it is alive."""
    ending: str = "closed"
    """Like all that follows, usual where there is more than one request."""
    uncounted: int = 0
    threads: list[int] | None = None
    """Threads of the stages, where not all ran on the request's own."""
    seen_on: list[int] | None = None
    """Likewise of what was seen."""
    imports: list[str] = field(default_factory=list)
    by_import: list[tuple[str, list[int]]] = field(default_factory=list)
    """As in `Request`."""

    def __len__(self) -> int:
        return len(self.numbers)

    def __iter__(self) -> Iterator[RecordedRequest]:
        return (RecordedRequest(self, place) for place in range(len(self.numbers)))

    @property
    def page(self) -> str:
        """What was asked for, as `Request.page`."""
        return page_of(self.method, self.path)

    def used(self) -> set[tuple[int, int]]:
        """Returns what each used and did not build, as (token, thread)."""
        own = self.tokens[: len(self.kinds)]
        if self.threads is None and self.seen_on is None:
            tokens = {*self.seen, *map(_TOKEN, self.whats)}.difference(own, (None, 0))
            return {(token, self.thread) for token in tokens if token > 0}
        return {each for each in RecordedRequest(self, 0).used() if each[0] not in own}


class RecordedRequest:
    """One of several requests that are alike."""

    __slots__ = ("place", "several")

    def __init__(self, several: RecordedRequests, place: int) -> None:
        self.several = several
        self.place = place

    def __getattr__(self, name: str) -> Any:
        """Returns what all of them have in common. What is asked for often is a property below."""
        return getattr(self.several, name)

    @property
    def thread(self) -> int:
        return self.several.thread

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return self.several.kinds

    @property
    def number(self) -> int:
        """As in `Request`, like all that follows."""
        return self.several.numbers[self.place]

    @property
    def begun(self) -> int:
        return self.several.begun[self.place]

    @property
    def closed(self) -> int:
        return self.several.closed[self.place]

    @property
    def size(self) -> int | None:
        return self.several.sizes[self.place]

    @property
    def viewed(self) -> int | None:
        return self.several.viewed[self.place]

    @property
    def responded(self) -> int | None:
        return self.several.responded[self.place]

    @property
    def starts(self) -> list[int]:
        return self._of(self.several.starts, len(self.several.whats))

    @property
    def ends(self) -> list[int]:
        return self._of(self.several.ends, len(self.several.whats))

    @property
    def tokens(self) -> list[int]:
        return self._of(self.several.tokens, len(self.several.kinds))

    @property
    def marks(self) -> list[int]:
        return self._of(self.several.marks, len(self.several.kinds))

    def _of(self, column: list[int], count: int) -> list[int]:
        return column[self.place * count : (self.place + 1) * count]

    def alone(self) -> RecordedRequests:
        """Returns it without the others."""
        return replace(
            self.several, numbers=[self.number], begun=[self.begun], closed=[self.closed],
            sizes=[self.size], viewed=[self.viewed], responded=[self.responded],
            starts=self.starts, ends=self.ends, tokens=self.tokens, marks=self.marks,
        )  # fmt: skip

    def index(self, token: int) -> int:
        """Returns the place of what it built among all that it built."""
        first = self.place * len(self.several.kinds)
        return self.several.tokens.index(token, first) - first

    def died(self, token: int, at: int) -> None:
        """Notes the end of what it built; `at` as in `marks`."""
        first = self.place * len(self.several.kinds)
        self.several.marks[self.several.tokens.index(token, first)] = at

    def used(self) -> set[tuple[int, int]]:
        """Returns the objects that it used, as (token, thread): all that are older than it, and
        some of its own."""
        home = repeat(self.several.thread)
        whats, threads = self.several.whats, self.several.threads
        if threads is not None:
            whats = tuple([completed(self, what) for what in whats])
        used = {
            *zip(self.several.seen, self.several.seen_on or home, strict=False),
            *zip(map(_TOKEN, whats), threads or home, strict=False),
        }
        return {(token, thread) for token, thread in used if token and token > 0}


_TOKEN = itemgetter(1)
"""Of what a stage was."""


def completed(recorded: RecordedRequest, what: What) -> What:
    """Returns a stage with what the request knows of it and the stage does not."""
    stage, token, name, detail, error = what
    if token is not None and token < 0:
        token = recorded.tokens[-1 - token]
        what = stage, token, name, detail, error
    if stage == stages.VIEW:
        return stage, recorded.viewed if token == LATE else token, name, detail, error
    if stage == stages.RESPONSE and token == LATE:
        return stage, recorded.responded, name, detail, error
    if stage == stages.RESOLVE and type(detail) is tuple:
        # The resolver that was asked first is the first one seen from this place on.
        where, before = detail
        token = next(iter(recorded.seen[before : before + 1]), token)
        return stage, token, name, (where,), error
    return what


def page_of(method: str, path: str) -> str:
    """Returns what a request asked for: method and path, without the query."""
    return f"{method} {path.partition('?')[0]}"
