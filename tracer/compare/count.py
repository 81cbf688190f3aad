"""Counts what each server built and how often, and says in one sentence what the counts show.

`count` makes one row of what the processes of one server recorded; `conclusion` reads all rows.
Both are pure functions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Any, Final

from tracer.model import stages
from tracer.model.process import Lifetime, Process
from tracer.model.scope import PROCESS

OK: Final = "ok"
NOT_INSTALLED: Final = "not installed"
FAILED: Final = "failed"

REBUILDS: Final = 0.95
"""A server with this share or more builds everything anew for each request."""
KEEPS: Final = 0.5
"""A server with a share below this keeps what it has built."""
_THREAD_STAGES: Final = frozenset({stages.MIDDLEWARE, stages.HOOK, stages.VIEW, stages.QUERY})
"""Stages that run the application's code, or wait on its thread."""


@dataclass(frozen=True, slots=True)
class Row:
    """The counts and times of one server; all servers get the same application and requests.

    Counts cover all processes, from start to stop; times are in milliseconds. None: not known,
    because the server did not run, or because its journal does not say.
    """

    server: str
    version: str | None = None
    status: str = OK
    """"ok", "not installed" or "failed"."""
    why: str | None = None
    """For a server that did not run: what is missing, or how it failed."""
    processes: int | None = None
    """Processes that served at least one request."""
    threads: int | None = None
    """Threads that requests ran on, in all processes together."""
    requests_per_process: float | None = None
    """The mean over the processes that served a request."""
    settings_loaded: int | None = None
    handlers_built: int | None = None
    middleware_built: int | None = None
    urlconfs_imported: int | None = None
    templates_compiled: int | None = None
    connections_opened: int | None = None
    modules_imported: int | None = None
    boot_ms: float | None = None
    """From the interpreter's start until the handler is ready; the median over all processes."""
    first_ms: float | None = None
    """How long the client waited for the first request."""
    warm_ms: float | None = None
    """How long the client waited for each other request; the median."""
    rebuilt_per_request: float | None = None
    """The share of process-scoped objects that each further request built anew, from 0 to 1."""


FIELDS: Final = tuple(field.name for field in fields(Row))
"""The names of a row's fields, in the order of the JSON document."""


def count(
    server: str, version: str | None, processes: Sequence[Process], seconds: Sequence[float]
) -> Row:
    """Returns the row of a server that ran; `seconds` says how long each request took, in order."""
    served = [process for process in processes if process.served]
    requests = sum(process.served for process in served)
    built = Counter(life.kind for process in processes for life in _built_in(process))
    boots = [boot for boot in map(_boot_seconds, processes) if boot is not None]
    rest = seconds[1:]
    return Row(
        server=server,
        version=version,
        processes=len(served),
        threads=sum(len(_serving_threads(process)) for process in served),
        requests_per_process=round(requests / len(served), 2) if served else None,
        settings_loaded=sum(map(_settings_loads, processes)),
        handlers_built=built["handler"],
        middleware_built=built["middleware"],
        urlconfs_imported=sum(map(_urlconf_imports, processes)),
        templates_compiled=built["template"],
        connections_opened=built["connection"],
        modules_imported=_modules_imported(processes),
        boot_ms=_milliseconds(median(boots)) if boots else None,
        first_ms=_milliseconds(seconds[0]) if seconds else None,
        warm_ms=_milliseconds(median(rest)) if rest else None,
        rebuilt_per_request=rebuilt_share(processes),
    )


def rebuilt_share(processes: Sequence[Process]) -> float | None:
    """Returns the share of process-scoped objects that each request built anew, from 0 to 1.

    An object counts if some process kept it for its whole life (scope "process"). Its builds after
    the first are divided by the requests after the first: 1.0 if each request built it again, 0.0
    if it was built once. The result is the mean over all such objects, or None for fewer than two
    requests. An object inherited through a fork was not built again.
    """
    requests = sum(process.served for process in processes)
    if requests < 2:
        return None
    process_scoped = {_key(life) for process in processes for life in process.lifetimes
                      if life.scope == PROCESS}  # fmt: skip
    builds: Counter[tuple[str, str, str]] = Counter()
    most: Counter[tuple[str, str, str]] = Counter()
    for process in processes:
        here = Counter(map(_key, _built_in(process)))
        builds.update(here)
        for key, number in here.items():
            most[key] = max(most[key], number)
    # Several objects of one process can share a name, such as signals.
    again = [(builds[key] / most[key] - 1) / (requests - 1) for key in process_scoped if most[key]]
    return round(min(sum(again) / len(again), 1.0), 4) if again else None


