"""Views: what is called anew, what was there all along, and what happens after they return."""

from __future__ import annotations

from collections.abc import Callable

from tests.facts.reading import born, find, inside, names, one
from tests.facts.site import Classy, Headed
from tracer import Recording
from tracer.model import stages


def test_a_class_based_view_is_built_anew_for_each_request(site: Recording) -> None:
    """A class-based view is built anew for each request."""
    for _ in range(3):
        site.get("/classy/")
    site.assert_built_per_request(Classy)
    assert find(site.request(), stages.VIEW).object == born(site, "Classy")[-1].id


def test_a_class_based_view_waits_for_the_collector(site: Recording) -> None:
    """A class-based view dies only when the collector runs, for its `head` is its own `get`."""
    site.get("/classy/")
    assert one(site, "Classy").died_at is None
    site.settle()
    view = one(site, "Classy")
    assert (view.scope, view.freed) == ("request", "collector")


def test_a_head_of_its_own_frees_a_view(site: Recording, settings: object) -> None:
    """A class-based view that defines `head` itself is in no cycle, and dies with its response."""
    site.get("/headed/")
    site.assert_freed_with_response(Headed)


def test_a_function_view_is_never_built(site: Recording) -> None:
    """A function view is never built: it is the same function in every request."""
    site.get("/plain/")
    site.get("/plain/")
    for request in site.process.requests:
        view = find(request, stages.VIEW)
        assert (view.name, view.object) == ("tests.facts.site.plain", None)
    assert [life for life in site.process.lifetimes if life.kind == "view" and life.built_in] == []


def test_the_name_survives_decorators(site: Recording) -> None:
    """A decorated view is known by its own name, thanks to functools.wraps."""
    site.get("/decorated/")
    assert find(site.request(), stages.VIEW).name == "tests.facts.site.decorated"


def test_a_partial_is_a_view_without_a_name(site: Recording) -> None:
    """A functools.partial is a view too, but Django knows it by no name of its own."""
    assert site.get("/brew/").body == b"green"
    assert find(site.request(), stages.VIEW).name == "functools.partial"


def test_the_method_is_chosen_by_the_instance(layers: Callable[..., Recording]) -> None:
    """Which method of a class-based view answers is decided for each request."""
    site = layers()
    site.get("/classy/")
    site.post("/classy/")
    assert [request.status for request in site.process.requests] == [200, 405]
    assert find(site.request(1), stages.VIEW).name == "tests.facts.site.Classy.get"


def test_a_method_that_the_class_lacks_is_not_called(layers: Callable[..., Recording]) -> None:
    """A class-based view answers 405 itself where it has no method for the request."""
    site = layers()
    assert site.ask("DELETE", "/classy/").status == 405
    assert find(site.request(), stages.VIEW).name == "tests.facts.site.Classy"
    assert find(site.request(), stages.VIEW).detail == "new instance"


def test_render_renders_inside_the_view(site: Recording) -> None:
    """render() renders inside the view."""
    site.get("/page/")
    request = site.request()
    assert inside(request, find(request, stages.TEMPLATE), find(request, stages.VIEW))


def test_a_template_response_renders_after_the_view(site: Recording) -> None:
    """A TemplateResponse is rendered after the view has returned, and inside all middleware."""
    site.get("/late/")
    request = site.request()
    view, template = find(request, stages.VIEW), find(request, stages.TEMPLATE)
    site.assert_order("view", "template")
    assert view.end <= template.start
    for layer in request.spans:
        if layer.stage == stages.MIDDLEWARE:
            assert inside(request, template, layer)


def test_a_lazy_query_runs_in_the_template(site: Recording, dishes: None) -> None:
    """A lazy QuerySet runs its query where it is first read: in the template."""
    site.get("/late/list/")
    request = site.request()
    query = find(request, stages.QUERY)
    assert inside(request, query, find(request, stages.TEMPLATE, "list.html"))
    assert not inside(request, query, find(request, stages.VIEW))


def test_a_form_waits_for_the_collector_once_it_is_drawn(site: Recording) -> None:
    """A form that was drawn dies only when the collector runs; one left alone dies at once."""
    site.get("/form/")
    site.get("/form/unread/")
    drawn, unread = born(site, "Note")
    assert drawn.died_at is None
    assert (unread.freed, unread.freed_after) == ("response", 0)
    site.settle()
    assert born(site, "Note")[0].freed == "collector"


def test_the_menu_asks_twice(recording: Recording, dishes: None) -> None:
    """A paginated ListView counts in the view and selects in the template."""
    recording.get("/menu/")
    request = recording.request()
    recording.assert_max_queries(2)
    counted, selected = (span for span in request.spans if span.stage == stages.QUERY)
    assert inside(request, counted, find(request, stages.VIEW))
    assert not inside(request, selected, find(request, stages.VIEW))
    assert "cafe/menu.html" in names(request, stages.TEMPLATE)
