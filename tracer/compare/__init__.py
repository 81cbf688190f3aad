"""One application under several servers: the trial of each, the counts and the table.

May import `servers/`, `journal/`, `render/` and `model/`, but nothing that traces this process.
Only `cli/` imports it.
"""

from tracer.compare.trial import compare_servers

__all__ = ["compare_servers"]
