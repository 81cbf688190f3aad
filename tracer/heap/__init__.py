"""Python's heap: which instances of a class exist, and what holds an object.

May import `recorder/` and `conf`; knows nothing of requests, probes or journals.
"""
