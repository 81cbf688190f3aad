"""Findings that a team knows of and accepts, by the path of what holds them.

One entry a line, with the reason why it is accepted:

    # Mended with shop 4.2.
    thirdparty.registry.SEEN[*]   # bounded by the number of models, see its issue 17

An entry covers what lies at that path, and all that hangs on it. `[0]`, `['…']` and `[…]` mean the
same as `[*]`: any item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

_ITEM: Final = re.compile(r"\[(?:…|\*|-?\d+|'[^']*')]")


class KnownFindings:
    """The accepted findings, and which of them have occurred."""

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        """`entries` maps a holder's path to the reason why it is accepted."""
        self.entries = {spot_of(path): reason for path, reason in (entries or {}).items()}
        self._met: set[str] = set()

    def reason(self, spot: str) -> str:
        """Returns why what lies at this spot is accepted; empty if it is not."""
        for known, reason in self.entries.items():
            if spot == known or spot.startswith((f"{known}.", f"{known}[")):
                self._met.add(known)
                return reason
        return ""

    @property
    def not_met(self) -> list[str]:
        """The entries that covered nothing."""
        return [spot for spot in self.entries if spot not in self._met]


def spot_of(path: str) -> str:
    """Returns a path with its items left open."""
    return _ITEM.sub("[*]", path.strip())


def parse(lines: Iterable[str]) -> dict[str, str]:
    """Returns the entries of a file: path to reason. Raises ValueError, which names the line."""
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        path, _, reason = (part.strip() for part in line.partition("#"))
        if not path:
            continue
        if not reason:
            raise ValueError(
                f'line {number}: "{path}" has no reason. Write why it is accepted: {path}  # reason'
            )
        found[path] = reason
    return found
