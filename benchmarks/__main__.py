"""Measures this tracer and its peers, and writes benchmarks/RESULTS.md.

    python -m benchmarks [--quick] [--only PART [--keep]] [--page PAGE] [--contestant NAME]

Parts: instructions (needs valgrind), times, agreement, growth, drawing, saturation. With `--only`,
`--page` or `--contestant` only these are measured, and nothing is written but to standard output;
with `--keep` a part takes its place in RESULTS.md, and the others stay as they were measured. A
contestant that cannot run says so in its row. Exit status: 0, or 2 for wrong arguments.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import date
from typing import Any

import django

from benchmarks import agreement, drawing, growth, instructions, results, saturation, times
from benchmarks.child import CannotMeasure, versions
from benchmarks.contestants import ALL
from benchmarks.site import PAGES

PARTS = ("instructions", "times", "agreement", "growth", "drawing", "saturation")
TIMED = ("short", "list", "json")
"""Pages whose processor time is measured; instructions are counted for all of them."""
QUICK_PAGES = ("short", "list")


def say(words: str) -> None:
    """Tell how far it is."""
    print(words, file=sys.stderr, flush=True)


def attempt(page: str, name: str, call: Callable[[], Any]) -> dict[str, Any]:
    """Measure, or say why not."""
    row = {"page": page, "contestant": name}
    if PAGES[page].awaited and not ALL[name].awaited:
        return row | {"reason": "it knows no ASGI"}
    begun = time.monotonic()
    try:
        found = asdict(call())
    except CannotMeasure as reason:
        say(f"  {page}, {name}: {reason}")
        return row | {"reason": str(reason)}
    say(f"  {page}, {name}: {time.monotonic() - begun:.0f} s")
    return found


def counted(page: str, name: str) -> dict[str, Any]:
    """Count instructions, or say why not."""
    contestant = ALL[name]
    if page in contestant.uncounted:
        reason = "it samples by the clock, and valgrind makes this page last too long"
        return {"page": page, "contestant": name, "reason": reason}
    return attempt(page, name, lambda: instructions.measure(page, name, layouts=contestant.layouts))


def about(quick: bool) -> dict[str, Any]:
    """What was measured, with what, and where."""
    found: dict[str, str] = {}
    for contestant in ALL.values():
        try:
            found |= versions(contestant)
        except CannotMeasure:
            continue
    return {
        "python": platform.python_version(),
        "django": django.get_version(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "versions": found,
        "quick": quick,
    }


class Run:
    """One run: which parts, pages and contestants, and what came of it."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.quick: bool = options.quick
        self.parts: Sequence[str] = [options.only] if options.only else PARTS
        pages: Iterable[str] = QUICK_PAGES if self.quick else PAGES
        self.pages = [options.page] if options.page else list(pages)
        chosen = options.contestant or list(ALL)
        self.names = [name for name in ALL if name in ("nothing", *chosen)]
        self.told: dict[str, Any] = {
            "format": 4, "about": about(self.quick), "instructions": [], "times": [],
            "agreement": [], "growth": [], "drawing": [], "writing": [], "saturation": {},
        }  # fmt: skip

    def measure(self) -> dict[str, Any]:
        """Measure all parts."""
        begun = time.monotonic()
        for part in self.parts:
            say(f"{part}:")
            try:
                getattr(self, part)()
            except CannotMeasure as reason:
                say(f"  {reason}")
        self.told["about"]["measured"] = dict.fromkeys(self.parts, date.today().isoformat())
        say(f"{round((time.monotonic() - begun) / 60)} minutes in all")
        return self.told

    def instructions(self) -> None:
        """Every page, every contestant; several at once, for only what draws or samples by the
        clock does more where there is more time."""
        rows = [(page, name) for page in self.pages for name in self.names]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self.told["instructions"] = list(pool.map(lambda row: counted(*row), rows))

    def times(self) -> None:
        """Pages without the rarer ones, every contestant."""
        pairs = 3 if self.quick else times.PAIRS
        for page in [page for page in self.pages if page in TIMED]:
            for name in self.names[1:]:
                row = attempt(page, name, lambda p=page, n=name: times.measure(p, n, pairs))  # type: ignore[misc]
                self.told["times"].append(row)

    def agreement(self) -> None:
        """Those who say what they take, on the same pages."""
        divisor = 8 if self.quick else 1
        for page in [page for page in self.pages if page in TIMED]:
            for name in [name for name in self.names if ALL[name].says]:
                row = attempt(page, name, lambda p=page, n=name: agreement.measure(p, n, divisor))  # type: ignore[misc]
                self.told["agreement"].append(row)

    def growth(self) -> None:
        """Recording alone."""
        marks = growth.PAST[:2] if self.quick else growth.PAST
        counts = growth.QUERIES[:2] if self.quick else growth.QUERIES
        for steps in (
            growth.past(marks=marks), growth.queries(counts=counts), growth.middleware(),
            growth.threads(),
        ):  # fmt: skip
            for step in steps:
                say(f"  {step.what}: {step.added:+,.0f} µs")
                self.told["growth"].append(asdict(step))

    def drawing(self) -> None:
        """Timelines, and the journal."""
        for page in [page for page in self.pages if page in TIMED]:
            self.told["drawing"].append(asdict(drawing.timelines(page)))
            self.told["writing"].append(asdict(drawing.writing(page)))

    def saturation(self) -> None:
        """Through gunicorn."""
        rounds = 2 if self.quick else saturation.ROUNDS
        self.told["saturation"] = saturation.measure(rounds)


def main() -> int:
    """Measure what was asked for; write it, or print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--quick", action="store_true", help="two pages, fewer repetitions")
    parser.add_argument("--only", choices=PARTS, help="only this part")
    parser.add_argument("--keep", action="store_true", help="write it beside the other parts")
    parser.add_argument("--page", choices=PAGES, help="only this page")
    parser.add_argument("--contestant", choices=ALL, action="append", help="only this one")
    options = parser.parse_args()
    if options.keep and (not options.only or options.page or options.contestant):
        parser.error("--keep goes with --only PART, of which every row is measured")
    told = Run(options).measure()
    if options.keep:
        told = results.merged(told, options.only)
        results.save(told)
        say(f"written: {results.TABLES} and {results.DOCUMENT.name}")
    elif options.only or options.page or options.contestant:
        print(results.markdown(told))
    else:
        results.save(told)
        say(f"written: {results.TABLES} and {results.DOCUMENT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
