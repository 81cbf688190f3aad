"""The shell's commands in the documentation: which are run, and which only checked."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from tests.docs.markdown import ROOT
from tests.docs.place import Place
from tracer.cli import main as cli

SHELL = "TRACER_ENABLED=0 .venv/bin/python demo_project/manage.py shell"
"""The command that the tutorial's Python is typed into; the page's Python blocks go through it."""
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")
TRACER = ["python", "-m", "tracer"]


def lines(text: str) -> Iterator[str]:
    """Gives the commands of a block, without comments."""
    for line in text.replace("\\\n", " ").splitlines():
        command = re.sub(r"\s+#.*", "", line).strip()
        if command and not command.startswith("#"):
            yield command


def perform(command: str, place: Place) -> None:
    """Runs one command, or checks it where running it belongs to other tests. Fails on others."""
    words = shlex.split(command.replace("4711", str(place.pid)))
    if words[0] == "make":
        check_make(words[1:])
    elif words[:3] == ["pip", "install", "-e"]:
        check_extra(words[3])
    elif words[:2] == ["apt", "install"]:
        check_packages(words[2:])
    elif command == SHELL:
        assert (ROOT / "demo_project" / "manage.py").is_file()
    elif words[:3] == TRACER:
        perform_tracer(words, place)
    elif words[0] == "pytest":
        place.run(*words)
    else:
        raise AssertionError(f"no test knows how to run {command!r}")


def perform_tracer(words: list[str], place: Place) -> None:
    """Runs a command of the tracer's own."""
    if words[3] == "compare" and "--list" not in words:
        cli._parser().parse_args(words[3:])
    elif words[3] == "watch":
        place.watch(words)
    elif words[3] == "settle":
        place.settle(words)
    elif {"gunicorn", "runserver"} & set(words):
        place.serve(words)
    else:
        place.run(*words)


def check_make(words: list[str]) -> None:
    """Checks that the Makefile has the target and the variables, and that ARGS are understood."""
    target, *assignments = words
    assert f"\n{target}: ##" in MAKEFILE
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        assert f"\n{name} ?=" in MAKEFILE
        if name == "ARGS":
            check_arguments(target, shlex.split(value))


def check_arguments(target: str, words: list[str]) -> None:
    """Checks what is handed on to the program behind a target."""
    if target == "compare":
        cli._parser().parse_args(["compare", *words])
    elif target == "bench":
        assert all(word in (ROOT / "benchmarks" / "__main__.py").read_text() for word in words)
    else:
        assert target == "test"
        assert all((ROOT / word).exists() for word in words if word.startswith("tests/"))


def check_extra(what: str) -> None:
    """Checks that what is installed is the checkout, with an extra that it has."""
    found = re.fullmatch(r"path/to/the/checkout(?:\[(\w+)\])?", what)
    assert found is not None
    assert found.group(1) is None or f"\n{found.group(1)} = [" in PYPROJECT


def check_packages(packages: list[str]) -> None:
    """Checks that these are packages that the build machine installs, too."""
    installed = (ROOT / ".ci" / "run").read_text("utf-8").split()
    assert set(packages) <= set(installed)
