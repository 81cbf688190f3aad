"""What is measured: this tracer in its ways of running, its peers, and Python's own profilers."""

from __future__ import annotations

from benchmarks.contestants import ours, peers, python
from benchmarks.contestants.base import Contestant

ALL: dict[str, Contestant] = {
    one.name: one for one in (*ours.CONTESTANTS, *peers.CONTESTANTS, *python.CONTESTANTS)
}
"""By name, in the order in which they are shown; "nothing" comes first."""
