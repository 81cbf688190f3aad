"""The measured program: one contestant and one page in a process of their own.

    python -m benchmarks.measured PAGE CONTESTANT DIRECTORY [MIDDLEWARE]

After the warm-up it prints "ready". Then it runs each command of its standard input and answers
with one line of JSON: `run N` makes N requests, `threads N K` makes N on each of K threads,
`answer` describes the page, `recorded` what the contestant recorded of it, `agree N` measures the
added and the stated price in N pairs of turns, `memory` returns memory in use, `settle` lets the
contestant process its backlog, `draw N` draws N timelines. It ends with its input.
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
        # "queries/N" is not in the table of pages.
        known = site.PAGES.get(page) or site.Page(f"/{page}/", page, 20, warm_up=10)
        contestant.before_setup(directory)
        site.configure(contestant.changes(directory), directory, middleware)
        site.add_pages()
        contestant.after_setup()
        from benchmarks import clients

        kind = clients.AsgiClient if known.is_async else clients.WsgiClient
        self.contestant = contestant
        contestant.switch_on()
        self.make: Callable[[], clients.Client] = lambda: kind(known.address, contestant.wrap)
        self.client = self.make()
        status = self.client.get().status
        if not status.startswith("200"):
            raise SystemExit(f"the page {page} has status {status} instead of 200")
        self.client.get_many(max(known.warm_up // contestant.request_divisor, 10))
        # Every run begins at the same point of the collector's counters.
        gc.collect()
        contestant.catch_up()

    def run(self, count: int) -> dict[str, int]:
        """Makes requests; returns their cost in nanoseconds."""
        return _timed(lambda: self.client.get_many(count))

    def threads(self, count: int, threads: int) -> dict[str, int]:
        """Makes requests on several threads at once; returns their cost in nanoseconds."""

        def all_at_once() -> None:
            started = [
                threading.Thread(target=self.client.get_many, args=(count,)) for _ in range(threads)
            ]
            for thread in started:
                thread.start()
            for thread in started:
                thread.join()

        return _timed(all_at_once)

    def answer(self) -> dict[str, Any]:
        """Returns the page's status, a digest of its body, and its headers."""
        answer = self.client.get()
        digest = hashlib.sha256(answer.body).hexdigest()
        return {"status": answer.status, "body": digest, "headers": sorted(answer.headers)}

    def recorded(self) -> dict[str, str]:
        """Returns what the contestant has recorded of a request."""
        self.client.get()
        return {"recorded": self.contestant.recorded()}

    def agree(self, pairs: int) -> dict[str, Any]:
        """Measures the added price and the stated price; only this tracer states one."""
        from benchmarks import agreement

        return {"pairs": list(agreement.compare(pairs, self.client, self.make))}

    def settle(self) -> dict[str, int]:
        """Lets the contestant process its backlog; returns the cost in nanoseconds."""
        return _timed(self.contestant.catch_up)

    def draw(self, count: int) -> dict[str, float]:
        """Draws timelines; only this tracer can."""
        from benchmarks import drawing

        return drawing.draw(count)

    def memory(self) -> dict[str, int]:
        """Returns the kilobytes in use: the peak, and now."""
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
    """Warms up, then runs commands until its input ends."""
    page, name, directory, *middleware = sys.argv[1:]
    others = _classes(int(os.environ.get("BENCH_LAYOUT", "0")))
    answers = sys.stdout
    terminal = os.environ.get("BENCH_TERMINAL")
    # A contestant may print; standard output is for this program's answers alone.
    sys.stdout = open(terminal, "w", encoding="utf-8") if terminal else sys.stderr  # noqa: SIM115
    program = Program(page, ALL[name], directory, int(middleware[0]) if middleware else 0)
    print("ready", file=answers, flush=True)
    for line in sys.stdin:
        command, *numbers = line.split()
        answer = getattr(program, command)(*map(int, numbers))
        print(json.dumps(answer), file=answers, flush=True)
    # Without exit handlers, which are not measured.
    del others
    os._exit(0)


def _classes(count: int) -> list[type]:
    """Makes classes that use up version numbers: a class gets one at an attribute access."""
    made = [type(f"Other{number}", (), {"name": number}) for number in range(count)]
    for cls in made:
        assert cls().name is not None  # type: ignore[attr-defined]
    return made


if __name__ == "__main__":
    sys.exit(main())
