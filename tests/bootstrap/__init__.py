"""Tests of `tracer/bootstrap`: processes that are traced from the interpreter's start."""
