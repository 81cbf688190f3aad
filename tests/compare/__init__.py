"""The comparison: how it counts, draws and runs."""
