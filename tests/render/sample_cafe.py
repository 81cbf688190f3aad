"""A made-up café to draw: it has objects of every scope."""

from __future__ import annotations

from tests.render.sample_process import SampleProcess, SampleRequest
from tracer.model import Process

MIDDLEWARE = (
    "SecurityMiddleware",
    "SessionMiddleware",
    "CommonMiddleware",
    "CsrfViewMiddleware",
    "AuthenticationMiddleware",
    "MessageMiddleware",
    "XFrameOptionsMiddleware",
)


class Cafe(SampleProcess):
    """A café served by a worker with two threads."""

    def __init__(self) -> None:
        super().__init__()
        self.thread(1, "MainThread")
        self.thread(2, "ThreadPoolExecutor-0_0")
        self.thread(3, "ThreadPoolExecutor-0_1")
        self.settings, self.apps, *others = self.built(
            "before",
            ("settings", "settings"),
            ("apps", "app registry"),
            *(("model", f"model {name}") for name in ("Dish", "Order", "Session", "User")),
            *(("signal", "ModelSignal") for _ in range(8)),
        )
        self.started, self.finished = self.built(
            "before", ("signal", "Signal"), ("signal", "Signal")
        )
        self.held(self.settings, "django.conf.settings")
        for index, token in enumerate((self.apps, *others, self.started, self.finished)):
            self.held(token, f"cafe.models.ALL[{index}]")
        self.handler, *self.layers = self.built(
            "boot", ("handler", "WSGIHandler"), *(("middleware", name) for name in MIDDLEWARE)
        )
        self.resolver = self.engine = self.list_template = self.base = 0
        self.wrappers: dict[int, int] = {}
        self.connections: dict[int, int] = {}
        self.baskets: list[int] = []
        self.late: list[int] = []
        self.kept = 0

    def menu(self, thread: int = 2, keep: bool = False, queries: int = 1) -> int:
        """Serves the menu; returns the token of the basket."""
        name = f"ThreadPoolExecutor-0_{thread - 2}"
        modules = tuple(f"cafe.part_{index}" for index in range(26)) if not self.number else ()
        about = {"thread": thread, "thread_name": name, "imports": modules}
        with self.request("/menu/?page=…", **about) as now:
            now.uses(self.settings, self.apps, self.handler)
            now.does("request_started", "request_started", self.started, 20, detail="4 receivers")
            self._through(now, self.layers, keep, queries)
            now.works(1)
            now.does("response", "HttpResponse", took=0, detail="200")
            now.works(1)
            with now.stage("close", "response.close", None, 30):
                now.does(
                    "request_finished", "request_finished", self.finished, 50, detail="3 receivers"
                )
        self.dies(*self.brief)
        return self.baskets[-1]

    def keeps(self, thread: int = 2, queries: int = 1) -> None:
        """Serves the menu, and leaves the basket in a list."""
        basket = self.menu(thread, keep=True, queries=queries)
        self.held(basket, f"cafe.views.RECENT[{self.kept}]")
        self.kept += 1

    def collects_late(self) -> None:
        """Reports a full collection, which frees what waits for it."""
        self.collects(*self.late)
        self.late.clear()

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
            for index, token in enumerate((self.resolver, *self.patterns)):
                self.held(token, f"cafe.urls.RESOLVERS[{index}]")
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
            self.held(self.engine, "django.template.engines._engines['django']")
            for token in (self.list_template, self.base):
                self.held(token, f"cafe.templates.CACHE[{token}]")
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
            self.held(owner, "django.db.connections.default", "thread", now.thread)
            name = "sqlite connection default"
            self.connections[now.thread] = now.builds("connection", name, owner=owner, mortal=False)
            now.does("connection", "open default", self.connections[now.thread], detail="sqlite")
        now.uses(self.connections[now.thread])
        return self.wrappers[now.thread]


def cafe(end: bool = False) -> Process:
    """Returns a process of six requests on two threads, of which three left a basket in a list."""
    sample = Cafe()
    sample.menu(2)
    sample.menu(3)
    sample.keeps(2)
    sample.collects_late()
    sample.keeps(3)
    sample.keeps(2, queries=50)
    sample.collects_late()
    sample.walks()
    sample.menu(2)
    if end:
        sample.ends()
    return sample.process()
