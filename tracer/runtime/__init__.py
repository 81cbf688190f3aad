"""The tracer of a running process: recorder, probes, journal and console, put together.

May import `render/`, `journal/`, `probes/`, `heap/`, `recorder/`, `model/`, `checks` and `conf`.
None of them may import it.
"""

from tracer.runtime.switch import running, start, stop
from tracer.runtime.tracer import CAN_DRAW, Tracer

__all__ = ["CAN_DRAW", "Tracer", "running", "start", "stop"]
