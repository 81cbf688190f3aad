"""Tests that serve Django projects under real servers."""
