"""What a run found is counted, sent, added up and told right."""

from __future__ import annotations

from tests.support.journals import process
from tests.support.journals import request as plain
from tracer.model import Barrier, Birth, History, Request, Span, stages
from tracer.model.retention import Evidence, is_cached, kept_objects
from tracer.pytest_plugin.report import Cost, Findings, Left, own_times
from tracer.pytest_plugin.suite import fitting


def nested() -> Request:
    """A request through two layers, one of them with a hook; nanoseconds."""
    made = plain(1)
    spans = (
        Span(stages.MIDDLEWARE, "Outer", None, 0, 100),
        Span(stages.MIDDLEWARE, "Inner", 0, 10, 80),
        Span(stages.HOOK, "Outer.process_view", 1, 20, 25),
        Span(stages.VIEW, "shop.views.page", 1, 30, 70),
        Span(stages.QUERY, "SELECT shop", 3, 40, 60),
    )
    return Request(**{name: getattr(made, name) for name in made.__slots__} | {"spans": spans})


def test_a_layer_is_charged_with_its_own_time_alone() -> None:
    """Neither with the layers inside it nor with the view; its hooks are its own."""
    assert list(own_times(nested())) == [("Outer", 30), ("Inner", 25), ("Outer", 5)]
    findings = Findings()
    findings.served(nested())
    findings.served(nested())
    assert findings.costs == {"Outer": Cost(2, 70), "Inner": Cost(2, 50)}


def test_the_innermost_layer_is_not_charged_with_what_django_does_inside_it() -> None:
    """Finding and importing what a template needs has no row, and is no layer's work."""
    spans = (
        Span(stages.MIDDLEWARE, "Inner", None, 0, 200),
        Span(stages.QUERY, "SELECT session", 0, 5, 10),
        Span(stages.RESOLVE, "shop.views.page", 0, 20, 25),
        Span(stages.VIEW, "shop.views.page", 0, 30, 70),
        Span(stages.TEMPLATE, "page.html", 0, 170, 180),
        Span(stages.QUERY, "UPDATE session", 0, 185, 190),
    )
    made = Request(
        **{name: getattr(nested(), name) for name in Request.__slots__} | {"spans": spans}
    )
    # In: 20, of which a query took 5. Out: 20, of which another took 5.
    assert list(own_times(made)) == [("Inner", 30)]


def found() -> Findings:
    """What one worker found."""
    findings = Findings(started=True, tests=3, asking=2, collecting=1.5, searching=0.5)
    findings.served(nested())
    findings.left = [
        Left("t.py::one", "WSGIRequest", "django.WSGIRequest", "shop.RECENT[0]"),
        Left("t.py::one", "SessionStore", "django.SessionStore", "shop.RECENT[0].session"),
        Left("t.py::one", "Basket", "shop.Basket", None),
        Left("t.py::one", "Basket", "shop.Basket", None),
        Left("t.py::two", "WSGIRequest", "django.WSGIRequest", "shop.RECENT[1]"),
    ]
    return findings


def test_what_workers_found_is_added_up() -> None:
    """After it was sent as text."""
    whole = Findings()
    for _ in range(2):
        whole.add(Findings.loads(found().dumps()))
    assert (whole.started, whole.tests, whole.asking, whole.requests) == (True, 6, 4, 2)
    assert len(whole.left) == 10
    assert whole.costs["Outer"] == Cost(2, 70)
    assert whole.collecting == 3.0
    assert "3.0 s in all, and 1.0 s to look for holders." in "\n".join(whole.lines())


def test_the_report_names_what_holds_and_counts_what_it_reaches() -> None:
    """Objects whose holder is unknown stand in one line."""
    lines = list(found().lines())
    start = lines.index("  t.py::one")
    assert lines[start - 1] == "2 tests left something of their requests behind:"
    assert lines[start + 1 : start + 5] == [
        "    WSGIRequest and 1 object that it reaches, held by shop.RECENT[0]",
        "    2 Basket: what holds them was not found",
        "  t.py::two",
        "    WSGIRequest, held by shop.RECENT[1]",
    ]