def _key(life: Lifetime) -> tuple[str, str, str]:
    return life.kind, life.cls, life.name


def _built_in(process: Process) -> Iterable[Lifetime]:
    return (life for life in process.lifetimes if life.phase != "inherited")


def _serving_threads(process: Process) -> set[int]:
    """Returns the threads that some stage of a request ran on."""
    found = {request.thread for request in process.requests}
    for request in process.requests:
        found.update(span.thread for span in request.spans if span.stage in _THREAD_STAGES)
    return found


def _settings_loads(process: Process) -> int:
    """Counts how often the settings were loaded: from the boot's spans, else from the objects."""
    if process.boot is not None:
        return _boot_spans(process, stages.SETTINGS)
    return sum(1 for life in _built_in(process) if life.cls == "django.conf.Settings")


def _urlconf_imports(process: Process) -> int:
    inside = [request.spans for request in process.requests]
    return _boot_spans(process, stages.URLCONF) + sum(
        1 for spans in inside for span in spans if span.stage == stages.URLCONF
    )


def _boot_spans(process: Process, stage: str) -> int:
    spans = process.boot.spans if process.boot is not None else ()
    return sum(1 for span in spans if span.stage == stage)


def _modules_imported(processes: Iterable[Process]) -> int | None:
    """Counts the modules imported at boot and in requests; None if no boot was recorded."""
    total, known = 0, False
    for process in processes:
        if process.boot is not None:
            known = True
            total += process.boot.modules
        total += sum(len(request.imports) for request in process.requests)
    return total if known else None


def _boot_seconds(process: Process) -> float | None:
    """Returns the seconds from the interpreter's start until the first handler was ready."""
    if process.boot is None:
        return None
    ends = [span.end for span in process.boot.spans if span.stage == stages.HANDLER]
    return min(ends) / 1e9 if ends else None


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def to_document(requests: int, rows: Iterable[Row]) -> dict[str, Any]:
    """Returns the comparison as a JSON document of format 1."""
    return {
        "format": 1,
        "requests": requests,
        "rows": [{name: getattr(row, name) for name in FIELDS} for row in rows],
    }


def conclusion(requests: int, rows: Iterable[Row]) -> str:
    """Returns one sentence: under which servers does anything of Django keep running?"""
    ran = {row.server: row.rebuilt_per_request for row in rows if row.status == OK}
    known = {name: share for name, share in ran.items() if share is not None}
    if not known:
        if ran:
            return "One request alone shows nothing: send at least two to see what is built again."
        return "No server ran, so nothing can be said."
    rebuilding = [name for name, share in known.items() if share >= REBUILDS]
    kept = {name: share for name, share in known.items() if share < KEEPS}
    between = {n: share for n, share in known.items() if KEEPS <= share < REBUILDS}
    parts = []
    if rebuilding:
        parts.append(
            f"under {_and(rebuilding)} each of the {requests} requests built everything anew"
        )
    if kept:
        parts.append(_keeping(kept, bool(rebuilding)))
    if between:
        servers = _and([f"{name} ({share:.2f})" for name, share in between.items()])
        parts.append(
            f"under {servers} that share of what lives for the process was built again for each "
            "further request"
        )
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _keeping(kept: Mapping[str, float], after: bool) -> str:
    names = _and(list(kept)) if len(kept) <= 3 else f"the {len(kept)} other servers"
    if not after and len(kept) > 3:
        names = f"all {len(kept)} servers"
    worst = max(kept.values())
    share = "nothing" if worst == 0 else f"at most {worst:.2f} of it"
    return (
        f"under {names} what lives for the process was built once in each process that loaded the "
        f"application, and stayed: {share} was built again for each further request"
    )


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
