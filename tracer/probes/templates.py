"""Templates: each compiled once and rendered many times, with includes and parents nested in it.

Rendering is watched at `Template.render` and `ExtendsNode.render`. `Template._render` is left
alone, because Django's own test environment replaces it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tracer.model import stages
from tracer.probes.imports import Imports
from tracer.recorder import plain_values
from tracer.recorder.hidden_frames import drop_own_frames, hide_functions
from tracer.recorder.patching import Patches
from tracer.recorder.recorder import Recorder
from tracer.recorder.timing import timed
from tracer.recorder.trace import current


def install(recorder: Recorder, patches: Patches, imports: Imports) -> None:
    """Watches compiling and rendering."""
    parents = _Parents(recorder)

    def describe(_trace: Any, args: Any, _result: Any) -> tuple[int | None, str, str]:
        template = args[0]
        return recorder.weakrefs.token_of(template), _name(template), ""

    def templates(base: Any) -> None:
        patches.wrap(
            base.Template, "render", lambda call: timed(recorder, stages.TEMPLATE, call, describe)
        )
        patches.wrap(base.Template, "__init__", lambda call: _init_wrapper(recorder, call))

    def inheritance(tags: Any) -> None:
        patches.wrap(tags.ExtendsNode, "render", parents.render)
        patches.wrap(tags.ExtendsNode, "get_parent", parents.get_parent)

    def engines(name: str, method: str) -> Callable[[Any], None]:
        return lambda module: patches.wrap(
            getattr(module, name), method, lambda call: _engine_wrapper(recorder, call)
        )

    imports.when("django.template.engine", engines("Engine", "find_template"))
    imports.when("django.template.backends.django", engines("DjangoTemplates", "get_template"))
    imports.when("django.template.base", templates)
    imports.when("django.template.loader_tags", inheritance)


def _engine_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    """Wraps a method of an engine: the request in flight uses the engine."""
    see = recorder.sighting()

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        see(self)
        try:
            return call(self, *args, **kwargs)
        except BaseException as exc:
            drop_own_frames(exc)
            raise

    return method


def _name(template: Any) -> str:
    name = vars(template).get("name")
    return plain_values.text(name) if isinstance(name, str) else "a template from a string"


def _init_wrapper(recorder: Recorder, call: Callable[..., Any]) -> Any:
    def describe(_trace: Any, args: Any, _result: Any) -> tuple[int | None, str, str]:
        return recorder.weakrefs.token_of(args[0]), _name(args[0]), "compiled"

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        call(self, *args, **kwargs)
        try:
            recorder.born(self, "template", f"Template {_name(self)}")
        except Exception as fault:
            recorder.fault("template", fault)

    return timed(recorder, stages.COMPILE, __init__, describe)


class _Parents:
    """The parent template that each `{% extends %}` being rendered has found."""

    def __init__(self, recorder: Recorder) -> None:
        self.recorder = recorder
        self.found: dict[tuple[int, int], tuple[int | None, str]] = {}
        """(address of the node, of the context) to (token, name) of the parent."""

    def render(self, call: Callable[..., Any]) -> Any:
        """Wraps `ExtendsNode.render`."""

        def describe(_trace: Any, args: Any, _result: Any) -> tuple[int | None, str, str]:
            found = self.found.pop((id(args[0]), id(args[1])), None)
            token, name = found or (None, "a parent template")
            return token, name, "extended"

        return timed(self.recorder, stages.TEMPLATE, call, describe)

    def get_parent(self, call: Callable[..., Any]) -> Any:
        """Wraps `ExtendsNode.get_parent`."""

        def get_parent(node: Any, context: Any) -> Any:
            try:
                parent = call(node, context)
            except BaseException as exc:
                drop_own_frames(exc)
                raise
            try:
                trace = current.get()
                if trace is not None and not trace.closed:
                    known = self.recorder.weakrefs.token_of(parent), _name(parent)
                    self.found[id(node), id(context)] = known
            except Exception as fault:
                self.recorder.fault("template", fault)
            return parent

        return get_parent


hide_functions(__name__)
