"""Tests of single probes, beyond the facts about Django in `tests/facts`."""
