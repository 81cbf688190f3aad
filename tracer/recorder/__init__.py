"""The hot path: facts as they happen, as raw tuples, for others to make sense of later."""
