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
    """Adds two options."""
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


def pytest_configure(config: pytest.Config) -> None:
    """Registers the report of a run, if it was asked for."""
    fail_on = config.getoption("--lifecycle-fail-on")
    if config.getoption("--lifecycle") or fail_on:
        suite = import_module("tracer.pytest_plugin.suite").Suite(fail_on)
        config.pluginmanager.register(suite, "tracer-lifecycle")


@pytest.fixture
def lifecycle() -> Iterator[Lifecycle]:
    """`with lifecycle.record() as recording:` records requests, and has assertions about them."""
    made: Lifecycle = import_module("tracer.pytest_plugin.fixture").Lifecycle()
    yield made
    made.close()
