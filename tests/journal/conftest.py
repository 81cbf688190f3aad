"""Facts to write: those of a small project, and random ones with odd values everywhere."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tracer.model import (
    Barrier,
    Birth,
    Boot,
    Built,
    Deaths,
    Died,
    Ended,
    EndedWithThread,
    Fact,
    Held,
    Imported,
    Named,
    ProcessStarted,
    Replaced,
    Request,
    Span,
    ThreadSeen,
    Walk,
)
from tracer.model.assemble import Assembly
from tracer.recorder.recorder import Recorder

ODD = [
    "",
    "é",
    "日本",
    "😀",
    "\udcff",
    "/\ud800x",
    'a"b\\c',
    "\n\r\t\0\x1b[31m",
    "\u2028",
    "x" * 999,
]


class RandomFacts:
    """Makes facts of every type from a seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def text(self) -> str:
        return self.random.choice([*ODD, "cafe.views.Menu", "Menu", "a.b.Menu"])

    def number(self) -> int:
        return self.random.choice([0, 1, -1, 10**15, -(2**70), self.random.randrange(10**9)])

    def maybe(self, value: object) -> object:
        return self.random.choice([None, value])

    def birth(self) -> Birth:
        return Birth(
            token=self.number(),
            kind=self.text(),
            cls=self.text(),
            name=self.text(),
            at=self.number(),
            thread=self.number(),
            phase=self.random.choice(["before", "boot", "request", "inherited", self.text()]),
            owner=self.maybe(self.number()),
            mortal=self.random.random() < 0.5,
        )

    def span(self, before: int) -> Span:
        return Span(
            stage=self.text(),
            name=self.text(),
            parent=self.random.randrange(before) if before else None,
            start=self.number(),
            end=self.number(),
            object=self.maybe(self.number()),
            thread=self.number(),
            detail=self.text(),
            error=self.text(),
        )

    def some(self, make: Callable[[], object]) -> tuple:
        return tuple(make() for _ in range(self.random.randrange(5)))

    def request(self) -> Request:
        return Request(
            number=self.number(),
            method=self.text(),
            path=self.text(),
            status=self.maybe(self.number()),
            thread=self.number(),
            thread_name=self.text(),
            ident=self.number(),
            started=self.random.random() * 2e9,
            begun=self.number(),
            closed=self.number(),
            size=self.maybe(self.number()),
            watching=self.number(),
            spans=tuple(self.span(index) for index in range(self.random.randrange(6))),
            births=self.some(self.birth),
            seen=self.some(lambda: (self.number(), self.number())),
            imports=self.some(self.text),
            by_import=self.some(lambda: (self.text(), self.tokens())),
            ending=self.text(),
            uncounted=self.number(),
        )

    def started(self) -> ProcessStarted:
        return ProcessStarted(
            pid=self.number(),
            parent=self.number(),
            server=self.text(),
            mode=self.text(),
            python=self.text(),
            django=self.text(),
            started=self.random.random() * 2e9,
            begun=self.number(),
            inherited=self.random.random() < 0.5,
            urlconf=self.text(),
            application=self.text(),
        )

    def boot(self) -> Boot:
        return Boot(
            begun=self.number(),
            spans=tuple(self.span(index) for index in range(self.random.randrange(6))),
            modules=self.number(),
            importing=self.number(),
            heaviest=self.some(lambda: Imported(self.text(), self.number(), self.number())),
            watching=self.number(),
        )

    def died(self) -> Died:
        return Died(self.number(), self.number(), self.text(), self.number())

    def tokens(self) -> tuple[int, ...]:
        return self.some(self.number)

    def held(self) -> Held:
        path = self.text()
        spot = self.random.choice([path, self.text()])
        root = self.random.choice(["module", "thread", self.text()])
        thread, storage = (self.random.choice([0, self.number()]) for _ in range(2))
        return Held(self.number(), path, spot, root, thread, storage)

    def one_of_each(self) -> list[Fact]:
        return [
            self.started(),
            self.boot(),
            Built(self.some(self.birth)),
            self.request(),
            Deaths(self.some(self.died)),
            Barrier(self.number(), self.text(), self.number()),
            Walk(self.number(), self.number(), self.some(self.held), self.tokens()),
            Replaced(self.tokens()),
            EndedWithThread(self.number(), self.tokens()),
            Named(self.number(), self.text()),
            ThreadSeen(self.number(), self.text(), self.number(), self.random.random() < 0.5),
            Ended(self.number()),
        ]


@pytest.fixture
def random_facts() -> type[RandomFacts]:
    """Returns the maker of random facts; call it with a seed."""
    return RandomFacts


@pytest.fixture
def started() -> Callable[..., ProcessStarted]:
    """Returns a maker of the fact that a process writes first."""

    def make(pid: int = 4711, at: float = 1_700_000_000.0) -> ProcessStarted:
        return ProcessStarted(pid, 1, "gunicorn", "sync worker", "3.11.7", "5.2.1", at, 1_000)

    return make


def requests() -> Callable[..., Request]:
    """Returns a maker of requests like those that a small project serves."""
    spans = [Span("request", "GET /menu/", None, 0, 6_000_000, None, 1)]
    for index in range(29):
        stage = ("middleware", "query", "template", "signal")[index % 4]
        detail = "20 rows" if index % 3 == 0 else ""
        token = 100 + index if index % 2 else None
        start = 100_000 + 31_000 * index
        name = "AuthenticationMiddleware"
        spans.append(Span(stage, name, index // 2, start, 5_900_000 - start, token, 1, detail))

    def make(number: int, path: str = "/menu/?page=*") -> Request:
        begun = 10**12 + number * 10**8
        first = number * 1_000
        births = tuple(
            Birth(first + i, "context", "django.template.context.Context", "Context", begun + i, 1)
            for i in range(15)
        )
        request = Request(
            number=number,
            method="GET",
            path=path,
            status=200,
            thread=1,
            thread_name="MainThread",
            ident=140_123_456_789_012,
            started=1_700_000_000.0 + number,
            begun=begun,
            closed=begun + 6_000_000,
            size=1_923,
            watching=150_000,
            spans=tuple(spans),
            births=births,
            seen=tuple((birth.token, 1) for birth in births),
        )
        return replace(request, spans=(replace(spans[0], name=f"GET {path}"), *spans[1:]))

    return make


@pytest.fixture
def served() -> Callable[..., Request]:
    """Returns such a maker."""
    return requests()


@pytest.fixture
def recorder() -> Recorder:
    """Returns a recorder whose clock advances by ten at each call."""
    ticks = iter(range(0, 10**9, 10))
    return Recorder(clock=lambda: next(ticks))


@pytest.fixture
def assembly(recorder: Recorder) -> Assembly:
    """Returns an assembly of what the recorder records."""
    return Assembly(
        True,
        lambda token: f"thread {token}",
        recorder.classes.names.__getitem__,
        lambda traces: [7] * len(traces),
        recorder.epoch,
    )
