"""How a process booted: the stages from the interpreter's start on, and the slowest modules."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from tracer.model import Boot, Imported, Process, Span, stages
from tracer.render.layout import bars, stage_rows, theme, wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.layout.stage_rows import StageRow
from tracer.render.pictures.picture import Picture

BOOT_WORDS: Final = {
    stages.IMPORT: "import",
    stages.SETTINGS: "settings",
    stages.APP: "app",
    stages.MODELS: "models",
    stages.READY: "ready",
    stages.URLCONF: "URLconf",
    stages.HANDLER: "handler",
    stages.MIDDLEWARE: "middleware",
}
"""Stage to the word before its name, where the name alone does not say what it is."""
MODULES: Final = 12
"""At most so many modules are shown."""

_MS: Final = 8
_WIDEST_BAR: Final = 110
_COMMAND: Final = "python -m tracer run --journal DIR -- COMMAND"


class BootTree(Picture):
    """A picture of the boot of one process, as a tree with times."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        process, boot = self.process, self.process.boot
        server = wording.clean(f"{process.about.server} {process.about.mode}".strip())
        yield Line().add(" ").add(_title(process), "title").add(f" · {server}", "dim")
        yield from pack(_origin(process), width, 2)
        if boot is None:
            return
        if boot.spans:
            yield from self._tree(boot, width)
        yield from _modules(boot.heaviest[:MODULES], width)
        yield from pack([(text, "name") for text in _sums(boot)], width, 2)

    def _tree(self, boot: Boot, width: int) -> Iterator[Line]:
        found, left_out = stage_rows.rows_of(boot.spans)
        names = [_label(row) for row in found]
        widest = max(
            2 * row.node.depth + sum(map(wording.cells, name))
            for row, name in zip(found, names, strict=True)
        )
        room = max(min(widest, (width - _MS - 4) * 11 // 20), 16)
        bar = min(max(width - room - _MS - 3, 6), _WIDEST_BAR)
        axis = bars.Axis(max(span.end for span in boot.spans), bar)
        head = Line().add(" ").fit("stage", room, "column").add(" ").add(axis.labels(), "axis")
        yield head.right("ms", _MS, "column")
        for row, name in zip(found, names, strict=True):
            yield self._row(row, name, room, axis)
        if left_out:
            yield Line().add("  ").add(f"{left_out} shorter stages are not drawn.", "dim")

    def _row(self, row: StageRow, name: tuple[str, str, str], room: int, axis: bars.Axis) -> Line:
        span = row.node.span
        own, wait, grid = map(theme.style, ("bar.own", "bar.wait", "grid"))
        line = Line().add(" ").to(1 + min(2 * row.node.depth, room // 2))
        word, middle, after = name
        line.add(word, "dim")
        left = 1 + room - line.width
        middle = wording.crop_start(middle, max(left - wording.cells(after), left // 2))
        line.add(middle, "alarm" if span.error else "name")
        line.add(wording.crop(after, 1 + room - line.width), "dim").to(room + 1).add(" ")
        if row.folded:
            pieces = bars.run_bar(axis, row.folded, own, grid)
        else:
            inner = [child.span for child in row.node.children]
            pieces = bars.stage_bar(axis, span, inner, own, wait, grid)
        for text, style in pieces:
            line.add(text, style)
        took = sum(each.end - each.start for each in row.folded or (span,))
        return line.right(wording.milliseconds(took), _MS, "duration")


class BootLine(Picture):
    """The boot of one process in a few lines, for a console."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        boot = self.process.boot
        if boot is None:
            return
        pieces = [(_title(self.process), "heading")]
        spans = [span for span in boot.spans if span.stage in _MAIN_STAGES]
        pieces += [(_summary(span, boot.spans), "name") for span in spans]
        yield from pack([*pieces, *((text, "dim") for text in _sums(boot))], width)


_MAIN_STAGES: Final = (
    stages.INTERPRETER,
    stages.SETTINGS,
    stages.SETUP,
    stages.URLCONF,
    stages.HANDLER,
)


def _summary(span: Span, spans: Sequence[Span]) -> str:
    """Returns a stage with its time, and how many apps or middleware were built in it."""
    inside = [each for each in spans if each.parent is not None and spans[each.parent] is span]
    name = BOOT_WORDS.get(span.stage, wording.clean(span.name))
    text = f"{name} {wording.duration(span.end - span.start)}"
    for stage, nouns in ((stages.APP, ("app",)), (stages.MIDDLEWARE, ("middleware",) * 2)):
        count = sum(each.stage == stage for each in inside)
        if count:
            text += f" for {wording.plural(count, *nouns)}"
    return text


def _title(process: Process) -> str:
    pid = process.about.pid
    if process.about.inherited:
        return f"What process {pid} did after the fork"
    return f"How process {pid} booted"


def _origin(process: Process) -> list[tuple[str, str]]:
    """Says why the boot is not known, and how to see it."""
    about = process.about
    if about.inherited:
        inherited = f"its application was built by process {about.parent} and handed down by fork"
        return [(inherited, "name"), ("the boot of that one tells how", "dim")]
    if process.boot is None:
        unknown = "it was not watched from its interpreter's start"
        return [(unknown, "name"), (f"to see its boot, start it with {_COMMAND}", "dim")]
    return []


def _label(row: StageRow) -> tuple[str, str, str]:
    """Returns (word before the name, name, what comes after it)."""
    span = row.node.span
    word = BOOT_WORDS.get(span.stage, "")
    if span.stage == stages.MIDDLEWARE and span.name.lower().endswith(word):
        word = ""
    after = f" {theme.TIMES} {row.times} more" if row.folded else ""
    if span.detail:
        after += f" · {wording.clean(span.detail)}"
    if span.error:
        after += f" raises {wording.clean(span.error)}"
    return f"{word} " if word else "", wording.clean(span.name), after


def _modules(modules: Sequence[Imported], width: int) -> Iterator[Line]:
    """Yields the modules whose own code took longest, with bars on one scale."""
    if not modules:
        return
    room = min(max(len(module.name) for module in modules), width * 2 // 5)
    bar = min(max(width - room - 2 * _MS - 8, 6), 40)
    line = Line().add(" ").fit("heaviest modules", room + 1, "column").add(" ").to(room + 3 + bar)
    yield line.right("own ms", _MS, "column").right("in all", _MS, "column")
    longest = max(modules[0].own, 1)
    for module in modules:
        line = Line().add(" ").fit(wording.crop_start(wording.clean(module.name), room), room + 1)
        length = max(round(module.own / longest * bar * 2), 1)
        line.add(" ").add("━" * (length // 2) + "╸" * (length % 2), "bar.own").to(room + 3 + bar)
        line.right(wording.milliseconds(module.own), _MS, "duration")
        yield line.right(wording.milliseconds(module.total), _MS, "dim")


def _sums(boot: Boot) -> Iterator[str]:
    yield f"{wording.plural(boot.modules, 'module')} imported in {wording.duration(boot.importing)}"
    yield f"the tracer took {wording.duration(boot.watching)} to start, counted nowhere else"
