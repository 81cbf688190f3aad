"""The contestants: this tracer in its modes, its peers, and Python's own profilers."""

from __future__ import annotations

from benchmarks.contestants import ours, peers, python
from benchmarks.contestants.base import Contestant

ALL: dict[str, Contestant] = {
    one.name: one for one in (*ours.CONTESTANTS, *peers.CONTESTANTS, *python.CONTESTANTS)
}
"""Each contestant by its name, in the order of the tables; "nothing" comes first."""
