"""The pytest plugin: the `lifecycle` fixture, and the report of `--lifecycle`.

Loaded in every run of pytest: until it is asked for something it imports pytest and nothing else.
What it loads then may import `recording/`, `runtime/` and everything below. Nobody may import it.
"""

from tracer.pytest_plugin.plugin import lifecycle, pytest_addoption, pytest_configure

__all__ = ["lifecycle", "pytest_addoption", "pytest_configure"]
