"""Middleware: built once with its handler, entered and left by every request."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cafe import views

from tests.facts.reading import around, born, every, find, inside, names, one
from tracer import Recording
from tracer.model import Request, stages

Layers = Callable[..., Recording]


def entered(request: Request) -> list[str]:
    """Middlewares in the order in which the request entered them."""
    return names(request, stages.MIDDLEWARE)


def test_each_middleware_is_built_once_and_serves_every_request(recording: Recording) -> None:
    """Each middleware is built once and serves every request."""
    for _ in range(3):
        recording.get("/hello/")
    recording.assert_built_once("SessionMiddleware")
    recording.assert_scope("SessionMiddleware", "process")
    life = one(recording, "SessionMiddleware")
    assert (life.phase, life.requests) == ("boot", 3)


def test_the_last_in_the_list_is_built_first(layers: Layers) -> None:
    """The last middleware of the list is built first, for each is handed the one below it."""
    site = layers("Outer", "Middle", "Inner")
    site.get("/plain/")
    outer, middle, inner = (one(site, name).id for name in ("Outer", "Middle", "Inner"))
    assert inner < middle < outer


def test_the_first_in_is_the_last_out(layers: Layers) -> None:
    """Middleware is entered in the order of the list and left in the reverse order."""
    site = layers("Outer", "Middle", "Inner")
    site.get("/plain/")
    site.assert_order("Outer", "Middle", "Inner", "resolve", "view")
    request = site.request()
    spans = every(request, stages.MIDDLEWARE)
    assert sorted(spans, key=lambda span: span.end)[0].name == "Inner"
    assert around(request, find(request, stages.VIEW)) == ["Outer", "Middle", "Inner"]


def test_a_middleware_that_answers_keeps_the_rest_out(layers: Layers) -> None:
    """A middleware that answers by itself keeps the request from everything below it."""
    site = layers("Outer", "Guard", "Inner")
    assert site.get("/plain/").body == b"stopped"
    request = site.request()
    assert entered(request) == ["Outer", "Guard"]
    assert every(request, stages.RESOLVE) == every(request, stages.VIEW) == []


def test_middleware_not_used_is_left_out(layers: Layers) -> None:
    """A middleware that raises MiddlewareNotUsed while it is built is in no request's way."""
    site = layers("Outer", "Absent", "Inner")
    site.get("/plain/")
    assert entered(site.request()) == ["Outer", "Inner"]
    assert born(site, "Absent") == []


def test_a_middleware_can_be_a_function(layers: Layers) -> None:
    """A middleware can be a function: what it returns is built once and lives as long."""
    site = layers("function")
    site.get("/plain/")
    site.get("/plain/")
    life = one(site, "function")
    assert (life.cls, life.scope, life.requests) == ("builtins.function", "process", 2)


def test_the_mixin_is_one_layer(layers: Layers) -> None:
    """A MiddlewareMixin is one layer like any other; its process_request can answer for all."""
    site = layers("Mixed", "Inner")
    assert ("X-Mixed", "yes") in site.get("/plain/").headers
    assert entered(site.request()) == ["Mixed", "Inner"]
    answer = site.get("/plain/?stop=1")
    assert answer.body == b"stopped"
    assert ("X-Mixed", "yes") in answer.headers
    assert entered(site.request()) == ["Mixed"]


def test_async_only_middleware_under_wsgi_leaves_the_thread(layers: Layers) -> None:
    """Under WSGI an async-only middleware runs on another thread; a sync view below comes back."""
    site = layers("Outer", "only_async", "Inner")
    assert site.get("/plain/").body == b"plain"
    request = site.request()
    assert entered(request) == ["Outer", "only_async", "Inner"]
    outer, odd, inner = every(request, stages.MIDDLEWARE)
    assert odd.thread != outer.thread
    assert inner.thread == outer.thread == find(request, stages.VIEW).thread


def test_sync_only_middleware_under_asgi_leaves_the_loop(layers: Layers) -> None:
    """Under ASGI a sync-only middleware runs on another thread than the event loop."""
    site = layers("only_sync", "both")
    site.agets("/async/")
    request = site.request()
    assert find(request, stages.MIDDLEWARE, "only_sync").thread != request.thread
    assert find(request, stages.MIDDLEWARE, "both").thread == request.thread


def test_the_layer_below_decides_the_shape(layers: Layers) -> None:
    """Under ASGI a middleware for both worlds is built synchronous if the one below it is."""
    site = layers("both", "only_sync")
    site.agets("/async/")
    request = site.request()
    both, sync = every(request, stages.MIDDLEWARE)
    assert both.thread == sync.thread != request.thread
    assert find(request, stages.VIEW).thread == request.thread


def test_middleware_for_both_worlds_stays_where_it_is(layers: Layers) -> None:
    """A middleware for both worlds switches no thread, neither under WSGI nor under ASGI."""
    site = layers("both")
    site.get("/plain/")
    site.agets("/async/")
    assert len(born(site, "both")) == 2
    for request in site.process.requests:
        assert {find(request, stages.MIDDLEWARE).thread} == {request.thread}
        assert find(request, stages.VIEW).thread == request.thread


