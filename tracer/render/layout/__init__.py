"""Where things stand in a picture, and their words and colours: rows, bars, columns, a canvas.

The lowest layer of `render/`: may import `model/` only.
"""
