"""The hourglass holds: capture and rendering know the model, and never each other."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "tracer"
MAY = {
    "model": {"model"},
    "bootstrap": {"bootstrap", "tracer_startup", "tracer_import_log", "sitecustomize"},
    "recorder": {"recorder", "model"},
    "probes": {"probes", "recorder", "model", "django", "asgiref"},
    "journal": {"journal", "model"},
    "render": {"render", "model", "rich"},
    "application": {"application", "django"},
    "servers": {"servers", "application", "model", "journal", "bootstrap"},
}
"""Part to what its modules may import, beside the standard library."""
LATE = {"tracer_startup.py"}
"""It runs in every Python, so it imports late: what it imports, the application no longer does."""
FILES = sorted(PACKAGE.rglob("*.py"))


def imported(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Every import in a module, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert not node.level, "imports are absolute here"
            if node.module == "tracer":
                yield from ((node, f"tracer.{alias.name}") for alias in node.names)
            else:
                yield node, node.module


def part_of(dotted: str) -> str:
    """What the table calls it: a part of the package, or a distribution."""
    top, _, rest = dotted.partition(".")
    return rest.partition(".")[0] if top == "tracer" else top


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_part_imports_only_what_the_table_allows(path: Path) -> None:
    """And no import hides in a function to dodge a circle."""
    tree = ast.parse(path.read_text())
    part = path.relative_to(PACKAGE).parts[0]
    allowed = MAY.get(part)
    top_level = {
        id(node) for node in ast.walk(tree) if isinstance(node, ast.Module | ast.If | ast.Try)
    }
    homes = {
        id(child)
        for node in ast.walk(tree)
        if id(node) in top_level
        for child in ast.iter_child_nodes(node)
    }
    for node, dotted in imported(tree):
        if path.name not in LATE or part_of(dotted) not in sys.stdlib_module_names:
            assert id(node) in homes, f"{path.name} hides the import of {dotted} in a function"
        if allowed is not None and part_of(dotted) not in sys.stdlib_module_names:
            assert part_of(dotted) in allowed, f"{path.name} imports {dotted}"


def test_there_is_no_drawer_for_odds_and_ends() -> None:
    """Every file has one clear reason to exist, and its first line says which."""
    assert not [path for path in FILES if path.stem in ("utils", "helpers", "common", "misc")]
    for path in FILES:
        assert ast.get_docstring(ast.parse(path.read_text())), f"{path} does not say what it is"


def test_every_module_is_part_of_what_is_installed() -> None:
    """A directory that is no package comes along only if it is named."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    named = project["tool"]["setuptools"]["package-data"]["tracer"]
    loose = [path for path in FILES if not (path.parent / "__init__.py").exists()]
    assert [path for path in loose if not any(path.match(f"tracer/{each}") for each in named)] == []


def test_importing_every_module_of_the_tracer_patches_nothing() -> None:
    """Only installing does."""
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in FILES
        if path.stem not in ("__main__", "__init__")
    ]
    code = f"""
import gc, importlib, sys
import django.conf
django.conf.settings.configure()
from django.core.handlers import asgi, base, wsgi
from django.dispatch import Signal
owners = (base, base.BaseHandler, wsgi.WSGIHandler, wsgi.WSGIRequest, asgi.ASGIHandler, Signal)
before = [dict(vars(owner)) for owner in owners]
finders, callbacks = list(sys.meta_path), list(gc.callbacks)
for name in {names!r}:
    importlib.import_module(name)
assert [dict(vars(owner)) for owner in owners] == before
assert sys.meta_path == finders and gc.callbacks == callbacks
print("untouched")
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=180, cwd=ROOT
    )
    assert ran.stdout == "untouched\n", ran.stderr
