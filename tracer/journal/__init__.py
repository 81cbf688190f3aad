"""Processes on disk: the journal, one append-only JSON Lines file for each process.

The writer and the reader, the format, locks that show whether a process is alive, and the flight
record. May import `model/` only; writing imports no reader, reading no settings and no Django.
"""
