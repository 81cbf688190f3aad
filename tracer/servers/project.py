"""Finds the Django project to serve, by default the demo of this checkout, and its environment."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tracer.servers.errors import ServerFailed

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "demo_project"
SETTINGS = "DJANGO_SETTINGS_MODULE"
DATABASE = "CAFE_DATABASE"
"""The environment variable that names the demo's SQLite file."""
PREPARE_TIMEOUT = 120.0
"""Seconds that preparing the demo's database may take."""

_REMOVED_VARIABLES = (
    "TRACER_", "GUNICORN_", "UVICORN_", "UWSGI_", "GRANIAN_", "DJANGO_SETTINGS_MODULE",
    "RUN_MAIN", "WEB_CONCURRENCY", "GATEWAY_INTERFACE", "SERVER_SOFTWARE",
)  # fmt: skip
"""Prefixes of variables that would change how a server runs."""
_SETTINGS_LINE = re.compile(r"""DJANGO_SETTINGS_MODULE['"]\s*(?:,|\]\s*=)\s*['"]([\w.]+)['"]""")

_preparing = threading.Lock()


@dataclass(frozen=True, slots=True)
class Project:
    """A directory with a Django project, and its settings module."""

    directory: Path
    settings: str

    @property
    def manage(self) -> Path | None:
        """Its manage.py, if it has one."""
        path = self.directory / "manage.py"
        return path if path.is_file() else None

    @property
    def is_demo(self) -> bool:
        """Whether it is the café of this checkout."""
        return self.directory == DEMO


def find_project(
    directory: Path | None, settings: str | None, environ: Mapping[str, str]
) -> Project:
    """Returns the project in `directory` (None: the demo) with its settings module.

    With `settings` None it takes the module that manage.py names, or else the variable
    `DJANGO_SETTINGS_MODULE` of `environ`. Raises ValueError if the project or its settings cannot
    be found.
    """
    if directory is None:
        if not (DEMO / "manage.py").is_file():
            raise ValueError(
                f"The demo project is not at {DEMO}: it comes with a checkout and not with an "
                "installed package. Name a project's directory instead."
            )
        directory = DEMO
    directory = directory.expanduser().resolve()
    if not directory.is_dir():
        raise ValueError(f"{directory} is not a directory; name the one that holds manage.py.")
    chosen = settings or _default_settings(directory) or environ.get(SETTINGS)
    if not chosen:
        raise ValueError(
            f"Which settings does {directory} use? There is no manage.py in it that says so: "
            "name them, such as mysite.settings."
        )
    return Project(directory, chosen)


def _default_settings(directory: Path) -> str | None:
    """Returns the settings module that the directory's manage.py names, if any."""
    try:
        text = (directory / "manage.py").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    named = _SETTINGS_LINE.search(text)
    return named.group(1) if named else None


def environment(project: Project, extra: Mapping[str, str], work: Path) -> dict[str, str]:
    """Returns the environment to serve `project` in: this process's own, without server settings.

    `extra` wins over everything. The demo gets its own database in `work`, unless `extra` names
    one. Raises ServerFailed if that database cannot be made.
    """
    made = {
        name: value for name, value in os.environ.items() if not name.startswith(_REMOVED_VARIABLES)
    }
    made.setdefault("PYTHONUNBUFFERED", "1")
    if project.is_demo and DATABASE not in extra:
        made[DATABASE] = str(copy_demo_databases(work))
    made.update(extra)
    made[SETTINGS] = project.settings
    path = [str(project.directory), *_tracer_path(), made.get("PYTHONPATH", "")]
    made["PYTHONPATH"] = os.pathsep.join(filter(None, path))
    return made


def _tracer_path() -> list[str]:
    """Returns where the tracer lies, unless this environment's interpreters find it anyway."""
    places = {Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib")}
    return [] if ROOT in places else [str(ROOT)]


def copy_demo_databases(work: Path) -> Path:
    """Writes the demo's databases, with sample data, below `work` and returns the first one's path.

    They are made once per process and copied from then on.
    """
    directory = work / "demo"
    directory.mkdir()
    with _preparing:
        contents = _demo_databases()
    for name, content in contents.items():
        (directory / name).write_bytes(content)
    return directory / "cafe.sqlite3"


@functools.cache
def _demo_databases() -> dict[str, bytes]:
    """Runs `manage.py prepare` and returns the content of each database file by its name."""
    with tempfile.TemporaryDirectory(prefix="tracer-demo-") as temporary:
        database = Path(temporary) / "cafe.sqlite3"
        extra = {"TRACER_ENABLED": "0", DATABASE: str(database), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, str(DEMO / "manage.py"), "prepare", "--verbosity", "0"],
            env={k: v for k, v in os.environ.items() if not k.startswith(_REMOVED_VARIABLES)}
            | extra,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PREPARE_TIMEOUT,
            check=False,
        )
        if done.returncode:
            raise ServerFailed("The demo's database could not be prepared.", done.stdout.strip())
        return {path.name: path.read_bytes() for path in sorted(Path(temporary).iterdir())}
