"""Tests of the café, its tour, and the Makefile."""
