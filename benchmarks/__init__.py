"""Measures what the tracer costs. Nothing here is installed with the package."""
