"""What `pytest --lifecycle` found: what tests left behind, and what each middleware cost.

Plain data that can be sent from one process to another and added up; `lines` is the report.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from tracer.model import Request, Span, stages
from tracer.model.known import spot_of
from tracer.model.scope import FEWEST, FEWEST_BY_KEY

LISTED: Final = 100
"""Tests that a report names one by one."""
MIDDLEWARE: Final = (stages.MIDDLEWARE, stages.HOOK)
CORE: Final = (
    stages.RESOLVE,
    stages.HOOK,
    stages.VIEW,
    stages.TEMPLATE,
    stages.COMPILE,
    stages.CONVERT,
)
"""What Django itself does inside the innermost layer, from looking up the path on."""


@dataclass
class Left:
    """One object that a test left behind."""

    test: str
    name: str
    cls: str
    held_by: str | None
    """The path of what holds it."""
    spot: str = ""
    """The same with its items left open."""


@dataclass
class Cost:
    """What one middleware cost: its own time, without what it called."""

    requests: int = 0
    own: int = 0
    """Nanoseconds, in all of its requests."""


@dataclass
class Findings:
    """What one process found, or several together."""

    started: bool = False
    """Whether Django was set up, so that anything could be recorded."""
    tests: int = 0
    asking: int = 0
    """Tests that made requests."""
    requests: int = 0
    left: list[Left] = field(default_factory=list)
    costs: dict[str, Cost] = field(default_factory=dict)
    accepted: int = 0
    """Kept objects that the baseline accepts."""
    expected: list[str] = field(default_factory=list)
    """The entries of the baseline."""
    met: list[str] = field(default_factory=list)
    """Those that covered something, with their items left open."""
    held_by_tests: int = 0
    """Kept objects that the tests themselves held for longer than one test."""
    unsure: list[str] = field(default_factory=list)
    """Tests after which a request was still under way, so that nothing is known."""
    looking: float = 0.0
    """Seconds that it took at the end to see what is still there."""
    notes: list[str] = field(default_factory=list)

    def served(self, request: Request) -> None:
        """Counts one request, and what its middleware cost."""
        self.requests += 1
        own: dict[str, int] = {}
        for name, took in own_times(request):
            own[name] = own.get(name, 0) + took
        for name, took in own.items():
            cost = self.costs.setdefault(name, Cost())
            cost.requests += 1
            cost.own += took

    def add(self, other: Findings) -> None:
        """Adds what another process found."""
        self.started |= other.started
        for name in ("tests", "asking", "requests", "accepted", "held_by_tests", "looking"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.left += other.left
        self.met += other.met
        self.expected += [path for path in other.expected if path not in self.expected]
        self.unsure += other.unsure
        self.notes += [note for note in other.notes if note not in self.notes]
        for name, cost in other.costs.items():
            mine = self.costs.setdefault(name, Cost())
            mine.requests += cost.requests
            mine.own += cost.own

    def dumps(self) -> str:
        """Returns the findings as text, for another process."""
        return json.dumps(asdict(self))

    @classmethod
    def loads(cls, text: str) -> Findings:
        """Returns what `dumps` wrote."""
        data: dict[str, Any] = json.loads(text)
        data["left"] = [Left(**each) for each in data["left"]]
        data["costs"] = {name: Cost(**each) for name, each in data["costs"].items()}
        return cls(**data)

    # -- the report --------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        """Yields the report line by line."""
        if not self.started:
            yield "No Django was set up in this run, so there was nothing to record."
            yield from self.notes
            return
        yield (
            f"{_many(self.tests, 'test')}, of which {self.asking:,} made "
            f"{_many(self.requests, 'request')}."
        )
        yield ""
        yield from self._left_behind()
        yield from self._costs()
        yield from self._small_print()

    def _left_behind(self) -> Iterator[str]:
        if not self.left:
            yield "No test left anything of its requests behind."
            return
        by_test: dict[str, list[Left]] = {}
        for each in self.left:
            by_test.setdefault(each.test, []).append(each)
        yield f"{_many(len(by_test), 'test')} left something of their requests behind:"
        for test, left in list(by_test.items())[:LISTED]:
            yield f"  {test}"
            for said in _grouped(left):
                yield f"    {said}"
        if len(by_test) > LISTED:
            yield f"  and {len(by_test) - LISTED:,} more"

    def _costs(self) -> Iterator[str]:
        if not self.costs:
            return
        yield ""
        width = max(max(map(len, self.costs)), 20)
        yield f"{'what each middleware cost':{width}}  requests      in all   per request"
        for name, cost in sorted(self.costs.items(), key=lambda item: -item[1].own):
            each = cost.own / cost.requests / 1e6
            yield f"{name:{width}}  {cost.requests:8,}  {cost.own / 1e6:7,.1f} ms  {each:9.3f} ms"
        yield "  Its own time, on the way in and out, without the layers and view inside it."

    def _small_print(self) -> Iterator[str]:
        yield ""
        yield (
            "When all tests were over, a full collection was run and a walk through the heap: "
            f"{_seconds(self.looking)}. Left behind is what at least {FEWEST} requests for a page "
            f"({FEWEST_BY_KEY} where a key leads to it), and at least half of all, left in one "
            "place."
        )
        if self.accepted:
            yield f"Accepted by the baseline: {_many(self.accepted, 'object')}."
        for path in self.expected:
            if spot_of(path) not in self.met:
                yield f"In the baseline, and not met in this run: {path}"
        if self.held_by_tests:
            held = _many(self.held_by_tests, "object")
            yield f"Not counted: {held} that fixtures, test classes or tracebacks held for longer."
        if self.unsure:
            names = ", ".join(self.unsure[:3]) + (" …" if len(self.unsure) > 3 else "")
            yield f"Nothing is known of {names}: a request was still under way when it ended."
        yield from self.notes


def own_times(request: Request) -> Iterator[tuple[str, int]]:
    """Yields (middleware, nanoseconds of its own) for each layer and hook of a request."""
    cores = _cores(request.spans)
    inside = [0] * len(request.spans)
    for parent, (start, end) in cores.items():
        inside[parent] = end - start
    for span in request.spans:
        if span.parent is not None:
            start, end = cores.get(span.parent, (0, 0))
            if not start <= span.start < end:
                inside[span.parent] += span.end - span.start
    for span, within in zip(request.spans, inside, strict=True):
        if span.stage in MIDDLEWARE:
            name = span.name.partition(".")[0] if span.stage == stages.HOOK else span.name
            yield name, max(span.end - span.start - within, 0)


def _cores(spans: Sequence[Span]) -> dict[int, tuple[int, int]]:
    """Returns when Django itself worked inside each span: not all of that has a span."""
    cores: dict[int, tuple[int, int]] = {}
    for span in spans:
        parent = span.parent
        if parent is None or spans[parent].stage != stages.MIDDLEWARE:
            continue
        if span.stage == stages.RESOLVE or (parent in cores and span.stage in CORE):
            start, end = cores.get(parent, (span.start, span.end))
            cores[parent] = start, max(end, span.end)
    return cores


def _grouped(left: Iterable[Left]) -> Iterator[str]:
    """Yields what was left, by holder; objects that another one reaches stand in its line."""
    found: dict[str, list[Left]] = {}
    for each in sorted(left, key=lambda each: (each.spot, each.held_by or "")):
        owner = next((spot for spot in found if _within(each.spot, spot)), each.spot)
        found.setdefault(owner, []).append(each)
    for spot, held in found.items():
        own = [each for each in held if each.spot == spot]
        path = own[0].held_by if len(own) == 1 else spot.replace("[*]", "[…]")
        count = f"{len(own)} {own[0].name}" if len(own) > 1 else own[0].name
        rest = len(held) - len(own)
        more = f" and {_many(rest, 'object')} that it reaches" if rest else ""
        yield f"{count}{more}, held by {path}"


def _within(path: str, above: str) -> bool:
    return path.startswith((f"{above}.", f"{above}["))


def _seconds(spent: float) -> str:
    return f"{spent:.1f} s" if spent >= 0.1 else "less than 0.1 s"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
