"""Timelines of a part of the history, as drawn while a process serves, equal those of the whole."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.render.drawing import plain
from tests.render.sample_cafe import MIDDLEWARE
from tests.render.sample_process import SampleProcess
from tracer.model import Built, History, Process, Request, scope
from tracer.render import Timeline

KEEP = 8
NAMES = ("QuerySet", "Basket", "WSGIRequest", "TemplateResponse")


class RandomProcess(SampleProcess):
    """A process that builds, keeps and frees objects at random, from a seed."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.random = random.Random(seed)
        self.history = History(keep=KEEP)
        self.layers = self.built("boot", *(("middleware", name) for name in MIDDLEWARE))
        self.alive: list[int] = []

    def feed_history(self) -> None:
        """Feeds the facts reported so far to the history."""
        for fact in self.facts:
            self.history.feed(fact)
        self.facts.clear()

    def serve(self) -> None:
        """Serves one request, and frees some older objects."""
        chance = self.random.random
        with self.request("/", thread=self.random.choice((1, 1, 2))) as now:
            for name, layer in zip(MIDDLEWARE, self.layers, strict=True):
                now.does("middleware", name, layer)
            for _ in range(self.random.randrange(5)):
                name = self.random.choice(NAMES)
                token = now.builds("thing", name)
                now.does("view", name, token)
                self.alive.append(token)
            if chance() < 0.8:
                token = now.builds("thing", "Basket")
                now.does("view", "Basket", token)
                self.held(token, f"cafe.ALL[{token}]")
            for token in self.random.sample(self.alive, min(2, len(self.alive))):
                if chance() < 0.3:
                    now.does("cache", "used again", token)
        if chance() < 0.2:
            self.collects()
        if chance() < 0.3:
            self.walks()
        if chance() < 0.1:
            self.dies(*self.found)
        if chance() < 0.2:
            late = self.birth("thing", self.random.choice(NAMES), "boot")
            self.facts.append(Built((replace(late, at=late.at // 2),)))
            self.alive.append(late.token)
        for token in list(self.alive):
            if chance() < 0.3:
                self.alive.remove(token)
                self.dies(token, how=self.random.choice(("reference", "collector")))
        self.feed_history()

    def requests(self) -> Iterator[tuple[Process, Process, list[Request]]]:
        """Serves; yields the whole process, the part for the newest requests, and these."""
        for _ in range(40):
            self.serve()
            whole = self.history.snapshot()
            newest = list(whole.requests[-self.random.randrange(1, 4) :])
            yield whole, self.history.snapshot(newest), newest


@pytest.mark.parametrize("seed", range(12))
def test_a_timeline_of_a_part_of_the_history_equals_that_of_the_whole(seed: int) -> None:
    """Whatever was kept, freed, used again, or forgotten."""
    words = set()
    for whole, part, newest in RandomProcess(seed).requests():
        for request in newest:
            drawn = plain(Timeline(part, request))
            assert drawn == plain(Timeline(whole, request))
            words |= {word for word in ("≈", "use 2", "KEPT") if word in drawn}
    assert words == {"≈", "use 2", "KEPT"}


def test_the_part_for_a_timeline_does_not_grow_with_the_history() -> None:
    """The whole process does."""
    process = RandomProcess(1)
    process.history = History()
    sizes = [
        (len(whole.lifetimes), max(len(part.lifetimes), len(part.requests)))
        for whole, part, _ in process.requests()
    ]
    most = len(MIDDLEWARE) + 3 * 7
    assert max(part for _, part in sizes) <= most < sizes[-1][0]


def test_scopes_of_earlier_objects_count_forgotten_and_remembered_ones() -> None:
    """They count in the order of their births."""
    for seed in range(12):
        process = RandomProcess(seed)
        for whole, _, _ in process.requests():
            counts: dict[str, dict[str, int]] = {}
            for (_, name), folded in process.history.objects.ledger.earlier.items():
                counts[name] = dict(folded)
            for life in whole.lifetimes:
                before = counts.setdefault(life.name, {})
                if life.scope != scope.UNDECIDED:
                    assert life.earlier is None
                    before[life.scope] = before.get(life.scope, 0) + 1
                else:
                    assert life.earlier == max(before, key=before.__getitem__, default=None)
