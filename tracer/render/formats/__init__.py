"""What a picture is written as: terminal text, SVG, a notebook's HTML, JSON, a Perfetto trace.

May import `layout/` and `model/`, and no picture.
"""
