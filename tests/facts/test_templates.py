"""Templates: compiled once or every time, rendered in each other, with a context for each."""

from __future__ import annotations

from typing import Any

from tests.facts.reading import around, born, every, find, inside, names, on_thread, one
from tests.facts.templates import engine
from tracer import Recording
from tracer.model import stages


def test_a_cached_template_is_compiled_once(site: Recording) -> None:
    """With the cached loader a template is compiled once and serves every request."""
    for _ in range(3):
        site.get("/page/")
    assert [len(every(request, stages.COMPILE)) for request in site.process.requests] == [1, 0, 0]
    site.assert_built_once("Template page.html")
    site.assert_scope("Template page.html", "process")
    assert one(site, "Template page.html").requests == 3


def test_without_the_cached_loader_each_request_compiles(site: Recording, settings: Any) -> None:
    """Without the cached loader each render compiles anew, and the template dies with it."""
    settings.TEMPLATES = engine(cached=False)
    for _ in range(3):
        site.get("/page/")
    assert [len(every(request, stages.COMPILE)) for request in site.process.requests] == [1, 1, 1]
    site.assert_built_per_request("Template page.html")
    site.assert_freed_with_response("Template page.html")


def test_a_cached_template_serves_all_threads(site: Recording) -> None:
    """A cached template serves all threads."""
    site.get("/page/")
    on_thread(lambda: site.get("/page/"))
    site.settle()
    template = one(site, "Template page.html")
    assert (template.threads, template.scope) == (2, "process")


def test_the_child_is_rendered_around_its_parent(site: Recording) -> None:
    """A template that extends another starts and hands over: its parent is rendered within it."""
    site.get("/page/child.html")
    request = site.request()
    parent = find(request, stages.TEMPLATE, "base.html")
    assert around(request, parent)[-1] == "child.html"


def test_an_include_is_rendered_within(site: Recording) -> None:
    """An include is rendered within the template, and the block, that includes it."""
    site.get("/page/child.html")
    request = site.request()
    part = find(request, stages.TEMPLATE, "part.html")
    assert around(request, part)[-2:] == ["child.html", "base.html"]


def test_an_include_is_compiled_when_it_is_reached(site: Recording) -> None:
    """A parent and an include are compiled while their child is rendered, when it reaches them."""
    site.get("/page/child.html")
    request = site.request()
    child = find(request, stages.TEMPLATE, "child.html")
    compiled = every(request, stages.COMPILE)
    assert [span.name for span in compiled] == ["child.html", "base.html", "part.html"]
    assert [inside(request, span, child) for span in compiled] == [False, True, True]


def test_an_include_in_a_loop_is_compiled_once(
    site: Recording, dishes: None, settings: Any
) -> None:
    """An include in a loop is compiled once per rendering and rendered each time round."""
    settings.TEMPLATES = engine(cached=False)
    site.get("/page/list.html")
    request = site.request()
    assert names(request, stages.COMPILE) == ["list.html", "row.html"]
    assert len(every(request, stages.TEMPLATE, "row.html")) == 3


def test_a_request_context_waits_for_the_collector(site: Recording) -> None:
    """A RequestContext dies only when the collector runs, for it and its layers hold each other."""
    site.get("/page/")
    site.get("/page/")
    contexts = born(site, "RequestContext")
    assert [life.built_in for life in contexts] == [1, 2]
    assert {life.freed for life in contexts} == {None}
    site.settle()
    assert {life.freed for life in born(site, "RequestContext")} == {"collector"}
    assert {life.scope for life in born(site, "RequestContext")} == {"request"}


def test_a_template_from_text_is_compiled_each_time(site: Recording) -> None:
    """A template from a string is compiled each time, and dies with its response."""
    site.get("/text/")
    site.get("/text/")
    assert [len(every(request, stages.COMPILE)) for request in site.process.requests] == [1, 1]
    lives = [life for life in site.process.lifetimes if life.kind == "template" and life.built_in]
    assert len(lives) == 2
    assert {(life.freed, life.freed_after) for life in lives} == {("response", 0)}


def test_a_lazy_queryset_read_twice_asks_once(site: Recording, dishes: None) -> None:
    """A QuerySet that a template walks twice asks the database once."""
    site.get("/page/twice.html")
    assert names(site.request(), stages.QUERY) == ["SELECT cafe_dish"]


def test_a_template_can_ask_for_every_row(site: Recording, dishes: None) -> None:
    """A template that follows a relation in a loop asks the database once for each row."""
    site.get("/page/headings.html")
    request = site.request()
    asked = every(request, stages.QUERY, "SELECT cafe_category")
    assert len(asked) == 3
    template = find(request, stages.TEMPLATE, "headings.html")
    assert all(inside(request, query, template) for query in asked)


def test_the_engine_is_built_once(site: Recording) -> None:
    """The template engine is built by the first request that renders, and serves all others."""
    site.get("/plain/")
    assert [
        life for life in site.process.lifetimes if life.kind == "engine" and life.built_in
    ] == []
    site.get("/page/")
    site.get("/page/")
    site.settle()
    engine_life = one(site, "DjangoTemplates")
    assert (engine_life.built_in, engine_life.requests, engine_life.scope) == (2, 2, "process")
