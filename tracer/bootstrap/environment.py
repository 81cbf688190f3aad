"""The environment in which a command and all its child processes are traced from their start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

STARTUP: Final = Path(__file__).resolve().parent / "startup"
"""The directory that comes first on the path of a traced Python, with what runs at its start."""


def environment(
    base: Mapping[str, str], *, journal: Path | None = None, console: bool = True
) -> dict[str, str]:
    """Returns `base` with the variables that make every Python started in it trace itself.

    If `journal` is None, `base` and the project's settings decide whether a journal is kept. A
    Python that ignores its environment (`-E`, `-I`), runs no `site` (`-S`) or is older than 3.11
    runs as usual, untraced.
    """
    startup = str(STARTUP)
    paths = base.get("PYTHONPATH", "")
    # An empty entry stands for the current directory. It stays where it is, but an empty
    # PYTHONPATH must not become such an entry.
    kept = [path for path in paths.split(os.pathsep) if path != startup] if paths else []
    made = {
        **base,
        "PYTHONPATH": os.pathsep.join([startup, *kept]),
        "TRACER_ENABLED": "1",
        "TRACER_CONSOLE": "1" if console else "0",
    }
    # uWSGI runs a forked Python's fork hooks only if asked to; without them, the first requests on
    # several threads would all discover the fork at once. Its other option, which runs the hooks of
    # the child alone (UWSGI_PY_CALL_OSAFTERFORK), makes every worker of a Python 3.13 abort.
    made.setdefault("UWSGI_PY_CALL_UWSGI_FORK_HOOKS", "1")
    if journal is not None:
        made["TRACER_JOURNAL"] = os.path.abspath(journal.expanduser())
    return made
