"""A book of facts about Django's lifecycle, each proven by what the tracer recorded."""
