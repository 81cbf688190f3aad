"""The timeline of one request: every stage in true order, nested, on a common time axis."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from rich.console import Console, ConsoleOptions, RenderResult
from rich.style import Style

from tracer.model import Lifetime, Process, Request, Span, scope, stages
from tracer.render import bars, fate, rows, theme, words
from tracer.render.canvas import Line, emit, pack

WORDS = {
    stages.QUERY: "SQL",
    stages.TRANSACTION: "SQL",
    stages.TEMPLATE: "template",
    stages.COMPILE: "compile",
    stages.RESOLVE: "resolve →",
    stages.VIEW: "view",
    stages.CACHE: "cache",
    stages.CONNECTION: "connection",
    stages.SIGNAL: "signal",
    stages.EXCEPTION: "raised",
    stages.CONVERT: "answered",
    stages.COLLECTION: "garbage collection",
    stages.IMPORT: "import",
    stages.RESPONSE: "response",
    stages.BODY: "body",
    stages.THREAD: "thread",
}
"""What stands before a stage's name, where the name alone does not say what it is."""

NARROW = 100
"""Below this width the column of objects is left out."""

_TAIL_FIRST = frozenset({stages.RESOLVE, stages.VIEW, stages.TEMPLATE, stages.COMPILE})
"""Stages named by paths, whose ends say most."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where things stand, in characters; a width of 0 leaves a column out."""

    name: int
    bar: int
    object: int
    lives: int = 13
    ms: int = 7
    letter: int = 0

    @classmethod
    def at(
        cls, width: int, found: list[rows.Row], labels: list[tuple[str, str, str]], letters: bool
    ) -> tuple[_Columns, int]:
        """Share out the width. Return the columns, and by how much a nested name is indented."""
        letter = 2 if letters else 0
        room = width - 24 - letter
        thing = 0
        if width >= NARROW:
            room -= 2
            thing = room * 28 // 100
        most = max((room - thing) * 11 // 20, 8)
        step = 2
        wanted = _widest(found, labels, step)
        if wanted > most:
            step = 1
            wanted = _widest(found, labels, step)
        name = min(max(wanted, 16), most)
        bar = min(max(room - thing - name, 6), 110)
        return cls(name, bar, room - name - bar if thing else 0, letter=letter), step


def _widest(found: list[rows.Row], labels: list[tuple[str, str, str]], step: int) -> int:
    return max(
        (
            row.node.depth * step + len(word) + len(name) + len(times) + 1
            for row, (word, name, times) in zip(found, labels, strict=True)
        ),
        default=0,
    )


class Timeline:
    """Draws one request of one process."""

    def __init__(self, process: Process, request: Request) -> None:
        self.process = process
        self.request = request

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it at the console's width."""
        yield from emit(self.lines(options.max_width), options)

    def lines(self, width: int) -> Iterator[Line]:
        """Give the picture line by line."""
        request = self.request
        found, left_out = rows.longest(rows.rows(rows.tree(request.spans)))
        others = _letters(request)
        lives = self._lives({row.node.span.object for row in found})
        labels = [_label(row) for row in found]
        columns, step = _Columns.at(width, found, labels, bool(others))
        span = max([request.duration, *(span.end for span in request.spans)])
        axis = bars.Axis(span, columns.bar)
        yield self._heading(width)
        yield _head(columns, axis)
        body = False
        for row, label in zip(found, labels, strict=True):
            if row.node.span.stage == stages.BODY and not body:
                body = True
                yield (
                    Line()
                    .add(" ")
                    .add("the body, streamed after every middleware had returned:", "phase")
                )
            letter = others.get(row.node.span.thread, "")
            yield _row(self, row, label, columns, axis, step, lives, letter)
        yield from pack(fate.notes(self.process, request, others, left_out, _marked(lives)), width)

    def _lives(self, tokens: set[int | None]) -> dict[int, Lifetime]:
        # One walk over the lifetimes, however many rows ask.
        return {life.id: life for life in self.process.lifetimes if life.id in tokens}

    def _heading(self, width: int) -> Line:
        request, pid = self.request, self.process.about.pid
        status = _status(request.status)
        facts = f"  {words.duration(request.duration)}"
        if request.size is not None:
            facts += f"  {words.size(request.size)}"
        thread = words.clean(request.thread_name)
        right = f"process {pid} · its request {request.number} · thread {thread}"
        method, path = words.clean(request.method), words.clean(request.path)
        taken = 1 + len(method) + 1 + 2 + len(status) + len(facts)
        if taken + min(len(path), 24) + 3 + len(right) > width:
            right = f"pid {pid} · #{request.number} · {words.crop(thread, 16)}"
        room = width - taken - len(right) - 3
        if room < min(len(path), 12):
            right, room = "", width - taken
        failed = request.status is None or request.status >= 500
        line = Line().add(" ").add(f"{method} ", "heading")
        line.add(words.crop(path, max(room, 8)), "heading")
        line.add(f"  {status}", "alarm" if failed else "heading").add(facts, "duration")
        return line.to(width - len(right)).add(right, "dim") if right else line


def _status(status: int | None) -> str:
    if status is None:
        return "no response"
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)


