"""Pictures of processes and requests, one file each.

May import `formats/`, `layout/` and `model/`.
"""
