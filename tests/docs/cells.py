"""Runs the cells that it reads as JSON from standard input, as a notebook's kernel would.

A cell may await, and a value at its end is shown: a picture as a drawing with its text.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import json
import sys
from typing import Any

SHOWN = "_shown"


async def run(cell: str, names: dict[str, Any]) -> None:
    """Runs one cell."""
    tree = ast.parse(cell)
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        target = ast.Name(SHOWN, ast.Store())
        tree.body[-1] = ast.Assign([target], last.value)
        ast.fix_missing_locations(tree)
    names.pop(SHOWN, None)
    code = compile(tree, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    made = eval(code, names)
    if inspect.isawaitable(made):
        await made
    shown = names.get(SHOWN)
    if shown is not None:
        bundle = shown._repr_mimebundle_()
        assert "<svg" in bundle["text/html"]
        print(bundle["text/plain"])


async def run_all(cells: list[str]) -> None:
    """Runs the cells one after the other, on one event loop."""
    names: dict[str, Any] = {}
    for cell in cells:
        await run(cell, names)


if __name__ == "__main__":
    asyncio.run(run_all(json.load(sys.stdin)))
