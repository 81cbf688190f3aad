"""Tests of `tracer/recorder`: numbers for classes, server information, interpreters."""
