"""What was recorded of one way of serving, as a small file of the journal's own lines."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from tracer.journal.decode import Decoder
from tracer.journal.encode import encode
from tracer.journal.tail import Tail
from tracer.model import Barrier, Fact, History, Process, ThreadSeen, Walk
from tracer.model.recorded import RecordedRequests

SUFFIX: Final = ".jsonl.xz"


def freeze(journal: Path, path: Path) -> None:
    """Writes the facts of the one process in a journal."""
    (news,) = Tail(journal).read()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not gzip, which sees 32 kB at a time: there the files are twice as large.
    with lzma.open(path, "wb", preset=9) as packed:
        packed.write(encode(*map(_bare, news.facts)))


def _bare(fact: Fact) -> Fact:
    """Returns a fact without what no rule reads: stages, names of threads, times of day."""
    if isinstance(fact, RecordedRequests):
        (used,) = {tuple(sorted(one.used())) for one in fact}
        seen = tuple([token for token, _ in used])
        threads = [thread for _, thread in used]
        return replace(
            fact,
            starts=[],
            ends=[],
            whats=(),
            threads=None,
            seen=seen,
            seen_on=threads if set(threads) > {fact.thread} else None,
            imports=[name for name in fact.imports if name.startswith("tests.")],
            watching=0,
        )
    return replace(fact, name="") if isinstance(fact, ThreadSeen) else fact


def thaw(path: Path) -> Iterator[Fact]:
    """Yields the facts of such a file."""
    decoder = Decoder()
    with lzma.open(path, "rb") as lines:
        for line in lines:
            fact = decoder.decode(line)
            if fact is not None:
                yield fact


def replay(path: Path) -> tuple[Process, Process]:
    """Returns the process as it was after the last walk that no collection of the tracer's came
    before, and as it was at last.

    Nothing of Django is needed: the rules read facts.
    """
    history, quiet, collected = History(), None, False
    for fact in thaw(path):
        history.feed(fact)
        collected = collected or (isinstance(fact, Barrier) and fact.by == "tracer")
        if isinstance(fact, Walk) and not collected:
            quiet = history.snapshot()
    assert quiet is not None, f"{path} holds no walk"
    return quiet, history.snapshot()
