"""Opens the café of `demo_project/` in this process, so that a notebook needs one line for it.

It finds the demo, makes a new database for each run, and lets this process record only what a
notebook asks for.
"""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import django

DEMO = Path(__file__).resolve().parent.parent / "demo_project"


def open_cafe() -> None:
    """Sets Django up with the café and a new database, which is removed when this process ends.

    A second call does nothing. Raises RuntimeError if there is no demo, or no database can be made.
    """
    if "CAFE_NOTEBOOK" in os.environ:
        return
    if not (DEMO / "manage.py").is_file():
        raise RuntimeError(
            f"The café should be in {DEMO}: open the notebooks inside a checkout of the project."
        )
    directory = tempfile.mkdtemp(prefix="cafe-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "cafe_site.settings",
        "CAFE_DATABASE": str(Path(directory, "cafe.sqlite3")),
        # Without DEBUG Django keeps no list of queries, and the tracer records only on request.
        "CAFE_DEBUG": "0",
    }
    # In another process: migrating leaves many objects behind that no request has built.
    prepared = subprocess.run(
        [sys.executable, str(DEMO / "manage.py"), "prepare", "--verbosity", "0"],
        capture_output=True,
        text=True,
    )
    if prepared.returncode:
        raise RuntimeError(f"The café's database could not be made:\n{prepared.stderr}")
    sys.path.insert(0, str(DEMO))
    django.setup()
    os.environ["CAFE_NOTEBOOK"] = "open"
