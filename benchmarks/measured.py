"""The program that is measured: one contestant, one page, in a process of its own.

    python -m benchmarks.measured PAGE CONTESTANT DIRECTORY [MIDDLEWARE]

When it has warmed up it says "ready"; then it does what each line of its standard input tells it
and answers with one line of JSON: `run N` makes N requests, `threads N K` makes N on each of K
threads, `answer` tells what the page looks like, `recorded` what the contestant has of it,
`agree N` what it adds and says that it adds in N pairs of turns, `memory` how much is in use,
`settle` has the contestant deal with what waits, `draw N` draws N timelines. It ends with its
input.
"""

from __future__ import annotations

import gc
import hashlib
import json
import os
import resource
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks import site
from benchmarks.contestants import ALL
from benchmarks.contestants.base import Contestant


class Program:
    """One contestant that serves one page."""

    def __init__(self, page: str, contestant: Contestant, directory: str, middleware: int) -> None:
        # A page of so many queries, which is none of those in the table.
        known = site.PAGES.get(page) or site.Page(f"/{page}/", page, 20, warm_up=10)
        contestant.before(directory)
        site.configure(contestant.changes(directory), directory, middleware)
        site.add_pages()
        contestant.ready()
        from benchmarks import asking

        kind = asking.Asgi if known.awaited else asking.Wsgi
        self.contestant = contestant
        contestant.started()
        self.make: Callable[[], asking.Asking] = lambda: kind(known.address, contestant.around)
        self.asking = self.make()
        status = self.asking.ask().status
        if not status.startswith("200"):
            raise SystemExit(f"the page {page} is not what it should be: {status}")
        self.asking.many(max(known.warm_up // contestant.weight, 10))
        # Every run begins at the same point of the collector's counting.
        gc.collect()
        contestant.caught_up()

    def run(self, count: int) -> dict[str, int]:
        """Make requests; tell their cost in nanoseconds."""
        return _timed(lambda: self.asking.many(count))

    def threads(self, count: int, threads: int) -> dict[str, int]:
        """Make requests on several threads at once."""

        def all_at_once() -> None:
            started = [
                threading.Thread(target=self.asking.many, args=(count,)) for _ in range(threads)
            ]
            for thread in started:
                thread.start()
            for thread in started:
                thread.join()

        return _timed(all_at_once)

    def answer(self) -> dict[str, Any]:
        """What the page is, in a form that can be compared; what its headers are called."""
        answer = self.asking.ask()
        digest = hashlib.sha256(answer.body).hexdigest()
        return {"status": answer.status, "body": digest, "headers": sorted(answer.headers)}

    def recorded(self) -> dict[str, str]:
        """How much the contestant has of a request."""
        self.asking.ask()
        return {"recorded": self.contestant.recorded()}

    def agree(self, pairs: int) -> dict[str, Any]:
        """What a request pays, and what it is said to pay; only this tracer says it."""
        from benchmarks import agreement

        return {"pairs": list(agreement.compare(pairs, self.asking, self.make))}

    def settle(self) -> dict[str, int]:
        """Let the contestant deal with what waits; tell the cost in nanoseconds."""
        return _timed(self.contestant.caught_up)

    def draw(self, count: int) -> dict[str, float]:
        """Draw timelines; only this tracer can."""
        from benchmarks import drawing

        return drawing.draw(count)

    def memory(self) -> dict[str, int]:
        """Kilobytes in use: the most there were, and now."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with open("/proc/self/statm", encoding="ascii") as statm:
            now = int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024
        return {"peak": peak, "now": now}


def _timed(call: Callable[[], None]) -> dict[str, int]:
    full = gc.get_stats()[2]["collections"]
    cpu, wall, thread = time.process_time_ns(), time.perf_counter_ns(), time.thread_time_ns()
    call()
    return {
        "thread": time.thread_time_ns() - thread,
        "cpu": time.process_time_ns() - cpu,
        "wall": time.perf_counter_ns() - wall,
        "full_collections": gc.get_stats()[2]["collections"] - full,
    }


def main() -> int:
    """Warm up, then do as told."""
    page, name, directory, *middleware = sys.argv[1:]
    others = _classes(int(os.environ.get("BENCH_LAYOUT", "0")))
    talk = sys.stdout
    terminal = os.environ.get("BENCH_TERMINAL")
    # Whatever a contestant has to say, this program's own words come through.
    sys.stdout = open(terminal, "w", encoding="utf-8") if terminal else sys.stderr  # noqa: SIM115
    program = Program(page, ALL[name], directory, int(middleware[0]) if middleware else 0)
    print("ready", file=talk, flush=True)
    for line in sys.stdin:
        word, *numbers = line.split()
        told = getattr(program, word)(*map(int, numbers))
        print(json.dumps(told), file=talk, flush=True)
    # Without farewells: they are no part of what is measured.
    del others
    os._exit(0)


def _classes(count: int) -> list[type]:
    """Classes that are there for Python to count: each that is asked for a name gets a version."""
    made = [type(f"Other{number}", (), {"name": number}) for number in range(count)]
    for cls in made:
        assert cls().name is not None  # type: ignore[attr-defined]
    return made


if __name__ == "__main__":
    sys.exit(main())
