"""The same request twice, without the tracer and with it, and all that a client could tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tests.support.client import Answer, Recording

_RANDOM = (
    (re.compile(rb'(name="csrfmiddlewaretoken" value=")[^"]+'), rb"\1-"),
    (re.compile(rb"\d\d:\d\d(:\d\d)?"), b"hh:mm"),
    (re.compile(rb"(ThreadPoolExecutor-|asyncio_)\d+"), rb"\1n"),
)
_RANDOM_HEADERS = (
    (re.compile(r"((csrftoken|sessionid|messages)=)[^;]+"), r"\1…"),
    (re.compile(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT"), "date"),
)
_RANDOM_SQL = (
    (re.compile(r"'[0-9a-z]{32}'"), "'…'"),
    (re.compile(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*'"), "'…'"),
    (re.compile(r'"s\d+_x\d+"'), '"s…"'),
    (re.compile(r"'[\w-]+:[\w-]+:[\w-]{20,}'"), "'…'"),
)


@dataclass
class Outcome:
    """What came of one request: an answer or an exception, and the statements it ran."""

    answer: Answer | None = None
    error: tuple[str, str] | None = None
    statements: list[str] = field(default_factory=list)

    def same(self) -> tuple[Any, ...]:
        """All of it, but for what is random by design."""
        status, headers, body = None, None, None
        if self.answer is not None:
            status, body = self.answer.status, self.answer.body
            headers = [(name, _mask(value, _RANDOM_HEADERS)) for name, value in self.answer.headers]
            for pattern, word in _RANDOM:
                body = pattern.sub(word, body)
        return status, headers, body, self.error, self.statements


def _mask(text: str, patterns: Any) -> str:
    for pattern, word in patterns:
        text = pattern.sub(word, text)
    return text


def outcome(ask: Callable[[], Answer]) -> Outcome:
    """Make a request and take down what comes of it."""
    found = Outcome()
    with ExitStack() as stack:
        logs = [stack.enter_context(CaptureQueriesContext(connections[a])) for a in connections]
        try:
            found.answer = ask()
        except Exception as error:
            found.error = type(error).__name__, str(error)
    found.statements = [
        _mask(query["sql"], _RANDOM_SQL) for log in logs for query in log.captured_queries
    ]
    return found


Ask = Callable[[Any], Answer]
"""Makes one request of a handler."""


def pairs(
    asks: Mapping[str, Ask],
    *,
    handler: Callable[[], Any] = WSGIHandler,
    before: Callable[[], Any] = lambda: None,
) -> dict[str, tuple[Outcome, Outcome]]:
    """Return what comes of each request without the tracer, and with it.

    `before` makes the same start for all. Each handler has served every request once before, so
    that nobody has to import or compile anything for the first time.
    """

    def last() -> dict[str, Outcome]:
        serving = handler()
        for _ in range(2):
            found = {}
            for name, ask in asks.items():
                before()
                found[name] = outcome(lambda ask=ask: ask(serving))  # type: ignore[misc]
        return found

    bare = last()
    with Recording() as recording:
        traced = last()
        served = recording.process.served
    # Some fail before they are requests, such as those of a handler that cannot be built.
    assert served >= sum(1 for each in traced.values() if each.answer), "nothing was traced"
    return {name: (bare[name], traced[name]) for name in asks}


def both(ask: Ask, **choices: Any) -> tuple[Outcome, Outcome]:
    """Return what comes of one request without the tracer, and with it; see `pairs`."""
    return pairs({"the request": ask}, **choices)["the request"]


def assert_same(bare: Outcome, traced: Outcome, name: str = "") -> None:
    """Nobody can tell from the outside whether the tracer was there."""
    for one, other in zip(bare.same(), traced.same(), strict=True):
        assert other == one, name


def assert_all_same(found: Mapping[str, tuple[Outcome, Outcome]]) -> None:
    """The same of every request by its name."""
    assert found
    for name, (bare, traced) in found.items():
        assert_same(bare, traced, name)
