"""Facts to write: those of a small project, and random ones with odd values everywhere."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from tests.support.recorded import alone
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
    Span,
    ThreadSeen,
    Walk,
)
from tracer.model.recorded import Kind, RecordedRequests, What

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

    def column(self, size: int) -> list[int]:
        return [self.number() for _ in range(size)]

    def recording(self) -> RecordedRequests:
        stages, births = self.random.randrange(6), self.random.randrange(4)
        apart = self.random.random() < 0.5
        seen, begun = self.random.randrange(4), self.random.randrange(10**15)
        return alone(
            number=self.number(),
            method=self.text(),
            path=self.text(),
            status=self.maybe(self.number()),
            thread=self.number(),
            begun=begun,
            closed=begun + self.random.randrange(10**9),
            size=self.maybe(self.number()),
            watching=self.number(),
            viewed=self.maybe(self.number()),
            responded=self.maybe(self.number()),
            starts=self.column(stages),
            ends=self.column(stages),
            whats=tuple(self.what() for _ in range(stages)),
            tokens=self.random.choice([self.column(births), list(range(begun, begun + births))]),
            kinds=tuple(self.kind() for _ in range(births)),
            marks=[
                self.random.choice([0, 1, -1]) * (begun + self.random.randrange(1, 10**9))
                for _ in range(births)
            ],
            seen=tuple(self.column(seen)),
            ending=self.random.choice(["closed", self.text()]),
            uncounted=self.random.choice([0, self.number()]),
            threads=self.column(stages) if apart else None,
            seen_on=self.column(seen) if apart else None,
            imports=list(self.some(self.text)),
            by_import=[(self.text(), list(self.tokens())) for _ in range(births)],
        )

    def what(self) -> What:
        name = self.random.choice([self.text(), (self.text(), None, True), self.number(), None])
        detail = self.random.choice([self.text(), (self.text(), (self.text(), -1))])
        token = self.random.choice([None, 0, self.random.randrange(10**12)])
        return self.text(), token, name, detail, self.text()

    def kind(self) -> Kind:
        thread, owner = (self.maybe(self.number()) for _ in range(2))
        label = self.maybe(self.text())
        return self.text(), self.text(), label, thread, owner, self.random.random() < 0.5

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
        return Died(self.number(), self.number(), self.text())

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
            self.recording(),
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


def requests() -> Callable[..., RecordedRequests]:
    """Returns a maker of requests like those that a small project serves."""
    stages = [
        (
            ("middleware", "template", "compile", "close")[index % 4],
            100 + index,
            f"Name{index}",
            "",
            "",
        )
        for index in range(29)
    ]
    starts = [100_000 + 31_000 * index for index in range(29)]

    def make(number: int, path: str = "/menu/?page=*") -> RecordedRequests:
        begun = 10**12 + number * 10**8
        return alone(
            number=number,
            method="GET",
            path=path,
            status=200,
            thread=1,
            begun=begun,
            closed=begun + 6_000_000,
            size=1_923,
            watching=150_000,
            viewed=None,
            responded=None,
            starts=[begun, *[begun + start for start in starts]],
            ends=[begun + 6_000_000, *[begun + 5_900_000 - start for start in starts]],
            whats=(("request", None, f"GET {path}", "", ""), *stages),
            tokens=[number * 1_000 + index for index in range(15)],
            kinds=(("context", "django.template.context.Context", None, None, None, True),) * 15,
            marks=[0] * 15,
            seen=(1, 2, 3),
        )

    return make


@pytest.fixture
def served() -> Callable[..., RecordedRequests]:
    """Returns such a maker."""
    return requests()
