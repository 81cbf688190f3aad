"""Django system checks for the tracer's settings, and for the interpreter that it runs in.

All are warnings, because an error would keep `runserver` and `migrate` from starting, and the
tracer must never be the reason for that. No check imports a module or creates a directory: the
project would no longer be seen to do so itself.
"""

from __future__ import annotations

import ast
import importlib.util
import os
import sys
from collections.abc import Iterable, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core import checks

from tracer import conf
from tracer.recorder import interpreter

MIDDLEWARE: Final = "tracer.middleware.TracerMiddleware"
TAG: Final = "tracer"

_SCOPES: Final = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def register() -> None:
    """Registers the checks; doing so again changes nothing."""
    checks.register(check_settings, TAG)


def check_settings(app_configs: Any = None, **kwargs: Any) -> list[checks.CheckMessage]:
    """Returns a warning for everything that is wrong with the tracer's settings."""
    config, problems = conf.load(settings, os.environ)
    found = [*problems, *_watch(config.watch), *_middleware()]
    if config.enabled:
        found += _interpreter()
    if config.enabled and config.journal is not None:
        found += _journal(config.journal)
    return [checks.Warning(problem.message, hint=problem.hint, id=problem.id) for problem in found]


def _middleware() -> Iterator[conf.Problem]:
    listed = getattr(settings, "MIDDLEWARE", None)
    if not isinstance(listed, list | tuple):
        return
    places = [place for place, path in enumerate(listed) if path == MIDDLEWARE]
    if len(places) > 1:
        yield conf.Problem(
            "tracer.W012",
            f"{MIDDLEWARE} is listed {len(places)} times in MIDDLEWARE.",
            "List it once, or not at all: it then takes the outermost place by itself.",
        )
    elif places and places[0] > 0:
        yield conf.Problem(
            "tracer.W011",
            f"{MIDDLEWARE} is not the first in MIDDLEWARE; it does not see the request that the "
            "layers before it are given.",
            "Move it to the top, or take it out: it then takes the outermost place by itself.",
        )


def _interpreter() -> Iterator[conf.Problem]:
    why = interpreter.unsupported()
    if why is not None:
        yield conf.Problem("tracer.W013", f"The tracer does not watch. It is {why[0]}.", why[1])


def _journal(directory: Path) -> Iterator[conf.Problem]:
    """Yields a problem if the directory cannot be written; creates nothing."""
    nearest = directory
    while not os.path.exists(nearest) and nearest != nearest.parent:
        nearest = nearest.parent
    if not os.path.isdir(nearest):
        reason = f"{nearest} is not a directory"
    elif not os.access(nearest, os.W_OK | os.X_OK):
        reason = f"{nearest} may not be written by this user"
    else:
        return
    yield conf.Problem(
        "tracer.W010",
        f"The journal's directory, {directory}, cannot be used: {reason}.",
        'Let TRACER["JOURNAL"] or TRACER_JOURNAL name a directory that the server may write.',
    )


def _watch(paths: Iterable[str]) -> Iterator[conf.Problem]:
    for path in paths:
        wrong = unwatchable(path)
        if wrong is not None:
            id_, message = wrong
            hint = 'Name classes as in "shop.models.Basket", by the module that defines them.'
            yield conf.Problem(id_, f'TRACER["WATCH"] names {path}, but {message}.', hint)


def unwatchable(path: str) -> tuple[str, str] | None:
    """Returns the id and the reason why a class cannot be watched; None if it seems to be fine."""
    name, _, cls = path.rpartition(".")
    module = sys.modules.get(name)
    if module is not None:
        if cls not in vars(module):
            return "tracer.W009", f"{name} has no {cls}"
        if not isinstance(vars(module)[cls], type):
            return "tracer.W009", f"{cls} is not a class"
        return None
    spec = _spec(name)
    if spec is None:
        return "tracer.W008", f"there is no module {name}"
    names = _defined(spec)
    if names is None or cls in names:
        return None
    return "tracer.W009", f"{name} has no {cls}"


def _spec(name: str) -> ModuleSpec | None:
    """Finds a module as an import would, but imports neither it nor its parents."""
    try:
        top, *rest = name.split(".")
        spec = importlib.util.find_spec(top)
        for part in rest:
            if spec is None or spec.submodule_search_locations is None:
                return None
            top = f"{top}.{part}"
            spec = PathFinder.find_spec(top, list(spec.submodule_search_locations))
        return spec
    except Exception:  # a finder of the project's own may raise anything
        return None


def _defined(spec: ModuleSpec) -> set[str] | None:
    """Returns the names that a module's source binds; None where that cannot be known."""
    get_source = getattr(spec.loader, "get_source", None)
    try:
        source = get_source(spec.name) if get_source is not None else None
        tree = ast.parse(source) if source is not None else None
    except Exception:  # no source, or none that parses: the import will show it
        return None
    names = set(_bound(tree.body)) if tree is not None else {"*"}
    return None if "*" in names or "__getattr__" in names else names


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yields each name that these statements bind, "*" for any; not those inside functions."""
    for statement in body:
        for node in [statement] if isinstance(statement, _SCOPES) else ast.walk(statement):
            if isinstance(node, _SCOPES):
                yield node.name
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    yield alias.asname or alias.name.partition(".")[0]
