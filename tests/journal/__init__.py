"""The journal: its format, its writer, its reader, the flight record."""
