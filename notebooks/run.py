"""Runs the notebooks, each in a new kernel, and fails if a cell fails.

    python notebooks/run.py [--write] [NOTEBOOK ...]

This is the test of the notebooks, and the only program that makes their outputs. They run in a
copy, so the checkout does not change; `--write` writes their outputs to it. Without names it runs
all notebooks beside this program. Exit status: 0, 1 if a cell raised an error or wrote to standard
error, 2 for a notebook that is not there.
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
CELL_TIMEOUT = 180
"""Seconds that one cell may take; servers start slowly on a busy machine."""
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
DRAWING = re.compile(r"<svg .*?</svg>", re.DOTALL)
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)


def digest(notebook: Any) -> str:
    """Returns a hash of a notebook's code, which shows whether its outputs belong to that code."""
    code = "\0".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    return hashlib.sha256(code.encode()).hexdigest()[:16]


# -- running ------------------------------------------------------------------------------------


class Kernels(AsyncKernelManager):
    """A kernel manager that starts kernels of the Python that runs this program."""

    @default("kernel_spec_manager")
    def _specs(self) -> KernelSpecManager:
        # Without directories of kernels, "python3" can only be this interpreter.
        return KernelSpecManager(kernel_dirs=[])


def execute(notebook: Any, directory: Path) -> None:
    """Runs every cell in a new kernel, with `directory` as its current directory."""
    NotebookClient(
        notebook,
        kernel_name="python3",
        kernel_manager_class=Kernels,
        # Otherwise it warns that it uses the loopback interface.
        extra_arguments=["--Application.log_level=ERROR"],
        timeout=CELL_TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(directory)}},
    ).execute()


def failures(notebook: Any) -> Iterator[str]:
    """Yields a sentence for each error in the outputs of a notebook that has run."""
    for cell in notebook.cells:
        number = f"[{cell.get('execution_count')}]"
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                message = output.evalue or "(no message)"
                lines = _traceback_lines(output.traceback)
                yield f"cell {number}: {output.ename}: {message}\n{lines}"
            elif output.output_type == "stream" and output.name == "stderr":
                yield f"cell {number} wrote to standard error:\n{_indent(output.text)}"


def _traceback_lines(traceback: list[str]) -> str:
    """Returns the lines that Python's traceback points at, the cell's own first."""
    lines = COLOURS.sub("", "\n".join(traceback)).splitlines()
    marked = [line.partition(">")[2].strip() for line in lines if re.match(r"-+> *\d+ ", line)]
    return _indent("\n".join(f"line {line}" for line in marked[:3]))


def _indent(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.rstrip().splitlines())


def run(path: Path, directory: Path) -> tuple[Any, list[str]]:
    """Runs one notebook in the copy in `directory`; returns it with its outputs, and its errors."""
    notebook = nbformat.read(path, as_version=4)
    errors: list[str] = []
    try:
        execute(notebook, directory)
    except CellExecutionError:
        pass  # the outputs contain the error
    except CellTimeoutError:
        errors.append(f"a cell took longer than {CELL_TIMEOUT} s")
    except DeadKernelError:
        errors.append("its kernel died")
    return notebook, [*errors, *failures(notebook)]


# -- writing ------------------------------------------------------------------------------------


def normalised(notebook: Any) -> Any:
    """Returns a notebook that has run, without anything that depends on when and where it ran."""
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
    """Returns an inline drawing as an image.

    Code hosts remove inline SVG, and so does JupyterLab until the reader has run the cell.
    """
    svg = drawing.group()
    title = TITLE.search(svg)
    text = title.group(1).replace('"', "&quot;") if title else ""
    data = base64.b64encode(svg.encode()).decode()
    return f'<img alt="{text}" style="max-width:100%" src="data:image/svg+xml;base64,{data}">'


# -- the program --------------------------------------------------------------------------------


def main() -> int:
    """Runs the notebooks and prints which notebook, cell and line failed."""
    parser = argparse.ArgumentParser(description="Run the notebooks and check them.")
    parser.add_argument("--write", action="store_true", help="put the outputs into the notebooks")
    parser.add_argument("names", nargs="*", metavar="NOTEBOOK", help="default: all")
    arguments = parser.parse_args()
    paths = [HERE / Path(name).name for name in arguments.names] or sorted(HERE.glob("*.ipynb"))
    for path in paths:
        if not path.is_file():
            print(f"There is no notebook {path.name} in {HERE}.", file=sys.stderr)
            return 2
    failed = 0
    with tempfile.TemporaryDirectory(prefix="notebooks-") as directory:
        copy = Path(directory)
        ignored = shutil.ignore_patterns("*.sqlite3*", "__pycache__", ".ipynb_checkpoints")
        for name in ("notebooks", "demo_project"):
            shutil.copytree(HERE.parent / name, copy / name, ignore=ignored)
        # A notebook's output must not depend on the user or the machine.
        os.environ |= {
            "IPYTHONDIR": str(copy / "ipython"),
            "JUPYTER_RUNTIME_DIR": str(copy / "runtime"),
            "NO_COLOR": "1",
            "COLUMNS": "118",
        }
        os.environ.pop("TRACER_ENABLED", None)
        for path in paths:
            began = time.monotonic()
            notebook, errors = run(path, copy / "notebooks")
            for sentence in errors:
                print(f"{path.name}, {sentence}", file=sys.stderr)
            failed += bool(errors)
            if arguments.write and not errors:
                nbformat.write(normalised(notebook), path)
            outcome = "FAILED" if errors else "written" if arguments.write else "every claim holds"
            print(f"{path.name}: {outcome} ({time.monotonic() - began:.0f} s)", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
