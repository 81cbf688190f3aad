"""The pytest plugin: the `lifecycle` fixture, and `--lifecycle` for a whole run.

Idle until used: this module imports pytest and nothing else, neither Django nor the rest of the
tracer. What it needs is loaded by name when somebody asks for it.
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
    """Two options."""
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
    """Nothing is loaded unless it was asked for."""
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
