"""See how long Django's objects really live: per process, per thread, per request, or too long."""

__version__ = "0.1.0"
