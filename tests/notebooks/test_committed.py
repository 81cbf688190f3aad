"""What is committed reads well without being run: outputs of this very code, and of no machine."""

from __future__ import annotations

import ast
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

import tracer
import tracer.servers

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
FEWEST_CLAIMS = 8
PUBLIC = {
    "tracer": set(tracer.__all__),
    "tracer.compare": {"compare_servers"},
    "tracer.servers": set(tracer.servers.__all__),
}
"""What a notebook may import of the project, by module."""
OF_A_MACHINE = re.compile(r"(?<![\w.])/(?:home|root|tmp|Users|usr|opt|var|work)/|[A-Z]:\\Users")

each_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def cells(path: Path, kind: str = "code") -> list[dict[str, Any]]:
    """The cells of one kind, in order."""
    return [cell for cell in load(path)["cells"] if cell["cell_type"] == kind]


def load(path: Path) -> dict[str, Any]:
    """A notebook, whole."""
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def source(cell: dict[str, Any]) -> str:
    """A cell's text."""
    return "".join(cell["source"])


def trees(path: Path) -> list[ast.Module]:
    """The code of each cell, parsed; a cell may await."""
    flags = ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
    return [compile(source(cell), path.name, "exec", flags) for cell in cells(path)]


def nodes(path: Path) -> list[ast.AST]:
    """Every node of the code of a notebook."""
    return [node for tree in trees(path) for node in ast.walk(tree)]


def test_there_are_notebooks() -> None:
    """Otherwise nothing below would be tested."""
    assert PATHS
    numbers = [int(path.name.partition("-")[0]) for path in PATHS]
    assert numbers == list(range(1, len(PATHS) + 1))


@each_notebook
def test_the_outputs_belong_to_the_code(path: Path) -> None:
    """Whoever changes a cell runs the notebook again."""
    code = "\0".join(source(cell) for cell in cells(path))
    ran = load(path)["metadata"].get("ran")
    assert ran == hashlib.sha256(code.encode()).hexdigest()[:16], (
        f"{path.name} has changed since its outputs were made: make notebooks WRITE=1"
    )
    counts = [cell["execution_count"] for cell in cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_no_cell_failed_or_complained(path: Path) -> None:
    """No traceback is committed, and nothing that went to standard error."""
    for cell in cells(path):
        for output in cell["outputs"]:
            assert output["output_type"] != "error", source(cell)
            assert output.get("name") != "stderr", output["text"]


@each_notebook
def test_nothing_in_it_tells_of_a_machine(path: Path) -> None:
    """Neither paths, nor when it ran, nor which patch of Python ran it."""
    whole = re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text(encoding="utf-8"))
    assert not OF_A_MACHINE.search(whole), OF_A_MACHINE.search(whole)
    loaded = load(path)
    assert set(loaded["metadata"]) == {"kernelspec", "language_info", "ran"}
    assert loaded["metadata"]["kernelspec"]["name"] == "python3"
    assert loaded["metadata"]["language_info"] == {"name": "python"}
    assert all(cell["metadata"] == {} for cell in loaded["cells"])


@each_notebook
def test_it_is_a_notebook_of_format_4(path: Path) -> None:
    """Of the minor version that gives each cell an id, and each id is there once."""
    loaded = load(path)
    assert (loaded["nbformat"], loaded["nbformat_minor"]) == (4, 5)
    ids = [cell["id"] for cell in loaded["cells"]]
    assert len(set(ids)) == len(ids)


@each_notebook
def test_pictures_are_images_with_the_same_as_text(path: Path) -> None:
    """Inline SVG would be taken out by code hosts, and by JupyterLab until the cell is run."""
    shown = [output.get("data", {}) for cell in cells(path) for output in cell["outputs"]]
    pictures = ["".join(data["text/html"]) for data in shown if "text/html" in data]
    assert pictures
    for picture in pictures:
        assert "<svg" not in picture
        assert '<img alt="' in picture
        assert "data:image/svg+xml;base64," in picture
        assert "<pre" in picture


@each_notebook
def test_it_is_an_experiment(path: Path) -> None:
    """A question, a prediction, a run, a look, a why, a thing to try; and claims that can fail."""
    prose = "\n".join(source(cell) for cell in cells(path, "markdown"))
    headings = re.findall(r"^##? (.+)", prose, re.MULTILINE)
    steps = [word for word in headings if word in ("Predict", "Run", "Look", "Why", "Try")]
    assert steps == ["Predict", "Run", "Look", "Why", "Try"]
    assert re.search(r"\*\*[^*]+\?\*\*|\*\*[^*]+\*\* [^.]*\?", prose), "it asks no question"
    assert "docs.djangoproject.com" in prose
    claims = [node for node in nodes(path) if isinstance(node, ast.Assert)]
    assert len(claims) >= FEWEST_CLAIMS
    assert not [claim for claim in claims if isinstance(claim.test, ast.Constant)]


@each_notebook
def test_it_uses_the_public_api_alone(path: Path) -> None:
    """Names that the packages list, and nothing with an underscore before it."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
            assert not [name for name in named if name.split(".")[0] == "tracer"], named
        elif isinstance(node, ast.ImportFrom) and str(node.module).split(".")[0] == "tracer":
            assert {alias.name for alias in node.names} <= PUBLIC.get(str(node.module), set())
        elif isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_") or node.attr.endswith("__"), node.attr
