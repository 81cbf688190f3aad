"""`pytest --lifecycle`: follows a test run and reports at its end. Registered only when asked for.

- It records from the first test at which Django is set up. Without Django, the report says so.
- A failure in here is one line of the report, and the tests go on: no outcome changes.
- With pytest-xdist each worker process follows its tests and sends its findings to the controller.
"""

from __future__ import annotations

import functools
import os
import sys
import textwrap
from collections.abc import Callable, Generator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, ParamSpec

import pytest

from tracer.pytest_plugin.report import Findings

if TYPE_CHECKING:
    from tracer.pytest_plugin.attribution import Attribution

P = ParamSpec("P")
KEY = "tracer_lifecycle"
"""The name under which a worker process sends its findings."""
TITLE = "request lifecycle"


def guarded(work: Callable[P, None]) -> Callable[P, None]:
    """Wraps a method of a suite: an exception in it is noted, and goes no further."""

    @functools.wraps(work)
    def method(*args: P.args, **kwargs: P.kwargs) -> None:
        suite: Any = args[0]
        try:
            work(*args, **kwargs)
        except Exception as fault:
            suite.fault(work.__name__.strip("_"), fault)

    return method


class Suite:
    """The plugin that `--lifecycle` registers, one in each process."""

    def __init__(self, fail_on: str | None = None, known: Mapping[str, str] | None = None) -> None:
        """`fail_on`: "kept" makes a run fail whose tests left something behind.

        `known`: accepted findings, the path of what holds them to the reason.
        """
        self.fail_on = fail_on
        self.known = dict(known or {})
        self.findings = Findings()
        self.attribution: Attribution | None = None
        self.faults: list[str] = []
        self.test_classes: set[str] = set()
        self.pid = os.getpid()

    def fault(self, where: str, fault: Exception) -> None:
        """Notes a fault of the tracer's own, once for each kind."""
        line = f"The tracer itself failed ({where}: {type(fault).__name__}: {fault})."
        if line not in self.faults and len(self.faults) < 5:
            self.faults.append(line)

    # -- each test ---------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Follows a test with its fixtures, and all its repetitions."""
        self._begin(item)
        try:
            return (yield)
        finally:
            self._end()

    @guarded
    def _begin(self, item: pytest.Item) -> None:
        if self.attribution is None and _django_is_set_up():
            self.attribution = import_module("tracer.pytest_plugin.attribution").Attribution(
                self.known
            )
        if self.attribution is not None and os.getpid() == self.pid:
            cls = getattr(item, "cls", None)
            if isinstance(cls, type):
                self.test_classes.add(f"{cls.__module__}.{cls.__qualname__}")
            self.attribution.begin(item.nodeid)

    @guarded
    def _end(self) -> None:
        if self.attribution is not None and os.getpid() == self.pid:
            self.attribution.end()

    # -- the end -----------------------------------------------------------------------------

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Receives the findings of a worker process of pytest-xdist that is done."""
        self._receive(node)

    @guarded
    def _receive(self, node: Any) -> None:
        found = getattr(node, "workeroutput", {}).get(KEY)
        if found is None:
            self.findings.notes.append("A worker process was lost, and its findings with it.")
        else:
            self.findings.add(Findings.loads(found))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Concludes when all tests are over, and fails the run if that was asked for."""
        self._conclude(session)

    @guarded
    def _conclude(self, session: pytest.Session) -> None:
        if self.attribution is not None:
            self.findings.add(self.attribution.finish(self.test_classes))
        self.findings.notes += self.faults
        self.faults.clear()
        self.findings.expected += [
            path for path in self.known if path not in self.findings.expected
        ]
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output[KEY] = self.findings.dumps()
        elif self.fail_on == "kept" and self.findings.left and not session.exitstatus:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Writes the report."""
        if terminalreporter.config.option.collectonly:
            return
        if not self.findings.started and not self.faults:
            terminalreporter.write_line(f"{TITLE}: {' '.join(self.findings.lines())}")
            return
        width = terminalreporter.config.get_terminal_writer().fullwidth
        terminalreporter.section(TITLE)
        for line in (*self.findings.lines(), *self.faults):
            for piece in fitting(line, width):
                terminalreporter.write_line(piece)
        if self.fail_on == "kept" and self.findings.left:
            terminalreporter.write_line("The run fails for that: --lifecycle-fail-on kept.")


def fitting(line: str, width: int) -> list[str]:
    """Returns a line in pieces that fit, broken between words."""
    if len(line) <= width:
        return [line]
    further = line[: len(line) - len(line.lstrip())] + "  "
    return textwrap.wrap(
        line, width, subsequent_indent=further, break_long_words=False, break_on_hyphens=False
    )


def _django_is_set_up() -> bool:
    """Whether Django is set up. Imports nothing: a suite may set it up late, or never."""
    registry = sys.modules.get("django.apps")
    return registry is not None and registry.apps.ready and "django.conf" in sys.modules
