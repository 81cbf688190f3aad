"""See how long Django's objects really live: per process, per thread, per request, or too long.

`from tracer import record` records whatever happens inside a `with` block; see `tracer.recording`.
Importing this package imports neither Django nor rich: that happens when a name is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tracer.recording import Answer, Reading, Recording, RecordingError, Settled, record

__version__ = "0.1.0"

__all__ = [
    "Answer",
    "Reading",
    "Recording",
    "RecordingError",
    "Settled",
    "__version__",
    "record",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        return getattr(import_module("tracer.recording"), name)
    raise AttributeError(f"module 'tracer' has no attribute {name!r}")
