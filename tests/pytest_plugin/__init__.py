"""The pytest plugin, in runs of their own."""
