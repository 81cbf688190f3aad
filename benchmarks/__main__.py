"""Measures this tracer and its peers, and writes benchmarks/RESULTS.md.

    python -m benchmarks [--quick] [--only PART [--keep]] [--page PAGE] [--contestant NAME]

Parts: instructions (needs valgrind), times, agreement, growth, drawing, saturation. With `--only`,
`--page` or `--contestant` only these are measured, and the results go to standard output; with
`--keep` a part replaces its own results in RESULTS.md, and the other parts stay. The row of a
contestant that cannot run says why. Exit status: 0, or 2 for wrong arguments.
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
"""Pages whose processor time is measured; instructions are counted for all pages."""
QUICK_PAGES = ("short", "list")


def report(text: str) -> None:
    """Prints progress to standard error."""
    print(text, file=sys.stderr, flush=True)


def attempt(page: str, name: str, call: Callable[[], Any]) -> dict[str, Any]:
    """Measures, or returns a row that says why not."""
    row = {"page": page, "contestant": name}
    if PAGES[page].is_async and not ALL[name].is_async:
        return row | {"reason": "it does not support ASGI"}
    begun = time.monotonic()
    try:
        found = asdict(call())
    except CannotMeasure as reason:
        report(f"  {page}, {name}: {reason}")
        return row | {"reason": str(reason)}
    report(f"  {page}, {name}: {time.monotonic() - begun:.0f} s")
    return found


def counted(page: str, name: str) -> dict[str, Any]:
    """Counts instructions, or returns a row that says why not."""
    contestant = ALL[name]
    if page in contestant.pages_not_counted:
        reason = "it samples by the clock, and valgrind makes this page last too long"
        return {"page": page, "contestant": name, "reason": reason}
    return attempt(page, name, lambda: instructions.measure(page, name, layouts=contestant.layouts))


def about(quick: bool) -> dict[str, Any]:
    """Returns the versions and the machine that were measured."""
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
    """One run: its parts, pages and contestants, and their results."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.quick: bool = options.quick
        self.parts: Sequence[str] = [options.only] if options.only else PARTS
        pages: Iterable[str] = QUICK_PAGES if self.quick else PAGES
        self.pages = [options.page] if options.page else list(pages)
        chosen = options.contestant or list(ALL)
        self.names = [name for name in ALL if name in ("nothing", *chosen)]
        self.results: dict[str, Any] = {
            "format": 4, "about": about(self.quick), "instructions": [], "times": [],
            "agreement": [], "growth": [], "drawing": [], "writing": [], "saturation": {},
        }  # fmt: skip

    def measure(self) -> dict[str, Any]:
        """Measures all parts."""
        begun = time.monotonic()
        for part in self.parts:
            report(f"{part}:")
            try:
                getattr(self, part)()
            except CannotMeasure as reason:
                report(f"  {reason}")
        self.results["about"]["measured"] = dict.fromkeys(self.parts, date.today().isoformat())
        report(f"{round((time.monotonic() - begun) / 60)} minutes in all")
        return self.results

    def instructions(self) -> None:
        """Counts every page with every contestant, several at once.

        Only contestants that draw or sample by the clock execute more when they have more time.
        """
        rows = [(page, name) for page in self.pages for name in self.names]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            self.results["instructions"] = list(pool.map(lambda row: counted(*row), rows))

    def times(self) -> None:
        """Times the common pages with every contestant."""
        pairs = 3 if self.quick else times.PAIRS
        for page in [page for page in self.pages if page in TIMED]:
            for name in self.names[1:]:
                row = attempt(page, name, lambda p=page, n=name: times.measure(p, n, pairs))  # type: ignore[misc]
                self.results["times"].append(row)

    def agreement(self) -> None:
        """Checks the contestants that state their own price, on the same pages."""
        divisor = 8 if self.quick else 1
        for page in [page for page in self.pages if page in TIMED]:
            for name in [name for name in self.names if ALL[name].states_price]:
                row = attempt(page, name, lambda p=page, n=name: agreement.measure(p, n, divisor))  # type: ignore[misc]
                self.results["agreement"].append(row)

    def growth(self) -> None:
        """Measures how the cost of recording grows."""
        marks = growth.PAST_REQUESTS[:2] if self.quick else growth.PAST_REQUESTS
        counts = growth.QUERIES[:2] if self.quick else growth.QUERIES
        for steps in (
            growth.past_requests(marks=marks), growth.queries(counts=counts), growth.middleware(),
            growth.threads(),
        ):  # fmt: skip
            for step in steps:
                report(f"  {step.what}: {step.added:+,.0f} µs")
                self.results["growth"].append(asdict(step))

    def drawing(self) -> None:
        """Measures drawing and the journal."""
        for page in [page for page in self.pages if page in TIMED]:
            self.results["drawing"].append(asdict(drawing.timelines(page)))
            self.results["writing"].append(asdict(drawing.writing(page)))

    def saturation(self) -> None:
        """Measures requests per second through gunicorn."""
        rounds = 2 if self.quick else saturation.ROUNDS
        self.results["saturation"] = saturation.measure(rounds)


def main() -> int:
    """Measures as the arguments say, and writes or prints the results."""
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
    found = Run(options).measure()
    if options.keep:
        found = results.merged(found, options.only)
        results.save(found)
        report(f"written: {results.TABLES} and {results.DOCUMENT.name}")
    elif options.only or options.page or options.contestant:
        print(results.markdown(found))
    else:
        results.save(found)
        report(f"written: {results.TABLES} and {results.DOCUMENT.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
