"""The tracer of a running process: its backlog, its counts, its estimate of its own cost."""
