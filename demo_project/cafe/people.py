"""Names of people in the café, as plain values that import nothing."""

TOUR_GUEST = "The tour"
"""The guest name of the guided tour; `prepare` deletes its orders and notes."""

STAFF_NAME = "barista"
STAFF_PASSWORD = "espresso"
"""Shown to every visitor: it opens the demonstration on this machine only."""