def test_a_long_line_is_broken_between_words() -> None:
    """Further pieces stand under the first; a path stays whole, so that it can be copied."""
    path = "shop.views.a_module_level_name_that_is_longer_than_the_screen_is_wide[0]"
    assert fitting("    Basket", 40) == ["    Basket"]
    assert fitting(f"    Basket and 4 objects that it reaches, held by {path}", 40) == [
        "    Basket and 4 objects that it",
        "      reaches, held by",
        f"      {path}",
    ]


def story(*births: tuple[str, str]) -> History:
    """A process whose first request built these (class, holder), alive after a collection."""
    history = History()
    made = plain(1)
    born = tuple(
        Birth(100 + index, "row", cls, cls.rpartition(".")[2], made.begun, 1)
        for index, (cls, _) in enumerate(births)
    )
    fields = {name: getattr(made, name) for name in made.__slots__}
    history.feed(Request(**fields | {"births": born, "seen": (), "imports": ("decimal",)}))
    history.feed(Barrier(made.closed + 1, "tracer"))
    for index, (_, path) in enumerate(births):
        history.objects.tracked[100 + index].held_by = path
    return history


def kept(*births: tuple[str, str]) -> list[str]:
    """Names of what counts as left behind of these."""
    history = story(*births)
    history.feed(process(1))
    return [life.name for life in kept_objects(history.snapshot())]


def test_what_django_builds_and_holds_is_cached() -> None:
    """And what a URLconf's list holds; the same class in a list of the project's is not."""
    assert kept(("django.urls.URLPattern", "django.urls.cache[0]")) == []
    assert kept(("django.urls.URLPattern", "shop.urls.urlpatterns[2]")) == []
    assert kept(("django.urls.URLPattern", "shop.views.SEEN[2]")) == ["URLPattern"]
    assert kept(("shop.models.Basket", "django.dispatch.signal.receivers[0]")) == ["Basket"]


def test_what_a_function_of_django_s_remembers_is_cached() -> None:
    """Though others of its class end with their requests: an Engine is built for each plain 404."""
    engine, request = "django.template.engine.Engine", "django.core.handlers.wsgi.WSGIRequest"
    memory = "<_lru_cache_wrapper>"
    for cls, path, cached in (
        (engine, f"django.forms.renderers.get_default_renderer.{memory}.engine.engine", True),
        (engine, "django.template.engines._engines['…'].engine", True),
        (engine, f"shop.views.engines.{memory}.engine", False),
        (request, "django.conf.settings._wrapped.REQUESTS['…']", False),
        (request, f"django.utils.functional.some.{memory}[0]", False),
        ("shop.models.Basket", f"django.forms.renderers.get_default_renderer.{memory}", False),
    ):
        history = story((cls, path))
        history.feed(process(1))
        (life,) = history.snapshot().lifetimes
        seen = Evidence({cls: {"request"}}, {cls: {life.name}})
        assert is_cached(life, seen) == cached, path


def test_what_came_with_an_import_is_no_leftover() -> None:
    """A class of a module that the request imported holds it; a list in that module is no class."""
    assert kept(("shop.Query", "decimal.Decimal.queryset")) == []
    assert kept(("shop.Query", "decimal.ROUND_UP.queryset")) == ["Query"]
    assert kept(("shop.Query", "fractions.Fraction.queryset")) == ["Query"]


def test_a_class_that_later_requests_use_is_cached() -> None:
    """Whoever holds it; one that ends with requests is not."""
    history = story(("shop.Compiled", "shop.CACHE['…']"))
    (life,) = history.objects.tracked.values()
    history.feed(process(1))
    (lifetime,) = history.snapshot().lifetimes
    assert life.survived
    assert is_cached(lifetime, Evidence({"shop.Compiled": {"process"}}))
    assert not is_cached(lifetime, Evidence({"shop.Compiled": {"request"}}))
    assert not is_cached(lifetime, Evidence())


def test_what_ends_with_requests_has_its_name_too() -> None:
    """A template from a string ends with its request, and says nothing of one that a loader has."""
    history = story(("django.Template", "django.loaders[0].cache['…']"))
    history.feed(process(1))
    (lifetime,) = history.snapshot().lifetimes
    for ended, cached in (({"from a string"}, True), ({lifetime.name}, False), (set(), False)):
        seen = Evidence({"django.Template": {"request"}}, {"django.Template": ended})
        assert is_cached(lifetime, seen) == cached
