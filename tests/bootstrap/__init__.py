"""Tests of what is known from the interpreter's start on."""
