"""The pytest plugin: the `lifecycle` fixture, and `--lifecycle` for a whole run.

This module imports pytest and nothing else, neither Django nor the rest of the tracer. Each part is
imported by name when it is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tracer.pytest_plugin.fixture import Lifecycle

FAIL_ON = ("kept",)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the options."""
    group = parser.getgroup("lifecycle", "lifetimes of Django's objects")
    group.addoption(
        "--lifecycle",
        action="store_true",
        help="record each test's requests; report what they left behind and what middleware cost",
    )
    group.addoption(
        "--lifecycle-fail-on",
        choices=FAIL_ON,
        metavar="kept",
        help="fail the run if a test left something behind (implies --lifecycle)",
    )
    group.addoption(
        "--lifecycle-baseline",
        metavar="FILE",
        help="findings that are accepted, one a line: the holder's path  # the reason "
        "(implies --lifecycle)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Registers the report of a run, if it was asked for."""
    fail_on = config.getoption("--lifecycle-fail-on")
    baseline = config.getoption("--lifecycle-baseline")
    if config.getoption("--lifecycle") or fail_on or baseline:
        known = _read_baseline(baseline) if baseline else {}
        suite = import_module("tracer.pytest_plugin.suite").Suite(fail_on, known)
        config.pluginmanager.register(suite, "tracer-lifecycle")


def _read_baseline(path: str) -> dict[str, str]:
    """Returns the accepted findings; a file that cannot be read is a usage error."""
    try:
        with open(path, encoding="utf-8") as file:
            entries: dict[str, str] = import_module("tracer.model.known").parse(file)
    except (OSError, ValueError) as error:
        raise pytest.UsageError(f"--lifecycle-baseline {path}: {error}") from None
    return entries


@pytest.fixture
def lifecycle() -> Iterator[Lifecycle]:
    """`with lifecycle.record() as recording:` records requests, and has assertions about them."""
    made: Lifecycle = import_module("tracer.pytest_plugin.fixture").Lifecycle()
    yield made
    made.close()
