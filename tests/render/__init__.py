"""Tests of the pictures, drawn from made-up processes."""
