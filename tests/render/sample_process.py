"""Made-up processes to draw: each call reports facts, of which the real history makes a process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from tracer.model import (
    Barrier,
    Birth,
    Built,
    Deaths,
    Died,
    Ended,
    Fact,
    Held,
    History,
    Process,
    ProcessStarted,
    Request,
    Span,
    ThreadSeen,
)

MICROSECOND = 1_000
EPOCH = 1_790_000_000.0

MIDDLEWARE = (
    "SecurityMiddleware",
    "SessionMiddleware",
    "CommonMiddleware",
    "CsrfViewMiddleware",
    "AuthenticationMiddleware",
    "MessageMiddleware",
    "XFrameOptionsMiddleware",
)


class SampleProcess:
    """One process. Methods report facts in the order of their calls, and advance its clock."""

    def __init__(self, server: str = "gunicorn", mode: str = "gthread", pid: int = 48213) -> None:
        self.now = 0
        self.tokens = iter(range(101, 1_000_000))
        self.number = 0
        self.facts: list[Fact] = [
            ProcessStarted(pid, 48200, server, mode, "3.13.0", "6.1.3", EPOCH, 0)
        ]

    def thread(self, token: int, name: str) -> None:
        """Reports a thread that is seen for the first time."""
        self.facts.append(ThreadSeen(token, name, self.now))

    def thread_ends(self, token: int) -> None:
        """Reports the end of a thread."""
        self.now += MICROSECOND
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
        self.facts.append(request.fact())

    def dies(self, *tokens: int, how: str = "reference", ident: int = 9) -> None:
        """Reports the deaths of objects, now."""
        self.now += MICROSECOND
        self.facts.append(Deaths(tuple(Died(token, self.now, how, ident) for token in tokens)))

    def collects(self, *tokens: int, by: str = "collector") -> None:
        """Reports a full collection with no request in flight, which frees these objects."""
        if tokens:
            self.dies(*tokens, how="collector")
        self.now += MICROSECOND
        self.facts.append(Barrier(self.now, by))

    def held(self, token: int, path: str) -> None:
        """Reports what holds an object."""
        self.facts.append(Held(token, path))

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

    def fact(self) -> Request:
        """Returns the request as a fact."""
        about = {"method": "GET", "status": 200, "size": 1900, "watching": 120_000, **self.about}
        return Request(
            number=self.number,
            path=self.path,
            thread=self.thread,
            thread_name=self.thread_name,
            ident=9,
            started=EPOCH + self.begun / 1e9,
            begun=self.begun,
            closed=self.sample.now,
            spans=tuple(self.spans),
            births=tuple(self.births),
            seen=tuple(self.seen),
            **about,  # type: ignore[arg-type]
        )


class Cafe(SampleProcess):
    """A café served by a worker with two threads: it has objects of every scope."""

    def __init__(self) -> None:
        super().__init__()
        self.thread(1, "MainThread")
        self.thread(2, "ThreadPoolExecutor-0_0")
        self.thread(3, "ThreadPoolExecutor-0_1")
        self.settings, self.apps, *_ = self.built(
            "before",
            ("settings", "settings"),
            ("apps", "app registry"),
            *(("model", f"model {name}") for name in ("Dish", "Order", "Session", "User")),
            *(("signal", "ModelSignal") for _ in range(8)),
        )
        self.started, self.finished = self.built(
            "before", ("signal", "Signal"), ("signal", "Signal")
        )
        self.handler, *self.layers = self.built(
            "boot", ("handler", "WSGIHandler"), *(("middleware", name) for name in MIDDLEWARE)
        )
        self.resolver = self.engine = self.list_template = self.base = 0
        self.wrappers: dict[int, int] = {}
        self.connections: dict[int, int] = {}
        self.baskets: list[int] = []
        self.late: list[int] = []

    def menu(self, thread: int = 2, keep: bool = False, queries: int = 1) -> int:
        """Serves the menu; returns the token of the basket."""
        name = f"ThreadPoolExecutor-0_{thread - 2}"
        modules = tuple(f"cafe.part_{index}" for index in range(26)) if not self.number else ()
        about = {"thread": thread, "thread_name": name, "imports": modules}
        with self.request("/menu/?page=…", **about) as now:
            now.uses(self.settings, self.apps, self.handler)
            now.does("request_started", "request_started", self.started, 20, detail="4 receivers")
            self._through(now, self.layers, keep, queries)
            now.does("response", "HttpResponse", took=0, detail="200")
            with now.stage("close", "response.close", None, 30):
                now.does(
                    "request_finished", "request_finished", self.finished, 50, detail="3 receivers"
                )
        self.dies(*self.brief)
        return self.baskets[-1]

    def _through(self, now: SampleRequest, layers: list[int], keep: bool, queries: int) -> None:
        if not layers:
            return self._view(now, keep, queries)
        name = MIDDLEWARE[len(MIDDLEWARE) - len(layers)]
        with now.stage("middleware", name, layers[0], 120):
            self._through(now, layers[1:], keep, queries)

    def _view(self, now: SampleRequest, keep: bool, queries: int) -> None:
        self.late += [now.builds("request", "WSGIRequest"), now.builds("context", "RequestContext")]
        if not self.resolver:
            self.resolver = now.builds("resolver", "URLResolver '^/'")
            self.patterns = [now.builds("pattern", f"URLPattern 'p{i}/'") for i in range(48)]
        view = now.builds("view", "Menu view")
        self.late.append(view)
        now.uses(*self.patterns)
        now.does("resolve", "cafe.views.Menu", self.resolver, 300, detail="route 'menu/'")
        with now.stage("view", "cafe.views.Menu.get", view, 400, detail="new instance"):
            now.works(200)
        self._list(now, queries)
        self.baskets.append(now.builds("watched", "Basket"))
        self.brief = [now.builds("queryset", "QuerySet"), now.builds("cursor", "CursorWrapper")]
        self.brief.append(now.builds("response", "HttpResponse"))
        if not keep:
            self.brief.append(self.baskets[-1])

    def _list(self, now: SampleRequest, queries: int) -> None:
        if not self.list_template:
            self.engine = now.builds("engine", "Engine")
            self.list_template = now.builds("template", "Template cafe/menu.html")
            self.base = now.builds("template", "Template cafe/base.html")
            now.does("compile", "cafe/menu.html", self.list_template, 800, detail="compiled")
        now.uses(self.engine)
        with (
            now.stage("template", "cafe/menu.html", self.list_template, 900),
            now.stage("template", "cafe/base.html", self.base, 600, detail="extended"),
        ):
            wrapper = self._database(now)
            for _ in range(queries):
                detail = "default · 20 rows"
                now.does("query", "SELECT cafe_dish", wrapper, 900 // queries, detail=detail)
            now.does("cache", "get", took=60, detail="hit")

    def _database(self, now: SampleRequest) -> int:
        if now.thread not in self.wrappers:
            owner = now.builds("database", "DatabaseWrapper default")
            self.wrappers[now.thread] = owner
            name = "sqlite connection default"
            self.connections[now.thread] = now.builds("connection", name, owner=owner, mortal=False)
            now.does("connection", "open default", self.connections[now.thread], detail="sqlite")
        now.uses(self.connections[now.thread])
        return self.wrappers[now.thread]


def cafe(end: bool = False) -> Process:
    """Returns a process of six requests on two threads, of which two left a basket in a list."""
    sample = Cafe()
    sample.menu(2)
    sample.menu(3)
    kept = [sample.menu(2, keep=True)]
    sample.collects(*sample.late)
    sample.late.clear()
    sample.menu(3)
    kept.append(sample.menu(2, keep=True, queries=50))
    sample.collects(*sample.late)
    sample.late.clear()
    for index, token in enumerate(kept):
        sample.held(token, f"cafe.views.RECENT[{index}]")
    sample.menu(2)
    if end:
        sample.ends()
    return sample.process()
