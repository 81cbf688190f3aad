"""Tests of the comparison: how it counts, draws and runs."""