def test_process_view_comes_between(layers: Layers) -> None:
    """process_view runs after the URL is resolved and before the view, outermost first."""
    site = layers("Hooked", "HookedToo")
    site.get("/plain/")
    site.assert_order("resolve", "Hooked.process_view", "HookedToo.process_view", "view")
    request = site.request()
    hooks = every(request, stages.HOOK)
    assert find(request, stages.RESOLVE).end <= hooks[0].start
    assert hooks[-1].end <= find(request, stages.VIEW).start


def test_process_view_can_spare_the_view(layers: Layers) -> None:
    """A process_view that answers spares the view, and the process_view hooks after it."""
    site = layers("Hooked", "Impatient", "HookedToo")
    assert site.get("/plain/").body == b"no need"
    request = site.request()
    assert names(request, stages.HOOK) == ["Hooked.process_view", "Impatient.process_view"]
    assert every(request, stages.VIEW) == []
    assert entered(request) == ["Hooked", "Impatient", "HookedToo"]


def test_process_template_response_comes_before_rendering(layers: Layers) -> None:
    """process_template_response runs after the view and before rendering, innermost first."""
    site = layers("Hooked", "HookedToo")
    site.get("/late/")
    named = (f"{layer}.process_template_response" for layer in ("HookedToo", "Hooked"))
    site.assert_order("view", *named, "template")
    request = site.request()
    hooks = every(request, stages.HOOK, "process_template_response")
    assert find(request, stages.VIEW).end <= hooks[0].start
    assert hooks[-1].end <= find(request, stages.TEMPLATE).start


def test_process_template_response_is_for_lazy_responses_alone(layers: Layers) -> None:
    """process_template_response is not called for a response that is rendered already."""
    site = layers("Hooked")
    site.get("/page/")
    assert names(site.request(), stages.HOOK) == ["Hooked.process_view"]


def test_process_exception_goes_inside_out(layers: Layers) -> None:
    """process_exception runs innermost first, and the first that answers ends the round."""
    site = layers("Hooked", "Rescue", "HookedToo")
    assert site.get("/fail/500/").body == b"rescued"
    hooks = every(site.request(), stages.HOOK, "process_exception")
    assert [hook.name.partition(".")[0] for hook in hooks] == ["HookedToo", "Rescue"]


def test_process_exception_is_for_views_alone(layers: Layers) -> None:
    """process_exception is not called for an exception that a middleware raised."""
    site = layers("Rescue", "Broken")
    site.get("/plain/")
    assert find(site.request(), stages.CONVERT).name == "LookupError → 500"
    assert every(site.request(), stages.HOOK) == []


def test_what_a_middleware_keeps_on_self_is_there_in_the_next_request(layers: Layers) -> None:
    """What a middleware keeps on `self` is there in the next request: it is the same object."""
    site = layers("Remembers")
    site.get("/classy/")
    assert ("X-Before", "/classy/") in site.get("/plain/").headers
    first, second = site.process.requests
    objects = {find(request, stages.MIDDLEWARE).object for request in (first, second)}
    assert objects == {one(site, "Remembers").id}


def test_each_handler_has_a_chain_of_its_own(layers: Layers) -> None:
    """Each handler builds a chain of its own: once per process means once per handler."""
    site = layers("Outer")
    site.get("/plain/")
    site.handlers.clear()
    site.get("/plain/")
    first, second = site.process.requests
    assert len(born(site, "Outer")) == len(born(site, "WSGIHandler")) == 2
    assert find(first, stages.MIDDLEWARE).object != find(second, stages.MIDDLEWARE).object


def test_middleware_dies_with_its_handler(layers: Layers) -> None:
    """Middleware dies with its handler."""
    site = layers("Outer")
    site.get("/plain/")
    assert one(site, "Outer").died_at is None
    site.handlers.clear()
    site.settle()
    assert one(site, "Outer").died_at is not None


def test_hooks_belong_to_the_one_middleware_object(layers: Layers) -> None:
    """The hooks of a middleware are methods of the object that the request entered."""
    site = layers("Hooked")
    site.get("/plain/")
    request = site.request()
    hook, layer = find(request, stages.HOOK), find(request, stages.MIDDLEWARE)
    assert hook.object == layer.object is not None
    assert inside(request, hook, layer)


def test_the_defaults_wrap_the_view_seven_times(recording: Recording, settings: Any) -> None:
    """The seven default middlewares are entered and left around the smallest of views."""
    recording.get("/hello/")
    wanted = [path.rpartition(".")[2] for path in settings.MIDDLEWARE]
    request = recording.request()
    assert around(request, find(request, stages.VIEW)) == wanted
    assert len(wanted) == 7
    assert find(request, stages.VIEW).name == f"cafe.views.{views.hello.__name__}"
