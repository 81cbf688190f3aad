"""The pictures, one file each. May import `formats/`, `layout/` and `model/`."""
