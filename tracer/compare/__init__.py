"""One application under several servers: the trial, the count and the table.

May import `servers/`, `journal/`, `render/` and `model/`, and nothing that traces this process.
"""

from tracer.compare.trial import compare_servers

__all__ = ["compare_servers"]
