"""The demo under every server: which processes serve, and how often everything is built.

Each server gets twenty requests, four at a time; `tests.servers.expected_rows` has the expected
behaviour.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.servers.availability import require_server
from tests.servers.expected_rows import ROWS, Row
from tests.support.waiting import until
from tracer.model import Lifetime, Process
from tracer.model.stages import COLLECTION, HANDLER, SETTINGS
from tracer.servers import Server, proc, serve

ROUNDS = 30
"""Rounds of requests after which the test gives up waiting for each worker to serve."""


def visit(server: Server, row: Row) -> int:
    """Sends the row's requests, and more until every worker has served; returns their number."""
    sent = 0
    for _ in range(ROUNDS):
        paths = ["/menu/"] * (row.requests if not sent else 8)
        replies = server.load(paths, concurrency=4)
        sent += len(replies)
        assert Counter(reply.status for reply in replies) == {200: len(replies)}
        assert all(b"</html>" in reply.body for reply in replies)
        # The workers write the rest when they end.
        if row.recycled_after or len(serving(server.processes())) >= row.processes:
            break
    return sent


def serving(processes: list[Process]) -> list[Process]:
    """Returns the processes that served; parents and late replacements only boot."""
    return [process for process in processes if process.requests]


def replaced(server: Server, row: Row) -> bool:
    """Tells whether new processes have replaced those that served their number of requests."""
    done = {each.about.pid for each in server.processes() if each.served == row.recycled_after}
    there = {member.pid for member in proc.family(server.pid)}
    return not done & there and len(there) == row.processes + 1


def lives(process: Process, kind: str) -> list[Lifetime]:
    """Returns the process's objects of this kind."""
    return [life for life in process.lifetimes if life.kind == kind]


def stages(processes: list[Process], stage: str) -> int:
    """Counts the spans of this stage in the processes' boots."""
    boots = [process.boot for process in processes if process.boot is not None]
    return sum(span.stage == stage for boot in boots for span in boot.spans)


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_processes_threads_and_builds_are_as_they_were_measured(row: Row, tmp_path: Path) -> None:
    """Every request is in exactly one journal, and no process is left."""
    require_server(row.name)
    traces = tmp_path / "traces"
    with serve(row.name, journal=traces, options=row.options, timeout=60) as server:
        family = proc.family(server.pid)
        sent = visit(server, row)
        if row.recycled_after and row.name != "cgi":
            # A master that gets SIGTERM while it starts a worker may leave that worker behind.
            until(lambda: replaced(server, row))
        last = proc.family(server.pid)
        family += last
    assert server.orderly
    assert not proc.alive(family)
    everyone = server.processes()
    served = serving(everyone)
    _check_serving(row, served, sent, {member.pid for member in last})
    _check_boots(row, everyone, served)
    for process in served:
        _check_threads(row, process)
        _check_builds(row, process)


def _check_serving(row: Row, served: list[Process], sent: int, last: set[int]) -> None:
    assert sum(len(process.requests) for process in served) == sent
    assert {(p.about.server, p.about.mode) for p in served} == {(row.server, row.mode)}
    assert len({process.about.pid for process in served}) == len(served)
    if row.recycled_after:
        # Each process serves its number and is replaced. Only the last workers may have served
        # fewer: several of them may share the last requests.
        short = {
            process.about.pid for process in served if len(process.requests) != row.recycled_after
        }
        assert short <= last, "replaced after another number of requests"
        assert all(len(process.requests) <= row.recycled_after for process in served)
        assert len(short) <= row.processes
    else:
        assert len(served) == row.processes
    if row.exit_handlers:
        assert all(process.ended for process in served)


def _check_boots(row: Row, everyone: list[Process], served: list[Process]) -> None:
    settings, handlers = stages(everyone, SETTINGS), stages(everyone, HANDLER)
    assert settings - handlers == row.bystanders
    if row.inherits:
        assert (handlers, stages(served, HANDLER)) == (1, 0), "in the one that was forked"
    elif row.recycled_after and row.name != "cgi":
        assert handlers >= len(served), "the last replacements may have served nothing"
    else:
        assert handlers == len(served)


def _check_threads(row: Row, process: Process) -> None:
    # A server that ends workers without exit handlers may cut off an answered request.
    whole = [request for request in process.requests if not request.cut_off]
    assert len(whole) == len(process.requests) or not row.exit_handlers
    threads = {request.thread for request in whole}
    if row.threads:
        assert 1 <= len(threads) <= row.threads
    else:
        assert len(threads) == len(whole), "a new one for each request"
    # A collection is run by any thread that needs memory, such as the tracer's own during a walk.
    spans_of = [[span for span in one.spans if span.stage != COLLECTION] for one in whole]
    workers = [
        {span.thread for span in spans} - {request.thread}
        for request, spans in zip(whole, spans_of, strict=True)
    ]
    if row.is_asgi:
        # All requests share the event loop's thread; each gets another thread for its sync code.
        assert len(threads) == 1
        assert all(len(each) == 1 for each in workers)
        assert len(set.union(*workers)) == len(workers)
    else:
        assert not any(workers)


def _check_builds(row: Row, process: Process) -> None:
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
