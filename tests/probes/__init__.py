"""Single probes, where a sentence about Django in facts/ does not say it."""
