"""The process: what is there before the first request, and what the first request pays for."""

from __future__ import annotations

from tracer.model import Lifetime, Process


def lives(process: Process, kind: str) -> list[Lifetime]:
    """The lifetimes of one kind."""
    return [life for life in process.lifetimes if life.kind == kind]


def life(process: Process, kind: str, name: str = "") -> Lifetime:
    """The only lifetime of this kind whose name contains `name`."""
    (found,) = [one for one in lives(process, kind) if name in one.name]
    return found


def test_the_settings_are_read_once(fresh: Process) -> None:
    """The settings are read once, before any request, and serve every request."""
    settings = life(fresh, "settings")
    assert settings.built_in is None
    assert settings.scope == "process"
    assert settings.requests == fresh.served == 5


def test_the_app_registry_is_filled_once(fresh: Process) -> None:
    """The app registry is filled once, before any request, and serves every request."""
    apps = life(fresh, "apps")
    assert (apps.built_in, apps.scope, apps.requests) == (None, "process", 5)


def test_there_is_one_handler(fresh: Process) -> None:
    """One handler, built before the first request, takes every request of the process."""
    handler = life(fresh, "handler")
    assert (handler.built_in, handler.scope, handler.requests) == (None, "process", 5)


def test_the_connection_and_cache_handlers_are_there_before_any_request(fresh: Process) -> None:
    """`connections` and `caches` exist before any request; what they hand out comes later."""
    for kind in ("connections", "caches"):
        assert life(fresh, kind).built_in is None
        assert life(fresh, kind).scope == "process"
    assert lives(fresh, "connection") == []


def test_the_request_signals_belong_to_the_process(fresh: Process) -> None:
    """The request signals are objects of the process: built at import, sent by every request."""
    started = [one for one in lives(fresh, "signal") if one.requests == 5]
    assert len(started) == 2  # request_started and request_finished
    assert {(one.built_in, one.scope) for one in started} == {(None, "process")}


def test_only_the_first_request_imports(fresh: Process) -> None:
    """The first request imports modules that the second finds loaded."""
    first, second, third = fresh.requests[:3]
    assert first.imports
    assert second.imports == third.imports == ()


def test_the_urlconf_is_imported_by_the_first_request(fresh: Process) -> None:
    """The URLconf, and the views with it, are imported inside the first request."""
    assert {"cafe_site.urls", "cafe.urls", "cafe.views"} <= set(fresh.requests[0].imports)


def test_resolvers_are_built_by_the_first_request(fresh: Process) -> None:
    """Resolvers and patterns are built inside the first request, and stay for the process."""
    resolvers = lives(fresh, "resolver")
    assert resolvers
    assert {one.built_in for one in resolvers + lives(fresh, "pattern")} == {1}
    assert {one.freed for one in resolvers} == {"process"}
    root = next(one for one in resolvers if one.name == "URLResolver ^/")
    assert (root.scope, root.requests) == ("process", 5)


def test_nothing_that_stays_is_built_by_the_second_request(fresh: Process) -> None:
    """The first request leaves lasting objects behind; the second and the third leave none."""

    def lasting(number: int) -> int:
        return sum(one.built_in == number and one.freed == "process" for one in fresh.lifetimes)

    assert lasting(1) > 40
    assert lasting(2) == lasting(3) == 0


def test_the_template_engine_waits_for_the_first_template(fresh: Process) -> None:
    """The template engine is built by the first request that renders, not by the first request."""
    # One more, of the debugging page's own, is built at import and never used.
    engines = [one for one in lives(fresh, "engine") if one.requests]
    assert {one.cls.rpartition(".")[2] for one in engines} == {"DjangoTemplates", "Engine"}
    assert {one.built_in for one in engines} == {4}


def test_each_new_kind_of_page_warms_again(fresh: Process) -> None:
    """Each new kind of page pays its own first time: later imports, and templates compiled once."""
    new, again = fresh.requests[3:]
    assert new.imports
    assert again.imports == ()
    built = [one.built_in for one in lives(fresh, "template")]
    assert built
    assert set(built) == {new.number}


def test_models_are_classes_of_the_process(fresh: Process) -> None:
    """Model classes and app configurations are built by `django.setup`, before any request."""
    assert {one.built_in for one in lives(fresh, "model") + lives(fresh, "app")} == {None}
    assert "model Dish" in {one.name for one in lives(fresh, "model")}
