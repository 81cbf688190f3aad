"""Who is known by name in the café; plain values that anybody may import."""

TOUR_GUEST = "The tour"
"""Who the guided tour says it is; what it left behind is cleared away before the next one."""

STAFF_NAME = "barista"
STAFF_PASSWORD = "espresso"
"""Told to every visitor: it opens a demonstration on this machine and nothing else."""
