"""Everything that a tracer could have left behind, looked at attribute by attribute."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

from django.core import signals
from django.db.models import signals as model_signals
from django.dispatch import Signal

PACKAGES = (
    "django", "asgiref", "threading", "concurrent", "multiprocessing.process", "psycopg",
    "psycopg_pool", "redis", "cafe", "importlib", "_frozen_importlib", "_frozen_importlib_external",
    "tests.promises.site",
)  # fmt: skip
"""Where a patch could land; the tracer has no business anywhere else."""

State = dict[tuple[str, str], Any]


def owners() -> Iterator[tuple[str, Any]]:
    """Each module and class of `PACKAGES` that is loaded, and each signal of Django's own."""
    for name, module in sorted(sys.modules.items()):
        if not isinstance(module, ModuleType) or not _within(name):
            continue
        yield name, module
        for member in list(vars(module).values()):
            if isinstance(member, type) and member.__module__ == name:
                yield f"{name}.{member.__qualname__}", member
    for module in (signals, model_signals):
        for name, value in vars(module).items():
            if isinstance(value, Signal):
                yield f"signal {name}", value


def _within(name: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in PACKAGES)


def patchable() -> State:
    """Every attribute of every owner that a patch could replace, as it stands.

    What is not there is not in here, so an attribute left where there was none is seen, too.
    """
    found: State = {}
    for path, owner in owners():
        for name, value in list(vars(owner).items()):
            if callable(value) or isinstance(value, classmethod | staticmethod | property):
                found[path, name] = value
    for place, listener in enumerate(gc.callbacks):
        found["gc.callbacks", str(place)] = listener
    for place, finder in enumerate(sys.meta_path):
        found["sys.meta_path", str(place)] = finder
    return found


def changes(before: State, after: State) -> list[str]:
    """Names of the attributes that are not what they were, came or went."""
    return sorted(
        ".".join(key)
        for key in before.keys() | after.keys()
        if key not in before or key not in after or before[key] is not after[key]
    )
