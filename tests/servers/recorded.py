"""What tests read from the recorded processes of a server."""

from __future__ import annotations

from tracer.model import Process


def built(process: Process, kind: str) -> int:
    """Counts the objects of a kind that the process built itself."""
    return sum(row.built for row in process.ledger if row.kind == kind)
