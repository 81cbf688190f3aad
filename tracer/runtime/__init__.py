"""The tracer of a running process: what puts recorder, probes, journal and console together.

May import every room from `render/` down; nobody below may import it.
"""

from tracer.runtime.tracer import CAN_DRAW, Live, running, start, stop

__all__ = ["CAN_DRAW", "Live", "running", "start", "stop"]
