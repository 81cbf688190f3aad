"""The environment in which a command and all its child processes are traced from their start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

STARTUP: Final = Path(__file__).resolve().parent / "startup"
"""The directory that a traced Python finds first; it holds nothing but what is run at its start."""


def environment(
    base: Mapping[str, str], *, journal: Path | None = None, console: bool = True
) -> dict[str, str]:
    """Return `base` with what makes every Python started in it begin to trace by itself.

    `journal` None leaves it to `base` and to the project's settings whether a journal is kept.
    A Python that ignores its environment (`-E`, `-I`), that runs no `site` (`-S`) or that is older
    than 3.11 runs as ever, untraced.
    """
    startup = str(STARTUP)
    paths = base.get("PYTHONPATH", "")
    # An empty entry is the current directory: it may be in the middle, and must not become a new
    # one at the end.
    kept = [path for path in paths.split(os.pathsep) if path != startup] if paths else []
    made = {
        **base,
        "PYTHONPATH": os.pathsep.join([startup, *kept]),
        "TRACER_ENABLED": "1",
        "TRACER_CONSOLE": "1" if console else "0",
    }
    # uWSGI tells a forked Python nothing of the fork unless asked to, and with threads several
    # requests would come upon it at once. Its other option, which tells the child alone
    # (UWSGI_PY_CALL_OSAFTERFORK), makes every worker of a Python 3.13 abort.
    made.setdefault("UWSGI_PY_CALL_UWSGI_FORK_HOOKS", "1")
    if journal is not None:
        made["TRACER_JOURNAL"] = os.path.abspath(journal.expanduser())
    return made
