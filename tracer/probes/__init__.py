"""Where Django is watched: one file per stage of the request's lifecycle, each can be undone.

May import `recorder/`, `heap/` and `conf`. Only rooms that start or stop a recording import it.
"""
