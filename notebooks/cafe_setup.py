"""Opens the café of `demo_project/` in this process: each notebook is one line away from it.

It exists for what no notebook should have to explain: where the demo lies, that every run gets a
new database, and that this process watches only what a notebook records.
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
    """Set Django up with the café, on a new database that goes when this process ends.

    Twice is as good as once. RuntimeError if the demo is not there, or its database cannot be made.
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
        # Without DEBUG Django keeps no list of queries, and the tracer waits to be asked.
        "CAFE_DEBUG": "0",
    }
    # In a process of its own: migrating leaves much behind that no request has built.
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
