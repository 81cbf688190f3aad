"""Output formats: terminal text, SVG, HTML for notebooks, JSON, and Perfetto's trace events.

May import `layout/` and `model/`, and no picture.
"""
