"""The demo under every server: who serves, and how often everything is built.

Of each server, twenty requests, four at a time; see `tests.servers.expected` for what it does.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.servers.expected import ROWS, Row
from tests.servers.presence import needed
from tests.support.waiting import until
from tracer.model import Lifetime, Process
from tracer.model.stages import HANDLER, SETTINGS
from tracer.servers import Server, proc, serve

ROUNDS = 30
"""How often a server is asked again until each of its workers has had a turn."""


def visit(server: Server, row: Row) -> int:
    """Ask as often as the row says, and on until every worker has served; return how often."""
    asked = 0
    for _ in range(ROUNDS):
        paths = ["/menu/"] * (row.requests if not asked else 8)
        replies = server.load(paths, concurrency=4)
        asked += len(replies)
        assert Counter(reply.status for reply in replies) == {200: len(replies)}
        assert all(b"</html>" in reply.body for reply in replies)
        # What the workers have written so far; the rest comes with their end.
        if row.each or len(serving(server.processes())) >= row.processes:
            break
    return asked


def serving(processes: list[Process]) -> list[Process]:
    """Those that served; a parent, or a replacement that came late, only booted."""
    return [process for process in processes if process.requests]


def replaced(server: Server, row: Row) -> bool:
    """Whether others have taken the place of those that have served their number."""
    done = {each.about.pid for each in server.processes() if each.served == row.each}
    there = {member.pid for member in proc.family(server.pid)}
    return not done & there and len(there) == row.processes + 1


def lives(process: Process, kind: str) -> list[Lifetime]:
    """The process's objects of this kind."""
    return [life for life in process.lifetimes if life.kind == kind]


def stages(processes: list[Process], stage: str) -> int:
    """How often this stage was passed while they booted."""
    boots = [process.boot for process in processes if process.boot is not None]
    return sum(span.stage == stage for boot in boots for span in boot.spans)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_processes_threads_and_builds_are_as_they_were_measured(row: Row, tmp_path: Path) -> None:
    """Every request is in exactly one journal, and nothing is left running."""
    needed(row.name)
    traces = tmp_path / "traces"
    with serve(row.name, journal=traces, options=row.options, timeout=60) as server:
        family = proc.family(server.pid)
        asked = visit(server, row)
        if row.each and row.name != "cgi":
            # A master that is told to stop while it begins a worker may forget that one.
            until(lambda: replaced(server, row))
        last = proc.family(server.pid)
        family += last
    assert server.orderly
    assert not proc.alive(family)
    everyone = server.processes()
    served = serving(everyone)
    _who_serves(row, served, asked, {member.pid for member in last})
    _who_boots(row, everyone, served)
    for process in served:
        _on_which_threads(row, process)
        _what_is_built(row, process)


def _who_serves(row: Row, served: list[Process], asked: int, last: set[int]) -> None:
    assert sum(len(process.requests) for process in served) == asked
    assert {(p.about.server, p.about.mode) for p in served} == {(row.server, row.mode)}
    assert len({process.about.pid for process in served}) == len(served)
    if row.each:
        # Each serves its number and is replaced; the last requests may go to one of the last
        # workers or another, so that several of them have begun on theirs.
        short = {process.about.pid for process in served if len(process.requests) != row.each}
        assert short <= last, "replaced after another number of requests"
        assert all(len(process.requests) <= row.each for process in served)
        assert len(short) <= row.processes
    else:
        assert len(served) == row.processes
    if row.farewell:
        assert all(process.ended for process in served)


def _who_boots(row: Row, everyone: list[Process], served: list[Process]) -> None:
    settings, handlers = stages(everyone, SETTINGS), stages(everyone, HANDLER)
    assert settings - handlers == row.bystanders
    if row.inherits:
        assert (handlers, stages(served, HANDLER)) == (1, 0), "in the one that was forked"
    elif row.each and row.name != "cgi":
        assert handlers >= len(served), "the last replacements may have served nothing"
    else:
        assert handlers == len(served)


def _on_which_threads(row: Row, process: Process) -> None:
    # A server that ends its workers without a farewell may cut one off that was answered already.
    whole = [request for request in process.requests if not request.cut_off]
    assert len(whole) == len(process.requests) or not row.farewell
    threads = {request.thread for request in whole}
    if row.threads:
        assert 1 <= len(threads) <= row.threads
    else:
        assert len(threads) == len(whole), "a new one for each request"
    workers = [{span.thread for span in request.spans} - {request.thread} for request in whole]
    if row.is_asgi:
        # All requests share the event loop's thread; each gets a worker thread for its sync code.
        assert len(threads) == 1
        assert all(len(each) == 1 for each in workers)
        assert len(set.union(*workers)) == len(workers)
    else:
        assert not any(workers)


def _what_is_built(row: Row, process: Process) -> None:
    assert process.about.inherited == row.inherits
    (settings,), (handler,) = lives(process, "settings"), lives(process, "handler")
    middleware, resolvers = lives(process, "middleware"), lives(process, "resolver")
    built = {handler.phase, settings.phase, *(each.phase for each in middleware)}
    assert len(middleware) == 10
    assert built == {"inherited"} if row.inherits else "inherited" not in built
    for each in (settings, handler, *middleware):
        assert each.built_in is None, "once per process, and not in a request"
    # Even where the application is inherited, each process imports the URLconf itself, for the
    # first request that needs it; four may begin at once.
    for each in resolvers:
        assert (each.built_in is None) == row.urlconf_at_boot
        assert (each.built_in or 0) <= 4