def _letters(request: Request) -> dict[int, str]:
    """Give each thread but the request's own a letter, in order of appearance."""
    others = dict.fromkeys(
        span.thread for span in request.spans if span.thread not in (request.thread, 0)
    )
    return {
        token: chr(ord("A") + index) if index < 26 else "*" for index, token in enumerate(others)
    }


def _marked(lives: dict[int, Lifetime]) -> bool:
    """Whether any lifetime is shown as what earlier ones of its name turned out to be."""
    return any(life.scope == scope.UNDECIDED and life.earlier for life in lives.values())


def _head(columns: _Columns, axis: bars.Axis) -> Line:
    line = Line().add(" ").fit("stage", columns.name, "column").add(" ")
    line.add(axis.labels(), "axis").right("ms", columns.ms, "column").to(
        line.width + columns.letter
    )
    line.add("  ").fit("lives for", columns.lives, "column")
    if columns.object:
        line.add("  ").fit("object", columns.object, "column")
    return line


def _label(row: rows.Row) -> tuple[str, str, str]:
    """Return the word for the stage, its name, and how often it is repeated."""
    span = row.node.span
    word, name = WORDS.get(span.stage, ""), words.clean(str(span.name))
    if name.lower().startswith(word.lower()) or span.name == span.stage:
        word = ""
    if row.folded and span.stage == stages.IMPORT:
        name = ""
    return word, name, f" {theme.TIMES} {row.times} more" if row.folded else ""


def _row(
    picture: Timeline,
    row: rows.Row,
    label: tuple[str, str, str],
    columns: _Columns,
    axis: bars.Axis,
    step: int,
    lives: dict[int, Lifetime],
    letter: str,
) -> Line:
    span = row.node.span
    life = lives.get(span.object) if span.object is not None else None
    verdict, word = _lives_for(life, span)
    style = theme.scope_style(verdict) if verdict else theme.style("bar.own")
    line = Line().add(" ")
    _name(line, label, row, columns, step)
    line.add(" ")
    for text, piece_style in _bar(row, axis, style, verdict):
        line.add(text, piece_style)
    spans = row.folded or (span,)
    took = sum(max(each.end - each.start, 0) for each in spans)
    line.right(words.milliseconds(took) if took else "", columns.ms, "duration")
    if columns.letter:
        line.add(" ").fit(letter, columns.letter - 1, "dim")
    line.add("  ").fit(word, columns.lives, theme.scope_style(verdict))
    if columns.object:
        line.add("  ")
        _object(line, fate.describe(picture.process, picture.request, row, life), columns.object)
    return line


def _lives_for(life: Lifetime | None, span: Span) -> tuple[str | None, str]:
    """Return the scope whose colour is used, and the words for it."""
    if life is None:
        return None, ""
    if life.scope != scope.UNDECIDED:
        return life.scope, theme.scope_word(life.scope)
    if life.earlier:
        return life.earlier, f"≈ {theme.scope_word(life.earlier)}"
    return life.scope, "not known yet"


def _name(
    line: Line, label: tuple[str, str, str], row: rows.Row, columns: _Columns, step: int
) -> None:
    word, name, times = label
    span = row.node.span
    # Deep nesting must leave room for a name.
    indent = min(row.node.depth * step, columns.name // 2)
    end = line.width + columns.name
    line.to(line.width + indent)
    failed = span.error and not columns.object
    if failed:
        name = f"{name} raises {words.clean(span.error)}"
    if word:
        line.add(words.crop(f"{word} ", end - line.width), "dim")
    room = end - line.width - len(times)
    shorten = words.crop_start if span.stage in _TAIL_FIRST else words.crop
    style = "alarm" if failed else "dim" if row.folded else "name"
    line.add(shorten(name, room) + times, style).to(end)


def _bar(
    row: rows.Row, axis: bars.Axis, own: Style, verdict: str | None
) -> list[tuple[str, Style]]:
    span, grid = row.node.span, theme.style("grid")
    if row.folded:
        drawn = ((each.start, each.end) for each in row.folded)
        return bars.pieces(bars.marks(axis, drawn), axis, own, own, grid)
    if span.end <= span.start:
        return bars.instant(axis, span.start, own, grid)
    wait = theme.waiting(f"scope.{verdict or 'none'}")
    # What runs on after its parent ended was not waited for.
    inner = (
        (child.span.start, child.span.end)
        for child in row.node.children
        if child.span.end <= span.end
    )
    return bars.pieces(bars.halves(axis, span.start, span.end, inner), axis, own, wait, grid)


def _object(line: Line, parts: list[tuple[str, str]], width: int) -> None:
    end = line.width + width
    for index, (text, style) in enumerate(parts):
        text = f" · {text}" if index else text
        if line.width >= end:
            break
        line.add(words.crop(text, end - line.width), style)
    line.to(end)
