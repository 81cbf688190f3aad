"""Who a process is, what it had built before its first request, and how to read the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tracer.model import Lifetime, Process, scope
from tracer.render.layout import theme, wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.pictures.picture import Picture


class Overview(Picture):
    """Draws the facts of one process."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        process, about = self.process, self.process.about
        server = wording.clean(f"{about.server} {about.mode}".strip())
        versions = f"Python {about.python} · Django {about.django}"
        yield (
            Line()
            .add(" ")
            .add(f"Process {process.name}", "title")
            .add(f" · {server} · {wording.clean(versions)}", "dim")
        )
        started = datetime.fromtimestamp(about.started).strftime("%Y-%m-%d %H:%M:%S")
        facts = [f"parent {about.parent}", f"started {started}"]
        if about.inherited:
            facts.append(f"its application was built by {about.parent} and handed down by fork")
        facts.append(f"{wording.plural(process.served, 'request')} served")
        if process.ended:
            facts.append("ended in an orderly way")
        pieces = [(fact, "name") for fact in facts]
        cut_off = sum(request.cut_off for request in process.requests)
        if cut_off:
            pieces.append((f"{wording.plural(cut_off, 'request')} cut off by its end", "alarm"))
        yield from pack(pieces, width, 2)
        begun = min((request.begun for request in process.requests), default=None)
        outside = [life for life in process.lifetimes if life.built_in is None]
        early = {
            phase: [life for life in outside if life.phase == phase]
            for phase in ("inherited", "before")
        }
        boot = [
            life
            for life in outside
            if life.phase not in early and (begun is None or life.built_at < begun)
        ]
        if early["inherited"]:
            yield from _built(f"inherited from process {about.parent}", early["inherited"], width)
        if early["before"] or not early["inherited"]:
            yield from _built("built before tracing", early["before"], width)
        if boot or not early["inherited"]:
            yield from _built("built at boot", boot, width)
        yield from _legend(width)


def _built(label: str, lives: Sequence[Lifetime], width: int) -> Iterator[Line]:
    """Counts by kind, with names."""
    kinds: dict[str, list[str]] = {}
    for life in lives:
        kinds.setdefault(life.kind, []).append(life.name)
    pieces = [(f"{label}: {len(lives) or 'nothing seen'}", "heading")]
    for kind, names in kinds.items():
        named = wording.group_names(names, 2)
        known = named.lower() == kind.lower()
        pieces.append((named if known else f"{wording.clean(kind)}: {named}", "name"))
    yield from pack(pieces, width, 2)


def _legend(width: int) -> Iterator[Line]:
    """How to read a timeline."""
    yield from pack(
        [
            ("━━╾──╼━━ a stage: heavy while it ran itself, light while what it called did", "dim"),
            ("◆ an instant", "dim"),
        ],
        width,
        2,
    )
    meanings = {
        scope.PROCESS: "",
        scope.THREAD: "",
        scope.CONNECTION: "",
        scope.REQUEST: "",
        scope.KEPT: ", alive though no later request uses it",
        scope.UNDECIDED: ", not known yet",
    }
    pieces = [("an object lives for:", "dim")]
    for verdict, meaning in meanings.items():
        pieces.append((theme.scope_word(verdict) + meaning, f"scope.{verdict}"))
    yield from pack(pieces, width, 2)
