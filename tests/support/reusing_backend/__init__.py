"""A database backend that reuses raw connections: a small pool."""
