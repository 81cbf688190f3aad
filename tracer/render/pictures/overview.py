"""What a process is, what it had built before its first request, and how to read the pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from tracer.model import Lifetime, Process, scope
from tracer.model.recorded import CUT_OFF
from tracer.model.requests import heads
from tracer.render.layout import theme, wording
from tracer.render.layout.canvas import Line, pack
from tracer.render.pictures.picture import Picture


class Overview(Picture):
    """A picture of the facts of one process, with a legend for all pictures."""

    def __init__(self, process: Process) -> None:
        self.process = process

    def lines(self, width: int) -> Iterator[Line]:
        """Yields the picture line by line."""
        process, about = self.process, self.process.about
        server = wording.clean(f"{about.server} {about.mode}".strip())
        versions = wording.clean(f"Python {about.python} · Django {about.django}")
        title = Line().add(" ").add(f"Process {process.name}", "title")
        yield title.add(f" · {server} · {versions}", "dim")
        yield from pack(_facts(process), width, 2)
        yield from self._built_before_requests(width)
        yield from _legend(width)

    def _built_before_requests(self, width: int) -> Iterator[Line]:
        """Yields what existed before the first request, by how it came to be there."""
        process = self.process
        begun = min((request.begun for request in heads(process.requests)), default=None)
        outside = [life for life in process.lifetimes if life.built_in is None]
        inherited = [life for life in outside if life.phase == "inherited"]
        before = [life for life in outside if life.phase == "before"]
        boot = [
            life
            for life in outside
            if life.phase not in ("inherited", "before")
            and (begun is None or life.built_at < begun)
        ]
        if inherited:
            yield from _built(f"inherited from process {process.about.parent}", inherited, width)
        if before or not inherited:
            yield from _built("built before tracing", before, width)
        if boot or not inherited:
            yield from _built("built at boot", boot, width)


def _facts(process: Process) -> list[tuple[str, str]]:
    about = process.about
    started = datetime.fromtimestamp(about.started).strftime("%Y-%m-%d %H:%M:%S")
    facts = [f"parent {about.parent}", f"started {started}"]
    if about.inherited:
        facts.append(f"its application was built by {about.parent} and handed down by fork")
    facts.append(f"{wording.plural(process.served, 'request')} served")
    if process.ended:
        facts.append("ended in an orderly way")
    pieces = [(fact, "name") for fact in facts]
    cut_off = sum(request.ending == CUT_OFF for request in heads(process.requests))
    if cut_off:
        pieces.append((f"{wording.plural(cut_off, 'request')} cut off by its end", "alarm"))
    return pieces


def _built(label: str, lives: Sequence[Lifetime], width: int) -> Iterator[Line]:
    """Yields the number of objects, and the names of each kind."""
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
    """Yields how to read a timeline."""
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
        scope.KEPT: ", left behind by request after request",
        scope.UNDECIDED: ", not known yet",
    }
    pieces = [("an object lives for:", "dim")]
    for verdict, meaning in meanings.items():
        pieces.append((theme.scope_word(verdict) + meaning, f"scope.{verdict}"))
    yield from pack(pieces, width, 2)
