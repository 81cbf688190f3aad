"""One application under several servers: what each of them built, and how often.

`count` turns what the processes of one run recorded into a row; `conclusion` says in one sentence
what the rows show. Both are pure functions over recorded facts.
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

ANEW: Final = 0.95
"""From this share on, a server is said to build everything anew for each request."""
ONCE: Final = 0.5
"""Below this share, it is said to keep what it has built."""


@dataclass(frozen=True, slots=True)
class Row:
    """What one server did with the same application and the same requests.

    Counts are over the whole run and all processes; times are in milliseconds. None: not known,
    because the server did not run, or because nothing recorded tells.
    """

    server: str
    version: str | None = None
    status: str = OK
    """"ok", "not installed" or "failed"."""
    why: str | None = None
    """For a server that did not run: what is missing, or what it said."""
    processes: int | None = None
    """That served at least one request."""
    threads: int | None = None
    """On which requests ran, in all processes together."""
    requests_per_process: float | None = None
    """The mean over the processes that served."""
    settings_loaded: int | None = None
    handlers_built: int | None = None
    middleware_built: int | None = None
    urlconfs_imported: int | None = None
    templates_compiled: int | None = None
    connections_opened: int | None = None
    modules_imported: int | None = None
    boot_ms: float | None = None
    """From the interpreter's start to the handler's being ready; the median over those built."""
    first_ms: float | None = None
    """The first request, as its client waited for it."""
    warm_ms: float | None = None
    """The median of all other requests, as their clients waited for them."""
    rebuilt_per_request: float | None = None
    """Of what lives for the process, the share built anew for each further request: 0 to 1."""


FIELDS: Final = tuple(field.name for field in fields(Row))
"""The names of a row's fields, in the order of the document."""


def count(
    server: str, version: str | None, processes: Sequence[Process], seconds: Sequence[float]
) -> Row:
    """Return the row of a server that ran; `seconds` is what each request took, in order."""
    served = [process for process in processes if process.served]
    requests = sum(process.served for process in served)
    built = Counter(life.kind for process in processes for life in _built_here(process))
    boots = [boot for boot in map(_boot, processes) if boot is not None]
    rest = seconds[1:]
    return Row(
        server=server,
        version=version,
        processes=len(served),
        threads=sum(len(_threads(process)) for process in served),
        requests_per_process=round(requests / len(served), 2) if served else None,
        settings_loaded=sum(map(_settings, processes)),
        handlers_built=built["handler"],
        middleware_built=built["middleware"],
        urlconfs_imported=sum(map(_urlconfs, processes)),
        templates_compiled=built["template"],
        connections_opened=built["connection"],
        modules_imported=_modules(processes),
        boot_ms=_milliseconds(median(boots)) if boots else None,
        first_ms=_milliseconds(seconds[0]) if seconds else None,
        warm_ms=_milliseconds(median(rest)) if rest else None,
        rebuilt_per_request=rebuilt(processes),
    )


def rebuilt(processes: Sequence[Process]) -> float | None:
    """Return the share of what lives for the process that was built anew for each request.

    Of every object that some process of the run was seen to keep for its life (scope "process"),
    the builds beyond the first are counted against the requests beyond the first: 1.0 where each
    request built it again, 0.0 where it was built once. The mean over all of them; None for fewer
    than two requests. What a process inherited through a fork was not built again.
    """
    requests = sum(process.served for process in processes)
    if requests < 2:
        return None
    lasting = {_key(life) for process in processes for life in process.lifetimes
               if life.scope == PROCESS}  # fmt: skip
    builds: Counter[tuple[str, str, str]] = Counter()
    most: Counter[tuple[str, str, str]] = Counter()
    for process in processes:
        here = Counter(map(_key, _built_here(process)))
        builds.update(here)
        for key, number in here.items():
            most[key] = max(most[key], number)
    # Several objects can share a name, such as signals; a process builds each of them.
    again = [(builds[key] / most[key] - 1) / (requests - 1) for key in lasting if most[key]]
    return round(min(sum(again) / len(again), 1.0), 4) if again else None


def _key(life: Lifetime) -> tuple[str, str, str]:
    return life.kind, life.cls, life.name


def _built_here(process: Process) -> Iterable[Lifetime]:
    return (life for life in process.lifetimes if life.phase != "inherited")


def _threads(process: Process) -> set[int]:
    """Every thread on which some stage of a request ran."""
    found = {request.thread for request in process.requests}
    for request in process.requests:
        found.update(span.thread for span in request.spans if span.stage in _RUNS)
    return found


_RUNS: Final = frozenset({stages.MIDDLEWARE, stages.HOOK, stages.VIEW, stages.QUERY})
"""Stages in which the application's code runs, or waits on its own thread."""


def _settings(process: Process) -> int:
    """How often the settings were loaded: seen at boot, else found as objects."""
    if process.boot is not None:
        return _of(process, stages.SETTINGS)
    return sum(1 for life in _built_here(process) if life.cls == "django.conf.Settings")


def _urlconfs(process: Process) -> int:
    inside = [request.spans for request in process.requests]
    return _of(process, stages.URLCONF) + sum(
        1 for spans in inside for span in spans if span.stage == stages.URLCONF
    )


def _of(process: Process, stage: str) -> int:
    spans = process.boot.spans if process.boot is not None else ()
    return sum(1 for span in spans if span.stage == stage)


def _modules(processes: Iterable[Process]) -> int | None:
    """All modules imported, at boot and in requests; None where no boot was recorded."""
    total, known = 0, False
    for process in processes:
        if process.boot is not None:
            known = True
            total += process.boot.modules
        total += sum(len(request.imports) for request in process.requests)
    return total if known else None


def _boot(process: Process) -> float | None:
    """Seconds from the interpreter's start until the first handler was ready."""
    if process.boot is None:
        return None
    ends = [span.end for span in process.boot.spans if span.stage == stages.HANDLER]
    return min(ends) / 1e9 if ends else None


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)


def document(requests: int, rows: Iterable[Row]) -> dict[str, Any]:
    """Return the comparison as a document of format 1, for programs."""
    return {
        "format": 1,
        "requests": requests,
        "rows": [{name: getattr(row, name) for name in FIELDS} for row in rows],
    }


def conclusion(requests: int, rows: Iterable[Row]) -> str:
    """Return what the numbers say about the question whether anything keeps running."""
    ran = {row.server: row.rebuilt_per_request for row in rows if row.status == OK}
    known = {name: share for name, share in ran.items() if share is not None}
    if not known:
        if ran:
            return "One request alone shows nothing: send at least two to see what is built again."
        return "No server ran, so nothing can be said."
    anew = [name for name, share in known.items() if share >= ANEW]
    kept = {name: share for name, share in known.items() if share < ONCE}
    between = {n: share for n, share in known.items() if ONCE <= share < ANEW}
    said = []
    if anew:
        said.append(f"under {_and(anew)} each of the {requests} requests built everything anew")
    if kept:
        said.append(_kept(kept, bool(anew)))
    if between:
        told = _and([f"{name} ({share:.2f})" for name, share in between.items()])
        said.append(
            f"under {told} that share of what lives for the process was built again for each "
            "further request"
        )
    sentence = "; ".join(said)
    return f"{sentence[0].upper()}{sentence[1:]}."


def _kept(kept: Mapping[str, float], after: bool) -> str:
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
