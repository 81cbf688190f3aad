"""The same request twice, without the tracer and with it, and all that a client could tell."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tests.driving import Answer, Recording

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


def both(
    ask: Callable[[Any], Answer],
    *,
    handler: Callable[[], Any] = WSGIHandler,
    before: Callable[[], Any] = lambda: None,
    requests: int = 1,
) -> tuple[Outcome, Outcome]:
    """Return what comes of a request without the tracer, and with it; each by a handler of its own.

    `before` makes the same start for both. What is compared is the last of `requests` requests, so
    that nobody has to import or compile anything for the first time.
    """

    def last() -> Outcome:
        serving = handler()
        for _ in range(requests):
            before()
            found = outcome(lambda: ask(serving))
        return found

    last()
    bare = last()
    with Recording() as recording:
        traced = last()
        assert recording.process.served >= requests, "nothing was traced"
    return bare, traced


def assert_same(bare: Outcome, traced: Outcome) -> None:
    """Nobody can tell from the outside whether the tracer was there."""
    for one, other in zip(bare.same(), traced.same(), strict=True):
        assert other == one
