"""Tests of the HTML page, as text and in a real browser."""
