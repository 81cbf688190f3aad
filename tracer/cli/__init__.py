"""The command line: one file for each command, and `main.py`, which composes them.

May import every other room; only `tracer/__main__.py` may import this one.
"""
