"""Runs the notebooks, each in a new kernel, and fails where a cell or a claim does.

    python notebooks/run.py [--write] [NOTEBOOK ...]

It exists because a notebook that nobody runs is a story: this is the test of the notebooks, and
the one way in which their outputs are made. They run in a copy, so the checkout stays as it is;
with `--write` the outputs are put into it. Without names, all notebooks beside this program run.
Exit status: 0, 1 when a cell raised or wrote to standard error, 2 for a notebook that is not there.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from traitlets import default

HERE = Path(__file__).resolve().parent
PATIENCE = 180
"""Seconds that one cell may take; servers on a busy machine start slowly."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
DRAWING = re.compile(r"<svg .*?</svg>", re.DOTALL)
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


def digest(notebook: Any) -> str:
    """Return a hash of a notebook's code: outputs belong to it as long as it is the same."""
    code = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


# -- running ------------------------------------------------------------------------------------


class Kernels(AsyncKernelManager):
    """Starts kernels of the Python that runs this program, whatever else is registered."""

    @default("kernel_spec_manager")
    def _specs(self) -> KernelSpecManager:
        # With no directories to look in, "python3" can only be this interpreter.
        return KernelSpecManager(kernel_dirs=[])


def execute(notebook: Any, place: Path) -> None:
    """Run every cell in a new kernel, with `place` as its current directory."""
    NotebookClient(
        notebook,
        kernel_name="python3",
        kernel_manager_class=Kernels,
        # It would warn that it talks to this program over the loopback interface.
        extra_arguments=["--Application.log_level=ERROR"],
        timeout=PATIENCE,
        record_timing=False,
        resources={"metadata": {"path": str(place)}},
    ).execute()


def complaints(notebook: Any) -> Iterator[str]:
    """Say what went wrong in a notebook that has run, as far as it came."""
    for cell in notebook.cells:
        number = f"[{cell.get('execution_count')}]"
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                told = output.evalue or "(no message)"
                yield f"cell {number}: {output.ename}: {told}\n{_marked(output.traceback)}"
            elif output.output_type == "stream" and output.name == "stderr":
                yield f"cell {number} wrote to standard error:\n{_indented(output.text)}"


def _marked(traceback: list[str]) -> str:
    """The lines that Python's traceback points at, the cell's own first."""
    lines = COLOURS.sub("", "\n".join(traceback)).splitlines()
    marked = [line.partition(">")[2].strip() for line in lines if re.match(r"-+> *\d+ ", line)]
    return _indented("\n".join(f"line {line}" for line in marked[:3]))


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())


def run(path: Path, place: Path) -> tuple[Any, list[str]]:
    """Run one notebook in the copy at `place`; return it with its outputs, and what went wrong."""
    notebook = nbformat.read(path, as_version=4)
    trouble: list[str] = []
    try:
        execute(notebook, place)
    except CellExecutionError:
        pass  # it stands among the outputs, too
    except CellTimeoutError:
        trouble.append(f"a cell took longer than {PATIENCE} s")
    except DeadKernelError:
        trouble.append("its kernel died")
    return notebook, [*trouble, *complaints(notebook)]


# -- writing ------------------------------------------------------------------------------------


def normalised(notebook: Any) -> Any:
    """Return a notebook that has run as it is committed: the same whenever and wherever it ran."""
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "ran": digest(notebook),
    }
    for number, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{number:02}"
        cell.metadata = {}
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "text/html" in data:
                data["text/html"] = DRAWING.sub(_image, data["text/html"])
    return notebook


def _image(drawing: re.Match[str]) -> str:
    """An inline drawing as an image.

    Code hosts take inline SVG out, and so does JupyterLab until the reader has run the cell.
    """
    svg = drawing.group()
    title = TITLE.search(svg)
    named = title.group(1).replace('"', "&quot;") if title else ""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{named}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


# -- the program --------------------------------------------------------------------------------


def main() -> int:
    """Run what was asked for; say which notebook, cell and line failed."""
    parser = argparse.ArgumentParser(description="Run the notebooks and hold them to their claims.")
    parser.add_argument("--write", action="store_true", help="put the outputs into the notebooks")
    parser.add_argument("names", nargs="*", metavar="NOTEBOOK", help="default: all")
    asked = parser.parse_args()
    paths = [HERE / Path(name).name for name in asked.names] or sorted(HERE.glob("*.ipynb"))
    for path in paths:
        if not path.is_file():
            print(f"There is no notebook {path.name} in {HERE}.", file=sys.stderr)
            return 2
    failed = 0
    with tempfile.TemporaryDirectory(prefix="notebooks-") as directory:
        copy = Path(directory)
        leave = shutil.ignore_patterns("*.sqlite3*", "__pycache__", ".ipynb_checkpoints")
        for name in ("notebooks", "demo_project"):
            shutil.copytree(HERE.parent / name, copy / name, ignore=leave)
        # What a notebook shows must not depend on who runs it, or where.
        os.environ |= {
            "IPYTHONDIR": str(copy / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(copy / "runtime"),
            "NO_COLOR": "1",
            "COLUMNS": "118",
        }
        os.environ.pop("TRACER_ENABLED", None)
        for path in paths:
            began = time.monotonic()
            notebook, trouble = run(path, copy / "notebooks")
            for sentence in trouble:
                print(f"{path.name}, {sentence}", file=sys.stderr)
            failed += bool(trouble)
            if asked.write and not trouble:
                nbformat.write(normalised(notebook), path)
            told = "FAILED" if trouble else "written" if asked.write else "every claim holds"
            print(f"{path.name}: {told} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
