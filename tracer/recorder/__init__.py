"""The hot path: probes append raw facts about a request here, and nothing is concluded from them.

May import `conf` and, of `model/`, the shape of a raw recording. Probes and all rooms above use it.
"""
