"""Python's heap: which instances there are, and what holds an object.

May import `recorder/` and `conf`. Nothing here knows of requests, probes or journals.
"""
