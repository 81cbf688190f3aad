"""Made-up processes to draw: each call reports facts, of which the real history makes a process."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.recorded import recorded
from tracer.model import (
    Barrier,
    Birth,
    Built,
    Deaths,
    Died,
    Ended,
    EndedWithThread,
    Fact,
    Held,
    History,
    Process,
    ProcessStarted,
    Replaced,
    Request,
    Span,
    ThreadSeen,
    Walk,
)

MICROSECOND = 1_000
EPOCH = 1_790_000_000.0


class SampleProcess:
    """One process. Methods report facts in the order of their calls, and advance its clock."""

    def __init__(self, server: str = "gunicorn", mode: str = "gthread", pid: int = 48213) -> None:
        self.now = 0
        self.tokens = iter(range(101, 1_000_000))
        self.number = 0
        self.holders: dict[int, Held] = {}
        """What holds each object, as the next walk will find it."""
        self.found: dict[int, Held] = {}
        """What the last walk found."""
        self.facts: list[Fact] = [
            ProcessStarted(pid, 48200, server, mode, "3.13.0", "6.1.3", EPOCH, 0)
        ]

    def thread(self, token: int, name: str) -> None:
        """Reports a thread that is seen for the first time."""
        self.facts.append(ThreadSeen(token, name, self.now))

    def thread_ends(self, token: int, *stored: int) -> None:
        """Reports the end of a thread, which has these objects in its storage."""
        self.now += MICROSECOND
        self.facts.append(EndedWithThread(token, stored))
        self.facts.append(ThreadSeen(token, "", self.now, ended=True))

    def birth(self, kind: str, name: str, phase: str, thread: int = 1, **more: object) -> Birth:
        """Makes the birth of an object; the caller reports it."""
        self.now += MICROSECOND
        cls = str(more.pop("cls", f"{kind}s.{name.split()[0]}"))
        token = next(self.tokens)
        return Birth(token, kind, cls, name, self.now, thread, phase, **more)  # type: ignore[arg-type]

    def built(self, phase: str, *objects: tuple[str, str]) -> list[int]:
        """Reports objects of these kinds and names that were built outside any request."""
        births = tuple(self.birth(kind, name, phase) for kind, name in objects)
        self.facts.append(Built(births))
        return [birth.token for birth in births]

    @contextmanager
    def request(self, path: str = "/", **about: object) -> Iterator[SampleRequest]:
        """Opens a request; it is reported when the block ends."""
        self.number += 1
        self.now += 300 * MICROSECOND
        request = SampleRequest(self, self.number, path, **about)
        yield request
        self.facts.append(recorded(request.request()))

    def dies(self, *tokens: int, how: str = "reference") -> None:
        """Reports the deaths of objects, now."""
        self.now += MICROSECOND
        for token in tokens:
            self.holders.pop(token, None)
            self.found.pop(token, None)
        self.facts.append(Deaths(tuple(Died(token, self.now, how) for token in tokens)))

    def replaced(self, *tokens: int) -> None:
        """Reports the deaths of objects that the newest request let go for others of its own."""
        self.dies(*tokens)
        self.facts.append(Replaced(tokens))

    def collects(self, *tokens: int, by: str = "collector") -> None:
        """Reports a full collection with no request in flight, which frees these objects."""
        if tokens:
            self.dies(*tokens, how="collector")
        self.now += MICROSECOND
        self.facts.append(Barrier(self.now, by, self.now - 1))

    def held(self, token: int, path: str, root: str = "module", thread: int = 0) -> None:
        """Says what holds an object, by its path; a walk is to report it."""
        spot = re.sub(r"\[[^]]*]", "[*]", path)
        self.holders[token] = Held(token, path, spot, root, thread, thread)

    def walks(self) -> None:
        """Reports a walk through the heap, which finds what has been said to hold the objects."""
        self.now += MICROSECOND
        held = self.holders.items()
        new = tuple(holder for token, holder in held if self.found.get(token) != holder)
        lost = tuple(token for token in self.found if token not in self.holders)
        self.facts.append(Walk(self.now - 1, self.now, new, lost))
        self.found = dict(self.holders)

    def leaks(self, *names: str, requests: int = 3, path: str = "cafe.views.RECENT") -> list[int]:
        """Serves requests that each leave an object of each name in a list; and walks."""
        tokens = []
        for number in range(requests):
            with self.request() as now:
                for name in names:
                    tokens.append(now.builds("watched", name))
                    self.held(tokens[-1], f"{path}[{number}]")
        self.walks()
        return tokens

    def ends(self) -> None:
        """Reports the orderly end of the process."""
        self.now += MICROSECOND
        self.facts.append(Ended(self.now))

    def process(self) -> Process:
        """Returns the process that follows from the facts reported so far."""
        history = History()
        for fact in self.facts:
            history.feed(fact)
        return history.snapshot()


class SampleRequest:
    """One request of a sample process, while it is in flight."""

    def __init__(self, sample: SampleProcess, number: int, path: str, **about: object) -> None:
        self.sample, self.number, self.path, self.about = sample, number, path, about
        self.thread = int(about.pop("thread", 1))  # type: ignore[call-overload]
        self.thread_name = str(about.pop("thread_name", "MainThread"))
        self.begun = sample.now
        self.spans: list[Span] = []
        self.births: list[Birth] = []
        self.seen: dict[tuple[int, int], None] = {}
        self.open: list[int] = []
        self.by_import: list[tuple[str, tuple[int, ...]]] = []

    def works(self, microseconds: int) -> None:
        """Advances the clock."""
        self.sample.now += microseconds * MICROSECOND

    @contextmanager
    def stage(
        self, stage: str, name: str, obj: int | None = None, took: int = 40, **more: object
    ) -> Iterator[None]:
        """Opens a stage that takes `took` microseconds itself, half of them before its inside."""
        index = len(self.spans)
        parent = self.open[-1] if self.open else None
        thread = int(more.pop("thread", self.thread))  # type: ignore[call-overload]
        start = self.sample.now - self.begun
        self.spans.append(Span(stage, name, parent, start, start))
        self.open.append(index)
        self.uses(obj, thread=thread)
        self.works(took // 2)
        yield
        self.works(took - took // 2)
        self.open.pop()
        end = self.sample.now - self.begun
        span = Span(stage, name, parent, start, end, obj, thread, **more)  # type: ignore[arg-type]
        self.spans[index] = span

    def does(self, stage: str, name: str, obj: int | None = None, took: int = 40, **more: object):
        """Adds a stage with nothing inside; `took` 0 makes it an instant."""
        with self.stage(stage, name, obj, took, **more):
            pass

    def uses(self, *objects: int | None, thread: int | None = None) -> None:
        """Notes that the request uses these objects."""
        for obj in objects:
            if obj is not None:
                self.seen[obj, thread or self.thread] = None

    def builds(self, kind: str, name: str, **more: object) -> int:
        """Notes an object that is born in the request; returns its token."""
        birth = self.sample.birth(kind, name, "request", self.thread, **more)
        self.births.append(birth)
        return birth.token

    def imported(self, module: str, *objects: int) -> None:
        """Notes that importing a module built these objects."""
        self.by_import.append((module, objects))

    def request(self) -> Request:
        """Returns the request."""
        about = {"method": "GET", "status": 200, "size": 1900, "watching": 120_000, **self.about}
        return Request(
            number=self.number,
            path=self.path,
            thread=self.thread,
            thread_name=self.thread_name,
            started=EPOCH + self.begun / 1e9,
            begun=self.begun,
            closed=self.sample.now,
            spans=tuple(self.spans),
            births=tuple(self.births),
            seen=tuple(self.seen),
            by_import=tuple(self.by_import),
            **about,  # type: ignore[arg-type]
        )
