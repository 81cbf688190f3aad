"""Draws the rows of a timeline: each stage's name, bar, time, and the object that took part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from rich.style import Style

from tracer.model import Lifetime, Request, scope, stages
from tracer.render.layout import bars, object_words, theme, wording
from tracer.render.layout.canvas import Line
from tracer.render.layout.process_index import ProcessIndex
from tracer.render.layout.stage_rows import StageRow

STAGE_WORDS: Final = {
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
    stages.URLCONF: "URLconf",
}
"""Stage to the word before its name, where the name alone does not say what it is."""

NARROW: Final = 100
"""Below this width the column of objects is left out."""
WIDEST_BAR: Final = 110

_MS: Final = 7
_LIVES: Final = 13
_CROPPED_AT_START: Final = frozenset(
    {stages.RESOLVE, stages.HOOK, stages.VIEW, stages.TEMPLATE, stages.COMPILE}
)
"""Stages named by paths: the end of a path says most."""


@dataclass(frozen=True, slots=True)
class StageLabel:
    """The name of a row, in its parts."""

    word: str
    name: str
    after: str
    """How often it is repeated; and the exception that left it, if there is no column for that."""
    failed: bool

    @classmethod
    def of(cls, row: StageRow, narrow: bool) -> StageLabel:
        """Makes the label of a row; `narrow` when there is no column of objects."""
        span = row.node.span
        word, name = STAGE_WORDS.get(span.stage, ""), wording.clean(str(span.name))
        if span.name == span.stage or name.lower().startswith(word.lower()):
            word = ""
        if row.folded and span.stage == stages.IMPORT:
            name = ""
        after = f" {theme.TIMES} {row.times} more" if row.folded else ""
        failed = narrow and bool(span.error) and span.stage != stages.EXCEPTION
        if failed:
            after += f" raises {wording.clean(span.error)}"
        return cls(f"{word} " if word else "", name, after, failed)

    @property
    def width(self) -> int:
        """Its length in characters."""
        return len(self.word) + len(self.name) + len(self.after)


@dataclass(frozen=True, slots=True)
class StageColumns:
    """The widths of a timeline's columns, in characters."""

    name: int
    bar: int
    object: int
    """0 if there is no column of objects."""
    letter: int
    """Width of the column with the threads' letters; 0 if there is only one thread."""
    step: int
    """Indent of a nested name."""

    @classmethod
    def at(
        cls, width: int, rows: Sequence[StageRow], labels: Sequence[StageLabel], letters: bool
    ) -> StageColumns:
        """Divides a line's width: names get what they need, bars and objects the rest."""
        letter = 2 if letters else 0
        room = width - 4 - _MS - _LIVES - letter
        objects = 0
        if width >= NARROW:
            room -= 2
            objects = room * 28 // 100
        most = max((room - objects) * 11 // 20, 8)
        step, wanted = 2, _widest(rows, labels, 2)
        if wanted > most:
            step, wanted = 1, _widest(rows, labels, 1)
        name = min(max(wanted, 16), most)
        if objects:
            objects = max(objects, (room - name) * 45 // 100)
        bar = min(max(room - objects - name, 6), WIDEST_BAR)
        return cls(name, bar, room - name - bar if objects else 0, letter, step)


def _widest(rows: Sequence[StageRow], labels: Sequence[StageLabel], step: int) -> int:
    pairs = zip(rows, labels, strict=True)
    return max((row.node.depth * step + label.width for row, label in pairs), default=0)


@dataclass(frozen=True, slots=True)
class StagePainter:
    """The means to draw one timeline's rows: its request, its columns, and its axis."""

    request: Request
    index: ProcessIndex
    columns: StageColumns
    axis: bars.Axis
    letters: Mapping[int, str]
    """Thread token to its letter, for threads other than the request's own."""

    def head(self) -> Line:
        """Draws the head of the columns, with the time axis."""
        columns = self.columns
        line = Line().add(" ").fit("stage", columns.name, "column").add(" ")
        line.add(self.axis.labels(), "axis").right("ms", _MS, "column")
        line.to(line.width + columns.letter).add("  ").fit("lives for", _LIVES, "column")
        if columns.object:
            line.add("  ").fit("object", columns.object, "column")
        return line

    def row(self, row: StageRow, label: StageLabel) -> Line:
        """Draws one row."""
        columns, span = self.columns, row.node.span
        life = self.index.lives.get(span.object) if span.object is not None else None
        verdict, words = scope_and_words(life)
        line = Line().add(" ")
        self._name(line, row, label)
        line.add(" ")
        for text, style in self._bar(row, verdict):
            line.add(text, style)
        took = sum(max(each.end - each.start, 0) for each in row.folded or (span,))
        line.right(wording.milliseconds(took) if took else "", _MS, "duration")
        if columns.letter:
            line.add(" ").fit(self.letters.get(span.thread, ""), columns.letter - 1, "dim")
        line.add("  ").fit(words, _LIVES, theme.scope_style(verdict))
        if columns.object:
            line.add("  ")
            self._object(line, object_words.describe_object(self.index, self.request, row, life))
        return line

    def _name(self, line: Line, row: StageRow, label: StageLabel) -> None:
        columns, span = self.columns, row.node.span
        end = line.width + columns.name
        # However deep it is nested, half the column is left for the name.
        line.to(line.width + min(row.node.depth * columns.step, columns.name // 2))
        line.add(wording.crop(label.word, end - line.width), "dim")
        room = end - line.width
        name, after = label.name, wording.crop(label.after, room * 2 // 3)
        style = "alarm" if label.failed else "dim" if row.folded else "name"
        if not columns.object and not after and len(name) + 3 + len(span.detail) <= room:
            after = f" · {wording.clean(span.detail)}" if span.detail else ""
            after = wording.crop(after, room * 2 // 3)
        shorten = wording.crop_start if span.stage in _CROPPED_AT_START else wording.crop
        line.add(shorten(name, room - wording.cells(after)), style)
        line.add(after, "dim" if style == "name" else style).to(end)

    def _bar(self, row: StageRow, verdict: str | None) -> list[tuple[str, Style]]:
        span, axis, grid = row.node.span, self.axis, theme.style("grid")
        own = theme.scope_style(verdict) if verdict else theme.style("bar.own")
        if row.folded:
            return bars.run_bar(axis, row.folded, own, grid)
        if span.end <= span.start:
            return bars.instant_bar(axis, span.start, own, grid)
        # The stage did not wait for a nested one that ended after it.
        inner = [child.span for child in row.node.children if child.span.end <= span.end]
        return bars.stage_bar(axis, span, inner, own, theme.waiting_style(verdict), grid)

    def _object(self, line: Line, parts: Sequence[tuple[str, str]]) -> None:
        end = line.width + self.columns.object
        for index, (text, style) in enumerate(parts):
            room = end - line.width
            text = f" · {text}" if index else text
            line.add(wording.crop(text, room), style)
            if wording.cells(text) >= room:
                break


def scope_and_words(life: Lifetime | None) -> tuple[str | None, str]:
    """Returns the scope whose colour is used, and the words for it."""
    if life is None:
        return None, ""
    if life.scope != scope.UNDECIDED:
        return life.scope, theme.scope_word(life.scope)
    if life.earlier:
        return life.earlier, f"≈ {theme.scope_word(life.earlier)}"
    return life.scope, "not known yet"
