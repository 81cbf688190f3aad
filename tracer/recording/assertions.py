"""Assertions about lifetimes, that fail with the picture that explains them.

Every recording has them, so they work in any test and in a notebook; the pytest plugin's
`lifecycle` fixture makes such recordings. An assertion that needs a full collection runs one first,
if the recording's block is not over yet. AssertionError says what was expected, says what was seen
instead, and shows it. `RecordingError` says that nothing of this name was seen at all.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import RenderableType

from tracer.model import Lifetime, Request, Span, stages
from tracer.model import scope as scopes
from tracer.recording.view import Reading, RecordingError
from tracer.render.formats.terminal import as_text
from tracer.render.layout.wording import plural


class Assertions(Reading):
    """Adds assertions to what a recording shows."""

    def _on_demand(self) -> None:
        """Called before an assertion that needs a full collection."""

    # -- how often something is built --------------------------------------------------------

    def assert_built_once(self, cls: type | str) -> None:
        """Asserts that one object of this class served all requests that used one, at least two."""
        __tracebackhide__ = True
        lives = self.known(cls)
        built = [life for life in lives if life.phase != "before"] or lives
        if len(built) > 1:
            numbers = ", ".join(_where(life) for life in built[:12])
            self._fail(f"{_name(cls)} was built {len(built)} times: {numbers}.", self.lifelines())
        if len(self.requests) < 2:
            self._fail(
                f"{_name(cls)} was built once, but {plural(len(self.requests), 'request')} cannot "
                "tell that from once per request: record at least two.",
                self.lifelines(),
            )

    def assert_built_per_request(self, cls: type | str) -> None:
        """Asserts that each request that used an object of this class built it, at least two."""
        __tracebackhide__ = True
        lives = [life for life in self.known(cls) if life.phase != "before" or life.requests]
        shared = [life for life in lives if life.requests > 1 or life.built_in is None]
        if shared:
            life = shared[0]
            said = f"one, built {_where(life)}, was used by {plural(life.requests, 'request')}"
            self._fail(f"{_name(cls)} is not built per request: {said}.", self.lifelines())
        built_in = {life.built_in for life in lives}
        if len(built_in) < 2:
            self._fail(
                f"{_name(cls)} was built in {plural(len(built_in), 'request')}, which cannot be "
                "told from being built once: record at least two that need it.",
                self.lifelines(),
            )

    # -- how long it lives -------------------------------------------------------------------

    def assert_scope(self, cls: type | str, scope: str) -> None:
        """Asserts that every object of this class that was used or built here has this scope.

        The scopes are "process", "thread", "connection", "request", "kept" and "undecided".
        """
        __tracebackhide__ = True
        if scope not in scopes.SCOPES:
            raise ValueError(f"There is no scope {scope!r}; the scopes are {_or(scopes.SCOPES)}.")
        self._on_demand()
        lives = self.known(cls)
        lives = tuple(life for life in lives if life.phase != "before" or life.requests) or lives
        if all(life.scope == scope for life in lives):
            return
        seen = Counter(life.scope for life in lives)
        said = ", ".join(f"{count} {verdict}" for verdict, count in seen.items())
        hint = ""
        if scopes.UNDECIDED in seen and len(self.requests) < 2:
            hint = " More than one request may be needed to tell."
        self._fail(
            f"{_name(cls)} should live for the scope {scope!r}: seen were {said}.{hint}",
            self.lifelines(),
        )

    def assert_freed_with_response(self, cls: type | str) -> None:
        """Asserts that every object of this class built in a request was gone with its response.

        That is: by its reference count, or closed by its owner, without waiting for the collector.
        """
        __tracebackhide__ = True
        lives = [life for life in self.known(cls) if life.built_in is not None]
        if not lives:
            self._fail(f"No {_name(cls)} was built in a request here.", self.lifelines())
        late = [life for life in lives if life.freed != "response" or life.freed_after]
        if late:
            said = "; ".join(f"the one of #{life.built_in} {_end(life)}" for life in late[:5])
            self._fail(f"{_name(cls)} was not freed with its response: {said}.", self.lifelines())

    def assert_nothing_kept(self) -> None:
        """Asserts that requests leave nothing behind as a rule (see `tracer.model.scope`).

        What `TRACER["KNOWN"]` accepts does not count. A page has to be asked for three times
        (six times if keys lead to what it left), as one request may leave a memo for the next:
        if something was left by fewer, RecordingError says so.
        """
        __tracebackhide__ = True
        if not self.requests:
            raise RecordingError("No request was recorded, so nothing can be said of what is kept.")
        self._on_demand()
        alive = [life for life in self.process.lifetimes if life.died_at is None]
        kept = [life for life in alive if life.scope == scopes.KEPT and not life.known]
        if kept:
            self._fail(_list_kept(kept), self.lifelines())
        _check_enough_asked(self.requests, alive)

    # -- what a request does -----------------------------------------------------------------

    def assert_max_queries(self, most: int, *, request: int | None = None) -> None:
        """Asserts that no request, or this one, ran more than `most` statements."""
        __tracebackhide__ = True
        looked_at = self._some(request)
        worst = max(looked_at, key=lambda each: len(_queries(each)))
        found = _queries(worst)
        if len(found) <= most:
            return
        repeated = Counter(span.name for span in found).most_common(5)
        lines = [f"  {count} times {name}" for name, count in repeated if count > 1]
        ran = plural(len(found), "statement")
        said = f"Request {worst.number}, {worst.method} {worst.path}, ran {ran};"
        self._fail("\n".join([f"{said} {most} are allowed.", *lines]), self.timeline(worst.number))

    def assert_order(self, *expected: str, request: int = -1) -> None:
        """Asserts that a request, the latest by default, passed these in this order.

        Each is a stage ("view", "query", "template") or what the timeline calls one, whole or its
        last part: "SessionMiddleware", "cafe/menu.html", "Menu.get". Others may stand between
        them. They are ordered by their beginnings.
        """
        __tracebackhide__ = True
        if not expected:
            raise ValueError(
                'assert_order takes what to expect, as in assert_order("resolve", "view").'
            )
        recorded = self.request(request)
        spans = sorted(recorded.spans, key=lambda span: span.start)
        for word in expected:
            if not any(_is(span, word) for span in spans):
                self._fail(_missing(word, recorded), self.timeline(recorded.number))
        position = 0
        for index, word in enumerate(expected):
            later = range(position, len(spans))
            found = next((at for at in later if _is(spans[at], word)), None)
            if found is None:
                before = f" after {expected[index - 1]!r}" if index else ""
                self._fail(f"{word!r} does not come{before}.", self.timeline(recorded.number))
                return
            position = found + 1

    def _some(self, number: int | None) -> Sequence[Request]:
        if number is not None:
            return [self.request(number)]
        if not self.requests:
            raise RecordingError("No request was recorded, so nothing can be said of its queries.")
        return self.requests

    def _fail(self, message: str, picture: RenderableType) -> None:
        __tracebackhide__ = True
        raise AssertionError(f"{message}\n\n{as_text(picture)}")


def _queries(request: Request) -> list[Span]:
    return [span for span in request.spans if span.stage == stages.QUERY]


def _is(span: Span, word: str) -> bool:
    return word in (span.stage, span.name) or span.name.endswith(f".{word}")


def _missing(word: str, request: Request) -> str:
    names = {name for span in request.spans for name in (span.stage, span.name)}
    names |= {name.rpartition(".")[2] for name in names}
    close = difflib.get_close_matches(word, sorted(filter(None, names)), n=2)
    hint = f" Did you mean {_or(close)}?" if close else ""
    return f"There is no {word!r} in request {request.number}.{hint}"


def _name(cls: type | str) -> str:
    return cls if isinstance(cls, str) else cls.__qualname__


def _list_kept(kept: Sequence[Lifetime]) -> str:
    lines = [f"  {life.name}, built in #{life.built_in}, {_held(life)}" for life in kept]
    more = [f"  and {len(kept) - 20} more"] if len(kept) > 20 else []
    return "\n".join(
        [f"{plural(len(kept), 'object')} kept after their requests:", *lines[:20], *more]
    )


def _check_enough_asked(requests: Iterable[Request], alive: Iterable[Lifetime]) -> None:
    """Raises RecordingError if something was left, and no page was asked for often enough."""
    asked = max(Counter(request.page for request in requests).values())
    left = [life for life in alive if life.is_held and _may_be_left(life)]
    entries = Counter((life.cls, life.spot) for life in left if life.keyed)
    for life in left:
        many = entries[life.cls, life.spot] >= scopes.FEWEST
        fewest = scopes.FEWEST_BY_KEY if many else scopes.FEWEST
        if asked < fewest:
            raise RecordingError(
                f"{life.name}, built in #{life.built_in}, is {_held(life)}. Whether that is a memo "
                f"or a leak shows when a page is asked for {fewest} times: record as many."
            )


def _may_be_left(life: Lifetime) -> bool:
    """Whether no request but its own has used an object that lives on."""
    return (
        life.built_in is not None and life.requests <= 1 and not (life.by_import or life.resource)
    )


def _where(life: Lifetime) -> str:
    if life.built_in is not None:
        return f"in #{life.built_in}"
    return {"boot": "at boot", "before": "before the recording"}.get(life.phase, life.phase)


def _end(life: Lifetime) -> str:
    if life.freed is None or life.freed == "process":
        return f"is {_held(life)}" if life.held_by else "is alive still"
    after = f", {plural(life.freed_after, 'request')} later" if life.freed_after else ""
    by = {"collector": "by the collector", "thread": "with its thread"}.get(life.freed, "late")
    return f"was freed {by}{after}"


def _held(life: Lifetime) -> str:
    return f"held by {life.held_by}" if life.held_by else "by a holder that was not found"


def _or(words: Iterable[str]) -> str:
    return " or ".join(map(repr, words))
