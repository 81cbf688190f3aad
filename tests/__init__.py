"""The tests: a book of facts about Django, and the proof of the tracer's own promises."""
