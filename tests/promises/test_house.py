"""The house: which rooms there are, what may import what, and how long anything may be."""

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
ROOMS = {
    "conf": set(),
    "checks": {"conf", "recorder"},
    "model": {"conf"},
    "recorder": {"model", "conf"},
    "heap": {"recorder", "model", "conf"},
    "probes": {"heap", "recorder", "model", "conf"},
    "journal": {"model"},
    "render": {"model"},
    "runtime": {"render", "journal", "probes", "heap", "recorder", "model", "checks", "conf"},
    "recording": {
        "runtime", "render", "journal", "probes", "heap", "recorder", "model", "checks", "conf",
    },
    "bootstrap": {"recorder", "conf", "runtime"},
    "application": set(),
    "pytest_plugin": {
        "recording", "runtime", "render", "journal", "probes", "heap", "recorder", "model", "conf",
    },
    "servers": {"application", "bootstrap", "journal", "model"},
    "compare": {"servers", "journal", "render", "model"},
    "cli": {"compare", "servers", "bootstrap", "render", "journal", "model", "conf"},
    "apps": {"runtime", "recorder", "checks", "conf"},
    "middleware": {"runtime", "recorder"},
    "__main__": {"cli"},
    "__init__": {"recording"},
}  # fmt: skip
"""Room to the rooms that its modules may import. A room not named here does not exist."""
LAYERS = {
    "layout": set(),
    "formats": {"layout"},
    "pictures": {"layout", "formats"},
    "page": {"layout", "formats", "pictures"},
}
"""The layers of `render/`, likewise."""
DISTRIBUTIONS = {
    "conf": {"django"},
    "checks": {"django"},
    "probes": {"django", "asgiref"},
    "render": {"rich"},
    "runtime": {"django", "rich"},
    "recording": {"django", "rich"},
    "application": {"django"},
    "compare": {"rich"},
    "cli": {"rich"},
    "pytest_plugin": {"pytest", "django"},
    "apps": {"django"},
    "middleware": {"django", "asgiref"},
}
"""Room to what its modules may import beside the tracer and the standard library."""
LATE = "startup"
"""Its files run in every Python and import late: what they import, the application does not."""
BY_NAME = {
    "__init__.py": {"tracer.recording"},
    "bootstrap/startup/tracer_startup.py": {
        "tracer.recorder.interpreter", "tracer.probes.django_boot", "tracer.runtime.startup",
    },
    "pytest_plugin/plugin.py": {
        "tracer.pytest_plugin.suite", "tracer.pytest_plugin.fixture", "tracer.model.known",
    },
    "pytest_plugin/suite.py": {"tracer.pytest_plugin.attribution"},
}  # fmt: skip
"""What is imported by name, when it is first needed: each where nothing may be loaded before."""
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


def room_of(path: Path) -> str:
    """The room that a file lies in; for a file at the top, its own name."""
    part = path.relative_to(PACKAGE).parts[0]
    return part.removesuffix(".py")


def inside(dotted: str) -> list[str]:
    """The parts of a module's name below the package."""
    return dotted.split(".")[1:]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_room_imports_only_what_the_table_allows(path: Path) -> None:
    """Rooms below know nothing of the rooms above, and no import closes a circle."""
    room = room_of(path)
    startup = {each.stem for each in path.parent.iterdir()} if path.parent.name == LATE else set()
    for _, dotted in imported(ast.parse(path.read_text())):
        top = dotted.partition(".")[0]
        if top == "tracer":
            other = (inside(dotted) or ["__init__"])[0]
            if other not in ROOMS:  # a name of the package itself, such as its version
                continue
            assert other == room or other in ROOMS[room], f"{room} imports {dotted}"
        elif not (top in sys.stdlib_module_names or top.startswith("_") or top in startup):
            assert top in DISTRIBUTIONS.get(room, set()), f"{room} imports {dotted}"


@pytest.mark.parametrize(
    "path", [path for path in FILES if room_of(path) == "render"], ids=lambda path: path.name
)
def test_the_layers_of_render_import_only_those_below(path: Path) -> None:
    """From what goes where, to how it is written, to pictures, to the page of all pictures."""
    layer = path.relative_to(PACKAGE).parts[1]
    for _, dotted in imported(ast.parse(path.read_text())):
        parts = inside(dotted)
        if layer in LAYERS and parts[:1] == ["render"] and parts[1:2] != [layer]:
            assert parts[1] in LAYERS[layer], f"render/{layer} imports {dotted}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_import_hides_in_a_function(path: Path) -> None:
    """Nor does one by name: what is imported late by design stands in this test."""
    tree = ast.parse(path.read_text())
    open_ = [node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.If | ast.Try)]
    homes = {id(child) for node in open_ for child in ast.iter_child_nodes(node)}
    for node, dotted in imported(tree):
        if path.parent.name != LATE or dotted.partition(".")[0] not in sys.stdlib_module_names:
            assert id(node) in homes, f"{path.name} hides the import of {dotted} in a function"
    by_name = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", ""))
        in ("import_module", "__import__")
        and node.args
        and isinstance(node.args[0], ast.Constant)
    ]
    ours = {name for name in by_name if str(name).startswith("tracer")}
    assert ours <= BY_NAME.get(str(path.relative_to(PACKAGE)), set())


def test_the_rooms_do_not_import_each_other_in_a_circle() -> None:
    """The table itself has an order."""
    left = {room: set(others) for room, others in ROOMS.items()}
    while left:
        free = {room for room, others in left.items() if not others & left.keys()}
        assert free, f"a circle among {sorted(left)}"
        left = {room: others for room, others in left.items() if room not in free}


def test_at_the_top_lies_only_what_django_and_python_look_for() -> None:
    """Everything else has a room."""
    top = {path.name for path in PACKAGE.iterdir() if path.is_file()}
    modules = {"__init__.py", "__main__.py", "apps.py", "checks.py", "conf.py", "middleware.py"}
    assert top == modules | {"py.typed"}


def test_no_class_file_or_function_is_longer_than_a_reader_can_hold() -> None:
    """150 lines for a class, 300 for a file, 40 for a function."""
    too_long = []
    for path in FILES:
        text = path.read_text()
        if text.count("\n") > 300:
            too_long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > (150 if isinstance(node, ast.ClassDef) else 40):
                    too_long.append(f"{path.name}, {node.name}: {lines} lines")
    assert too_long == []


@pytest.mark.parametrize("room", sorted(path.name for path in PACKAGE.iterdir() if path.is_dir()))
def test_each_room_says_what_belongs_there_and_what_it_may_import(room: str) -> None:
    """In the docstring of its `__init__`."""
    if room == "__pycache__":
        return
    said = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text())) or ""
    assert room in ROOMS
    assert "import" in said, f"{room} does not say what it may import"


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
