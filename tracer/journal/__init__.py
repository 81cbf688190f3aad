"""The journal: what a process saw, on disk, one append-only JSON Lines file for each process."""
